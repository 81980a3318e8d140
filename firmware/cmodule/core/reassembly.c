// Fragments back into packets; reassembly.h is the manual.
// Never trusts a fragment: its counts, its length and how many there are come from anybody.
#include "reassembly.h"

#include <string.h>

#include "copy.h"
#include "counters.h"
#include "datapath.h"

#define TIMEOUT_MS (5000)
#define ALIGN(bytes) (((bytes) + 7) & ~(size_t)7)

static size_t memory_of(uint32_t bytes) {
    return ALIGN(ZT_PACKET_LEAD + bytes);
}

#define SHARED_MEMORY (memory_of(ZT_PACKET_MAX_SIZE))

// How many slots share.
static uint16_t sharing(uint16_t slots, uint32_t slot_bytes) {
    size_t fitting = slot_bytes == ZT_PACKET_MAX_SIZE ? 0 : SHARED_MEMORY / memory_of(slot_bytes);
    return fitting < slots ? (uint16_t)fitting : slots;
}

size_t zt_reassembly_size(uint16_t slots, uint32_t slot_bytes) {
    uint16_t shared = sharing(slots, slot_bytes);
    return ALIGN(slots * sizeof(zt_slot_t)) + (slots - shared) * memory_of(slot_bytes) + (shared > 0 ? SHARED_MEMORY : 0);
}

static void clear(zt_slot_t *slot) {
    slot->pieces = 0;
    slot->total = 0;
    slot->used = 0;
}

// Gives each of the slots that share its part. None of them is in use.
static void divide(zt_reassembly_t *self) {
    uint8_t *packet = self->slots[self->owning].packet;
    size_t part = SHARED_MEMORY / (self->count - self->owning) & ~(size_t)7;
    for (size_t i = self->owning; i < self->count; i++, packet += part) {
        clear(&self->slots[i]);
        self->slots[i].packet = packet;
        self->slots[i].capacity = (uint32_t)(part - ZT_PACKET_LEAD);
    }
}

void zt_reassembly_init(zt_reassembly_t *self, void *memory, uint16_t slots, uint32_t slot_bytes, uint32_t *counters) {
    self->slots = memory;
    self->count = slots;
    self->owning = (uint16_t)(slots - sharing(slots, slot_bytes));
    self->counters = counters;
    uint8_t *packets = (uint8_t *)memory + ALIGN(slots * sizeof(zt_slot_t));
    for (size_t i = 0; i < slots; i++) {
        zt_slot_t *slot = &self->slots[i];
        memset(slot, 0, sizeof(*slot));
        slot->capacity = slot_bytes;
        slot->packet = packets + ZT_PACKET_LEAD;
        packets += i < self->owning ? memory_of(slot_bytes) : 0;
    }
    if (self->owning < slots) {
        divide(self);
    }
}

static bool is_lent(const zt_slot_t *slot) {
    return __atomic_load_n(&slot->is_lent, __ATOMIC_ACQUIRE) != 0;
}

void zt_reassembly_release(zt_slot_t *slot) {
    __atomic_store_n(&slot->is_lent, 0, __ATOMIC_RELEASE);
}

size_t zt_reassembly_lent(const zt_reassembly_t *self) {
    size_t lent = 0;
    for (size_t i = 0; i < self->count; i++) {
        lent += is_lent(&self->slots[i]);
    }
    return lent;
}

static void count(zt_reassembly_t *self, size_t reason) {
    self->counters[reason]++;
}

static bool is_over(const zt_slot_t *slot, uint64_t now) {
    return now - slot->since >= TIMEOUT_MS;
}

// The slot that may have all of the shared memory; NULL if nothing is shared.
static zt_slot_t *large(zt_reassembly_t *self) {
    return self->owning < self->count ? &self->slots[self->owning] : NULL;
}

static bool is_whole(const zt_slot_t *slot) {
    return slot != NULL && slot->capacity >= ZT_PACKET_MAX_SIZE;
}

// The slot of this packet, else a free one, else that of the packet that waits longest. NULL if all are lent.
static zt_slot_t *find(zt_reassembly_t *self, const uint8_t *id, uint64_t now) {
    zt_slot_t *taken = NULL;
    zt_slot_t *shared = large(self);
    if (is_whole(shared) && shared->pieces == 0 && !is_lent(shared)) {
        divide(self);
    }
    for (size_t i = 0; i < self->count; i++) {
        zt_slot_t *slot = &self->slots[i];
        if (is_lent(slot) || slot->capacity == 0) {
            continue;
        }
        if (slot->pieces != 0 && !is_over(slot, now) && memcmp(slot->id, id, ZT_ID_SIZE) == 0) {
            return slot;
        }
        if (taken == NULL || (taken->pieces != 0 && (slot->pieces == 0 || slot->since < taken->since))) {
            taken = slot;
        }
    }
    if (taken == NULL) {
        count(self, ZT_COUNT_reassembly_no_slot);
        return NULL;
    }
    if (taken->pieces != 0) {
        count(self, ZT_COUNT_reassembly_incomplete);
    }
    clear(taken);
    if (taken == shared && is_whole(shared)) {
        divide(self);
    }
    memcpy(taken->id, id, ZT_ID_SIZE);
    taken->since = now;
    return taken;
}

// Moves a packet that outgrows its slot to the shared memory, whose packets are given up. NULL if one of them is lent.
static zt_slot_t *outgrow(zt_reassembly_t *self, zt_slot_t *slot) {
    zt_slot_t *shared = large(self);
    for (size_t i = self->owning; i < self->count; i++) {
        if (is_lent(&self->slots[i])) {
            count(self, ZT_COUNT_reassembly_no_slot);
            clear(slot);
            return NULL;
        }
    }
    uint8_t *packet = shared->packet;
    zt_slot_t moved = *slot;
    memmove(packet, moved.packet, moved.used);
    for (size_t i = self->owning; i < self->count; i++) {
        zt_slot_t *other = &self->slots[i];
        if (other != slot && other->pieces != 0) {
            count(self, ZT_COUNT_reassembly_incomplete);
        }
        clear(other);
        other->capacity = 0;
    }
    clear(slot);
    *shared = moved;
    shared->packet = packet;
    shared->capacity = ZT_PACKET_MAX_SIZE;
    return shared;
}

static void reverse(uint8_t *bytes, size_t length) {
    for (size_t i = 0, j = length; i + 1 < j; i++) {
        j--;
        uint8_t byte = bytes[i];
        bytes[i] = bytes[j];
        bytes[j] = byte;
    }
}

// Brings the pieces into the order of their numbers. Nothing moves if they came so.
static void put_in_order(zt_slot_t *slot) {
    size_t end = 0;
    for (size_t number = 0; number < slot->total; number++) {
        size_t length = slot->length[number];
        size_t before = slot->offset[number] - end; // bytes of later pieces that stand in front
        if (before != 0) {
            uint8_t *from = slot->packet + end;
            reverse(from, before);
            reverse(from + before, length);
            reverse(from, before + length);
            for (size_t later = number + 1; later < ZT_FRAGMENTS_MAX; later++) {
                if (slot->offset[later] < slot->offset[number]) {
                    slot->offset[later] = (uint16_t)(slot->offset[later] + length);
                }
            }
        }
        end += length;
    }
    slot->used = (uint32_t)end;
}

static zt_slot_t *add(zt_reassembly_t *self, const uint8_t *id, uint8_t number, uint8_t total, const uint8_t *piece,
    size_t length, uint64_t now) {
    zt_slot_t *slot = find(self, id, now);
    if (slot == NULL) {
        return NULL;
    }
    uint8_t bit = (uint8_t)(1 << number);
    if (slot->pieces & bit) {
        count(self, ZT_COUNT_duplicate_fragment);
        return NULL;
    }
    if (length > ZT_PACKET_MAX_SIZE - slot->used) {
        count(self, ZT_COUNT_oversized_packet);
        clear(slot);
        return NULL;
    }
    if (length > slot->capacity - slot->used) {
        slot = outgrow(self, slot);
        if (slot == NULL) {
            return NULL;
        }
    }
    zt_copy(slot->packet + slot->used, piece, length);
    slot->offset[number] = (uint16_t)slot->used;
    slot->length[number] = (uint16_t)length;
    slot->used += (uint32_t)length;
    slot->pieces |= bit;
    if (total != 0) {
        slot->total = total;
    }
    uint8_t wanted = (uint8_t)((1 << slot->total) - 1);
    if (slot->total == 0 || (slot->pieces & wanted) != wanted) {
        return NULL;
    }
    put_in_order(slot);
    slot->pieces = 0;
    slot->is_lent = 1;
    return slot;
}

zt_slot_t *zt_reassembly_head(zt_reassembly_t *self, const uint8_t *datagram, size_t length, uint64_t now) {
    return add(self, datagram, 0, 0, datagram, length, now);
}

zt_slot_t *zt_reassembly_fragment(zt_reassembly_t *self, const uint8_t *datagram, size_t length, uint64_t now) {
    uint8_t total = datagram[ZT_FRAGMENT_COUNTS_OFFSET] >> 4;
    uint8_t number = datagram[ZT_FRAGMENT_COUNTS_OFFSET] & 0x0f;
    if (total < 2 || total > ZT_FRAGMENTS_MAX || number < 1 || number >= total) {
        count(self, ZT_COUNT_malformed_fragment);
        return NULL;
    }
    return add(self, datagram, number, total, datagram + ZT_FRAGMENT_HEADER_SIZE, length - ZT_FRAGMENT_HEADER_SIZE, now);
}
