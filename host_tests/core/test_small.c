// What boards compile in the place of libsodium's unrolled code, beside the original: the same results for every input.
// It owns the comparison; that both are right is shown by test_identity.c, which is run with either.
// Never a curve: of these libsodium has one implementation.
#include "check.h"

// The small ones get names of their own here.
#define crypto_hash_sha512 small_sha512
#define crypto_hash_sha512_init small_sha512_init
#define crypto_hash_sha512_update small_sha512_update
#define crypto_hash_sha512_final small_sha512_final
#define sc25519_muladd small_muladd
#define sc25519_reduce small_reduce
#include "sodium/small/scalars.c"
#include "sodium/small/sha512.c"
#undef crypto_hash_sha512
#undef sc25519_muladd
#undef sc25519_reduce

int crypto_hash_sha512(unsigned char *digest, const unsigned char *message, unsigned long long length);
void sc25519_muladd(unsigned char result[32], const unsigned char a[32], const unsigned char b[32], const unsigned char c[32]);
void sc25519_reduce(unsigned char scalar[64]);

#define SCALAR_SIZE (32)
#define WIDE_SIZE (64)
#define DIGEST_SIZE (64)
#define ROUNDS_OF_CHANCE (10000)

static uint8_t next_byte(void) {
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return (uint8_t)(state >> 24);
}

static void fill(uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bytes[i] = next_byte();
    }
}

static void check_reduce(const uint8_t *wide) {
    uint8_t expected[WIDE_SIZE], result[WIDE_SIZE];
    memcpy(expected, wide, WIDE_SIZE);
    memcpy(result, wide, WIDE_SIZE);
    sc25519_reduce(expected);
    small_reduce(result);
    CHECK(memcmp(result, expected, SCALAR_SIZE) == 0);
}

static void a_number_is_reduced_as_libsodium_does(void) {
    uint8_t wide[WIDE_SIZE];
    for (size_t i = 0; i < ROUNDS_OF_CHANCE; i++) {
        fill(wide, sizeof(wide));
        check_reduce(wide);
    }
}

// Multiples of the order, and their neighbours; both ends.
static void a_number_at_an_edge_is_reduced_as_libsodium_does(void) {
    for (unsigned shift = 0; shift < 512 - 253; shift++) {
        uint8_t multiple[WIDE_SIZE] = { 0 };
        for (unsigned bit = 0; bit < 253; bit++) {
            multiple[(bit + shift) / 8] |= (uint8_t)((order[bit / 32] >> bit % 32 & 1) << (bit + shift) % 8);
        }
        check_reduce(multiple);
        multiple[shift / 8] ^= (uint8_t)(1 << shift % 8); // the order is odd: less by that bit
        check_reduce(multiple);
        multiple[shift / 8] ^= (uint8_t)(1 << shift % 8);
        multiple[0] ^= 1;
        check_reduce(multiple);
    }
    uint8_t end[WIDE_SIZE];
    memset(end, 0xff, sizeof(end));
    check_reduce(end);
    memset(end, 0, sizeof(end));
    check_reduce(end);
    for (unsigned bit = 0; bit < 8 * WIDE_SIZE; bit++) {
        end[bit / 8] = (uint8_t)(1 << bit % 8);
        check_reduce(end);
        end[bit / 8] = 0;
    }
}

static void a_product_and_a_sum_are_libsodiums(void) {
    uint8_t a[SCALAR_SIZE], b[SCALAR_SIZE], c[SCALAR_SIZE], expected[SCALAR_SIZE], result[SCALAR_SIZE];
    for (size_t i = 0; i < ROUNDS_OF_CHANCE; i++) {
        fill(a, sizeof(a));
        fill(b, sizeof(b));
        fill(c, sizeof(c));
        if (i % 4 == 1) {
            memset(a, 0xff, sizeof(a));
            memset(b, i % 8 == 1 ? 0xff : 0, sizeof(b));
        } else if (i % 4 == 2) {
            memset(c, 0xff, sizeof(c));
        }
        sc25519_muladd(expected, a, b, c);
        small_muladd(result, a, b, c);
        CHECK(memcmp(result, expected, sizeof(result)) == 0);
    }
}

// 0, 1, the order and its neighbours, powers of two, the largest clamped scalar, all ones: each with each.
static void a_product_and_a_sum_at_the_edges_are_libsodiums(void) {
    uint8_t edges[9][SCALAR_SIZE] = { { 0 }, { 1 } };
    for (size_t i = 0; i < 3; i++) {
        for (size_t byte = 0; byte < SCALAR_SIZE; byte++) {
            edges[2 + i][byte] = (uint8_t)(order[byte / 4] >> 8 * (byte % 4));
        }
        edges[2 + i][0] = (uint8_t)(edges[2 + i][0] + i - 1);
    }
    edges[5][SCALAR_SIZE - 1] = 0x10; // 2^252
    edges[6][SCALAR_SIZE - 1] = 0x80;
    memset(edges[7], 0xff, SCALAR_SIZE);
    edges[7][0] = 0xf8;
    edges[7][SCALAR_SIZE - 1] = 0x7f;
    memset(edges[8], 0xff, SCALAR_SIZE);
    for (size_t i = 0; i < 9 * 9 * 9; i++) {
        const uint8_t *a = edges[i % 9], *b = edges[i / 9 % 9], *c = edges[i / 81];
        uint8_t expected[SCALAR_SIZE], result[SCALAR_SIZE];
        sc25519_muladd(expected, a, b, c);
        small_muladd(result, a, b, c);
        CHECK(memcmp(result, expected, sizeof(result)) == 0);
    }
}

static void a_message_of_any_length_in_any_pieces_has_libsodiums_hash(void) {
    for (size_t length = 0; length < 400; length++) {
        uint8_t expected[DIGEST_SIZE], result[DIGEST_SIZE];
        uint8_t *message = exact(length);
        fill(message, length);
        crypto_hash_sha512(expected, message, length);
        small_sha512(result, message, length);
        CHECK(memcmp(result, expected, DIGEST_SIZE) == 0);

        crypto_hash_sha512_state state;
        small_sha512_init(&state);
        for (size_t done = 0, piece; done < length; done += piece) {
            piece = 1 + next_byte() % (length - done);
            small_sha512_update(&state, message + done, piece);
        }
        small_sha512_final(&state, result);
        CHECK(memcmp(result, expected, DIGEST_SIZE) == 0);
        free(message);
    }
}

int main(void) {
    RUN(a_number_is_reduced_as_libsodium_does);
    RUN(a_number_at_an_edge_is_reduced_as_libsodium_does);
    RUN(a_product_and_a_sum_are_libsodiums);
    RUN(a_product_and_a_sum_at_the_edges_are_libsodiums);
    RUN(a_message_of_any_length_in_any_pieces_has_libsodiums_hash);
    return 0;
}
