// The memory-hard hash (protocol/01 §1.5): fill 2 MiB from a key stream, then swap words between it and the digest.
// It owns the walk through the work area and nothing else.
// Never smaller: a smaller work area yields addresses that every other node refuses.
#include "identity_hash.h"

#include "bytes.h"
#include "hash.h"
#include "salsa20.h"

#define WORD_SIZE (8)
#define WORK_WORDS (ZT_IDENTITY_WORK_SIZE / WORD_SIZE)
#define DIGEST_WORDS (ZT_IDENTITY_DIGEST_SIZE / WORD_SIZE)

// Blocks of key stream taken at a time. It does not depend on the contents, so it may be made ahead.
#define BATCH (4)
#define BATCH_SIZE (BATCH * ZT_SALSA20_BLOCK_SIZE)

static void xor_block(uint8_t *to, const uint8_t *from) {
    for (size_t i = 0; i < ZT_SALSA20_BLOCK_SIZE; i++) {
        to[i] ^= from[i];
    }
}

// Every block is the one before it, encrypted: the running XOR of the key stream.
static void fill(zt_salsa20_t *cipher, uint8_t *work) {
    for (size_t at = 0; at < ZT_IDENTITY_WORK_SIZE; at += BATCH_SIZE) {
        zt_salsa20_keystream(cipher, work + at, BATCH);
        for (size_t block = at; block < at + BATCH_SIZE; block += ZT_SALSA20_BLOCK_SIZE) {
            if (block > 0) {
                xor_block(work + block, work + block - ZT_SALSA20_BLOCK_SIZE);
            }
        }
    }
}

static void swap_words(uint8_t *a, uint8_t *b) {
    uint8_t kept[WORD_SIZE];
    memcpy(kept, a, WORD_SIZE);
    memcpy(a, b, WORD_SIZE);
    memcpy(b, kept, WORD_SIZE);
}

// The words are big-endian and both moduli are powers of two, so the last bytes of a word are enough.
static void mix(zt_salsa20_t *cipher, uint8_t *work, uint8_t *digest) {
    uint8_t keystream[BATCH_SIZE];
    size_t used = BATCH_SIZE;
    for (const uint8_t *word = work; word < work + ZT_IDENTITY_WORK_SIZE; word += 2 * WORD_SIZE) {
        size_t in_digest = word[WORD_SIZE - 1] % DIGEST_WORDS;
        const uint8_t *end = word + 2 * WORD_SIZE;
        size_t in_work = ((size_t)end[-3] << 16 | (size_t)end[-2] << 8 | end[-1]) % WORK_WORDS;
        swap_words(work + in_work * WORD_SIZE, digest + in_digest * WORD_SIZE);

        if (used == BATCH_SIZE) {
            zt_salsa20_keystream(cipher, keystream, BATCH);
            used = 0;
        }
        xor_block(digest, keystream + used);
        used += ZT_SALSA20_BLOCK_SIZE;
    }
}

void zt_identity_hash(const uint8_t *public_key, uint8_t *work, uint8_t *digest) {
    zt_salsa20_t cipher;
    zt_sha512(public_key, ZT_IDENTITY_PUBLIC_SIZE, digest);
    zt_salsa20_init(&cipher, digest, digest + ZT_SALSA20_KEY_SIZE, 0, ZT_SALSA20_HASH_ROUNDS);
    fill(&cipher, work);
    mix(&cipher, work, digest);
}
