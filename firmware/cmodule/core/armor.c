// The armor of a packet (protocol/02 §2.7.1, §2.7.2, §2.8), in one pass: every piece is encrypted and authenticated, or the other
// way round, while it is hot. A packet that turns out not to be authentic is encrypted again, unless the caller throws it away.
// Never an early exit that tells how much of a MAC was right.
#include "armor.h"

#include "bytes.h"
#include "copy.h"
#include "packet.h"
#include "poly1305.h"
#include "salsa20.h"

// What of the tag is sent.
#define MAC_SIZE (8)

// The HELLO tail has a nonce of its own: the packet id without its lowest three bits.
#define TAIL_NONCE_MASK (0xf8)

// Encrypted and authenticated at a time: a multiple of what Salsa20 does side by side, and short enough to stay hot in between.
#define PIECE_SIZE (4 * ZT_SALSA20_BLOCK_SIZE)

typedef struct _suite_t {
    zt_salsa20_t cipher;
    zt_poly1305_t mac;
    _Alignas(8) uint8_t piece[PIECE_SIZE];
    uint8_t tag[ZT_POLY1305_TAG_SIZE];
} suite_t;

// Both halves of the suite, keyed for this packet. The cipher stands at block 1, where the payload begins.
static void suite_init(suite_t *self, const uint8_t *key, const uint8_t *packet, size_t length) {
    const uint32_t id[] = { zt_load32(packet), zt_load32(packet + 4) };
    const uint32_t hidden = (uint32_t)ZT_HOPS_MASK << 16 | 0xff000000; // of the word at 16: hops, and a byte of the MAC
    uint32_t mangled[ZT_SALSA20_KEY_SIZE / 4];
    for (size_t i = 0; i < ZT_SALSA20_KEY_SIZE / 4; i++) {
        mangled[i] = zt_load32(key + 4 * i);
    }
    mangled[0] ^= id[0];
    mangled[1] ^= id[1];
    mangled[2] ^= zt_load32(packet + 8);
    mangled[3] ^= zt_load32(packet + 12);
    mangled[4] ^= (zt_load32(packet + 16) & ~hidden) | (uint32_t)length << 24;
    mangled[5] ^= (uint32_t)length >> 8 & 0xff;

    zt_salsa20_init_words(&self->cipher, mangled, id, ZT_SALSA20_PACKET_ROUNDS);
    zt_salsa20_keystream(&self->cipher, self->piece, 1);
    zt_poly1305_init(&self->mac, self->piece);
    zt_wipe(mangled, sizeof(mangled));
}

// What happens to each piece: it is encrypted and then authenticated, or the other way round, or only authenticated.
typedef enum { SEAL, OPEN, CHECK } work_t;

static void suite_work(suite_t *self, work_t work, uint8_t *region, size_t length) {
    bool is_last;
    do {
        is_last = length < PIECE_SIZE;
        size_t taken = is_last ? length : PIECE_SIZE;
        uint8_t *piece = region;
        if (!zt_is_aligned(region)) {
            piece = self->piece;
            zt_copy(piece, region, taken);
        }
        if (work == SEAL) {
            zt_salsa20_xor(&self->cipher, piece, taken);
        }
        size_t rest = taken % ZT_POLY1305_BLOCK_SIZE;
        zt_poly1305_blocks(&self->mac, piece, taken / ZT_POLY1305_BLOCK_SIZE);
        if (is_last) {
            zt_poly1305_finish(&self->mac, piece + taken - rest, rest, self->tag);
        }
        if (work == OPEN) {
            zt_salsa20_xor(&self->cipher, piece, taken);
        }
        if (piece != region && work != CHECK) {
            zt_copy(region, piece, taken);
        }
        region += taken;
        length -= taken;
    } while (!is_last);
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
    suite_work(&suite, cipher == ZT_CIPHER_POLY1305 ? CHECK : SEAL, packet + ZT_VERB_OFFSET, length - ZT_VERB_OFFSET);
    for (size_t i = 0; i < MAC_SIZE; i++) {
        packet[ZT_MAC_OFFSET + i] = suite.tag[i];
    }
    zt_wipe(&suite, sizeof(suite));
    return true;
}

static bool is_openable(const uint8_t *packet, size_t length) {
    return length >= ZT_PACKET_MIN_SIZE && cipher_of(packet) <= ZT_CIPHER_SALSA20_POLY1305;
}

bool zt_dearmor_once(const uint8_t *key, uint8_t *packet, size_t length) {
    if (!is_openable(packet, length)) {
        return false;
    }
    suite_t suite;
    suite_init(&suite, key, packet, length);
    work_t work = cipher_of(packet) == ZT_CIPHER_POLY1305 ? CHECK : OPEN;
    suite_work(&suite, work, packet + ZT_VERB_OFFSET, length - ZT_VERB_OFFSET);
    bool is_authentic = same_mac(suite.tag, packet + ZT_MAC_OFFSET);
    zt_wipe(&suite, sizeof(suite));
    return is_authentic;
}

bool zt_dearmor(const uint8_t *key, uint8_t *packet, size_t length) {
    if (zt_dearmor_once(key, packet, length)) {
        return true;
    }
    if (is_openable(packet, length) && cipher_of(packet) == ZT_CIPHER_SALSA20_POLY1305) {
        suite_t suite;
        suite_init(&suite, key, packet, length);
        zt_salsa20_xor(&suite.cipher, packet + ZT_VERB_OFFSET, length - ZT_VERB_OFFSET);
        zt_wipe(&suite, sizeof(suite));
    }
    return false;
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
