// The identity hash and the curves as a caller in C sees them: exact buffers, any alignment, no trace of earlier contents.
// It owns one identity of the specification (protocol/12 §12.1 to §12.3) carried through all of them.
// Never more than a few hashes: each one walks through 2 MiB.
#include "check.h"
#include "curve.h"
#include "hash.h"
#include "identity_hash.h"

static const char secret_a[] =
    "a9e95fcf9cefb78e547663769f6be8211c8942af8d9d9036725f55d7ff753421"
    "fabd8322447e9ffc3eab136ac947b1b1d1ba877ae8dae03912e3a115cda4b6bf";
static const char public_a[] =
    "8688eafd4658505bbfcb3b42bcfc588177d96de5be496034502eafa44e41c75b"
    "2def84ae379365a6726fd6d2ef17725becafe4569d2c8f06d01502be8254f8c5";
static const char digest_a[] =
    "077be97aa7ab3be975189340ae29ad8916932be3fc37429c95f2c80f59c73009"
    "b7c0cbaea860586c503a531a50f276f4519b0ba79426e3b1fd703ef85afca4d6";
static const char fingerprint_a[] =
    "c306264448f5ddf5b7ea1998612ad062c6674ed8d5986ef28ab07b53f8ba712ea2975ee54fae9342f6272048276435e1";
static const char public_b[] =
    "6e5e7cf8ce99adebd3cc61df3c828cdeecdf6adf386647235ff0bf38c1a61138"
    "9deaa40b47638bc53bce9011ecea851b60d0f8c8f7a0482100a2da7dcbfe89d2";
static const char agreed_a_b[] =
    "5634dd255d3f73e79b2c2b06a08c141e0c5bc5acf60f310d039c5038b4b7cde2d9a1928b977be1b1a192b99c1e0ea0c0";
static const char signature_a[] =
    "c3b15db22a2b84a6832653ee54b5355a8abf9bddf1396e56080863d0e8ec5bdc"
    "ff1f3be3f5ca1c3f96e81f844c9674fbb84775b94f167fe444081f8ce7b96f00"
    "309ecc489c12d6eb4cc40f50c902f2b4d0ed77ee511a7c7a9bcd3ca86d4cd86f";
static const uint8_t message[] = "hello world";
#define MESSAGE_SIZE (11)

static void the_digest_depends_on_the_key_alone(void) {
    uint8_t key[ZT_PUBLIC_SIZE], expected[ZT_IDENTITY_DIGEST_SIZE], digest[ZT_IDENTITY_DIGEST_SIZE];
    unhex(public_a, key);
    unhex(digest_a, expected);
    for (size_t misalignment = 0; misalignment < 2; misalignment++) {
        uint8_t *block = exact(misalignment + ZT_IDENTITY_WORK_SIZE);
        memset(block, misalignment == 0 ? 0x00 : 0xff, misalignment + ZT_IDENTITY_WORK_SIZE);
        zt_identity_hash(key, block + misalignment, digest);
        CHECK(memcmp(digest, expected, sizeof(digest)) == 0);
        free(block);
    }
}

static void the_fingerprint_is_the_sha384_of_address_and_key(void) {
    uint8_t identity[5 + ZT_PUBLIC_SIZE], expected[ZT_SHA384_SIZE], digest[ZT_SHA384_SIZE];
    unhex("f85afca4d6", identity);
    unhex(public_a, identity + 5);
    unhex(fingerprint_a, expected);
    zt_sha384(identity, sizeof(identity), digest);
    CHECK(memcmp(digest, expected, sizeof(digest)) == 0);
}

static void a_secret_gives_its_public_key_agreement_and_signature(void) {
    uint8_t secret[ZT_SECRET_SIZE], other[ZT_PUBLIC_SIZE], expected[ZT_SIGNATURE_SIZE], result[ZT_SIGNATURE_SIZE];
    unhex(secret_a, secret);
    unhex(public_b, other);
    zt_public_key(secret, result);
    CHECK(memcmp(result, expected, unhex(public_a, expected)) == 0);
    zt_agree(secret, other, result);
    CHECK(memcmp(result, expected, unhex(agreed_a_b, expected)) == 0);
    zt_sign(secret, message, MESSAGE_SIZE, result);
    CHECK(memcmp(result, expected, unhex(signature_a, expected)) == 0);
}

static void a_flipped_bit_anywhere_spoils_a_signature(void) {
    uint8_t key[ZT_PUBLIC_SIZE], signature[ZT_SIGNATURE_SIZE];
    unhex(public_a, key);
    unhex(signature_a, signature);
    CHECK(zt_verify(key, message, MESSAGE_SIZE, signature));
    CHECK(!zt_verify(key, message, MESSAGE_SIZE - 1, signature));
    for (size_t i = 0; i < sizeof(signature); i++) {
        signature[i] ^= 0x10;
        CHECK(!zt_verify(key, message, MESSAGE_SIZE, signature));
        signature[i] ^= 0x10;
    }
}

static void an_empty_message_has_no_address(void) {
    uint8_t secret[ZT_SECRET_SIZE], key[ZT_PUBLIC_SIZE], signature[ZT_SIGNATURE_SIZE], digest[ZT_SHA512_SIZE];
    unhex(secret_a, secret);
    unhex(public_a, key);
    zt_sha512(NULL, 0, digest);
    zt_sha384(NULL, 0, digest);
    zt_sign(secret, NULL, 0, signature);
    CHECK(zt_verify(key, NULL, 0, signature));
}

int main(void) {
    RUN(the_digest_depends_on_the_key_alone);
    RUN(the_fingerprint_is_the_sha384_of_address_and_key);
    RUN(a_secret_gives_its_public_key_agreement_and_signature);
    RUN(a_flipped_bit_anywhere_spoils_a_signature);
    RUN(an_empty_message_has_no_address);
    return 0;
}
