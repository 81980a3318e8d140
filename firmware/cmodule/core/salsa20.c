// Salsa20 (protocol/13 §13.1). Where the processor has 128-bit vectors, four blocks are computed side by side, one a lane.
// It owns the round function and nothing else: how packets use it is in armor.c, how identities use it in identity_hash.c.
// Never a table lookup or a branch on secret bytes.
#include "salsa20.h"

#include "bytes.h"
#include "copy.h"

#if defined(__SSE2__) || defined(__ARM_NEON)
#define LANES (4)
#else
#define LANES (1)
#endif

// Words of the state that hold the block counter, low word first.
#define COUNTER_LOW (8)
#define COUNTER_HIGH (9)

// These work on plain words and on vectors of words alike. The words of the state are single variables x0 to x15, not an array:
// so that all of them stay in registers.
#define ROTATE_LEFT(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTER_ROUND(a, b, c, d) \
    do { \
        b ^= ROTATE_LEFT(a + d, 7); \
        c ^= ROTATE_LEFT(b + a, 9); \
        d ^= ROTATE_LEFT(c + b, 13); \
        a ^= ROTATE_LEFT(d + c, 18); \
    } while (0)
#define DOUBLE_ROUND \
    do { \
        QUARTER_ROUND(x0, x4, x8, x12); \
        QUARTER_ROUND(x5, x9, x13, x1); \
        QUARTER_ROUND(x10, x14, x2, x6); \
        QUARTER_ROUND(x15, x3, x7, x11); \
        QUARTER_ROUND(x0, x1, x2, x3); \
        QUARTER_ROUND(x5, x6, x7, x4); \
        QUARTER_ROUND(x10, x11, x8, x9); \
        QUARTER_ROUND(x15, x12, x13, x14); \
    } while (0)
#define EACH_WORD(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

void zt_salsa20_init_words(zt_salsa20_t *self, const uint32_t *key, const uint32_t *nonce, uint32_t rounds) {
    uint32_t *input = self->input;
    input[0] = 0x61707865;
    input[5] = 0x3320646e;
    input[10] = 0x79622d32;
    input[15] = 0x6b206574;
    for (size_t i = 0; i < 4; i++) {
        input[1 + i] = key[i];
        input[11 + i] = key[4 + i];
    }
    input[6] = nonce[0];
    input[7] = nonce[1];
    input[COUNTER_LOW] = 0;
    input[COUNTER_HIGH] = 0;
    self->rounds = rounds;
}

void zt_salsa20_init(zt_salsa20_t *self, const uint8_t *key, const uint8_t *nonce, uint64_t counter, uint32_t rounds) {
    uint32_t key_words[ZT_SALSA20_KEY_SIZE / 4];
    for (size_t i = 0; i < ZT_SALSA20_KEY_SIZE / 4; i++) {
        key_words[i] = zt_load32(key + 4 * i);
    }
    const uint32_t nonce_words[] = { zt_load32(nonce), zt_load32(nonce + 4) };
    zt_salsa20_init_words(self, key_words, nonce_words, rounds);
    self->input[COUNTER_LOW] = (uint32_t)counter;
    self->input[COUNTER_HIGH] = (uint32_t)(counter >> 32);
    zt_wipe(key_words, sizeof(key_words));
}

static uint64_t counter_of(const zt_salsa20_t *self) {
    return (uint64_t)self->input[COUNTER_HIGH] << 32 | self->input[COUNTER_LOW];
}

static void advance(zt_salsa20_t *self, size_t blocks) {
    uint64_t counter = counter_of(self) + blocks;
    self->input[COUNTER_LOW] = (uint32_t)counter;
    self->input[COUNTER_HIGH] = (uint32_t)(counter >> 32);
}

// The next `blocks` blocks, XORed into as many times 64 bytes at an address where words may be loaded.
static void xor_blocks(zt_salsa20_t *self, uint8_t *buffer, size_t blocks) {
    const uint32_t *input = self->input;
    for (; blocks > 0; blocks--, buffer += ZT_SALSA20_BLOCK_SIZE) {
        #define LOAD(i) uint32_t x##i = input[i];
        EACH_WORD(LOAD)
        for (uint32_t round = self->rounds; round > 0; round -= 2) {
            DOUBLE_ROUND;
        }
        #define XOR(i) zt_store32_aligned(buffer + 4 * i, zt_load32_aligned(buffer + 4 * i) ^ (x##i + input[i]));
        EACH_WORD(XOR)
        advance(self, 1);
    }
}

#if LANES > 1
#ifdef __clang__
#define SHUFFLE(a, b, w, x, y, z) __builtin_shufflevector(a, b, w, x, y, z)
#else
#define SHUFFLE(a, b, w, x, y, z) __builtin_shuffle(a, b, (lanes_t) { w, x, y, z })
#endif

typedef uint32_t lanes_t __attribute__((vector_size(4 * LANES)));

static void xor_lane(uint8_t *buffer, lanes_t words) {
    lanes_t old;
    memcpy(&old, buffer, sizeof(old));
    old ^= words;
    memcpy(buffer, &old, sizeof(old));
}

static void xor_columns(uint8_t *buffer, lanes_t a, lanes_t b, lanes_t c, lanes_t d) {
    lanes_t ab_low = SHUFFLE(a, b, 0, 4, 1, 5);
    lanes_t ab_high = SHUFFLE(a, b, 2, 6, 3, 7);
    lanes_t cd_low = SHUFFLE(c, d, 0, 4, 1, 5);
    lanes_t cd_high = SHUFFLE(c, d, 2, 6, 3, 7);
    xor_lane(buffer, SHUFFLE(ab_low, cd_low, 0, 1, 4, 5));
    xor_lane(buffer + ZT_SALSA20_BLOCK_SIZE, SHUFFLE(ab_low, cd_low, 2, 3, 6, 7));
    xor_lane(buffer + 2 * ZT_SALSA20_BLOCK_SIZE, SHUFFLE(ab_high, cd_high, 0, 1, 4, 5));
    xor_lane(buffer + 3 * ZT_SALSA20_BLOCK_SIZE, SHUFFLE(ab_high, cd_high, 2, 3, 6, 7));
}

// The next LANES blocks, XORed into LANES * 64 bytes.
static void xor_lanes(zt_salsa20_t *self, uint8_t *buffer) {
    const lanes_t zero = { 0 };
    const uint32_t *input = self->input;
    lanes_t counter_low = zero;
    lanes_t counter_high = zero;
    for (size_t lane = 0; lane < LANES; lane++) {
        uint64_t counter = counter_of(self) + lane;
        counter_low[lane] = (uint32_t)counter;
        counter_high[lane] = (uint32_t)(counter >> 32);
    }
    #define START(i) (i == COUNTER_LOW ? counter_low : i == COUNTER_HIGH ? counter_high : zero + input[i])
    #define SPREAD(i) lanes_t x##i = START(i);
    EACH_WORD(SPREAD)
    for (uint32_t round = self->rounds; round > 0; round -= 2) {
        DOUBLE_ROUND;
    }
    // A vector holds one word of each block; four of them, transposed, are four neighbouring words of one block each.
    #define XOR_FOUR(a, b, c, d) xor_columns(buffer + 4 * a, x##a + START(a), x##b + START(b), x##c + START(c), x##d + START(d))
    XOR_FOUR(0, 1, 2, 3);
    XOR_FOUR(4, 5, 6, 7);
    XOR_FOUR(8, 9, 10, 11);
    XOR_FOUR(12, 13, 14, 15);
    advance(self, LANES);
}
#endif

void zt_salsa20_keystream(zt_salsa20_t *self, uint8_t *out, size_t blocks) {
    zt_wipe(out, blocks * ZT_SALSA20_BLOCK_SIZE);
    zt_salsa20_xor(self, out, blocks * ZT_SALSA20_BLOCK_SIZE);
}

// Less than a block, at an address where words may be loaded.
static void xor_rest(zt_salsa20_t *self, uint8_t *buffer, size_t length) {
    _Alignas(8) uint8_t block[ZT_SALSA20_BLOCK_SIZE];
    zt_wipe(block, sizeof(block));
    xor_blocks(self, block, 1);
    size_t i = 0;
    for (; i + 4 <= length; i += 4) {
        zt_store32_aligned(buffer + i, zt_load32_aligned(buffer + i) ^ zt_load32_aligned(block + i));
    }
    for (; i < length; i++) {
        buffer[i] ^= block[i];
    }
    zt_wipe(block, sizeof(block));
}

static void xor_aligned(zt_salsa20_t *self, uint8_t *buffer, size_t length) {
    #if LANES > 1
    for (; length >= LANES * ZT_SALSA20_BLOCK_SIZE; length -= LANES * ZT_SALSA20_BLOCK_SIZE) {
        xor_lanes(self, buffer);
        buffer += LANES * ZT_SALSA20_BLOCK_SIZE;
    }
    #endif
    xor_blocks(self, buffer, length / ZT_SALSA20_BLOCK_SIZE);
    if (length % ZT_SALSA20_BLOCK_SIZE > 0) {
        xor_rest(self, buffer + length - length % ZT_SALSA20_BLOCK_SIZE, length % ZT_SALSA20_BLOCK_SIZE);
    }
}

void zt_salsa20_xor(zt_salsa20_t *self, uint8_t *buffer, size_t length) {
    if (zt_is_aligned(buffer)) {
        xor_aligned(self, buffer, length);
        return;
    }
    _Alignas(8) uint8_t block[ZT_SALSA20_BLOCK_SIZE];
    while (length > 0) {
        size_t taken = length < sizeof(block) ? length : sizeof(block);
        zt_copy(block, buffer, taken);
        xor_aligned(self, block, taken);
        zt_copy(buffer, block, taken);
        buffer += taken;
        length -= taken;
    }
    zt_wipe(block, sizeof(block));
}
