// The LZ4 decoder against every kind of broken block, in heap blocks of exactly the right size under the address sanitizer.
// It owns the promise that no input whatever makes the decoder read or write outside its two buffers.
// Never a comparison with another decoder: what right blocks mean is in host_tests/unit/test_lz4.py.
#include "check.h"
#include "lz4.h"

#define GUARD (0xa5)
#define RANDOM_CASES (CASES(100000))

// Decodes with both buffers at the very ends of heap blocks. Keeps the output in `kept` if it is not NULL.
static size_t decode(const uint8_t *block, size_t length, size_t capacity, uint8_t *kept) {
    uint8_t *source = exact(length);
    uint8_t *destination = exact(capacity);
    memcpy(source, block, length);
    memset(destination, GUARD, capacity);
    size_t written = zt_lz4_decompress(source, length, destination, capacity);
    CHECK(written <= capacity);
    if (written > 0) {
        for (size_t i = written; i < capacity; i++) {
            CHECK(destination[i] == GUARD);
        }
        if (kept != NULL) {
            memcpy(kept, destination, written);
        }
    }
    free(destination);
    free(source);
    return written;
}

// `ABCDEFGH` 40 times, as the reference compresses it (protocol/12 §12.6).
static const uint8_t reference[] = {
    0x8f, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x08, 0x00, 0xff, 0x21, 0x50, 0x44, 0x45, 0x46, 0x47, 0x48,
};
#define REFERENCE_OUTPUT (320)

static void the_reference_block_fills_its_destination_exactly(void) {
    uint8_t output[REFERENCE_OUTPUT];
    CHECK(decode(reference, sizeof(reference), REFERENCE_OUTPUT, output) == REFERENCE_OUTPUT);
    for (size_t i = 0; i < sizeof(output); i++) {
        CHECK(output[i] == "ABCDEFGH"[i % 8]);
    }
}

static void a_smaller_destination_is_too_small(void) {
    for (size_t capacity = 0; capacity < REFERENCE_OUTPUT; capacity++) {
        CHECK(decode(reference, sizeof(reference), capacity, NULL) == 0);
    }
}

static void a_truncated_block_is_malformed(void) {
    for (size_t length = 0; length < sizeof(reference); length++) {
        CHECK(decode(reference, length, REFERENCE_OUTPUT, NULL) == 0);
    }
}

static void bytes_behind_the_last_literals_are_malformed(void) {
    uint8_t overlong[sizeof(reference) + 1];
    memcpy(overlong, reference, sizeof(reference));
    for (unsigned int byte = 0; byte < 256; byte++) {
        overlong[sizeof(reference)] = (uint8_t)byte;
        CHECK(decode(overlong, sizeof(overlong), ZT_LZ4_MAX_OUTPUT, NULL) == 0);
    }
}

static void an_offset_of_zero_or_beyond_the_output_is_malformed(void) {
    uint8_t block[] = { 0x40, 'A', 'B', 'C', 'D', 0, 0, 0x10, 'E' };
    for (uint32_t offset = 0; offset <= 0xffff; offset++) {
        block[5] = (uint8_t)offset;
        block[6] = (uint8_t)(offset >> 8);
        CHECK(decode(block, sizeof(block), 100, NULL) == (offset >= 1 && offset <= 4 ? 9 : 0));
    }
}

static void a_match_needs_literals_behind_it(void) {
    const uint8_t block[] = { 0x40, 'A', 'B', 'C', 'D', 4, 0, 0x00 };
    CHECK(decode(block, sizeof(block) - 1, 100, NULL) == 0);
    CHECK(decode(block, sizeof(block), 100, NULL) == 8);
    CHECK(decode(block, sizeof(block), 8, NULL) == 8);
    CHECK(decode(block, sizeof(block), 7, NULL) == 0);
}

static void endless_counts_are_malformed(void) {
    enum { length = 60000 };
    uint8_t *block = exact(length);
    memset(block, 0xff, length);
    CHECK(decode(block, length, ZT_LZ4_MAX_OUTPUT, NULL) == 0);
    CHECK(decode(block, length, 1 << 20, NULL) == 0);
    memcpy(block, "\x1f" "A\x01\x00", 4);
    CHECK(decode(block, length, ZT_LZ4_MAX_OUTPUT, NULL) == 0);
    free(block);
}

// A literal, then a match of any length: the count bytes at each of their edges.
static void long_matches_end_where_their_count_says(void) {
    for (size_t match = 4; match < 1200; match++) {
        uint8_t block[64] = { 0x10, 'A', 1, 0 };
        size_t length = 4;
        size_t left = match - 4;
        block[0] |= left < 15 ? left : 15;
        if (left >= 15) {
            for (left -= 15; left >= 255; left -= 255) {
                block[length++] = 255;
            }
            block[length++] = (uint8_t)left;
        }
        block[length++] = 0x10;
        block[length++] = 'B';
        size_t expected = 1 + match + 1;
        CHECK(decode(block, length, expected, NULL) == expected);
        CHECK(decode(block, length, expected - 1, NULL) == 0);
    }
}

static void random_bytes_never_leave_the_buffers(void) {
    uint32_t seed = 8;
    uint8_t block[128];
    for (size_t round = 0; round < RANDOM_CASES; round++) {
        size_t length = next_random(&seed) % (sizeof(block) + 1);
        fill_random(&seed, block, length);
        // Small offsets and few literals are rare in noise, but make the decoder go on.
        for (size_t i = 0; round % 2 == 0 && i < length; i++) {
            if (next_random(&seed) % 2 == 0) {
                block[i] &= 0x13;
            }
        }
        decode(block, length, next_random(&seed) % 400, NULL);
    }
}

static void damaged_blocks_never_leave_the_buffers(void) {
    uint32_t seed = 9;
    uint8_t block[sizeof(reference)];
    for (size_t round = 0; round < RANDOM_CASES; round++) {
        memcpy(block, reference, sizeof(block));
        size_t changes = 1 + next_random(&seed) % 3;
        for (size_t i = 0; i < changes; i++) {
            block[next_random(&seed) % sizeof(block)] = (uint8_t)(next_random(&seed) >> 7);
        }
        decode(block, sizeof(block), REFERENCE_OUTPUT - 10 + next_random(&seed) % 20, NULL);
    }
}

int main(void) {
    RUN(the_reference_block_fills_its_destination_exactly);
    RUN(a_smaller_destination_is_too_small);
    RUN(a_truncated_block_is_malformed);
    RUN(bytes_behind_the_last_literals_are_malformed);
    RUN(an_offset_of_zero_or_beyond_the_output_is_malformed);
    RUN(a_match_needs_literals_behind_it);
    RUN(endless_counts_are_malformed);
    RUN(long_matches_end_where_their_count_says);
    RUN(random_bytes_never_leave_the_buffers);
    RUN(damaged_blocks_never_leave_the_buffers);
    return 0;
}
