// A bounded queue of records of any length, each contiguous and in the order in which it was put. It owns the space between
// records and nothing else: what a record means is the business of who puts and who takes.
// Never any memory of its own, any lock, any wait: one thread at a time, or the caller's lock around every call.
//
// Records begin at multiples of ZT_RING_ALIGNMENT from the start of the memory. Each costs ZT_RING_OVERHEAD bytes more and is
// rounded up; a record that does not fit before the end of the memory goes to its start, and the gap counts as used meanwhile.
#ifndef ZT_RING_H
#define ZT_RING_H

#include <stddef.h>
#include <stdint.h>

#define ZT_RING_ALIGNMENT (8)
#define ZT_RING_OVERHEAD (8)

typedef struct _zt_ring_t {
    uint8_t *memory;
    size_t size;
    size_t first; // offset of the oldest record
    size_t next; // offset behind the newest
    size_t used; // bytes, gaps included
} zt_ring_t;

// `memory` is `size` bytes and aligned to ZT_RING_ALIGNMENT; what exceeds a multiple of it is not used.
void zt_ring_init(zt_ring_t *self, void *memory, size_t size);

// Appends a record of `length` bytes and returns where they go; NULL if there is no room, or if more than `limit` bytes of the
// ring would then be in use. With different limits one kind of record cannot crowd out another.
uint8_t *zt_ring_put(zt_ring_t *self, size_t length, size_t limit);

// The oldest record and its length; NULL if there is none. It stays where it is until it is dropped.
uint8_t *zt_ring_peek(const zt_ring_t *self, size_t *length);

// Takes the oldest record away, if there is one.
void zt_ring_drop(zt_ring_t *self);

#endif // ZT_RING_H
