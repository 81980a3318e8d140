// The armor at every length, at every alignment, and with every kind of damage, under the address sanitizer.
// It owns what a caller in C relies on: nothing outside the packet is touched, and a refused packet is left as it was.
// Never the recorded packets: those are in host_tests/unit/test_armor.py.
#include "armor.h"
#include "check.h"

#define LONGEST (10024)
#define FLAGS_OFFSET (18)
#define MAC_END (27)

static const uint8_t key[ZT_ARMOR_KEY_SIZE] = { 0x56, 0x34, 0xdd, 0x25, 0x5d, 0x3f, 0x73, 0xe7, 0x9b, 0x2c, 0x2b };

static void round_trip(size_t length, size_t misalignment, uint8_t cipher) {
    uint32_t seed = (uint32_t)(length * 8 + misalignment * 2 + cipher + 1);
    uint8_t *block = exact(misalignment + length);
    uint8_t *copy = exact(length);
    uint8_t *packet = block + misalignment;
    fill_random(&seed, packet, length);
    memcpy(copy, packet, length);

    CHECK(zt_armor(key, packet, length, cipher));
    CHECK(packet[FLAGS_OFFSET] == ((copy[FLAGS_OFFSET] & 0xc7) | cipher << 3));
    CHECK(memcmp(packet, copy, FLAGS_OFFSET) == 0);
    if (cipher == ZT_CIPHER_POLY1305) {
        CHECK(memcmp(packet + MAC_END, copy + MAC_END, length - MAC_END) == 0);
    }
    CHECK(zt_dearmor(key, packet, length));
    CHECK(memcmp(packet + MAC_END, copy + MAC_END, length - MAC_END) == 0);
    free(copy);
    free(block);
}

static void every_length_goes_there_and_back_at_every_alignment(void) {
    for (size_t length = ZT_PACKET_MIN_SIZE; length < 1500; length++) {
        round_trip(length, length % 8, (uint8_t)(length / 8 % 2));
        round_trip(length, 0, ZT_CIPHER_SALSA20_POLY1305);
    }
    for (size_t misalignment = 0; misalignment < 8; misalignment++) {
        round_trip(LONGEST, misalignment, ZT_CIPHER_SALSA20_POLY1305);
    }
}

static void short_packets_are_refused(void) {
    for (size_t length = 0; length < ZT_PACKET_MIN_SIZE; length++) {
        uint8_t *packet = exact(length);
        memset(packet, 0, length);
        CHECK(!zt_armor(key, packet, length, ZT_CIPHER_SALSA20_POLY1305));
        CHECK(!zt_dearmor(key, packet, length));
        CHECK(!zt_hello_tail(key, packet, length, length + 1));
        CHECK(!zt_hello_tail(key, packet, length, 0));
        for (size_t i = 0; i < length; i++) {
            CHECK(packet[i] == 0);
        }
        free(packet);
    }
}

static void other_ciphers_are_refused_and_nothing_changes(void) {
    uint8_t packet[64], copy[64];
    uint32_t seed = 5;
    fill_random(&seed, packet, sizeof(packet));
    memcpy(copy, packet, sizeof(copy));
    for (unsigned int cipher = 2; cipher < 256; cipher++) {
        CHECK(!zt_armor(key, packet, sizeof(packet), (uint8_t)cipher));
        CHECK(memcmp(packet, copy, sizeof(packet)) == 0);
    }
    for (uint8_t cipher = 2; cipher < 8; cipher++) {
        packet[FLAGS_OFFSET] = copy[FLAGS_OFFSET] = (uint8_t)(cipher << 3);
        CHECK(!zt_dearmor(key, packet, sizeof(packet)));
        CHECK(memcmp(packet, copy, sizeof(packet)) == 0);
    }
}

static void damage_is_noticed_and_the_packet_is_left_as_it_was(void) {
    uint32_t seed = 6;
    for (size_t round = 0; round < CASES(20000); round++) {
        size_t length = ZT_PACKET_MIN_SIZE + next_random(&seed) % 300;
        uint8_t *packet = exact(length);
        uint8_t *copy = exact(length);
        fill_random(&seed, packet, length);
        zt_armor(key, packet, length, (uint8_t)(round % 2));
        size_t at = next_random(&seed) % length;
        uint8_t bit = (uint8_t)(1 << next_random(&seed) % 8);
        bool hop = at == FLAGS_OFFSET && bit < 8;
        packet[at] ^= bit;
        memcpy(copy, packet, length);
        CHECK(zt_dearmor(key, packet, length) == hop);
        CHECK(hop || memcmp(packet, copy, length) == 0);
        free(copy);
        free(packet);
    }
}

static void a_packet_of_another_length_does_not_authenticate(void) {
    uint8_t packet[400] = { 1, 2, 3 };
    CHECK(zt_armor(key, packet, 300, ZT_CIPHER_POLY1305));
    for (size_t length = ZT_PACKET_MIN_SIZE; length <= sizeof(packet); length++) {
        CHECK(zt_dearmor(key, packet, length) == (length == 300));
    }
}

static void the_hello_tail_is_its_own_inverse_from_every_offset(void) {
    enum { length = 200 };
    uint32_t seed = 7;
    uint8_t *packet = exact(length);
    uint8_t copy[length];
    fill_random(&seed, packet, length);
    memcpy(copy, packet, length);
    for (size_t offset = ZT_PACKET_PAYLOAD_OFFSET; offset <= length; offset++) {
        CHECK(zt_hello_tail(key, packet, length, offset));
        CHECK(memcmp(packet, copy, offset) == 0);
        CHECK(zt_hello_tail(key, packet, length, offset));
        CHECK(memcmp(packet, copy, length) == 0);
    }
    CHECK(!zt_hello_tail(key, packet, length, ZT_PACKET_PAYLOAD_OFFSET - 1));
    CHECK(!zt_hello_tail(key, packet, length, length + 1));
    CHECK(memcmp(packet, copy, length) == 0);
    free(packet);
}

int main(void) {
    RUN(every_length_goes_there_and_back_at_every_alignment);
    RUN(short_packets_are_refused);
    RUN(other_ciphers_are_refused_and_nothing_changes);
    RUN(damage_is_noticed_and_the_packet_is_left_as_it_was);
    RUN(a_packet_of_another_length_does_not_authenticate);
    RUN(the_hello_tail_is_its_own_inverse_from_every_offset);
    return 0;
}
