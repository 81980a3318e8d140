// The two curves of an identity (protocol/01 §1.1, §1.8, §1.9), over libsodium: X25519 agrees keys, Ed25519 signs.
// It never makes random numbers, never parses an identity, and never derives an address (see identity_hash.h).
//
// A secret key is 64 bytes: the X25519 secret, then the Ed25519 seed. A public key is 64 bytes: X25519, then Ed25519.
// No pointer may be NULL, but a message of length 0. Everything with a secret is constant-time in it; zt_verify() is not
// constant-time, since all it reads is public.
#ifndef ZT_CURVE_H
#define ZT_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZT_SECRET_SIZE (64)
#define ZT_PUBLIC_SIZE (64)
#define ZT_AGREED_SIZE (48)
#define ZT_SIGNATURE_SIZE (96)

// The 64 bytes of the public key that belong to the 64 bytes of `secret`.
void zt_public_key(const uint8_t *secret, uint8_t *public_key);

// The 48 bytes that both sides agree on: SHA-512 of the X25519 result, cut. As in the reference, a public key of small order
// is no error: its result is 32 zero bytes before hashing, and whoever owns such an identity has no secret from anybody.
void zt_agree(const uint8_t *secret, const uint8_t *public_key, uint8_t *agreed);

// The 96 bytes of the signature: Ed25519 over the first 32 bytes of SHA-512(message), then those 32 bytes.
void zt_sign(const uint8_t *secret, const uint8_t *message, size_t length, uint8_t *signature);

// The same in half the time, for who has the 64 bytes of zt_public_key(secret). With any other key the signature is worthless,
// and two such signatures give the secret away.
void zt_sign_with(const uint8_t *secret, const uint8_t *public_key, const uint8_t *message, size_t length, uint8_t *signature);

// True if the 96 bytes of `signature` are by the owner of `public_key` over this message. Refuses S >= L, and keys and R of
// small order or in non-canonical form.
bool zt_verify(const uint8_t *public_key, const uint8_t *message, size_t length, const uint8_t *signature);

#endif // ZT_CURVE_H
