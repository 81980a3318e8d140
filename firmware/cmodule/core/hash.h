// SHA-512 and SHA-384 of a message in one piece, over libsodium's SHA-512. Never anything keyed, never a stream.
// `message` may be NULL if `length` is 0. `digest` may overlap `message`.
#ifndef ZT_HASH_H
#define ZT_HASH_H

#include <stddef.h>
#include <stdint.h>

#define ZT_SHA512_SIZE (64)
#define ZT_SHA384_SIZE (48)

void zt_sha512(const uint8_t *message, size_t length, uint8_t *digest);
void zt_sha384(const uint8_t *message, size_t length, uint8_t *digest);

#endif // ZT_HASH_H
