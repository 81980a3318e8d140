// The armor of a packet (protocol/02 §2.7.1, §2.7.2, §2.8), in one pass: every piece is encrypted and authenticated, or the other
// way round, while it is hot. A packet that turns out not to be authentic is encrypted again, or wiped from use by the caller.
// Never an early exit that tells how much of a MAC was right.
#include "armor.h"

#include "bytes.h"
#include "packet.h"
#include "poly1305.h"
#include "salsa20.h"

// What of the tag is sent.
#define MAC_SIZE (8)

// The HELLO tail has a nonce of its own: the packet id without its lowest three bits.
#define TAIL_NONCE_MASK (0xf8)

// Encrypted and authenticated at a time: a multiple of what Salsa20 does side by side.
#define PIECE_SIZE (ZT_SALSA20_AT_ONCE)
#define PIECE_BLOCKS (PIECE_SIZE / ZT_POLY1305_BLOCK_SIZE)

typedef struct _suite_t {
    zt_salsa20_t cipher;
    zt_poly1305_t mac;
} suite_t;

// Both halves of the suite, keyed for this packet. The cipher stands at block 1, where the payload begins.
static void suite_init(suite_t *self, const uint8_t *key, const uint8_t *packet, size_t length) {
    uint8_t mangled[ZT_SALSA20_KEY_SIZE];
    uint8_t block[ZT_SALSA20_BLOCK_SIZE];

    memcpy(mangled, key, sizeof(mangled));
    for (size_t i = 0; i < ZT_FLAGS_OFFSET; i++) {
        mangled[i] ^= packet[i];
    }
    mangled[18] ^= packet[ZT_FLAGS_OFFSET] & (uint8_t) ~ZT_HOPS_MASK;
    mangled[19] ^= (uint8_t)length;
    mangled[20] ^= (uint8_t)(length >> 8);

    zt_salsa20_init(&self->cipher, mangled, packet, 0, ZT_SALSA20_PACKET_ROUNDS);
    zt_salsa20_keystream(&self->cipher, block, 1);
    zt_poly1305_init(&self->mac, block);

    zt_wipe(mangled, sizeof(mangled));
    zt_wipe(block, sizeof(block));
}

// The tag over what is left of the region.
static void suite_tag(suite_t *self, const uint8_t *region, size_t length, uint8_t *tag) {
    size_t rest = length % ZT_POLY1305_BLOCK_SIZE;
    zt_poly1305_blocks(&self->mac, region, length / ZT_POLY1305_BLOCK_SIZE);
    zt_poly1305_finish(&self->mac, region + length - rest, rest, tag);
}

static uint8_t cipher_of(const uint8_t *packet) {
    return (packet[ZT_FLAGS_OFFSET] & ZT_CIPHER_MASK) >> ZT_CIPHER_SHIFT;
}

static bool same_mac(const uint8_t *a, const uint8_t *b) {
    uint32_t difference = (zt_load32(a) ^ zt_load32(b)) | (zt_load32(a + 4) ^ zt_load32(b + 4));
    return difference == 0;
}

bool zt_armor(const uint8_t *key, uint8_t *packet, size_t length, uint8_t cipher) {
    if (length < ZT_PACKET_MIN_SIZE || cipher > ZT_CIPHER_SALSA20_POLY1305) {
        return false;
    }
    packet[ZT_FLAGS_OFFSET] = (uint8_t)((packet[ZT_FLAGS_OFFSET] & ~ZT_CIPHER_MASK) | cipher << ZT_CIPHER_SHIFT);

    suite_t suite;
    suite_init(&suite, key, packet, length);
    uint8_t *region = packet + ZT_VERB_OFFSET;
    size_t left = length - ZT_VERB_OFFSET;
    if (cipher == ZT_CIPHER_SALSA20_POLY1305) {
        for (; left >= PIECE_SIZE; region += PIECE_SIZE, left -= PIECE_SIZE) {
            zt_salsa20_xor(&suite.cipher, region, PIECE_SIZE);
            zt_poly1305_blocks(&suite.mac, region, PIECE_BLOCKS);
        }
        zt_salsa20_xor(&suite.cipher, region, left);
    }
    uint8_t tag[ZT_POLY1305_TAG_SIZE];
    suite_tag(&suite, region, left, tag);
    memcpy(packet + ZT_MAC_OFFSET, tag, MAC_SIZE);

    zt_wipe(tag, sizeof(tag));
    zt_wipe(&suite, sizeof(suite));
    return true;
}

// What suite_init() and the pass over the packet leave behind is whether it is authentic; and the packet decrypted either way.
static bool open_packet(suite_t *suite, const uint8_t *key, uint8_t *packet, size_t length) {
    suite_init(suite, key, packet, length);
    uint8_t *region = packet + ZT_VERB_OFFSET;
    size_t left = length - ZT_VERB_OFFSET;
    bool is_encrypted = cipher_of(packet) == ZT_CIPHER_SALSA20_POLY1305;
    if (is_encrypted) {
        for (; left >= PIECE_SIZE; region += PIECE_SIZE, left -= PIECE_SIZE) {
            zt_poly1305_blocks(&suite->mac, region, PIECE_BLOCKS);
            zt_salsa20_xor(&suite->cipher, region, PIECE_SIZE);
        }
    }
    uint8_t tag[ZT_POLY1305_TAG_SIZE];
    suite_tag(suite, region, left, tag);
    if (is_encrypted) {
        zt_salsa20_xor(&suite->cipher, region, left);
    }
    bool is_authentic = same_mac(tag, packet + ZT_MAC_OFFSET);
    zt_wipe(tag, sizeof(tag));
    return is_authentic;
}

static bool is_openable(const uint8_t *packet, size_t length) {
    return length >= ZT_PACKET_MIN_SIZE && cipher_of(packet) <= ZT_CIPHER_SALSA20_POLY1305;
}

bool zt_dearmor_once(const uint8_t *key, uint8_t *packet, size_t length) {
    if (!is_openable(packet, length)) {
        return false;
    }
    suite_t suite;
    bool is_authentic = open_packet(&suite, key, packet, length);
    zt_wipe(&suite, sizeof(suite));
    return is_authentic;
}

bool zt_dearmor(const uint8_t *key, uint8_t *packet, size_t length) {
    if (!is_openable(packet, length)) {
        return false;
    }
    suite_t suite;
    bool is_authentic = open_packet(&suite, key, packet, length);
    if (!is_authentic && cipher_of(packet) == ZT_CIPHER_SALSA20_POLY1305) {
        suite_init(&suite, key, packet, length);
        zt_salsa20_xor(&suite.cipher, packet + ZT_VERB_OFFSET, length - ZT_VERB_OFFSET);
    }
    zt_wipe(&suite, sizeof(suite));
    return is_authentic;
}

bool zt_hello_tail(const uint8_t *key, uint8_t *packet, size_t length, size_t offset) {
    if (offset < ZT_PACKET_PAYLOAD_OFFSET || offset > length) {
        return false;
    }
    uint8_t nonce[ZT_ID_SIZE];
    memcpy(nonce, packet, sizeof(nonce));
    nonce[ZT_ID_SIZE - 1] &= TAIL_NONCE_MASK;

    zt_salsa20_t cipher;
    zt_salsa20_init(&cipher, key, nonce, 0, ZT_SALSA20_PACKET_ROUNDS);
    zt_salsa20_xor(&cipher, packet + offset, length - offset);
    zt_wipe(&cipher, sizeof(cipher));
    return true;
}
