// Salsa20 (protocol/13 §13.1). Where the processor has 128-bit vectors, four blocks are computed side by side, one a lane.
// It owns the round function and nothing else: how packets use it is in armor.c, how identities use it in identity_hash.c.
// Never a table lookup or a branch on secret bytes.
#include "salsa20.h"

#include "bytes.h"

#define WORDS (16)

#define LANES (ZT_SALSA20_AT_ONCE / ZT_SALSA20_BLOCK_SIZE)

// Words of the state that hold the block counter, low word first.
#define COUNTER_LOW (8)
#define COUNTER_HIGH (9)

// These work on plain words and on vectors of words alike.
#define ROTATE_LEFT(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTER_ROUND(a, b, c, d) \
    do { \
        b ^= ROTATE_LEFT(a + d, 7); \
        c ^= ROTATE_LEFT(b + a, 9); \
        d ^= ROTATE_LEFT(c + b, 13); \
        a ^= ROTATE_LEFT(d + c, 18); \
    } while (0)
#define DOUBLE_ROUND(x) \
    do { \
        QUARTER_ROUND(x[0], x[4], x[8], x[12]); \
        QUARTER_ROUND(x[5], x[9], x[13], x[1]); \
        QUARTER_ROUND(x[10], x[14], x[2], x[6]); \
        QUARTER_ROUND(x[15], x[3], x[7], x[11]); \
        QUARTER_ROUND(x[0], x[1], x[2], x[3]); \
        QUARTER_ROUND(x[5], x[6], x[7], x[4]); \
        QUARTER_ROUND(x[10], x[11], x[8], x[9]); \
        QUARTER_ROUND(x[15], x[12], x[13], x[14]); \
    } while (0)

void zt_salsa20_init(zt_salsa20_t *self, const uint8_t *key, const uint8_t *nonce, uint64_t counter, uint32_t rounds) {
    uint32_t *input = self->input;
    input[0] = 0x61707865;
    input[5] = 0x3320646e;
    input[10] = 0x79622d32;
    input[15] = 0x6b206574;
    for (size_t i = 0; i < 4; i++) {
        input[1 + i] = zt_load32(key + 4 * i);
        input[11 + i] = zt_load32(key + 16 + 4 * i);
    }
    input[6] = zt_load32(nonce);
    input[7] = zt_load32(nonce + 4);
    input[COUNTER_LOW] = (uint32_t)counter;
    input[COUNTER_HIGH] = (uint32_t)(counter >> 32);
    self->rounds = rounds;
}

static uint64_t counter_of(const zt_salsa20_t *self) {
    return (uint64_t)self->input[COUNTER_HIGH] << 32 | self->input[COUNTER_LOW];
}

static void advance(zt_salsa20_t *self, size_t blocks) {
    uint64_t counter = counter_of(self) + blocks;
    self->input[COUNTER_LOW] = (uint32_t)counter;
    self->input[COUNTER_HIGH] = (uint32_t)(counter >> 32);
}

// The next block. `x` never has its address taken, so it can live in registers; `out` is what the callers wipe.
static void next_block(zt_salsa20_t *self, uint32_t *out) {
    uint32_t x[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        x[i] = self->input[i];
    }
    for (uint32_t round = 0; round < self->rounds; round += 2) {
        DOUBLE_ROUND(x);
    }
    for (size_t i = 0; i < WORDS; i++) {
        out[i] = x[i] + self->input[i];
    }
    advance(self, 1);
}

#if LANES > 1
typedef uint32_t lanes_t __attribute__((vector_size(4 * LANES)));

// The next LANES blocks, one after the other in `out`.
static void next_lanes(zt_salsa20_t *self, uint32_t *out) {
    const lanes_t zero = { 0 };
    lanes_t start[WORDS];
    lanes_t x[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        start[i] = zero + self->input[i];
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        uint64_t counter = counter_of(self) + lane;
        start[COUNTER_LOW][lane] = (uint32_t)counter;
        start[COUNTER_HIGH][lane] = (uint32_t)(counter >> 32);
    }
    for (size_t i = 0; i < WORDS; i++) {
        x[i] = start[i];
    }
    for (uint32_t round = 0; round < self->rounds; round += 2) {
        DOUBLE_ROUND(x);
    }
    for (size_t i = 0; i < WORDS; i++) {
        lanes_t sum = x[i] + start[i];
        for (size_t lane = 0; lane < LANES; lane++) {
            out[lane * WORDS + i] = sum[lane];
        }
    }
    advance(self, LANES);
}
#else
#define next_lanes next_block
#endif

void zt_salsa20_keystream(zt_salsa20_t *self, uint8_t *out, size_t blocks) {
    uint32_t words[LANES * WORDS];
    while (blocks > 0) {
        size_t taken = blocks < LANES ? 1 : LANES;
        if (taken == LANES) {
            next_lanes(self, words);
        } else {
            next_block(self, words);
        }
        for (size_t i = 0; i < taken * WORDS; i++) {
            zt_store32(out + 4 * i, words[i]);
        }
        out += taken * ZT_SALSA20_BLOCK_SIZE;
        blocks -= taken;
    }
    zt_wipe(words, sizeof(words));
}

void zt_salsa20_xor(zt_salsa20_t *self, uint8_t *buffer, size_t length) {
    uint32_t words[LANES * WORDS];
    while (length >= sizeof(words)) {
        next_lanes(self, words);
        for (size_t i = 0; i < LANES * WORDS; i++) {
            zt_xor32(buffer + 4 * i, words[i]);
        }
        buffer += sizeof(words);
        length -= sizeof(words);
    }
    while (length > 0) {
        size_t taken = length < ZT_SALSA20_BLOCK_SIZE ? length : ZT_SALSA20_BLOCK_SIZE;
        next_block(self, words);
        size_t i = 0;
        for (; i + 4 <= taken; i += 4) {
            zt_xor32(buffer + i, words[i / 4]);
        }
        for (; i < taken; i++) {
            buffer[i] ^= (uint8_t)(words[i / 4] >> (8 * (i % 4)));
        }
        buffer += taken;
        length -= taken;
    }
    zt_wipe(words, sizeof(words));
}
