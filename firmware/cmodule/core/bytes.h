// Little-endian words in byte buffers, and wiping of secrets: the few inline functions that every file of the core uses.
// Nothing here needs alignment: words are taken byte by byte, or by memcpy where the processor loads unaligned words itself.
// Never any branch or index that depends on the bytes handled.
#ifndef ZT_BYTES_H
#define ZT_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A test may set it to 0, to compile on a PC what a board compiles.
#ifdef ZT_WORDS_BY_MEMCPY
#elif (defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ZT_WORDS_BY_MEMCPY (1)
#else
#define ZT_WORDS_BY_MEMCPY (0)
#endif

static inline uint32_t zt_load32(const uint8_t *from) {
    #if ZT_WORDS_BY_MEMCPY
    uint32_t word;
    memcpy(&word, from, sizeof(word));
    return word;
    #else
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
    #endif
}

static inline void zt_store32(uint8_t *to, uint32_t word) {
    #if ZT_WORDS_BY_MEMCPY
    memcpy(to, &word, sizeof(word));
    #else
    to[0] = (uint8_t)word;
    to[1] = (uint8_t)(word >> 8);
    to[2] = (uint8_t)(word >> 16);
    to[3] = (uint8_t)(word >> 24);
    #endif
}

// The same where zt_is_aligned() is true.
#if ZT_WORDS_BY_MEMCPY
#define ZT_ASSUME_ALIGNED(address) (address)
#else
#define ZT_ASSUME_ALIGNED(address) __builtin_assume_aligned((address), 4)
#endif

static inline uint32_t zt_load32_aligned(const uint8_t *from) {
    uint32_t word;
    memcpy(&word, ZT_ASSUME_ALIGNED(from), sizeof(word));
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
    #endif
    return word;
}

static inline void zt_store32_aligned(uint8_t *to, uint32_t word) {
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
    #endif
    memcpy(ZT_ASSUME_ALIGNED(to), &word, sizeof(word));
}

// Whether these two may be used. Always, where the processor loads unaligned words itself.
static inline int zt_is_aligned(const void *address) {
    return ZT_WORDS_BY_MEMCPY || (uintptr_t)address % 4 == 0;
}

// Overwrites `length` bytes with zeros. The barriers keep the compiler from dropping it because nobody reads them again, and
// from making it a call of memset(), which in small C libraries goes byte by byte.
static inline void zt_wipe(void *secret, size_t length) {
    uint8_t *to = (uint8_t *)secret;
    if (zt_is_aligned(to)) {
        for (; length >= 16; to += 16, length -= 16) {
            zt_store32_aligned(to, 0);
            zt_store32_aligned(to + 4, 0);
            zt_store32_aligned(to + 8, 0);
            zt_store32_aligned(to + 12, 0);
            __asm volatile ("" : : "r" (to) : "memory");
        }
    }
    for (; length > 0; length--) {
        *to++ = 0;
        __asm volatile ("" : : "r" (to) : "memory");
    }
}

#endif // ZT_BYTES_H
