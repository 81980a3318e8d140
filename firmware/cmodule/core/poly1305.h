// Poly1305, the one-time authenticator (protocol/13 §13.2): 32-byte key, any message, 16-byte tag.
// It never compares tags (see armor.h), and a key must never serve two messages: who picks the key is the caller's business.
//
// The context belongs to the caller, has no pointers and no buffer, and is wiped by zt_poly1305_finish(). Everything is
// constant-time in the contents (the time depends on the length alone).
#ifndef ZT_POLY1305_H
#define ZT_POLY1305_H

#include <stddef.h>
#include <stdint.h>

#define ZT_POLY1305_KEY_SIZE (32)
#define ZT_POLY1305_BLOCK_SIZE (16)
#define ZT_POLY1305_TAG_SIZE (16)

// Limbs of 64 bits where the compiler multiplies them (128-bit product), of 32 bits elsewhere (64-bit product).
#if defined(__SIZEOF_INT128__)
typedef uint64_t zt_limb_t;
__extension__ typedef unsigned __int128 zt_product_t;
#define ZT_POLY1305_LIMBS (2)
#else
typedef uint32_t zt_limb_t;
typedef uint64_t zt_product_t;
#define ZT_POLY1305_LIMBS (4)
#endif

typedef struct _zt_poly1305_t {
    zt_limb_t r[ZT_POLY1305_LIMBS];         // the multiplier, clamped
    zt_limb_t folded[ZT_POLY1305_LIMBS];    // r / 4 * 5: r times 2^128, modulo 2^130 - 5
    zt_limb_t sum[ZT_POLY1305_LIMBS + 1];   // the accumulator, below 2^130 + 2^128
    zt_limb_t s[ZT_POLY1305_LIMBS];         // added at the end
} zt_poly1305_t;

// `key` is 32 bytes: r, then s. It is copied.
void zt_poly1305_init(zt_poly1305_t *self, const uint8_t *key);

// Takes `blocks` whole blocks of 16 bytes.
void zt_poly1305_blocks(zt_poly1305_t *self, const uint8_t *message, size_t blocks);

// Takes the last `length` bytes (0 to 15, then `tail` is not read) and writes the 16 bytes of the tag. Wipes the context.
void zt_poly1305_finish(zt_poly1305_t *self, const uint8_t *tail, size_t length, uint8_t *tag);

// All of it in one call. `message` may be NULL if `length` is 0.
void zt_poly1305(const uint8_t *key, const uint8_t *message, size_t length, uint8_t *tag);

#endif // ZT_POLY1305_H
