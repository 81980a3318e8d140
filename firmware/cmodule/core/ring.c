// Records in a ring of bytes; ring.h is the manual.
// Never a record in two pieces: the end of the memory is skipped instead, which a mark says to who reads.
#include "ring.h"

#include <string.h>

// Before each record. A length of GAP says that the next record is at the start of the memory.
typedef struct _mark_t {
    uint32_t length;
    uint32_t unused;
} mark_t;

#define GAP (UINT32_MAX)

_Static_assert(sizeof(mark_t) == ZT_RING_OVERHEAD, "a mark must keep records aligned");

static size_t stride_of(size_t length) {
    return (ZT_RING_OVERHEAD + length + ZT_RING_ALIGNMENT - 1) & ~(size_t)(ZT_RING_ALIGNMENT - 1);
}

static mark_t *mark_at(const zt_ring_t *self, size_t offset) {
    return (mark_t *)(void *)(self->memory + offset);
}

void zt_ring_init(zt_ring_t *self, void *memory, size_t size) {
    memset(self, 0, sizeof(*self));
    self->memory = memory;
    self->size = size & ~(size_t)(ZT_RING_ALIGNMENT - 1);
}

uint8_t *zt_ring_put(zt_ring_t *self, size_t length, size_t limit) {
    if (length >= self->size) {
        return NULL;
    }
    if (self->used == 0) {
        self->first = self->next = 0;
    }
    size_t stride = stride_of(length);
    size_t gap = 0;
    if (self->next + stride > self->size && self->next >= self->first) {
        gap = self->size - self->next;
    }
    size_t used = self->used + gap + stride;
    if (used > self->size || used > limit) {
        return NULL;
    }
    if (gap > 0) {
        mark_at(self, self->next)->length = GAP;
        self->next = 0;
    } else if (self->next == self->size) {
        self->next = 0;
    }
    mark_t *mark = mark_at(self, self->next);
    mark->length = (uint32_t)length;
    self->next += stride;
    self->used = used;
    return (uint8_t *)(mark + 1);
}

// Where the oldest record is, beyond the gap if there is one.
static size_t first_record(const zt_ring_t *self) {
    if (self->first == self->size || mark_at(self, self->first)->length == GAP) {
        return 0;
    }
    return self->first;
}

uint8_t *zt_ring_peek(const zt_ring_t *self, size_t *length) {
    if (self->used == 0) {
        return NULL;
    }
    mark_t *mark = mark_at(self, first_record(self));
    *length = mark->length;
    return (uint8_t *)(mark + 1);
}

void zt_ring_drop(zt_ring_t *self) {
    if (self->used == 0) {
        return;
    }
    size_t record = first_record(self);
    if (record != self->first) {
        self->used -= self->size - self->first;
    }
    size_t stride = stride_of(mark_at(self, record)->length);
    self->first = record + stride;
    self->used -= stride;
}
