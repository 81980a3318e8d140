// What goes from the datapath to Python: records in the ring, each of a class that may use its share and no more.
// It owns the layout of a record and the shares. Never decides what goes there.
#include "copy.h"
#include "datapath_state.h"

// Added to the kind: the packet is not behind the header but in a slot, whose index is. A control packet that was put together from
// fragments stays there: the ring need not have room for the largest.
#define IN_SLOT (0x80)

// What stands in front of a packet in the ring. Its size keeps the packet where packets should be: records begin at a multiple
// of 8, see ZT_PACKET_LEAD.
typedef struct _header_t {
    uint8_t kind;
    union {
        zt_endpoint_t endpoint;
        uint8_t nwid[ZT_NWID_SIZE];
    };
} header_t;

_Static_assert(sizeof(header_t) % 8 == ZT_PACKET_LEAD, "packets in the ring must be placed as packets are elsewhere");

// Shares of the ring in quarters: a flood of frames, or of packets from strangers, leaves room for HELLOs of newcomers, and both
// leave room for authenticated control packets.
#define SHARE_BULK (2)
#define SHARE_HELLO (3)
#define SHARE_ALL (4)

static header_t *put(zt_datapath_t *self, uint8_t kind, const uint8_t *packet, size_t length, size_t share, size_t reason) {
    header_t *header = (header_t *)(void *)zt_ring_put(&self->ring, sizeof(header_t) + length, self->ring.size / 4 * share);
    if (header == NULL) {
        self->counters[reason]++;
        return NULL;
    }
    header->kind = kind;
    zt_copy((uint8_t *)(header + 1), packet, length);
    return header;
}

// False: there was no room, which is counted.
static bool put_from(zt_datapath_t *self, uint8_t kind, const uint8_t *packet, size_t length, const zt_endpoint_t *source,
    size_t share, size_t reason) {
    header_t *header = put(self, kind, packet, length, share, reason);
    if (header == NULL) {
        return false;
    }
    header->endpoint = *source;
    return true;
}

bool zt_put_packet(zt_datapath_t *self, const uint8_t *packet, size_t length, const zt_endpoint_t *source, int slot) {
    uint8_t verb = packet[ZT_VERB_OFFSET] & ZT_VERB_MASK;
    if (verb == ZT_VERB_FRAME || verb == ZT_VERB_EXT_FRAME || verb == ZT_VERB_MULTICAST_FRAME) {
        put_from(self, ZT_RECORD_PACKET, packet, length, source, SHARE_BULK, ZT_COUNT_ring_full_frame_in);
        return false;
    }
    if (slot < 0) {
        put_from(self, ZT_RECORD_PACKET, packet, length, source, SHARE_ALL, ZT_COUNT_ring_full_control);
        return false;
    }
    const uint8_t index = (uint8_t)slot;
    return put_from(self, ZT_RECORD_PACKET | IN_SLOT, &index, sizeof(index), source, SHARE_ALL, ZT_COUNT_ring_full_control);
}

void zt_put_hello(zt_datapath_t *self, const uint8_t *packet, size_t length, const zt_endpoint_t *source) {
    put_from(self, ZT_RECORD_RAW, packet, length, source, SHARE_HELLO, ZT_COUNT_ring_full_hello);
}

void zt_put_raw(zt_datapath_t *self, const uint8_t *datagram, size_t length, const zt_endpoint_t *source) {
    put_from(self, ZT_RECORD_RAW, datagram, length, source, SHARE_BULK, ZT_COUNT_ring_full_raw);
}

void zt_put_frame(zt_datapath_t *self, uint8_t kind, const uint8_t *nwid, const uint8_t *frame, size_t length) {
    header_t *header = put(self, kind, frame, length, SHARE_BULK, ZT_COUNT_ring_full_frame_out);
    if (header != NULL) {
        memcpy(header->nwid, nwid, ZT_NWID_SIZE);
    }
}

void zt_put_path(zt_datapath_t *self, const uint8_t *address, const zt_endpoint_t *source) {
    put_from(self, ZT_RECORD_PATH, address, ZT_ADDRESS_SIZE, source, SHARE_ALL, ZT_COUNT_ring_full_path);
}

// The slot that holds the packet of a record, NULL if none does.
static zt_slot_t *slot_of(const zt_datapath_t *self, const header_t *header) {
    return header->kind & IN_SLOT ? &self->reassembly.slots[*(const uint8_t *)(header + 1)] : NULL;
}

bool zt_datapath_next(const zt_datapath_t *self, zt_record_t *record) {
    ZT_ASSERT_OWNER(self);
    size_t length;
    header_t *header = (header_t *)(void *)zt_ring_peek(&self->ring, &length);
    if (header == NULL) {
        return false;
    }
    const zt_slot_t *slot = slot_of(self, header);
    record->kind = header->kind & ~IN_SLOT;
    record->packet = slot == NULL ? (uint8_t *)(header + 1) : slot->packet;
    record->length = slot == NULL ? length - sizeof(header_t) : slot->used;
    record->endpoint.length = 0;
    if (record->kind == ZT_RECORD_FRAME || record->kind == ZT_RECORD_BRIDGED) {
        memcpy(record->nwid, header->nwid, ZT_NWID_SIZE);
    } else {
        record->endpoint = header->endpoint;
    }
    return true;
}

void zt_datapath_pop(zt_datapath_t *self) {
    ZT_ASSERT_OWNER(self);
    size_t length;
    const header_t *header = (const header_t *)(void *)zt_ring_peek(&self->ring, &length);
    zt_slot_t *slot = header == NULL ? NULL : slot_of(self, header);
    if (slot != NULL) {
        zt_reassembly_release(slot);
    }
    zt_ring_drop(&self->ring);
}
