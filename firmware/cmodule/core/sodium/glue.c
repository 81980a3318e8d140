// The few functions of libsodium's utils and randombytes that its curves call. The files they live in would pull in
// memory locking, threads and a random number generator, which a board does not have.
// Never random numbers: the core is given keys, it does not make them.
#include <stddef.h>

#include "../bytes.h"
#include "randombytes.h"
#include "utils.h"

void sodium_memzero(void *const memory, const size_t length) {
    zt_wipe(memory, length);
}

// 0 if equal, else -1. Constant-time.
int sodium_memcmp(const void *const a, const void *const b, size_t length) {
    const volatile unsigned char *left = a;
    const volatile unsigned char *right = b;
    unsigned int difference = 0;
    for (size_t i = 0; i < length; i++) {
        difference |= left[i] ^ right[i];
    }
    return -(int)(difference != 0);
}

// 1 if every byte is zero, else 0. Constant-time.
int sodium_is_zero(const unsigned char *bytes, const size_t length) {
    unsigned int gathered = 0;
    for (size_t i = 0; i < length; i++) {
        gathered |= bytes[i];
    }
    return gathered == 0;
}

// Only libsodium's own key generation would call it, and nobody calls that. The symbol must exist where the linker keeps
// unused functions; it stops the program rather than hand out a predictable key.
void randombytes_buf(void *const buffer, const size_t length) {
    (void)buffer;
    (void)length;
    __builtin_trap();
}
