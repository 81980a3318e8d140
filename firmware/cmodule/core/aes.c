// AES-256 (FIPS 197), forward only. Four bytes of the state are one word, and every step works on words without branches or
// table look-ups that depend on secrets.

#include "aes.h"

#include <string.h>

#include "bytes.h"

#define ONES (0x01010101u)
#define KEY_WORDS (ZT_AES_KEY_SIZE / 4)

// Each of four bytes times x in GF(2^8).
static uint32_t times_x(uint32_t a) {
    uint32_t carry = (a >> 7) & ONES;
    return ((a & 0x7f7f7f7fu) << 1) ^ (carry * 0x1bu);
}

// Four products at once.
static uint32_t product(uint32_t a, uint32_t b) {
    uint32_t sum = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        sum ^= a & (((b >> bit) & ONES) * 0xffu);
        a = times_x(a);
    }
    return sum;
}

static uint32_t rotate_bytes_left(uint32_t a, unsigned bits) {
    uint32_t keep = (ONES * (0xffu >> bits));
    return ((a & keep) << bits) | ((a >> (8 - bits)) & (ONES * ((1u << bits) - 1)));
}

// The S-box: the inverse in GF(2^8), which is the power of 254, and the affine map.
static uint32_t substitute(uint32_t a) {
    uint32_t a2 = product(a, a);
    uint32_t a3 = product(a2, a);
    uint32_t a6 = product(a3, a3);
    uint32_t a12 = product(a6, a6);
    uint32_t a15 = product(a12, a3);
    uint32_t a30 = product(a15, a15);
    uint32_t a60 = product(a30, a30);
    uint32_t a120 = product(a60, a60);
    uint32_t a126 = product(a120, a6);
    uint32_t a127 = product(a126, a);
    uint32_t inverse = product(a127, a127);
    return inverse ^ rotate_bytes_left(inverse, 1) ^ rotate_bytes_left(inverse, 2) ^ rotate_bytes_left(inverse, 3) ^
           rotate_bytes_left(inverse, 4) ^ (ONES * 0x63u);
}

static uint32_t load(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
}

static void store(uint8_t *bytes, uint32_t word) {
    bytes[0] = (uint8_t)word;
    bytes[1] = (uint8_t)(word >> 8);
    bytes[2] = (uint8_t)(word >> 16);
    bytes[3] = (uint8_t)(word >> 24);
}

static uint32_t rotate_right(uint32_t word, unsigned bits) {
    return (word >> bits) | (word << (32 - bits));
}

void zt_aes_init(zt_aes_t *self, const uint8_t *key) {
    uint32_t *words = self->round_keys;
    for (unsigned i = 0; i < KEY_WORDS; i++) {
        words[i] = load(key + 4 * i);
    }
    uint32_t constant = 1;
    for (unsigned i = KEY_WORDS; i < 4 * (ZT_AES_ROUNDS + 1); i++) {
        uint32_t word = words[i - 1];
        if (i % KEY_WORDS == 0) {
            word = substitute(rotate_right(word, 8)) ^ constant;
            constant <<= 1;
        } else if (i % KEY_WORDS == 4) {
            word = substitute(word);
        }
        words[i] = words[i - KEY_WORDS] ^ word;
    }
}

static uint32_t mix_column(uint32_t column) {
    uint32_t doubled = times_x(column);
    uint32_t tripled = doubled ^ column;
    return doubled ^ rotate_right(tripled, 8) ^ rotate_right(column, 16) ^ rotate_right(column, 24);
}

void zt_aes_encrypt(const zt_aes_t *self, const uint8_t *in, uint8_t *out) {
    uint32_t state[4];
    uint32_t boxed[4];
    for (unsigned i = 0; i < 4; i++) {
        state[i] = load(in + 4 * i) ^ self->round_keys[i];
    }
    for (unsigned round = 1; round <= ZT_AES_ROUNDS; round++) {
        for (unsigned i = 0; i < 4; i++) {
            boxed[i] = substitute(state[i]);
        }
        for (unsigned i = 0; i < 4; i++) {
            // Row r of column i comes from column i + r.
            uint32_t column = (boxed[i] & 0x000000ffu) | (boxed[(i + 1) & 3] & 0x0000ff00u) | (boxed[(i + 2) & 3] & 0x00ff0000u) |
                (boxed[(i + 3) & 3] & 0xff000000u);
            if (round < ZT_AES_ROUNDS) {
                column = mix_column(column);
            }
            state[i] = column ^ self->round_keys[4 * round + i];
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        store(out + 4 * i, state[i]);
    }
    zt_wipe(state, sizeof(state));
    zt_wipe(boxed, sizeof(boxed));
}

void zt_aes_ctr(const zt_aes_t *self, const uint8_t *counter, uint8_t *buffer, size_t length) {
    uint8_t block[ZT_AES_BLOCK_SIZE];
    uint8_t stream[ZT_AES_BLOCK_SIZE];
    memcpy(block, counter, sizeof(block));
    for (size_t start = 0; start < length; start += sizeof(stream)) {
        zt_aes_encrypt(self, block, stream);
        size_t piece = length - start < sizeof(stream) ? length - start : sizeof(stream);
        for (size_t i = 0; i < piece; i++) {
            buffer[start + i] ^= stream[i];
        }
        for (unsigned i = sizeof(block); i-- > 12;) {
            if (++block[i] != 0) {
                break;
            }
        }
    }
    zt_wipe(stream, sizeof(stream));
}
