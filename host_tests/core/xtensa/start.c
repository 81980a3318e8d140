// A bare Xtensa core in the emulator: from reset to main(), and what main() prints and returns to whoever runs the emulator.
// It owns that, by the emulator's own system calls (simcall). Never an interrupt: an exception, such as an unaligned load, ends in
// the empty memory of the vectors, so that the test never ends and its caller gives up.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SIMCALL_EXIT (1)
#define SIMCALL_WRITE (4)
#define STANDARD_OUTPUT (1)
#define ABORTED (134) // as a shell says it

int main(void);
void start(void);
void _exit(int code) __attribute__((noreturn));

// Neither may load constants: those would have to lie below. bare.ld puts them where the core begins, and where the program does.
__asm(
    ".section .reset, \"ax\"\n"
    ".global _start\n"
    "_start:\n"
    "    movi a1, 0x620\n" // the end of the stack
    "    slli a1, a1, 20\n"
    "    movi a2, 0x600\n"
    "    slli a2, a2, 20\n"
    "    jx a2\n"
    ".section .enter, \"ax\"\n"
    "    j start\n"
    ".text\n");

void start(void) {
    exit(main());
}

static int simcall(int number, int first, const void *second, size_t third) {
    register int a2 __asm("a2") = number;
    register int a3 __asm("a3") = first;
    register const void *a4 __asm("a4") = second;
    register size_t a5 __asm("a5") = third;
    __asm volatile ("simcall" : "+r" (a2), "+r" (a3) : "r" (a4), "r" (a5) : "memory");
    return a2;
}

void _exit(int code) {
    simcall(SIMCALL_EXIT, code, NULL, 0);
    for (;;) {
    }
}

void abort(void) {
    _exit(ABORTED);
}

static int put(char character, FILE *file) {
    (void)file;
    simcall(SIMCALL_WRITE, STANDARD_OUTPUT, &character, sizeof(character));
    return (unsigned char)character;
}

static FILE output = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &output;
FILE *const stderr = &output;
