// What the C tests of the core share: an assertion that also works in optimised builds, bytes that look random, and hex.
// It owns no state but the generator each test keeps itself, so every run sees the same bytes.
// Never anything from the code under test.
#ifndef ZT_TEST_CHECK_H
#define ZT_TEST_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

#define RUN(test) \
    do { \
        test(); \
        printf("%s\n", #test); \
    } while (0)

// How many cases of chance: fewer where an emulator runs them.
#ifdef ZT_EMULATED
#define CASES(count) ((count) / 20)
#else
#define CASES(count) (count)
#endif

// xorshift32. `*state` must not be 0.
static inline uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static inline void fill_random(uint32_t *state, uint8_t *buffer, size_t length) {
    for (size_t i = 0; i < length; i++) {
        buffer[i] = (uint8_t)(next_random(state) >> 11);
    }
}

// A heap block of exactly `length` bytes, so that the address sanitizer sees the first byte too many.
static inline uint8_t *exact(size_t length) {
    uint8_t *block = malloc(length);
    CHECK(block != NULL || length == 0);
    return block;
}

// Decodes hex digits to `to`, and returns the number of bytes.
static inline size_t unhex(const char *digits, uint8_t *to) {
    size_t length = strlen(digits) / 2;
    for (size_t i = 0; i < length; i++) {
        unsigned int byte;
        CHECK(sscanf(digits + 2 * i, "%2x", &byte) == 1);
        to[i] = (uint8_t)byte;
    }
    return length;
}

#endif // ZT_TEST_CHECK_H
