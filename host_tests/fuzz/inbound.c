// A fuzz target for the whole way in: any tables, then any sequence of datagrams, changes of the tables and lapses of time.
// It owns the language of its inputs and what must hold whatever they say. The input knows the keys, so it can also say packets
// that authenticate; corpus.py writes captures of real nodes in this language.
// Never a packet that only a correct peer would send: lengths, flags, counts and order are the input's.
//
//     our address (5)
//     number of peers (1, modulo 4), each: address (5), key (32)
//     number of networks (1, modulo 3), each: id (8), MTU (2), flags of each peer (1 each)
//     sizes (1): of slots and ring
//     then operations, each a byte and its arguments; see run().  Integers are big-endian, what is missing at the end is 0
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapath_state.h"
#include "lz4.h"

#define PEERS (3)
#define NETWORKS (2)
#define SLOTS (5)
#define PORTS (0x1000) // the first port, as a pointer that must not be followed
#define ETHERNETS (0x2000) // the first joined Ethernet, likewise
#define HOSTS (8) // of each network, behind bridges

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            __builtin_trap(); \
        } \
    } while (0)

typedef struct _input_t {
    const uint8_t *bytes;
    size_t left;
} input_t;

typedef struct _peer_t {
    uint8_t address[ZT_ADDRESS_SIZE];
    uint8_t key[ZT_ARMOR_KEY_SIZE];
    uint8_t flags[NETWORKS];
} peer_t;

typedef struct _network_t {
    uint8_t nwid[ZT_NWID_SIZE];
    uint8_t mac[ZT_ETHERNET_ADDRESS_SIZE];
    uint16_t mtu;
    bool is_joined;
    zt_rules_network_t rules;
    void *list; // compiled; NULL: there are no rules
    void *own; // holdings, ours and of each peer
    void *theirs[PEERS];
    bool is_bridged;
    uint8_t hosts; // a bit for each that was said to be somewhere
} network_t;

typedef struct _world_t {
    zt_datapath_t *datapath;
    uint8_t ours[ZT_ADDRESS_SIZE];
    peer_t peers[PEERS];
    size_t peer_count;
    network_t networks[NETWORKS];
    size_t network_count;
    uint64_t now;
    int kept[SLOTS];
    size_t kept_count;
    bool keeps;
    bool refuses;
    uint8_t seen; // of what was sent: all of it was read
} world_t;

// ---- the input ----

static uint8_t take1(input_t *input) {
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->bytes++;
}

static uint16_t take2(input_t *input) {
    uint16_t high = take1(input);
    return (uint16_t)(high << 8 | take1(input));
}

static void take(input_t *input, uint8_t *to, size_t length) {
    for (size_t i = 0; i < length; i++) {
        to[i] = take1(input);
    }
}

static zt_endpoint_t take_endpoint(input_t *input) {
    static const uint8_t lengths[] = { 1, 7, 19 };
    uint8_t kind = take1(input);
    zt_endpoint_t endpoint = { .length = lengths[kind % 3] };
    memset(endpoint.bytes, kind / 3, sizeof(endpoint.bytes));
    return endpoint;
}

// ---- what the datapath calls ----

static void send(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    world_t *self = context;
    REQUIRE(to->length > 0 && to->length <= ZT_ENDPOINT_MAX_SIZE);
    REQUIRE(length > ZT_JUNK_SIZE && length <= ZT_DATAGRAM_DEFAULT_SIZE);
    for (size_t i = 0; i < length; i++) {
        self->seen ^= datagram[i];
    }
}

// A frame is for our MAC on the network of its port, from the MAC of a member that is admitted there, and no longer than allowed.
static void write_host(const network_t *network, uint8_t number, uint8_t *mac) {
    memset(mac, 0, ZT_ETHERNET_ADDRESS_SIZE);
    mac[0] = network->mac[0] ^ 0x04; // no member's
    mac[5] = number % HOSTS;
}

// Whether it is a host that was said to be somewhere.
static bool is_host(const network_t *network, const uint8_t *mac) {
    uint8_t host[ZT_ETHERNET_ADDRESS_SIZE];
    write_host(network, mac[5], host);
    return memcmp(host, mac, ZT_ETHERNET_ADDRESS_SIZE) == 0 && (network->hosts >> mac[5] & 1);
}

static bool deliver(void *context, void *port, uint8_t *frame, size_t length, int slot) {
    world_t *self = context;
    bool is_ethernet = (uintptr_t)port >= ETHERNETS;
    size_t index = (uintptr_t)port - (is_ethernet ? ETHERNETS : PORTS);
    REQUIRE(index < self->network_count);
    const network_t *network = &self->networks[index];
    REQUIRE(network->is_joined);
    REQUIRE(length > ZT_FRAME_HEADER_SIZE && length <= (size_t)ZT_FRAME_HEADER_SIZE + network->mtu);
    const uint8_t *source = frame + ZT_ETHERNET_ADDRESS_SIZE;
    if (is_ethernet) {
        REQUIRE(network->is_bridged && is_host(network, frame));
    } else {
        REQUIRE(memcmp(frame, network->mac, ZT_ETHERNET_ADDRESS_SIZE) == 0);
    }
    bool is_admitted = is_host(network, source) || (is_ethernet && memcmp(source, network->mac, ZT_ETHERNET_ADDRESS_SIZE) == 0);
    for (size_t i = 0; i < self->peer_count; i++) {
        const peer_t *peer = &self->peers[i];
        bool is_sender = peer->flags[index] & ZT_MEMBER_ADMITTED;
        for (size_t j = 0; j < ZT_ADDRESS_SIZE; j++) {
            is_sender &= frame[ZT_ETHERNET_ADDRESS_SIZE + 1 + j] == (peer->address[j] ^ network->nwid[6 - j]);
        }
        is_admitted |= is_sender;
    }
    REQUIRE(is_admitted);
    for (size_t i = 0; i < length; i++) {
        frame[i] ^= 0xff; // it is the port's to write to
    }
    if (self->refuses) {
        return false;
    }
    if (slot >= 0) {
        REQUIRE(slot < SLOTS);
        if (self->keeps) {
            REQUIRE(self->kept_count < SLOTS);
            self->kept[self->kept_count++] = slot;
        } else {
            zt_datapath_release(self->datapath, slot);
        }
    }
    return true;
}

// ---- tables ----

static void join(world_t *self, size_t index) {
    network_t *network = &self->networks[index];
    int place = zt_datapath_add_network(self->datapath, network->nwid, network->mac, network->mtu, (void *)(PORTS + index));
    network->is_joined = place >= 0;
}

static void leave(world_t *self, size_t index) {
    zt_datapath_remove_network(self->datapath, self->networks[index].nwid);
    self->networks[index].is_joined = false;
    self->networks[index].is_bridged = false;
    self->networks[index].hosts = 0;
    for (size_t i = 0; i < self->peer_count; i++) {
        self->peers[i].flags[index] = 0;
    }
}

static void admit(world_t *self, size_t peer, size_t network, uint8_t flags) {
    flags &= ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN;
    if (zt_datapath_set_member(self->datapath, self->networks[network].nwid, self->peers[peer].address, flags)) {
        self->peers[peer].flags[network] = flags;
    }
}

// The same address or id twice would make the model above wrong, not the datapath.
static bool is_new_peer(const world_t *self, const uint8_t *address) {
    for (size_t i = 0; i < self->peer_count; i++) {
        if (memcmp(self->peers[i].address, address, ZT_ADDRESS_SIZE) == 0) {
            return false;
        }
    }
    return true;
}

static bool is_new_network(const world_t *self, const uint8_t *nwid) {
    for (size_t i = 0; i < self->network_count; i++) {
        if (memcmp(self->networks[i].nwid, nwid, ZT_NWID_SIZE) == 0) {
            return false;
        }
    }
    return true;
}

static void take_tables(world_t *self, input_t *input) {
    for (size_t left = take1(input) % (PEERS + 1); left > 0; left--) {
        peer_t peer = { 0 };
        take(input, peer.address, sizeof(peer.address));
        take(input, peer.key, sizeof(peer.key));
        if (is_new_peer(self, peer.address)) {
            self->peers[self->peer_count++] = peer;
        }
    }
    for (size_t left = take1(input) % (NETWORKS + 1); left > 0; left--) {
        network_t network = { 0 };
        uint8_t flags[PEERS];
        take(input, network.nwid, sizeof(network.nwid));
        network.mtu = take2(input) % 10001;
        take(input, flags, self->peer_count);
        if (is_new_network(self, network.nwid)) {
            network.mac[0] = (uint8_t)((network.nwid[7] & 0xfe) | 0x02) == 0x52 ? 0x32 : (uint8_t)((network.nwid[7] & 0xfe) | 0x02);
            for (size_t i = 0; i < ZT_ADDRESS_SIZE; i++) {
                network.mac[1 + i] = self->ours[i] ^ network.nwid[6 - i];
            }
            for (size_t i = 0; i < self->peer_count; i++) {
                self->peers[i].flags[self->network_count] = flags[i];
            }
            self->networks[self->network_count++] = network;
        }
    }
}

static void fill_tables(world_t *self) {
    const uint8_t prefix[ZT_IDS_PREFIX_SIZE] = { 1 };
    const zt_endpoint_t path = { .length = 7 };
    REQUIRE(zt_datapath_ids_low(self->datapath));
    for (size_t i = 0; i < self->peer_count; i++) {
        REQUIRE(zt_datapath_set_peer(self->datapath, self->peers[i].address, self->peers[i].key));
        REQUIRE(zt_datapath_set_paths(self->datapath, self->peers[i].address, &path, 1, &path));
    }
    for (size_t i = 0; i < self->network_count; i++) {
        join(self, i);
        REQUIRE(self->networks[i].is_joined);
        for (size_t j = 0; j < self->peer_count; j++) {
            uint8_t flags = self->peers[j].flags[i];
            self->peers[j].flags[i] = 0;
            admit(self, j, i, flags);
        }
    }
    zt_datapath_set_ids(self->datapath, prefix);
}

// ---- operations ----

// In memory of exactly its size, at any alignment, so that the address sanitizer sees the first byte too many.
static void receive(world_t *self, const uint8_t *datagram, size_t length, size_t misalignment, const zt_endpoint_t *source) {
    uint8_t *memory = malloc(misalignment + length + 1);
    REQUIRE(memory != NULL);
    memory = realloc(memory, misalignment + length > 0 ? misalignment + length : 1);
    REQUIRE(memory != NULL);
    memcpy(memory + misalignment, datagram, length);
    zt_datapath_receive(self->datapath, memory + misalignment, length, source, self->now);
    free(memory);
}

static void receive_datagram(world_t *self, input_t *input, bool is_for_us) {
    uint8_t datagram[ZT_PACKET_MAX_SIZE + 100];
    zt_endpoint_t source = take_endpoint(input);
    size_t misalignment = take1(input) % 8;
    size_t length = take2(input) % sizeof(datagram);
    length = length < input->left ? length : input->left;
    take(input, datagram, length);
    if (is_for_us && length >= ZT_SOURCE_OFFSET) {
        memcpy(datagram + ZT_DESTINATION_OFFSET, self->ours, ZT_ADDRESS_SIZE);
    }
    receive(self, datagram, length, misalignment, &source);
}

// The MACs that an EXT_FRAME of this peer must have.
static void write_macs(uint8_t *packet, const network_t *network, const peer_t *peer) {
    uint8_t *frame = packet + ZT_EXT_FRAME_START_OFFSET;
    packet[ZT_EXT_FRAME_FLAGS_OFFSET] = 0;
    memcpy(frame, network->mac, ZT_ETHERNET_ADDRESS_SIZE);
    frame[ZT_ETHERNET_ADDRESS_SIZE] = network->mac[0];
    for (size_t i = 0; i < ZT_ADDRESS_SIZE; i++) {
        frame[ZT_ETHERNET_ADDRESS_SIZE + 1 + i] = peer->address[i] ^ network->nwid[6 - i];
    }
}

// A packet that authenticates, in pieces of any size, of which any may be missing or come in another order.
static void receive_authentic(world_t *self, input_t *input) {
    uint8_t packet[ZT_PACKET_MAX_SIZE] = { 0 };
    uint8_t datagram[ZT_PACKET_MAX_SIZE + ZT_FRAGMENT_HEADER_SIZE];
    if (self->peer_count == 0) {
        return;
    }
    const peer_t *peer = &self->peers[take1(input) % self->peer_count];
    zt_endpoint_t source = take_endpoint(input);
    uint8_t shape = take1(input);
    size_t misalignment = shape % 8;
    size_t length = take2(input) % (sizeof(packet) + 1); // the rest of it is 0
    length = length < ZT_PACKET_MIN_SIZE ? ZT_PACKET_MIN_SIZE : length;
    size_t piece = 1 + take2(input) % 2000;
    packet[0] = take1(input);
    memcpy(packet + ZT_DESTINATION_OFFSET, self->ours, ZT_ADDRESS_SIZE);
    memcpy(packet + ZT_SOURCE_OFFSET, peer->address, ZT_ADDRESS_SIZE);
    packet[ZT_FLAGS_OFFSET] = take1(input) & (ZT_HOPS_MASK | 0x80);
    packet[ZT_VERB_OFFSET] = take1(input);
    size_t network = take1(input);
    size_t said = take1(input);
    said = said < length - ZT_PACKET_PAYLOAD_OFFSET ? said : length - ZT_PACKET_PAYLOAD_OFFSET;
    take(input, packet + ZT_PACKET_PAYLOAD_OFFSET, said);
    if (network < self->network_count && length >= ZT_FRAME_NWID_OFFSET + ZT_NWID_SIZE) {
        memcpy(packet + ZT_FRAME_NWID_OFFSET, self->networks[network].nwid, ZT_NWID_SIZE);
    }
    if (shape & 0x80 && network < self->network_count && length >= ZT_EXT_FRAME_PAYLOAD_OFFSET) {
        write_macs(packet, &self->networks[network], peer);
    }
    size_t head = piece < ZT_PACKET_MIN_SIZE ? ZT_PACKET_MIN_SIZE : piece;
    head = head < length ? head : length;
    size_t total = 1 + (length - head + piece - 1) / piece;
    if (total > ZT_FRAGMENTS_MAX || shape & 0x08) {
        total = 1;
        head = length;
    }
    if (total > 1) {
        packet[ZT_FLAGS_OFFSET] |= ZT_FLAG_FRAGMENTED;
    }
    zt_armor(peer->key, packet, length, shape & 0x10 ? ZT_CIPHER_POLY1305 : ZT_CIPHER_SALSA20_POLY1305);
    uint8_t missing = shape & 0x20 ? take1(input) : 0;
    for (size_t i = 0; i < total; i++) {
        size_t number = shape & 0x40 ? total - 1 - i : i;
        if (missing >> number & 1) {
            continue;
        }
        if (number == 0) {
            receive(self, packet, head, misalignment, &source);
            continue;
        }
        size_t start = head + (number - 1) * piece;
        size_t taken = length - start < piece ? length - start : piece;
        memcpy(datagram, packet, ZT_FRAGMENT_MARK_OFFSET);
        datagram[ZT_FRAGMENT_MARK_OFFSET] = ZT_FRAGMENT_MARK;
        datagram[ZT_FRAGMENT_COUNTS_OFFSET] = (uint8_t)(total << 4 | number);
        datagram[ZT_FRAGMENT_HOPS_OFFSET] = 0;
        memcpy(datagram + ZT_FRAGMENT_HEADER_SIZE, packet + start, taken);
        receive(self, datagram, ZT_FRAGMENT_HEADER_SIZE + taken, misalignment, &source);
    }
}

// A frame of the stack, or one that was heard on the joined Ethernet.
static void transmit(world_t *self, input_t *input, bool is_bridged) {
    size_t network = take1(input);
    size_t misalignment = take1(input) % 8;
    size_t length = take2(input) % (ZT_FRAME_MAX_SIZE + 10);
    uint8_t *memory = calloc(1, misalignment + ZT_FRAME_HEADROOM + length);
    REQUIRE(memory != NULL);
    uint8_t *frame = memory + misalignment + ZT_FRAME_HEADROOM;
    uint8_t to = take1(input);
    if (length >= ZT_FRAME_HEADER_SIZE) {
        take(input, frame, ZT_ETHERNET_ADDRESS_SIZE);
        if (network < self->network_count) {
            memcpy(frame + ZT_ETHERNET_ADDRESS_SIZE, self->networks[network].mac, ZT_ETHERNET_ADDRESS_SIZE);
            if (is_bridged) {
                write_host(&self->networks[network], take1(input), frame + ZT_ETHERNET_ADDRESS_SIZE);
            }
            if (to >= 0xf0) {
                write_host(&self->networks[network], to, frame);
            }
            if (to < self->peer_count) {
                frame[0] = self->networks[network].mac[0];
                for (size_t i = 0; i < ZT_ADDRESS_SIZE; i++) {
                    frame[1 + i] = self->peers[to].address[i] ^ self->networks[network].nwid[6 - i];
                }
            }
        }
    }
    int index = network == UINT8_MAX ? -1 : (int)network;
    if (is_bridged) {
        zt_datapath_bridge(self->datapath, index, frame, length, self->now);
    } else {
        zt_datapath_transmit(self->datapath, index, frame, length, self->now);
    }
    free(memory);
}

// What Python does with a record, as far as C does it for Python.
static void handle(world_t *self, const zt_record_t *record) {
    REQUIRE(record->kind >= ZT_RECORD_PACKET && record->kind <= ZT_RECORD_BRIDGED);
    uint8_t *copy = malloc(record->length + 1);
    REQUIRE(copy != NULL);
    memcpy(copy, record->packet, record->length);
    if (record->kind == ZT_RECORD_PACKET) {
        REQUIRE(record->length >= ZT_PACKET_MIN_SIZE && record->length <= ZT_PACKET_MAX_SIZE);
        if (copy[ZT_VERB_OFFSET] & ZT_FLAG_COMPRESSED) {
            uint8_t payload[ZT_LZ4_MAX_OUTPUT];
            zt_lz4_decompress(copy + ZT_PACKET_PAYLOAD_OFFSET, record->length - ZT_PACKET_PAYLOAD_OFFSET, payload, sizeof(payload));
        }
    } else if (record->kind == ZT_RECORD_RAW && self->peer_count > 0) {
        zt_dearmor(self->peers[0].key, copy, record->length);
    } else if (record->kind == ZT_RECORD_PATH) {
        REQUIRE(record->length == ZT_ADDRESS_SIZE);
    }
    free(copy);
}

static void drain(world_t *self, size_t most) {
    zt_record_t record;
    for (; most > 0 && zt_datapath_next(self->datapath, &record); most--) {
        handle(self, &record);
        zt_datapath_pop(self->datapath);
    }
}

static void give_back(world_t *self) {
    while (self->kept_count > 0) {
        zt_datapath_release(self->datapath, self->kept[--self->kept_count]);
    }
}

static void change_peer(world_t *self, input_t *input) {
    if (self->peer_count == 0) {
        return;
    }
    peer_t *peer = &self->peers[take1(input) % self->peer_count];
    uint8_t how = take1(input);
    if (how & 1) {
        zt_datapath_remove_peer(self->datapath, peer->address);
        memset(peer->flags, 0, sizeof(peer->flags));
    } else {
        REQUIRE(zt_datapath_set_peer(self->datapath, peer->address, peer->key));
    }
}

static void change_paths(world_t *self, input_t *input) {
    zt_endpoint_t paths[ZT_PEER_PATHS + 2];
    if (self->peer_count == 0) {
        return;
    }
    const peer_t *peer = &self->peers[take1(input) % self->peer_count];
    size_t count = take1(input) % (ZT_PEER_PATHS + 3);
    for (size_t i = 0; i < count; i++) {
        paths[i] = take_endpoint(input);
    }
    zt_endpoint_t send_to = take_endpoint(input);
    zt_datapath_set_paths(self->datapath, peer->address, paths, count, take1(input) & 1 ? NULL : &send_to);
}

static void change_network(world_t *self, input_t *input) {
    if (self->network_count == 0) {
        return;
    }
    size_t index = take1(input) % self->network_count;
    uint8_t how = take1(input);
    if (how & 1) {
        leave(self, index);
    } else {
        self->networks[index].mtu = take2(input) % 10001;
        join(self, index);
    }
}

static void change_member(world_t *self, input_t *input) {
    if (self->network_count > 0 && self->peer_count > 0) {
        size_t peer = take1(input) % self->peer_count;
        size_t network = take1(input) % self->network_count;
        admit(self, peer, network, take1(input));
    }
}

static void change_ethernet(world_t *self, input_t *input) {
    if (self->network_count == 0) {
        return;
    }
    size_t index = take1(input) % self->network_count;
    network_t *network = &self->networks[index];
    uint8_t how = take1(input);
    if (how & 1) {
        zt_datapath_forget_hosts(self->datapath, network->nwid);
    } else {
        void *ethernet = how & 2 ? NULL : (void *)(ETHERNETS + index);
        network->is_bridged = zt_datapath_join_ethernet(self->datapath, network->nwid, ethernet) && ethernet != NULL;
    }
    network->hosts = 0;
}

static void change_host(world_t *self, input_t *input) {
    if (self->network_count == 0) {
        return;
    }
    network_t *network = &self->networks[take1(input) % self->network_count];
    uint8_t mac[ZT_ETHERNET_ADDRESS_SIZE];
    write_host(network, take1(input), mac);
    uint8_t where = take1(input);
    const uint8_t *address = where < self->peer_count ? self->peers[where].address : self->ours;
    if (zt_datapath_set_host(self->datapath, network->nwid, mac, address, self->now)) {
        network->hosts |= 1 << mac[5];
    }
}

// ---- rules ----

static uint32_t random_bits(void *context) {
    (void)context;
    return 0x80000000;
}

// Forgets the rules of a network, and what everybody holds for them.
static void clear_rules(world_t *self, network_t *network) {
    if (network->is_joined) {
        REQUIRE(zt_datapath_set_rules(self->datapath, network->nwid, NULL));
    }
    for (size_t i = 0; i < self->peer_count; i++) {
        zt_datapath_set_holdings(self->datapath, network->nwid, self->peers[i].address, NULL);
        free(network->theirs[i]);
        network->theirs[i] = NULL;
    }
    free(network->list);
    free(network->own);
    network->list = network->own = NULL;
}

// Holdings of any bytes; NULL if they are malformed.
static void *take_holdings(input_t *input) {
    uint8_t parts[3][UINT8_MAX];
    size_t lengths[3];
    for (size_t i = 0; i < 3; i++) {
        lengths[i] = take1(input);
        take(input, parts[i], lengths[i]);
    }
    const zt_holdings_source_t source = { parts[0], lengths[0], parts[1], lengths[1], parts[2], lengths[2] };
    size_t needed;
    if (zt_holdings_compile(&source, NULL, 0, &needed) == ZT_RULES_MALFORMED) {
        return NULL;
    }
    void *memory = malloc(needed);
    REQUIRE(memory != NULL);
    REQUIRE(zt_holdings_compile(&source, memory, needed, &needed) == ZT_RULES_OK);
    return memory;
}

static void change_rules(world_t *self, input_t *input) {
    if (self->network_count == 0) {
        return;
    }
    network_t *network = &self->networks[take1(input) % self->network_count];
    clear_rules(self, network);
    uint8_t bytes[UINT8_MAX];
    size_t length = take1(input);
    size_t needed;
    take(input, bytes, length);
    if (!network->is_joined || zt_rules_compile(bytes, length, NULL, 0, &needed) == ZT_RULES_MALFORMED) {
        return;
    }
    network->list = malloc(needed);
    REQUIRE(network->list != NULL);
    REQUIRE(zt_rules_compile(bytes, length, network->list, needed, &needed) == ZT_RULES_OK);
    network->own = take_holdings(input);
    network->rules = (zt_rules_network_t) { .rules = network->list, .own = network->own, .random = random_bits };
    network->rules.unsupported_is_true = take1(input) & 1;
    memcpy(network->rules.address, self->ours, sizeof(network->rules.address));
    REQUIRE(zt_datapath_set_rules(self->datapath, network->nwid, &network->rules));
    for (size_t i = 0; i < self->peer_count; i++) {
        network->theirs[i] = take1(input) & 1 ? take_holdings(input) : NULL;
        zt_datapath_set_holdings(self->datapath, network->nwid, self->peers[i].address, network->theirs[i]);
    }
}

static void run(world_t *self, input_t *input) {
    uint8_t what = take1(input);
    if (what >= 16 * 14) { // bridges, which came later: older inputs say what they said
        if (what % 4 == 0) {
            change_ethernet(self, input);
        } else if (what % 4 == 1) {
            change_host(self, input);
        } else {
            transmit(self, input, true);
        }
        return;
    }
    switch (what % 14) {
        case 0:
            receive_datagram(self, input, false);
            break;
        case 1:
            receive_datagram(self, input, true);
            break;
        case 2:
        case 3:
            receive_authentic(self, input);
            break;
        case 4:
            transmit(self, input, false);
            break;
        case 5:
            drain(self, 1 + take1(input));
            break;
        case 6:
            self->now += take2(input);
            break;
        case 7:
            change_peer(self, input);
            break;
        case 8:
            change_paths(self, input);
            break;
        case 9:
            change_network(self, input);
            break;
        case 10:
            change_member(self, input);
            break;
        case 11:
            self->keeps = take1(input) & 1;
            self->refuses = take1(input) & 1;
            break;
        case 12:
            change_rules(self, input);
            break;
        default:
            give_back(self);
            break;
    }
}

// What holds between any two operations.
static void check(const world_t *self) {
    const zt_datapath_t *datapath = self->datapath;
    size_t lent = 0;
    for (size_t i = 0; i < datapath->reassembly.count; i++) {
        const zt_slot_t *slot = &datapath->reassembly.slots[i];
        REQUIRE(slot->used <= slot->capacity);
        lent += slot->is_lent;
    }
    REQUIRE(datapath->ring.used == 0 ? lent == self->kept_count : lent >= self->kept_count); // records keep slots, too
    REQUIRE(datapath->ring.used <= datapath->ring.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    input_t input = { bytes, size };
    world_t world = { .now = 1000 };
    take(&input, world.ours, sizeof(world.ours));
    take_tables(&world, &input);
    uint8_t sizes = take1(&input);
    const zt_datapath_config_t config = {
        .peers = PEERS,
        .networks = NETWORKS,
        .slots = (uint16_t)(1 + sizes % SLOTS),
        .slot_bytes = sizes & 0x10 ? 0 : 2 * ZT_DATAGRAM_DEFAULT_SIZE,
        .ring_bytes = 8 * 1024 + 4 * (sizes & 0xe0),
    };
    const zt_datapath_platform_t platform = { .context = &world, .send = send, .deliver = deliver };
    size_t needed = zt_datapath_size(&config);
    REQUIRE(needed > 0);
    void *memory = malloc(needed);
    REQUIRE(memory != NULL);
    world.datapath = zt_datapath_init(memory, &config, world.ours, &platform);
    fill_tables(&world);
    while (input.left > 0) {
        run(&world, &input);
        check(&world);
    }
    drain(&world, SIZE_MAX);
    give_back(&world);
    check(&world);
    for (size_t i = 0; i < world.network_count; i++) {
        clear_rules(&world, &world.networks[i]);
    }
    zt_datapath_close(world.datapath);
    free(memory);
    return 0;
}
