// What lwIP asks of the system that it runs on: the start, the clock, random numbers, and what happens if it is inconsistent.
// It owns nothing of the networks; those are in firmware/cmodule/lwip.
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "py/mphal.h"

#include "lwip/init.h"
#include "lwip/sys.h"

// Before main(), so that `socket` works in every program, with and without a node.
__attribute__((constructor)) static void start(void) {
    lwip_init();
}

u32_t sys_now(void) {
    return (u32_t)mp_hal_ticks_ms();
}

uint32_t zt_stack_random(void) {
    uint32_t number;
    if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
        zt_stack_assert("no random numbers");
    }
    return number;
}

void zt_stack_assert(const char *text) {
    fprintf(stderr, "lwIP: %s\n", text);
    abort();
}
