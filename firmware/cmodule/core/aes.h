// AES-256 forward only, in counter mode: for the encrypted HELLO of protocol 13 (protocol/14 §14.2), and nothing else.
// It never decrypts blocks, never authenticates and never allocates.
//
// Constant-time: the S-box is computed, four bytes at a time, not looked up. That is slow (about 20,000 instructions a block on
// a 32-bit core), and enough for one message of 150 bytes now and then. The context belongs to the caller and holds the key:
// zt_wipe() it after use.
#ifndef ZT_AES_H
#define ZT_AES_H

#include <stddef.h>
#include <stdint.h>

#define ZT_AES_KEY_SIZE (32)
#define ZT_AES_BLOCK_SIZE (16)
#define ZT_AES_ROUNDS (14)

typedef struct _zt_aes_t {
    uint32_t round_keys[4 * (ZT_AES_ROUNDS + 1)]; // columns, first byte lowest
} zt_aes_t;

// `key` is 32 bytes and is copied.
void zt_aes_init(zt_aes_t *self, const uint8_t *key);

// Encrypts 16 bytes from `in` to `out`, which may be the same.
void zt_aes_encrypt(const zt_aes_t *self, const uint8_t *in, uint8_t *out);

// XORs `length` bytes of `buffer` with the key stream of the counter block `counter` (16 bytes), whose last four bytes count up,
// big-endian. Its own inverse. `buffer` may be NULL if `length` is 0.
void zt_aes_ctr(const zt_aes_t *self, const uint8_t *counter, uint8_t *buffer, size_t length);

#endif // ZT_AES_H
