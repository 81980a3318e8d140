// Copying by words; copy.h is the manual.
// Where the processor itself loads unaligned words, the C library's memcpy() is the best there is.
#include "copy.h"

#include "bytes.h"

#if ZT_WORDS_BY_MEMCPY || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__

void zt_copy(uint8_t *to, const uint8_t *from, size_t length) {
    if (length > 0) {
        memcpy(to, from, length);
    }
}

#else

#define WORD (4)
#define SHORT (16) // below, bytes cost less than finding the way

// Words from two neighbouring aligned words each, `ahead` bytes (1 to 3) of the first of which are the source's. Reads `ahead`
// bytes and `words` words.
static void combine(uint8_t *to, const uint8_t *from, size_t words, uint32_t ahead) {
    const uint32_t shift = 8 * (WORD - ahead);
    uint32_t low = 0;
    for (uint32_t i = 0; i < ahead; i++) {
        low |= (uint32_t)*from++ << (shift + 8 * i);
    }
    const uint8_t *end = to + words * WORD;
    while (end - to >= 4 * WORD) {
        uint32_t a = zt_load32_aligned(from);
        uint32_t b = zt_load32_aligned(from + 4);
        uint32_t c = zt_load32_aligned(from + 8);
        uint32_t d = zt_load32_aligned(from + 12);
        zt_store32_aligned(to, low >> shift | a << (32 - shift));
        zt_store32_aligned(to + 4, a >> shift | b << (32 - shift));
        zt_store32_aligned(to + 8, b >> shift | c << (32 - shift));
        zt_store32_aligned(to + 12, c >> shift | d << (32 - shift));
        low = d;
        from += 4 * WORD;
        to += 4 * WORD;
    }
    while (to < end) {
        uint32_t high = zt_load32_aligned(from);
        from += WORD;
        zt_store32_aligned(to, low >> shift | high << (32 - shift));
        low = high;
        to += WORD;
    }
}

static void copy_words(uint8_t *to, const uint8_t *from, size_t words) {
    for (; words >= 4; words -= 4, to += 4 * WORD, from += 4 * WORD) {
        uint32_t a = zt_load32_aligned(from);
        uint32_t b = zt_load32_aligned(from + 4);
        uint32_t c = zt_load32_aligned(from + 8);
        uint32_t d = zt_load32_aligned(from + 12);
        zt_store32_aligned(to, a);
        zt_store32_aligned(to + 4, b);
        zt_store32_aligned(to + 8, c);
        zt_store32_aligned(to + 12, d);
    }
    for (; words > 0; words--, to += WORD, from += WORD) {
        zt_store32_aligned(to, zt_load32_aligned(from));
    }
}

void zt_copy(uint8_t *to, const uint8_t *from, size_t length) {
    if (length >= SHORT) {
        for (; (uintptr_t)to % WORD != 0; length--) {
            *to++ = *from++;
        }
        size_t words = length / WORD;
        uint32_t ahead = -(uintptr_t)from % WORD;
        if (ahead == 0) {
            copy_words(to, from, words);
        } else {
            words = (length - ahead) / WORD; // no word that is not the source's is read, not even in part
            combine(to, from, words, ahead);
        }
        to += words * WORD;
        from += words * WORD;
        length -= words * WORD;
    }
    for (; length > 0; length--) {
        *to++ = *from++;
    }
}

#endif
