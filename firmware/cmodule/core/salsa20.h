// Salsa20 with 12 or 20 rounds, a 256-bit key and a 64-bit nonce (protocol/13 §13.1): the key stream, and XOR with it in place.
// It never authenticates (see armor.h) and never allocates.
//
// The context belongs to the caller, has no pointers, and holds the key: zt_wipe() it after use. Everything is constant-time.
// Both functions that use key stream take whole blocks of 64 bytes: what is left of the last block is thrown away, and the
// next call goes on with the next block.
#ifndef ZT_SALSA20_H
#define ZT_SALSA20_H

#include <stddef.h>
#include <stdint.h>

#define ZT_SALSA20_KEY_SIZE (32)
#define ZT_SALSA20_NONCE_SIZE (8)
#define ZT_SALSA20_BLOCK_SIZE (64)

// Packets use 12 rounds, the identity hash 20.
#define ZT_SALSA20_PACKET_ROUNDS (12)
#define ZT_SALSA20_HASH_ROUNDS (20)

typedef struct _zt_salsa20_t {
    uint32_t input[16];
    uint32_t rounds;
} zt_salsa20_t;

// `key` is 32 bytes, `nonce` 8 bytes; both are copied. `counter` is the number of the first block, `rounds` an even number.
void zt_salsa20_init(zt_salsa20_t *self, const uint8_t *key, const uint8_t *nonce, uint64_t counter, uint32_t rounds);

// The same with key and nonce as little-endian words, and the first block.
void zt_salsa20_init_words(zt_salsa20_t *self, const uint32_t *key, const uint32_t *nonce, uint32_t rounds);

// Writes `blocks` * 64 bytes of key stream to `out`.
void zt_salsa20_keystream(zt_salsa20_t *self, uint8_t *out, size_t blocks);

// XORs `length` bytes of `buffer` with key stream, in place. `buffer` may be NULL if `length` is 0. Best at addresses that are
// multiples of 4; on boards others take a copy there and back.
void zt_salsa20_xor(zt_salsa20_t *self, uint8_t *buffer, size_t length);

#endif // ZT_SALSA20_H
