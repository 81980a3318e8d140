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

// The peer with this address, if frames may be sent to it from here.
static zt_peer_t *open_peer(const zt_datapath_t *self, const zt_network_t *network, const uint8_t *address) {
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

// Whether a frame may go to a member, or, if that is NULL, to anybody.
static zt_judgement_t judge(zt_datapath_t *self, const zt_network_t *network, const zt_peer_t *peer, const uint8_t *bytes,
    size_t length) {
    static const uint8_t nobody[ZT_ADDRESS_SIZE];
    if (network->rules == NULL) {
        return ZT_JUDGED_PASS;
    }
    const zt_rules_frame_t frame = {
        .other = peer == NULL ? nobody : peer->address,
        .destination = bytes,
        .source = bytes + ZT_ETHERNET_ADDRESS_SIZE,
        .payload = bytes + ZT_FRAME_HEADER_SIZE,
        .length = length - ZT_FRAME_HEADER_SIZE,
        .ethertype = (uint16_t)(bytes[ZT_FRAME_HEADER_SIZE - 2] << 8 | bytes[ZT_FRAME_HEADER_SIZE - 1]),
    };
    return zt_judge(self, network, peer, &frame);
}

// A port takes the frame. It may call us again meanwhile, so nothing is done with the frame afterwards.
static void hand_over(zt_datapath_t *self, void *port, uint8_t *frame, size_t length) {
    if (self->platform.deliver(self->platform.context, port, frame, length, -1)) {
        ZT_COUNT(self, frames_in);
    } else {
        ZT_COUNT(self, frame_not_taken);
    }
}

// Armors and sends a packet that is complete from the network's id on.
static void send_packet(zt_datapath_t *self, zt_peer_t *peer, uint8_t *packet, size_t length, uint8_t verb, uint64_t now) {
    bool is_whole = length <= self->config.mtu;
    put_id(self, packet);
    memcpy(packet + ZT_DESTINATION_OFFSET, peer->address, ZT_ADDRESS_SIZE);
    memcpy(packet + ZT_SOURCE_OFFSET, self->address, ZT_ADDRESS_SIZE);
    packet[ZT_FLAGS_OFFSET] = is_whole ? 0 : ZT_FLAG_FRAGMENTED;
    packet[ZT_VERB_OFFSET] = verb;
    zt_armor((const uint8_t *)peer->key, packet, length, ZT_CIPHER_SALSA20_POLY1305);

    // send() may call us again and change the tables, so the bookkeeping comes first and the endpoint is a copy.
    peer->last_frame_out = now;
    const zt_endpoint_t to = peer->send_to;
    ZT_COUNT(self, frames_out);
    if (is_whole) {
        self->platform.send(self->platform.context, &to, packet, length);
    } else {
        send_pieces(self, packet, length, &to);
    }
}

static bool has_room(const zt_datapath_t *self, size_t packet_length) {
    const size_t mtu = self->config.mtu;
    return self->ids_used < ZT_IDS_COUNT && packet_length <= ZT_PACKET_MAX_SIZE
           && packet_length <= mtu + (ZT_FRAGMENTS_MAX - 1) * (mtu - ZT_FRAGMENT_HEADER_SIZE);
}

// To a member, or to the host behind it that the frame is for. False: it is Python's.
static bool send_to(zt_datapath_t *self, const zt_network_t *network, zt_peer_t *peer, uint8_t *frame, size_t length, bool is_own,
    uint64_t now) {
    bool is_for_member = frame[0] == network->mask[0];
    // Without MACs in the packet only what goes from a member to a member.
    size_t start = is_own && is_for_member ? ZT_FRAME_START_OFFSET : ZT_EXT_FRAME_START_OFFSET;
    if (!has_room(self, start + length)) {
        return false;
    }
    zt_judgement_t judgement = is_for_member ? ZT_JUDGED_PASS : judge(self, network, NULL, frame, length);
    if (judgement == ZT_JUDGED_PASS) {
        judgement = judge(self, network, peer, frame, length);
    }
    if (judgement != ZT_JUDGED_PASS) {
        return judgement == ZT_JUDGED_DROP;
    }
    uint8_t verb = ZT_VERB_FRAME;
    if (start == ZT_EXT_FRAME_START_OFFSET) { // one of our own is not well placed now: to move it would cost more
        frame[-1] = ZT_EXT_FRAME_NORMAL;
        verb = ZT_VERB_EXT_FRAME;
    }
    uint8_t *packet = frame - start;
    memcpy(packet + ZT_FRAME_NWID_OFFSET, network->nwid, ZT_NWID_SIZE);
    send_packet(self, peer, packet, start + length, verb, now);
    return true;
}

// A unicast frame of our stack (`is_own`), or of a host that we bridge. False: it is Python's.
static bool forward(zt_datapath_t *self, const zt_network_t *network, uint8_t *frame, size_t length, bool is_own, uint64_t now) {
    uint8_t member[ZT_ADDRESS_SIZE];
    const uint8_t *address = member;
    if (frame[0] == network->mask[0]) {
        if (!is_own && memcmp(frame, network->mac, ZT_ETHERNET_ADDRESS_SIZE) == 0) {
            hand_over(self, network->port, frame, length);
            return true;
        }
        for (size_t i = 0; i < ZT_ADDRESS_SIZE; i++) {
            member[i] = frame[1 + i] ^ network->mask[1 + i];
        }
    } else {
        address = zt_find_host(self, network, frame, now);
        if (address == NULL) {
            return false;
        }
        if (zt_same_address(address, self->address)) {
            if (is_own) { // else both are on that Ethernet
                hand_over(self, network->ethernet, frame, length);
            }
            return true;
        }
    }
    zt_peer_t *peer = open_peer(self, network, address);
    return peer != NULL && send_to(self, network, peer, frame, length, is_own, now);
}

// The network of a frame; NULL if there is none, or the frame cannot be one of it.
static const zt_network_t *network_of(zt_datapath_t *self, int index, size_t length) {
    ZT_ASSERT_OWNER(self);
    if (index < 0 || index >= self->config.networks || !self->networks[index].is_used) {
        ZT_COUNT(self, frame_unknown_network);
        return NULL;
    }
    if (length <= ZT_FRAME_HEADER_SIZE || length - ZT_FRAME_HEADER_SIZE > self->networks[index].mtu || length > ZT_FRAME_MAX_SIZE) {
        ZT_COUNT(self, frame_size_out);
        return NULL;
    }
    return &self->networks[index];
}

void zt_datapath_transmit(zt_datapath_t *self, int index, uint8_t *frame, size_t length, uint64_t now) {
    const zt_network_t *network = network_of(self, index, length);
    if (network == NULL) {
        return;
    }
    // The stack may send as a host that it bridges by itself: whether it may is Python's to say.
    bool is_own = memcmp(frame + ZT_ETHERNET_ADDRESS_SIZE, network->mac, ZT_ETHERNET_ADDRESS_SIZE) == 0;
    if (!is_own || !forward(self, network, frame, length, true, now)) {
        zt_put_frame(self, ZT_RECORD_FRAME, network->nwid, frame, length);
    }
}

void zt_datapath_bridge(zt_datapath_t *self, int index, uint8_t *frame, size_t length, uint64_t now) {
    const zt_network_t *network = network_of(self, index, length);
    if (network == NULL) {
        return;
    }
    bool is_known = zt_hear_host(self, network, frame + ZT_ETHERNET_ADDRESS_SIZE, self->address, now);
    if (!is_known || !forward(self, network, frame, length, false, now)) {
        zt_put_frame(self, ZT_RECORD_BRIDGED, network->nwid, frame, length);
    }
}
