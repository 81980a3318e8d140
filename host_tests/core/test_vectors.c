// Known answers of the ciphers, for cores on which no Python runs: what the reference armors (protocol/12 §12.4), and FIPS 197.
// It owns the bytes alone; what holds for all other bytes is in test_armor.c and test_ciphers.c.
#include "aes.h"
#include "armor.h"
#include "check.h"

#define FLAGS_OFFSET (18)
#define PACKET_SIZE (72)

static const char key[] = "5634dd255d3f73e79b2c2b06a08c141e0c5bc5acf60f310d039c5038b4b7cde2";
static const char plain[] =
    "0123456789abcdef8f65490231f85afca4d60000000000000000000854686520717569636b2062726f776e20666f7820"
    "6a756d7073206f76657220746865206c617a7920646f672e";
static const char authenticated[] =
    "0123456789abcdef8f65490231f85afca4d600c3fc132eb7ae4f990854686520717569636b2062726f776e20666f7820"
    "6a756d7073206f76657220746865206c617a7920646f672e";
// The reference sets flag E (0x80) with cipher 1. We need not (protocol/02 §2.1), so this is understood, but not made.
static const char encrypted[] =
    "0123456789abcdef8f65490231f85afca4d6887cb18dbdaf52818b2317e589bfe2a441fe60cb9510a60491493b65756c"
    "510cdd7a4ba5f704bb911be9785bc9d122b0dbe25fb76245";

static void the_reference_is_understood_over_one_hop_more_and_at_any_address(void) {
    static const char *const packets[] = { authenticated, encrypted };
    uint8_t secret[ZT_ARMOR_KEY_SIZE], expected[PACKET_SIZE];
    unhex(key, secret);
    unhex(plain, expected);
    for (size_t i = 0; i < 2; i++) {
        for (size_t misalignment = 0; misalignment < 8; misalignment++) {
            uint8_t *block = exact(misalignment + PACKET_SIZE);
            uint8_t *packet = block + misalignment;
            CHECK(unhex(packets[i], packet) == PACKET_SIZE);
            packet[FLAGS_OFFSET] |= misalignment % 2;
            CHECK(zt_dearmor(secret, packet, PACKET_SIZE));
            CHECK(memcmp(packet + 27, expected + 27, PACKET_SIZE - 27) == 0);
            free(block);
        }
    }
}

static void a_packet_in_clear_is_the_references(void) {
    uint8_t secret[ZT_ARMOR_KEY_SIZE], expected[PACKET_SIZE], packet[PACKET_SIZE];
    unhex(key, secret);
    unhex(authenticated, expected);
    unhex(plain, packet);
    CHECK(zt_armor(secret, packet, PACKET_SIZE, ZT_CIPHER_POLY1305));
    CHECK(memcmp(packet, expected, PACKET_SIZE) == 0);
}

static void aes_answers_as_fips_197_says(void) {
    uint8_t secret[ZT_AES_KEY_SIZE], counter[ZT_AES_BLOCK_SIZE], expected[ZT_AES_BLOCK_SIZE], block[ZT_AES_BLOCK_SIZE];
    zt_aes_t cipher;
    unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", secret);
    unhex("00112233445566778899aabbccddeeff", counter);
    unhex("8ea2b7ca516745bfeafc49904b496089", expected);
    zt_aes_init(&cipher, secret);
    zt_aes_encrypt(&cipher, counter, block);
    CHECK(memcmp(block, expected, sizeof(block)) == 0);
    memset(block, 0, sizeof(block));
    zt_aes_ctr(&cipher, counter, block, sizeof(block));
    CHECK(memcmp(block, expected, sizeof(block)) == 0);
}

int main(void) {
    RUN(the_reference_is_understood_over_one_hop_more_and_at_any_address);
    RUN(a_packet_in_clear_is_the_references);
    RUN(aes_answers_as_fips_197_says);
    return 0;
}
