// The armor of a packet (protocol/02 §2.7.1, §2.7.2, §2.8). On the way out every piece is encrypted and authenticated while
// it is hot; on the way in the MAC comes first, because nothing may be decrypted that did not authenticate.
// Never an early exit that tells how much of a MAC was right.
#include "armor.h"

#include "bytes.h"
#include "poly1305.h"
#include "salsa20.h"

#define ID_SIZE (8)
#define FLAGS_OFFSET (18)
#define MAC_OFFSET (19)
#define MAC_SIZE (8)
#define VERB_OFFSET (27)

// Byte 18: E F C C C H H H. Hops change on the way, so they are left out of the key.
#define CIPHER_MASK (0x38)
#define CIPHER_SHIFT (3)
#define HOPS_MASK (0x07)

// The HELLO tail has a nonce of its own: the packet id without its lowest three bits.
#define TAIL_NONCE_MASK (0xf8)

// Encrypted and authenticated at a time: a multiple of both block sizes, and of what Salsa20 does side by side.
#define PIECE_SIZE (256)

typedef struct _suite_t {
    zt_salsa20_t cipher;
    zt_poly1305_t mac;
} suite_t;

// Both halves of the suite, keyed for this packet. The cipher stands at block 1, where the payload begins.
static void suite_init(suite_t *self, const uint8_t *key, const uint8_t *packet, size_t length) {
    uint8_t mangled[ZT_SALSA20_KEY_SIZE];
    uint8_t block[ZT_SALSA20_BLOCK_SIZE];

    memcpy(mangled, key, sizeof(mangled));
    for (size_t i = 0; i < FLAGS_OFFSET; i++) {
        mangled[i] ^= packet[i];
    }
    mangled[18] ^= packet[FLAGS_OFFSET] & (uint8_t) ~HOPS_MASK;
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

static bool same_mac(const uint8_t *a, const uint8_t *b) {
    uint32_t difference = (zt_load32(a) ^ zt_load32(b)) | (zt_load32(a + 4) ^ zt_load32(b + 4));
    return difference == 0;
}

bool zt_armor(const uint8_t *key, uint8_t *packet, size_t length, uint8_t cipher) {
    if (length < ZT_PACKET_MIN_SIZE || cipher > ZT_CIPHER_SALSA20_POLY1305) {
        return false;
    }
    packet[FLAGS_OFFSET] = (uint8_t)((packet[FLAGS_OFFSET] & ~CIPHER_MASK) | cipher << CIPHER_SHIFT);

    suite_t suite;
    suite_init(&suite, key, packet, length);
    uint8_t *region = packet + VERB_OFFSET;
    size_t left = length - VERB_OFFSET;
    if (cipher == ZT_CIPHER_SALSA20_POLY1305) {
        for (; left >= PIECE_SIZE; region += PIECE_SIZE, left -= PIECE_SIZE) {
            zt_salsa20_xor(&suite.cipher, region, PIECE_SIZE);
            zt_poly1305_blocks(&suite.mac, region, PIECE_SIZE / ZT_POLY1305_BLOCK_SIZE);
        }
        zt_salsa20_xor(&suite.cipher, region, left);
    }
    uint8_t tag[ZT_POLY1305_TAG_SIZE];
    suite_tag(&suite, region, left, tag);
    memcpy(packet + MAC_OFFSET, tag, MAC_SIZE);

    zt_wipe(tag, sizeof(tag));
    zt_wipe(&suite, sizeof(suite));
    return true;
}

bool zt_dearmor(const uint8_t *key, uint8_t *packet, size_t length) {
    if (length < ZT_PACKET_MIN_SIZE) {
        return false;
    }
    uint8_t cipher = (packet[FLAGS_OFFSET] & CIPHER_MASK) >> CIPHER_SHIFT;
    if (cipher > ZT_CIPHER_SALSA20_POLY1305) {
        return false;
    }

    suite_t suite;
    suite_init(&suite, key, packet, length);
    uint8_t tag[ZT_POLY1305_TAG_SIZE];
    suite_tag(&suite, packet + VERB_OFFSET, length - VERB_OFFSET, tag);
    bool authentic = same_mac(tag, packet + MAC_OFFSET);
    if (authentic && cipher == ZT_CIPHER_SALSA20_POLY1305) {
        zt_salsa20_xor(&suite.cipher, packet + VERB_OFFSET, length - VERB_OFFSET);
    }

    zt_wipe(tag, sizeof(tag));
    zt_wipe(&suite, sizeof(suite));
    return authentic;
}

bool zt_hello_tail(const uint8_t *key, uint8_t *packet, size_t length, size_t offset) {
    if (offset < ZT_PACKET_PAYLOAD_OFFSET || offset > length) {
        return false;
    }
    uint8_t nonce[ID_SIZE];
    memcpy(nonce, packet, sizeof(nonce));
    nonce[ID_SIZE - 1] &= TAIL_NONCE_MASK;

    zt_salsa20_t cipher;
    zt_salsa20_init(&cipher, key, nonce, 0, ZT_SALSA20_PACKET_ROUNDS);
    zt_salsa20_xor(&cipher, packet + offset, length - offset);
    zt_wipe(&cipher, sizeof(cipher));
    return true;
}
