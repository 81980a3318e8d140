// What lwIP must know of the compiler and the C library, on a POSIX system.
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

#ifndef BYTE_ORDER
#define BYTE_ORDER __BYTE_ORDER__
#endif

#endif // ZT_ARCH_CC_H
