// Fragments back into packets (protocol/02 §2.5): a bounded number of slots, each with memory of its own.
// It owns what arrived of incomplete packets, and for how long. Never authenticates: that happens on the whole packet.
//
// Pieces are stored in the order in which they come and brought into the right order, in place, when the last one is there; so
// a packet needs exactly its own length.
//
// Memory. If `slot_bytes` is less than the largest packet, some slots share: together they have room for one packet of any size.
// What outgrows its slot takes all of it, and the packets in these slots are given up; afterwards it is divided again. The other
// slots have `slot_bytes` each.
#ifndef ZT_REASSEMBLY_H
#define ZT_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

typedef struct _zt_slot_t {
    uint8_t *packet; // in its memory, placed so that byte 27 is aligned
    uint32_t capacity; // 0: its memory is in use as a part of a larger one
    uint32_t used;
    uint64_t since; // `now` of the first piece
    uint8_t id[ZT_ID_SIZE];
    uint8_t total; // unknown, 0, while only the head was seen
    uint8_t pieces; // mask of those that are there; 0: the slot is free
    uint8_t is_lent; // whole, and in use outside. Set by the owner, cleared by any thread
    uint16_t offset[ZT_FRAGMENTS_MAX];
    uint16_t length[ZT_FRAGMENTS_MAX];
} zt_slot_t;

typedef struct _zt_reassembly_t {
    zt_slot_t *slots;
    uint16_t count;
    uint16_t owning; // the first so many slots have memory of their own, the others share
    uint32_t *counters; // indexed by the names of counters.h
} zt_reassembly_t;

// Bytes of memory for that many slots, a multiple of 8. `slot_bytes` is at most ZT_PACKET_MAX_SIZE.
size_t zt_reassembly_size(uint16_t slots, uint32_t slot_bytes);
void zt_reassembly_init(zt_reassembly_t *self, void *memory, uint16_t slots, uint32_t slot_bytes, uint32_t *counters);

// Takes a head (flag F set, at least 28 bytes) or a fragment (at least 17 bytes) of a packet for us, and copies it. If it
// completes a packet: the slot that holds it, which is lent until zt_reassembly_release(). Else NULL.
zt_slot_t *zt_reassembly_head(zt_reassembly_t *self, const uint8_t *datagram, size_t length, uint64_t now);
zt_slot_t *zt_reassembly_fragment(zt_reassembly_t *self, const uint8_t *datagram, size_t length, uint64_t now);

// How many slots are lent.
size_t zt_reassembly_lent(const zt_reassembly_t *self);

// Makes a slot usable again. From any thread.
void zt_reassembly_release(zt_slot_t *slot);

#endif // ZT_REASSEMBLY_H
