// What libsodium's configure would have found out, decided by the compiler's own macros; included before each of its files.
// It owns the facts about processor and compiler. It never turns on assembler or run-time detection of processor features.
#ifndef ZT_SODIUM_CONFIG_H
#define ZT_SODIUM_CONFIG_H

#define CONFIGURED 1

// 51-bit limbs with 128-bit products; else 25.5-bit limbs with 64-bit products.
#if defined(__SIZEOF_INT128__)
#define HAVE_TI_MODE 1
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_LITTLE_ENDIAN 1
#else
#define NATIVE_BIG_ENDIAN 1
#endif

#endif // ZT_SODIUM_CONFIG_H
