// What the files of the datapath share: its memory, and the functions that they call in each other.
// It owns the layout of the tables. Never included from outside the core.
#ifndef ZT_DATAPATH_STATE_H
#define ZT_DATAPATH_STATE_H

#include <stdlib.h>
#include <string.h>

#include "armor.h"
#include "bytes.h"
#include "datapath.h"
#include "packet.h"
#include "reassembly.h"
#include "ring.h"
#include "rules.h"

#define ZT_NO_PEER (UINT16_MAX)

// What a peer is on one network.
typedef struct _zt_membership_t {
    const zt_holdings_t *holdings; // what it holds there, for rules; NULL: nothing is known of it
    uint8_t flags; // ZT_MEMBER_*
} zt_membership_t;

typedef struct _zt_peer_t {
    uint32_t key[ZT_ARMOR_KEY_SIZE / 4]; // bytes in fact; words for the alignment
    uint64_t last_frame_in;
    uint64_t last_frame_out;
    uint64_t last_receive[ZT_PEER_PATHS];
    uint64_t last_path_event;
    zt_endpoint_t send_to; // length 0: nowhere
    zt_endpoint_t paths[ZT_PEER_PATHS];
    uint8_t path_count;
    uint8_t address[ZT_ADDRESS_SIZE];
    uint16_t next; // in the same bucket, or in the list of unused ones
    zt_membership_t members[]; // one a network
} zt_peer_t;

// A host that is no member of the network.
typedef struct _zt_host_t {
    uint32_t heard; // s, of the same clock
    uint8_t network; // its index and 1; 0: this entry is not in use
    uint8_t mac[ZT_ETHERNET_ADDRESS_SIZE];
    uint8_t address[ZT_ADDRESS_SIZE]; // of the member that it is behind; our own: on the joined Ethernet
} zt_host_t;

typedef struct _zt_network_t {
    void *port;
    void *ethernet; // NULL: none is joined
    const zt_rules_network_t *rules; // NULL: every frame passes
    uint16_t mtu;
    bool is_used;
    uint8_t nwid[ZT_NWID_SIZE];
    uint8_t mac[ZT_ETHERNET_ADDRESS_SIZE];
    uint8_t mask[ZT_ETHERNET_ADDRESS_SIZE]; // a member's MAC is its address, one byte behind, XOR this (protocol/06 §6.2)
} zt_network_t;

struct _zt_datapath_t {
    zt_datapath_platform_t platform;
    zt_datapath_config_t config;
    uint8_t address[ZT_ADDRESS_SIZE];
    uint8_t slots_lendable; // at most this many slots may be with the stack at a time

    uint64_t ids_prefix;
    uint32_t ids_used; // of ZT_IDS_COUNT; that many: none left

    uint16_t *buckets; // the first peer of each
    uint16_t bucket_mask;
    uint16_t peers_touched; // entries that were ever used
    uint16_t peers_unused; // first of those that were and are not any more
    size_t peer_stride;
    uint8_t *peers;

    zt_network_t *networks;
    zt_host_t hosts[ZT_DATAPATH_HOSTS];
    zt_reassembly_t reassembly;
    zt_ring_t ring;
    uint32_t counters[ZT_COUNTER_COUNT];
};

#define ZT_IDS_COUNT ((uint32_t)1 << 24)

#define ZT_COUNT(self, name) ((self)->counters[ZT_COUNT_##name]++)

#ifdef ZT_DEBUG
#define ZT_ASSERT_OWNER(self) \
    do { \
        if ((self)->platform.is_owner != NULL && !(self)->platform.is_owner((self)->platform.context)) { \
            abort(); \
        } \
    } while (0)
#else
#define ZT_ASSERT_OWNER(self) ((void)(self))
#endif

// tables.c
zt_peer_t *zt_find_peer(const zt_datapath_t *self, const uint8_t *address);
int zt_find_network(const zt_datapath_t *self, const uint8_t *nwid);

// hosts.c
// Behind whom a host is, our own address if on the joined Ethernet; NULL: not known.
const uint8_t *zt_find_host(const zt_datapath_t *self, const zt_network_t *network, const uint8_t *mac, uint64_t now);
// Whether it is known to be there; if so, it is remembered from now on.
bool zt_hear_host(zt_datapath_t *self, const zt_network_t *network, const uint8_t *mac, const uint8_t *address, uint64_t now);

// judge.c. Only for networks with rules. `peer` NULL: the frame is for no one member yet.
typedef enum {
    ZT_JUDGED_PASS,
    ZT_JUDGED_DROP, // and counted
    ZT_JUDGED_PYTHON, // to be handed on as it came
} zt_judgement_t;
zt_judgement_t zt_judge(zt_datapath_t *self, const zt_network_t *network, const zt_peer_t *peer, const zt_rules_frame_t *frame);

// records.c
// `slot`: that holds the packet, -1: none does. True: it is Python's until zt_datapath_pop().
bool zt_put_packet(zt_datapath_t *self, const uint8_t *packet, size_t length, const zt_endpoint_t *source, int slot);
void zt_put_hello(zt_datapath_t *self, const uint8_t *packet, size_t length, const zt_endpoint_t *source);
void zt_put_raw(zt_datapath_t *self, const uint8_t *datagram, size_t length, const zt_endpoint_t *source);
void zt_put_frame(zt_datapath_t *self, uint8_t kind, const uint8_t *nwid, const uint8_t *frame, size_t length);
void zt_put_path(zt_datapath_t *self, const uint8_t *address, const zt_endpoint_t *source);

static inline bool zt_same_endpoint(const zt_endpoint_t *one, const zt_endpoint_t *other) {
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

static inline bool zt_same_address(const uint8_t *one, const uint8_t *other) {
    return memcmp(one, other, ZT_ADDRESS_SIZE) == 0;
}

#endif // ZT_DATAPATH_STATE_H
