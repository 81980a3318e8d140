// The memory-hard hash of a public key, from which an address is taken (protocol/01 §1.5).
// It never allocates: 2 MiB of work area come from the caller. It never judges the digest: that is identity.py.
#ifndef ZT_IDENTITY_HASH_H
#define ZT_IDENTITY_HASH_H

#include <stdint.h>

#define ZT_IDENTITY_PUBLIC_SIZE (64)
#define ZT_IDENTITY_DIGEST_SIZE (64)
#define ZT_IDENTITY_WORK_SIZE (2097152)

// Hashes the 64 bytes of `public_key` to the 64 bytes of `digest`. `work` has exactly ZT_IDENTITY_WORK_SIZE bytes, any
// alignment, any contents; afterwards it holds nothing worth keeping, and nothing secret. Takes 164 k blocks of Salsa20/20.
// Not constant-time, since it indexes by the key; the key is public.
void zt_identity_hash(const uint8_t *public_key, uint8_t *work, uint8_t *digest);

#endif // ZT_IDENTITY_HASH_H
