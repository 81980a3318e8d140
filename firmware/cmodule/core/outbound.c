// The way out: from an Ethernet frame of a port to datagrams, or to a record for Python (protocol/07 §7.2, protocol/02 §2.4).
// It owns packet ids on this side. Never a copy: the packet is built around the frame where the frame lies.
#include "datapath_state.h"

// Any odd number makes a bijection of 64 bits; this one spreads a counter well. The same as in zerotier/vl1/packet_ids.py.
#define IDS_MIX (0x9e3779b97f4a7c15u)

void zt_datapath_set_ids(zt_datapath_t *self, const uint8_t *prefix) {
    ZT_ASSERT_OWNER(self);
    self->ids_prefix = 0;
    for (size_t i = 0; i < ZT_IDS_PREFIX_SIZE; i++) {
        self->ids_prefix = self->ids_prefix << 8 | prefix[i];
    }
    self->ids_used = 0;
}

bool zt_datapath_ids_low(const zt_datapath_t *self) {
    ZT_ASSERT_OWNER(self);
    return self->ids_used >= ZT_IDS_COUNT / 2;
}

static void put_id(zt_datapath_t *self, uint8_t *packet) {
    uint64_t id = (self->ids_prefix * ZT_IDS_COUNT + self->ids_used) * IDS_MIX;
    self->ids_used++;
    for (size_t i = 0; i < ZT_ID_SIZE; i++) {
        packet[i] = (uint8_t)(id >> (8 * (ZT_ID_SIZE - 1 - i)));
    }
}

// The peer that a frame goes to from here; NULL: it is Python's.
static zt_peer_t *recipient(const zt_datapath_t *self, const zt_network_t *network, const uint8_t *mac) {
    if (mac[0] != network->mask[0]) {
        return NULL; // a group, or behind a bridge
    }
    uint8_t address[ZT_ADDRESS_SIZE];
    for (size_t i = 0; i < ZT_ADDRESS_SIZE; i++) {
        address[i] = mac[1 + i] ^ network->mask[1 + i];
    }
    zt_peer_t *peer = zt_find_peer(self, address);
    if (peer == NULL || peer->send_to.length == 0 || !(peer->members[network - self->networks].flags & ZT_MEMBER_OPEN)) {
        return NULL;
    }
    return peer;
}

// Cuts an armored packet and sends the pieces. Each fragment's header goes over the end of the piece before it, which has been
// sent already.
static void send_pieces(zt_datapath_t *self, uint8_t *packet, size_t length, const zt_endpoint_t *to) {
    const size_t mtu = self->config.mtu;
    const size_t piece = mtu - ZT_FRAGMENT_HEADER_SIZE;
    const size_t total = 1 + (length - mtu + piece - 1) / piece;
    uint8_t header[ZT_FRAGMENT_HEADER_SIZE];
    memcpy(header, packet, ZT_SOURCE_OFFSET); // packet id, destination
    header[ZT_FRAGMENT_MARK_OFFSET] = ZT_FRAGMENT_MARK;
    header[ZT_FRAGMENT_HOPS_OFFSET] = 0;

    const zt_datapath_platform_t *platform = &self->platform;
    platform->send(platform->context, to, packet, mtu);
    uint8_t *datagram = packet + mtu - ZT_FRAGMENT_HEADER_SIZE;
    const uint8_t *end = packet + length;
    for (size_t number = 1; number < total; number++, datagram += piece) {
        header[ZT_FRAGMENT_COUNTS_OFFSET] = (uint8_t)(total << 4 | number);
        memcpy(datagram, header, sizeof(header));
        size_t left = (size_t)(end - datagram);
        platform->send(platform->context, to, datagram, left < mtu ? left : mtu);
    }
}

static zt_judgement_t judge(zt_datapath_t *self, const zt_network_t *network, const zt_peer_t *peer, const uint8_t *bytes,
    size_t length) {
    if (network->rules == NULL) {
        return ZT_JUDGED_PASS;
    }
    const zt_rules_frame_t frame = {
        .other = peer->address,
        .destination = bytes,
        .source = bytes + ZT_ETHERNET_ADDRESS_SIZE,
        .payload = bytes + ZT_FRAME_HEADER_SIZE,
        .length = length - ZT_FRAME_HEADER_SIZE,
        .ethertype = (uint16_t)(bytes[ZT_FRAME_HEADER_SIZE - 2] << 8 | bytes[ZT_FRAME_HEADER_SIZE - 1]),
    };
    return zt_judge(self, network, peer, &frame);
}

void zt_datapath_transmit(zt_datapath_t *self, int index, uint8_t *frame, size_t length, uint64_t now) {
    ZT_ASSERT_OWNER(self);
    if (index < 0 || index >= self->config.networks || !self->networks[index].is_used) {
        ZT_COUNT(self, frame_unknown_network);
        return;
    }
    const zt_network_t *network = &self->networks[index];
    if (length <= ZT_FRAME_HEADER_SIZE || length - ZT_FRAME_HEADER_SIZE > network->mtu || length > ZT_FRAME_MAX_SIZE) {
        ZT_COUNT(self, frame_size_out);
        return;
    }
    // The frame of a host that the stack bridges, if it may.
    bool is_foreign = memcmp(frame + ZT_ETHERNET_ADDRESS_SIZE, network->mac, ZT_ETHERNET_ADDRESS_SIZE) != 0;
    zt_peer_t *peer = is_foreign ? NULL : recipient(self, network, frame);
    size_t packet_length = length + ZT_FRAME_HEADROOM;
    bool too_many = packet_length > self->config.mtu + (ZT_FRAGMENTS_MAX - 1) * (size_t)(self->config.mtu - ZT_FRAGMENT_HEADER_SIZE);
    if (peer == NULL || self->ids_used >= ZT_IDS_COUNT || too_many) {
        zt_put_frame(self, network->nwid, frame, length);
        return;
    }
    zt_judgement_t judgement = judge(self, network, peer, frame, length);
    if (judgement == ZT_JUDGED_PYTHON) {
        zt_put_frame(self, network->nwid, frame, length);
    }
    if (judgement != ZT_JUDGED_PASS) {
        return;
    }

    uint8_t *packet = frame - ZT_FRAME_HEADROOM;
    bool is_whole = packet_length <= self->config.mtu;
    put_id(self, packet);
    memcpy(packet + ZT_DESTINATION_OFFSET, peer->address, ZT_ADDRESS_SIZE);
    memcpy(packet + ZT_SOURCE_OFFSET, self->address, ZT_ADDRESS_SIZE);
    packet[ZT_FLAGS_OFFSET] = is_whole ? 0 : ZT_FLAG_FRAGMENTED;
    packet[ZT_VERB_OFFSET] = ZT_VERB_FRAME;
    memcpy(packet + ZT_FRAME_NWID_OFFSET, network->nwid, ZT_NWID_SIZE);
    zt_armor((const uint8_t *)peer->key, packet, packet_length, ZT_CIPHER_SALSA20_POLY1305);

    // send() may call us again and change the tables, so the bookkeeping comes first and the endpoint is a copy.
    peer->last_frame_out = now;
    const zt_endpoint_t to = peer->send_to;
    ZT_COUNT(self, frames_out);
    if (is_whole) {
        self->platform.send(self->platform.context, &to, packet, packet_length);
    } else {
        send_pieces(self, packet, packet_length, &to);
    }
}
