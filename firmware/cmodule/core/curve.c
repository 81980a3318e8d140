// Key agreement and signatures of an identity (protocol/01 §1.8, §1.9): what to hash, what to cut, which half of a key.
// The curves themselves are libsodium's.
// Never a secret left on the stack.
#include "curve.h"

#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "crypto_scalarmult_curve25519.h"
#include "crypto_sign_ed25519.h"

// Both keys are pairs: X25519 in front, Ed25519 from here on.
#define ED25519_OFFSET (32)

#define RAW_SIZE (crypto_scalarmult_curve25519_BYTES)
#define ED25519_SEED_SIZE (crypto_sign_ed25519_SEEDBYTES)
#define ED25519_SIGNATURE_SIZE (crypto_sign_ed25519_BYTES)

// The part of SHA-512(message) that is signed, and sent behind the Ed25519 signature.
#define SIGNED_SIZE (32)

void zt_public_key(const uint8_t *secret, uint8_t *public_key) {
    uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES];
    crypto_scalarmult_curve25519_base(public_key, secret);
    crypto_sign_ed25519_seed_keypair(public_key + ED25519_OFFSET, expanded, secret + ED25519_OFFSET);
    zt_wipe(expanded, sizeof(expanded));
}

void zt_agree(const uint8_t *secret, const uint8_t *public_key, uint8_t *agreed) {
    uint8_t raw[RAW_SIZE];
    uint8_t digest[ZT_SHA512_SIZE];
    if (crypto_scalarmult_curve25519(raw, secret, public_key) != 0) {
        memset(raw, 0, sizeof(raw));
    }
    zt_sha512(raw, sizeof(raw), digest);
    memcpy(agreed, digest, ZT_AGREED_SIZE);
    zt_wipe(raw, sizeof(raw));
    zt_wipe(digest, sizeof(digest));
}

void zt_sign(const uint8_t *secret, const uint8_t *message, size_t length, uint8_t *signature) {
    uint8_t public_key[ZT_PUBLIC_SIZE];
    uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES];
    crypto_sign_ed25519_seed_keypair(public_key + ED25519_OFFSET, expanded, secret + ED25519_OFFSET);
    zt_wipe(expanded, sizeof(expanded));
    zt_sign_with(secret, public_key, message, length, signature);
}

void zt_sign_with(const uint8_t *secret, const uint8_t *public_key, const uint8_t *message, size_t length, uint8_t *signature) {
    uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES];
    uint8_t digest[ZT_SHA512_SIZE];
    zt_sha512(message, length, digest);
    memcpy(expanded, secret + ED25519_OFFSET, ED25519_SEED_SIZE);
    memcpy(expanded + ED25519_SEED_SIZE, public_key + ED25519_OFFSET, crypto_sign_ed25519_PUBLICKEYBYTES);
    crypto_sign_ed25519_detached(signature, NULL, digest, SIGNED_SIZE, expanded);
    memcpy(signature + ED25519_SIGNATURE_SIZE, digest, SIGNED_SIZE);
    zt_wipe(expanded, sizeof(expanded));
}

bool zt_verify(const uint8_t *public_key, const uint8_t *message, size_t length, const uint8_t *signature) {
    uint8_t digest[ZT_SHA512_SIZE];
    const uint8_t *signed_part = signature + ED25519_SIGNATURE_SIZE;
    zt_sha512(message, length, digest);
    return memcmp(digest, signed_part, SIGNED_SIZE) == 0
           && crypto_sign_ed25519_verify_detached(signature, signed_part, SIGNED_SIZE, public_key + ED25519_OFFSET) == 0;
}
