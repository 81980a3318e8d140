// What lwIP must know of the compiler and the C library, without an operating system.
// It owns no options of lwIP; those are in lwipopts.h.
#ifndef ZT_ARCH_CC_H
#define ZT_ARCH_CC_H

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define LWIP_PLATFORM_DIAG(arguments)

void zt_stack_assert(const char *text);
#define LWIP_PLATFORM_ASSERT(text) zt_stack_assert(text)

#endif // ZT_ARCH_CC_H
