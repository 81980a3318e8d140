// SHA-512 and SHA-384 (FIPS 180-4). SHA-384 is SHA-512 from another start value, cut to 48 bytes; libsodium has only the
// latter, so it is started by hand here.
// Never a hash function of our own.
#include "hash.h"

#include <string.h>

#include "bytes.h"
#include "crypto_hash_sha512.h"

void zt_sha512(const uint8_t *message, size_t length, uint8_t *digest) {
    crypto_hash_sha512(digest, message, length);
}

void zt_sha384(const uint8_t *message, size_t length, uint8_t *digest) {
    static const uint64_t start[8] = {
        0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
        0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
    };
    crypto_hash_sha512_state state;
    uint8_t whole[ZT_SHA512_SIZE];
    crypto_hash_sha512_init(&state);
    memcpy(state.state, start, sizeof(start));
    crypto_hash_sha512_update(&state, message, length);
    crypto_hash_sha512_final(&state, whole);
    memcpy(digest, whole, ZT_SHA384_SIZE);
    zt_wipe(whole, sizeof(whole));
}
