// The way in: from a datagram to an Ethernet frame for the port, or to a record for Python (protocol/02 §2.3, protocol/03 §3.9,
// §3.10). Read it from the bottom up.
// Never trusts anything before dearmor, and after it only what the tables say of the peer.
#include "datapath_state.h"

#define PATH_EVENT_INTERVAL_MS (1000)

// A packet on its way.
typedef struct _packet_t {
    uint8_t *bytes;
    size_t length;
    const zt_endpoint_t *source;
    uint64_t now;
    zt_peer_t *peer;
    int slot; // that holds it, -1: in the caller's memory
    bool was_kept; // the slot is now the port's, or Python's
} packet_t;

static void heard_on(zt_datapath_t *self, const packet_t *packet) {
    zt_peer_t *peer = packet->peer;
    peer->last_frame_in = packet->now;
    if ((packet->bytes[ZT_FLAGS_OFFSET] & ZT_HOPS_MASK) != 0) {
        return;
    }
    for (size_t i = 0; i < peer->path_count; i++) {
        if (zt_same_endpoint(&peer->paths[i], packet->source)) {
            peer->last_receive[i] = packet->now;
            return;
        }
    }
    if (peer->last_path_event == 0 || packet->now - peer->last_path_event >= PATH_EVENT_INTERVAL_MS) {
        peer->last_path_event = packet->now;
        zt_put_path(self, peer->address, packet->source);
    }
}

// A frame of an admitted member whose Ethernet header is complete. Nothing of the packet or of the peer is used after deliver():
// it may have called us again.
static void deliver(zt_datapath_t *self, packet_t *packet, const zt_network_t *network, void *port, size_t start) {
    size_t length = packet->length - start;
    if (length == ZT_FRAME_HEADER_SIZE) {
        ZT_COUNT(self, frame_empty);
        return;
    }
    if (length - ZT_FRAME_HEADER_SIZE > network->mtu) {
        ZT_COUNT(self, frame_size_in);
        return;
    }
    // A stack that keeps slots while its sockets are full must not stop reassembly, nor packets that need the shared memory.
    int slot = packet->slot;
    if (slot >= self->reassembly.owning || zt_reassembly_lent(&self->reassembly) > self->slots_lendable) {
        slot = -1;
    }
    bool taken = self->platform.deliver(self->platform.context, port, packet->bytes + start, length, slot);
    packet->was_kept = taken && slot >= 0;
    if (taken) {
        ZT_COUNT(self, frames_in);
    } else {
        ZT_COUNT(self, frame_not_taken);
    }
}

static const zt_network_t *network_of_member(const zt_datapath_t *self, const packet_t *packet) {
    int index = zt_find_network(self, packet->bytes + ZT_FRAME_NWID_OFFSET);
    if (index < 0 || !(packet->peer->members[index].flags & ZT_MEMBER_ADMITTED)) {
        return NULL;
    }
    return &self->networks[index];
}

static void mac_of(const zt_network_t *network, const uint8_t *address, uint8_t *mac) {
    mac[0] = network->mask[0];
    for (size_t i = 0; i < ZT_ADDRESS_SIZE; i++) {
        mac[1 + i] = address[i] ^ network->mask[1 + i];
    }
}

// `ethertype` is in front of the payload. Nothing of the packet may have been changed: it may become Python's.
static zt_judgement_t judge(zt_datapath_t *self, const packet_t *packet, const zt_network_t *network, const uint8_t *destination,
    const uint8_t *source, const uint8_t *ethertype) {
    const uint8_t *payload = ethertype + 2;
    size_t length = packet->length - (size_t)(payload - packet->bytes);
    if (network->rules == NULL || length == 0 || length > network->mtu) {
        return ZT_JUDGED_PASS; // deliver() counts what is empty or too long
    }
    const zt_rules_frame_t frame = {
        .other = packet->peer->address,
        .destination = destination,
        .source = source,
        .payload = payload,
        .length = length,
        .ethertype = (uint16_t)(ethertype[0] << 8 | ethertype[1]),
        .is_inbound = true,
    };
    return zt_judge(self, network, packet->peer, &frame);
}

// Both return false if the packet is Python's.
static bool receive_frame(zt_datapath_t *self, packet_t *packet) {
    if (packet->length < ZT_FRAME_PAYLOAD_OFFSET) {
        return false;
    }
    const zt_network_t *network = network_of_member(self, packet);
    if (network == NULL) {
        return false;
    }
    uint8_t source[ZT_ETHERNET_ADDRESS_SIZE];
    mac_of(network, packet->peer->address, source);
    uint8_t *frame = packet->bytes + ZT_FRAME_START_OFFSET;
    zt_judgement_t judgement = judge(self, packet, network, network->mac, source, frame + ZT_FRAME_HEADER_SIZE - 2);
    if (judgement == ZT_JUDGED_PYTHON) {
        return false;
    }
    heard_on(self, packet);
    if (judgement == ZT_JUDGED_DROP) {
        return true;
    }
    // The Ethernet header takes the place of the end of the packet's header and of the network's id; the ethertype is there.
    memcpy(frame, network->mac, ZT_ETHERNET_ADDRESS_SIZE);
    memcpy(frame + ZT_ETHERNET_ADDRESS_SIZE, source, ZT_ETHERNET_ADDRESS_SIZE);
    deliver(self, packet, network, network->port, ZT_FRAME_START_OFFSET);
    return true;
}

// The port that a MAC is behind, NULL if that is not for us to know.
static void *port_of(const zt_datapath_t *self, const packet_t *packet, const zt_network_t *network, const uint8_t *mac) {
    if (memcmp(mac, network->mac, ZT_ETHERNET_ADDRESS_SIZE) == 0) {
        return network->port;
    }
    const uint8_t *where = zt_find_host(self, network, mac, packet->now);
    return where != NULL && zt_same_address(where, self->address) ? network->ethernet : NULL;
}

// The peer's own MAC, or that of a host that is known to be behind it.
static bool may_send_as(zt_datapath_t *self, const packet_t *packet, const zt_network_t *network, const uint8_t *mac) {
    uint8_t own[ZT_ETHERNET_ADDRESS_SIZE];
    mac_of(network, packet->peer->address, own);
    return memcmp(mac, own, ZT_ETHERNET_ADDRESS_SIZE) == 0
           || zt_hear_host(self, network, mac, packet->peer->address, packet->now);
}

static bool receive_ext_frame(zt_datapath_t *self, packet_t *packet) {
    // A certificate, a wish for an answer and copies made by rules are Python's.
    if (packet->length < ZT_EXT_FRAME_PAYLOAD_OFFSET || packet->bytes[ZT_EXT_FRAME_FLAGS_OFFSET] != 0) {
        return false;
    }
    const zt_network_t *network = network_of_member(self, packet);
    if (network == NULL) {
        return false;
    }
    const uint8_t *destination = packet->bytes + ZT_EXT_FRAME_START_OFFSET;
    const uint8_t *source = destination + ZT_ETHERNET_ADDRESS_SIZE;
    if (destination[0] & 1) {
        return false; // to a group: policy knows whether the network has multicast
    }
    if (memcmp(source, network->mac, ZT_ETHERNET_ADDRESS_SIZE) == 0) {
        ZT_COUNT(self, frame_own_source);
        heard_on(self, packet);
        return true;
    }
    void *port = port_of(self, packet, network, destination);
    if (port == NULL || !may_send_as(self, packet, network, source)) {
        return false; // of or for a host that is not known, a frame that a rule redirected, or a lie
    }
    zt_judgement_t judgement = judge(self, packet, network, destination, source, source + ZT_ETHERNET_ADDRESS_SIZE);
    if (judgement == ZT_JUDGED_PYTHON) {
        return false;
    }
    heard_on(self, packet);
    if (judgement != ZT_JUDGED_DROP) {
        deliver(self, packet, network, port, ZT_EXT_FRAME_START_OFFSET);
    }
    return true;
}

static void receive_packet(zt_datapath_t *self, packet_t *packet) {
    uint8_t *bytes = packet->bytes;
    if (packet->length < ZT_PACKET_MIN_SIZE) {
        ZT_COUNT(self, truncated);
        return;
    }
    if (packet->length > ZT_PACKET_MAX_SIZE) {
        ZT_COUNT(self, oversized_packet);
        return;
    }
    const uint8_t *address = bytes + ZT_SOURCE_OFFSET;
    if (zt_same_address(address, self->address)) {
        ZT_COUNT(self, own_packet);
        return;
    }
    if ((bytes[ZT_FLAGS_OFFSET] & ZT_CIPHER_MASK) == 0 && (bytes[ZT_VERB_OFFSET] & ZT_VERB_MASK) == ZT_VERB_HELLO) {
        zt_put_hello(self, bytes, packet->length, packet->source);
        return;
    }
    packet->peer = zt_find_peer(self, address);
    bool is_extended = (bytes[ZT_FLAGS_OFFSET] & (ZT_CIPHER_MASK | ZT_FLAG_EXTENDED)) == ZT_FLAG_EXTENDED;
    if (packet->peer == NULL || is_extended) {
        zt_put_raw(self, bytes, packet->length, packet->source);
        return;
    }
    if (!zt_dearmor_once((const uint8_t *)packet->peer->key, bytes, packet->length)) {
        ZT_COUNT(self, bad_mac);
        return;
    }
    // Frames are never compressed by who follows the protocol (protocol/02 §2.10); Python takes them all the same.
    uint8_t verb = bytes[ZT_VERB_OFFSET] & (ZT_VERB_MASK | ZT_FLAG_COMPRESSED);
    bool is_done = false;
    if (verb == ZT_VERB_FRAME) {
        is_done = receive_frame(self, packet);
    } else if (verb == ZT_VERB_EXT_FRAME) {
        is_done = receive_ext_frame(self, packet);
    }
    if (!is_done) {
        packet->was_kept = zt_put_packet(self, bytes, packet->length, packet->source, packet->slot);
    }
}

static void receive_piece(zt_datapath_t *self, zt_slot_t *slot, const zt_endpoint_t *source, uint64_t now) {
    if (slot == NULL) {
        return;
    }
    packet_t packet = {
        .bytes = slot->packet,
        .length = slot->used,
        .source = source,
        .now = now,
        .slot = (int)(slot - self->reassembly.slots),
    };
    receive_packet(self, &packet);
    if (!packet.was_kept) {
        zt_reassembly_release(slot);
    }
}

void zt_datapath_receive(zt_datapath_t *self, uint8_t *datagram, size_t length, const zt_endpoint_t *source, uint64_t now) {
    ZT_ASSERT_OWNER(self);
    if (length == ZT_BEACON_SIZE) {
        zt_put_raw(self, datagram, length, source);
        return;
    }
    if (length <= ZT_JUNK_SIZE) {
        ZT_COUNT(self, junk);
        return;
    }
    bool is_fragment = datagram[ZT_FRAGMENT_MARK_OFFSET] == ZT_FRAGMENT_MARK;
    if (!is_fragment && length < ZT_PACKET_MIN_SIZE) {
        ZT_COUNT(self, truncated);
        return;
    }
    if (length > ZT_PACKET_MAX_SIZE) {
        ZT_COUNT(self, oversized_packet);
        return;
    }
    bool is_detour = is_fragment && length == ZT_DETOUR_SIZE && datagram[ZT_FRAGMENT_COUNTS_OFFSET] == ZT_DETOUR_COUNTS;
    if (is_detour || !zt_same_address(datagram + ZT_DESTINATION_OFFSET, self->address)) {
        zt_put_raw(self, datagram, length, source);
        return;
    }
    if (is_fragment) {
        receive_piece(self, zt_reassembly_fragment(&self->reassembly, datagram, length, now), source, now);
    } else if (datagram[ZT_FLAGS_OFFSET] & ZT_FLAG_FRAGMENTED) {
        receive_piece(self, zt_reassembly_head(&self->reassembly, datagram, length, now), source, now);
    } else {
        packet_t packet = {
            .bytes = datagram,
            .length = length,
            .source = source,
            .now = now,
            .slot = -1,
        };
        receive_packet(self, &packet);
    }
}
