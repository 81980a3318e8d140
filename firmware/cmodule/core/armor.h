// The armor of a packet, all in place: key mangling, Salsa20/12 and Poly1305 (cipher suites 0 and 1, protocol/02 §2.7), and
// the separately encrypted tail of HELLO (protocol/02 §2.8). It never looks past the header and never keeps a key.
//
// `key` is always 32 bytes, the first 32 of the 48 agreed with the peer, and is only read. `packet` points at the header of
// the whole packet (reassembled, if it came in fragments), `length` counts from there. Nothing needs alignment. The time
// depends on the length and on the cipher alone, not on keys or contents.
#ifndef ZT_ARMOR_H
#define ZT_ARMOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZT_ARMOR_KEY_SIZE (32)

// A packet has a header of 27 bytes and at least the verb (protocol/02 §2.1).
#define ZT_PACKET_MIN_SIZE (28)
#define ZT_PACKET_PAYLOAD_OFFSET (28)

#define ZT_CIPHER_POLY1305 (0)
#define ZT_CIPHER_SALSA20_POLY1305 (1)

// Puts `cipher` (0 or 1) into byte 18, whose other bits stay as they are, encrypts from the verb on (cipher 1), and writes
// the 8 bytes of the MAC at offset 19. The fragmented flag must be right before. False, and nothing changed, if `length` is
// below 28 or `cipher` is neither 0 nor 1.
bool zt_armor(const uint8_t *key, uint8_t *packet, size_t length, uint8_t cipher);

// Checks the MAC, then decrypts (cipher 1). The header stays as it arrived. False, and nothing changed, if the MAC is wrong,
// the cipher bits of byte 18 are neither 0 nor 1, or `length` is below 28.
bool zt_dearmor(const uint8_t *key, uint8_t *packet, size_t length);

// The same for who has no use for a packet that is not authentic: after false, what is behind the header is garbage.
bool zt_dearmor_once(const uint8_t *key, uint8_t *packet, size_t length);

// XORs the tail of a HELLO, from `offset` (28 to `length`) to the end. Its own inverse. Before zt_armor() on the way out,
// after zt_dearmor() on the way in. False, and nothing changed, if `offset` is out of range.
bool zt_hello_tail(const uint8_t *key, uint8_t *packet, size_t length, size_t offset);

#endif // ZT_ARMOR_H
