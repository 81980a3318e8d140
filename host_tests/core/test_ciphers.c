// Salsa20 and Poly1305 at the edges of lengths and limbs, against slow arithmetic written for the purpose.
// It owns the two ciphers by themselves; recorded vectors are in host_tests/unit/test_primitives.py.
// Never a large input: the point is every length around the block sizes.
#include "check.h"
#include "poly1305.h"
#include "salsa20.h"

#define MOST (1100)

static void keystream_in_blocks_is_what_xor_uses(void) {
    uint32_t seed = 1;
    uint8_t key[ZT_SALSA20_KEY_SIZE], nonce[ZT_SALSA20_NONCE_SIZE];
    fill_random(&seed, key, sizeof(key));
    fill_random(&seed, nonce, sizeof(nonce));
    size_t blocks = (MOST + 63) / 64;
    uint8_t *stream = exact(blocks * 64);
    zt_salsa20_t cipher;
    for (size_t i = 0; i < blocks; i++) {
        zt_salsa20_init(&cipher, key, nonce, i, ZT_SALSA20_PACKET_ROUNDS);
        zt_salsa20_keystream(&cipher, stream + i * 64, 1);
    }
    for (size_t length = 0; length <= MOST; length++) {
        uint8_t *buffer = exact(length);
        memset(buffer, 0, length);
        zt_salsa20_init(&cipher, key, nonce, 0, ZT_SALSA20_PACKET_ROUNDS);
        zt_salsa20_xor(&cipher, buffer, length);
        CHECK(memcmp(buffer, stream, length) == 0);
        free(buffer);
    }
    for (size_t count = 0; count <= blocks; count++) {
        uint8_t *buffer = exact(count * 64);
        zt_salsa20_init(&cipher, key, nonce, 0, ZT_SALSA20_PACKET_ROUNDS);
        zt_salsa20_keystream(&cipher, buffer, count);
        CHECK(memcmp(buffer, stream, count * 64) == 0);
        free(buffer);
    }
    free(stream);
}

static void the_block_counter_carries_into_its_high_word(void) {
    const uint64_t start = 0xfffffffe;
    const uint8_t key[ZT_SALSA20_KEY_SIZE] = { 1 }, nonce[ZT_SALSA20_NONCE_SIZE] = { 2 };
    uint8_t together[6 * 64], alone[64];
    zt_salsa20_t cipher;
    zt_salsa20_init(&cipher, key, nonce, start, ZT_SALSA20_HASH_ROUNDS);
    zt_salsa20_keystream(&cipher, together, 6);
    for (size_t i = 0; i < 6; i++) {
        zt_salsa20_init(&cipher, key, nonce, start + i, ZT_SALSA20_HASH_ROUNDS);
        zt_salsa20_keystream(&cipher, alone, 1);
        CHECK(memcmp(together + i * 64, alone, 64) == 0);
    }
    zt_salsa20_init(&cipher, key, nonce, 0, ZT_SALSA20_HASH_ROUNDS);
    zt_salsa20_keystream(&cipher, alone, 1);
    CHECK(memcmp(together + 2 * 64, alone, 64) != 0);
}

// Numbers below 2^264 as 33 bytes, least significant first: slow, and too plain to be wrong.
#define DIGITS (33)

static void add(uint32_t *sum, const uint8_t *number, size_t length) {
    for (size_t i = 0; i < length; i++) {
        sum[i] += number[i];
    }
}

static void carry(uint32_t *digits, size_t length) {
    for (size_t i = 0; i + 1 < length; i++) {
        digits[i + 1] += digits[i] >> 8;
        digits[i] &= 0xff;
    }
}

// digits modulo 2^130 - 5, by folding what is above 2^130 down until nothing is, then subtracting once if needed.
static void reduce(uint32_t *digits) {
    for (size_t pass = 0; pass < 3; pass++) {
        uint32_t high[DIGITS] = { 0 };
        for (size_t i = 16; i < DIGITS; i++) {
            uint32_t next = i + 1 < DIGITS ? digits[i + 1] : 0;
            high[i - 16] = ((digits[i] >> 2) | (next << 6)) & 0xff;
        }
        digits[16] &= 3;
        memset(digits + 17, 0, (DIGITS - 17) * sizeof(*digits));
        for (size_t i = 0; i < DIGITS - 16; i++) {
            digits[i] += 5 * high[i];
        }
        carry(digits, DIGITS);
    }
    uint32_t trial[DIGITS];
    memcpy(trial, digits, sizeof(trial));
    trial[0] += 5;
    carry(trial, DIGITS);
    if (trial[16] >> 2 != 0) {
        trial[16] &= 3;
        memcpy(digits, trial, sizeof(trial));
    }
}

static void slow_poly1305(const uint8_t *key, const uint8_t *message, size_t length, uint8_t *tag) {
    static const uint8_t clamp[16] = { 255, 255, 255, 15, 252, 255, 255, 15, 252, 255, 255, 15, 252, 255, 255, 15 };
    uint32_t sum[DIGITS] = { 0 };
    for (size_t at = 0; at < length; at += 16) {
        size_t taken = length - at < 16 ? length - at : 16;
        add(sum, message + at, taken);
        sum[taken] += 1;
        uint32_t product[DIGITS] = { 0 };
        carry(sum, DIGITS);
        for (size_t i = 0; i < 17; i++) {
            for (size_t j = 0; j < 16; j++) {
                product[i + j] += sum[i] * (key[j] & clamp[j]);
            }
        }
        carry(product, DIGITS);
        reduce(product);
        memcpy(sum, product, sizeof(sum));
    }
    add(sum, key + 16, 16);
    carry(sum, DIGITS);
    for (size_t i = 0; i < 16; i++) {
        tag[i] = (uint8_t)sum[i];
    }
}

static void check_tag(const uint8_t *key, const uint8_t *message, size_t length) {
    uint8_t fast[ZT_POLY1305_TAG_SIZE], slow[ZT_POLY1305_TAG_SIZE];
    zt_poly1305(key, message, length, fast);
    slow_poly1305(key, message, length, slow);
    CHECK(memcmp(fast, slow, sizeof(fast)) == 0);
}

static void poly1305_agrees_with_slow_arithmetic_on_random_bytes(void) {
    uint32_t seed = 2;
    uint8_t key[ZT_POLY1305_KEY_SIZE];
    for (size_t length = 0; length <= MOST; length++) {
        uint8_t *message = exact(length);
        fill_random(&seed, key, sizeof(key));
        fill_random(&seed, message, length);
        check_tag(key, message, length);
        free(message);
    }
}

// Bytes of only 0x00, 0xff, and a few beside them keep the accumulator at the ends of its range and its carries busy.
static void poly1305_agrees_with_slow_arithmetic_on_extreme_bytes(void) {
    static const uint8_t extremes[] = { 0x00, 0x01, 0x03, 0x04, 0x05, 0xf0, 0xfb, 0xfc, 0xfe, 0xff, 0xff, 0xff };
    uint32_t seed = 3;
    uint8_t key[ZT_POLY1305_KEY_SIZE], message[160];
    for (size_t round = 0; round < CASES(20000); round++) {
        size_t kinds = 1 + next_random(&seed) % sizeof(extremes);
        size_t first = sizeof(extremes) - kinds;
        for (size_t i = 0; i < sizeof(key); i++) {
            key[i] = extremes[first + next_random(&seed) % kinds];
        }
        for (size_t i = 0; i < sizeof(message); i++) {
            message[i] = extremes[first + next_random(&seed) % kinds];
        }
        check_tag(key, message, next_random(&seed) % (sizeof(message) + 1));
    }
}

// RFC 8439, appendix A.3, vectors 7 to 11: r of 1, 2 and 4, and sums on both sides of 2^130 - 5.
static void poly1305_gives_the_tags_of_the_rfc_for_sums_near_the_modulus(void) {
    static const struct {
        const char *key, *message, *tag;
    } cases[] = {
        { "0200000000000000000000000000000000000000000000000000000000000000",
          "ffffffffffffffffffffffffffffffff", "03000000000000000000000000000000" },
        { "02000000000000000000000000000000ffffffffffffffffffffffffffffffff",
          "02000000000000000000000000000000", "03000000000000000000000000000000" },
        { "0100000000000000000000000000000000000000000000000000000000000000",
          "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff11000000000000000000000000000000",
          "05000000000000000000000000000000" },
        { "0100000000000000000000000000000000000000000000000000000000000000",
          "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe01010101010101010101010101010101",
          "00000000000000000000000000000000" },
        { "0200000000000000000000000000000000000000000000000000000000000000",
          "fdffffffffffffffffffffffffffffff", "faffffffffffffffffffffffffffffff" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t key[ZT_POLY1305_KEY_SIZE], message[64], expected[16], tag[ZT_POLY1305_TAG_SIZE];
        unhex(cases[i].key, key);
        unhex(cases[i].tag, expected);
        zt_poly1305(key, message, unhex(cases[i].message, message), tag);
        CHECK(memcmp(tag, expected, sizeof(tag)) == 0);
    }
}

int main(void) {
    RUN(keystream_in_blocks_is_what_xor_uses);
    RUN(the_block_counter_carries_into_its_high_word);
    RUN(poly1305_agrees_with_slow_arithmetic_on_random_bytes);
    RUN(poly1305_agrees_with_slow_arithmetic_on_extreme_bytes);
    RUN(poly1305_gives_the_tags_of_the_rfc_for_sums_near_the_modulus);
    return 0;
}
