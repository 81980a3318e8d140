// Copying between buffers that are not aligned alike, which is what happens to each packet once (see datapath.h, Placement).
// It owns that one function. Never an unaligned word access: it traps on Xtensa and may on RISC-V.
#ifndef ZT_COPY_H
#define ZT_COPY_H

#include <stddef.h>
#include <stdint.h>

// memcpy(), but by words also where source and destination differ in alignment; most C libraries then go byte by byte.
void zt_copy(uint8_t *to, const uint8_t *from, size_t length);

#endif // ZT_COPY_H
