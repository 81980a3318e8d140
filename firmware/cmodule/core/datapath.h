// The datapath: what happens once per packet, between the underlay's datagrams and the Ethernet frames of the local ports.
// It owns its tables (peers, networks, who may talk to us), fragments that wait for the rest of their packet, the packet ids of
// what it sends, and the ring through which everything else goes to the policy above it. That policy is Python; it fills the
// tables. Never any decision that is not in a table, any allocation, any lwIP, any clock, any thread of its own.
//
//     datagram -> classify -> reassemble -> peer -> dearmor -> FRAME, EXT_FRAME of a member -> deliver()
//                                                                              all else -> ring -> Python
//     frame -> destination MAC -> member -> FRAME -> armor -> fragments -> send()
//                                 host behind a member -> EXT_FRAME, likewise
//                                                              all else -> ring -> Python
//
// Threads. A datapath has one owner at a time: the thread that runs all of this, but zt_datapath_release(), which may be called
// from any thread. On ports without threads the owner is the main loop; with threads it is the worker task of worker.h, and
// nobody else calls anything here. Builds with ZT_DEBUG ask platform.is_owner() at each call and abort if the answer is no.
//
// The callbacks send() and deliver() run inside zt_datapath_receive() and zt_datapath_transmit(). They may themselves call any
// function of the datapath: each call finishes its bookkeeping before it calls out.
//
// Placement. Ciphertext begins at byte 27 of a packet. A packet whose byte 27 is word-aligned is worked on word by word; any
// other is handled correctly but more slowly. ZT_PACKET_LEAD bytes behind an address that is a multiple of 8 is such a place.
//
// `address` is always 5 bytes, `nwid` 8, `mac` 6, `key` 32, `prefix` 5; they are copied. Errors are values: a false or negative
// result, or a counter.
#ifndef ZT_DATAPATH_H
#define ZT_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"
#include "rules.h"

#define ZT_ADDRESS_SIZE (5)
#define ZT_NWID_SIZE (8)
#define ZT_ETHERNET_ADDRESS_SIZE (6)
#define ZT_IDS_PREFIX_SIZE (5)
#define ZT_PACKET_MAX_SIZE (10024) // reassembled (protocol/02 §2.1)
#define ZT_DATAGRAM_DEFAULT_SIZE (1432) // the largest that we send (protocol/02 §2.12)
#define ZT_PACKET_LEAD (5)

// Ethernet: destination, source, ethertype. A frame to be sent needs this much room in front of it, for the packet's header; with
// ZT_PACKET_LEAD bytes more in front, it is well placed. One that is bridged, with its MACs in the packet, needs less.
#define ZT_FRAME_HEADER_SIZE (14)
#define ZT_FRAME_HEADROOM (40)
#define ZT_BRIDGED_HEADROOM (37)
#define ZT_FRAME_MAX_SIZE (10000)

// A physical address in the wire encoding (protocol/03 §3.1): 1 (nil), 7 (IPv4) or 19 (IPv6) bytes. 0: there is none.
#define ZT_ENDPOINT_MAX_SIZE (19)
typedef struct _zt_endpoint_t {
    uint8_t length;
    uint8_t bytes[ZT_ENDPOINT_MAX_SIZE];
} zt_endpoint_t;

// Paths of one peer whose receive times are kept.
#define ZT_PEER_PATHS (4)

// The bounds of all tables. Nothing grows after zt_datapath_init().
typedef struct _zt_datapath_config_t {
    uint16_t peers; // 1 to 16384
    uint16_t networks; // 1 to 255
    uint16_t slots; // packets that are put together from fragments at a time, 1 to 255
    uint16_t slot_bytes; // 0: each slot has room for any packet. Else at least two datagrams; larger packets one at a time (reassembly.h)
    uint32_t ring_bytes; // for what goes to Python: at least 8 KiB, at most 16 MiB
    uint16_t mtu; // the largest datagram that is sent; 0: ZT_DATAGRAM_DEFAULT_SIZE. At least 64
} zt_datapath_config_t;

typedef struct _zt_datapath_platform_t {
    void *context; // the first argument of each of them

    // Sends a datagram to the underlay. It is borrowed. What cannot be sent is lost, as on any network.
    void (*send)(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length);

    // Gives an Ethernet frame to a port (an argument of zt_datapath_add_network()). False: it was dropped.
    // `slot` < 0: the frame lies in the memory that zt_datapath_receive() was called with, or must be copied at once.
    // `slot` >= 0: if the result is true, the frame stays where it is until zt_datapath_release() is called for this slot.
    bool (*deliver)(void *context, void *port, uint8_t *frame, size_t length, int slot);

    // Whether this thread is the owner; asked in builds with ZT_DEBUG only. May be NULL.
    bool (*is_owner)(void *context);
} zt_datapath_platform_t;

typedef struct _zt_datapath_t zt_datapath_t;

// ---- life ----

// The bytes of memory that a datapath of these bounds needs; 0 if a bound is out of its range.
size_t zt_datapath_size(const zt_datapath_config_t *config);

// Makes a datapath in `memory`, which is zt_datapath_size() bytes and aligned to 8. `address` is ours. Config and platform are
// copied.
zt_datapath_t *zt_datapath_init(void *memory, const zt_datapath_config_t *config, const uint8_t *address,
    const zt_datapath_platform_t *platform);

// Wipes the keys and what waits in the ring. The memory may then be used for something else.
void zt_datapath_close(zt_datapath_t *self);

// ---- tables ----

// A peer and the first 32 bytes of the key shared with it. A known peer keeps its paths and memberships. False: table full.
bool zt_datapath_set_peer(zt_datapath_t *self, const uint8_t *address, const uint8_t *key);

// Forgets a peer, its key (wiped), paths and memberships.
void zt_datapath_remove_peer(zt_datapath_t *self, const uint8_t *address);

// The confirmed paths of a peer, at most ZT_PEER_PATHS are taken, and where its frames are sent: a path, an endpoint of a root,
// or NULL for nowhere. A path that was among them before keeps its receive time. False: unknown peer.
bool zt_datapath_set_paths(zt_datapath_t *self, const uint8_t *address, const zt_endpoint_t *paths,
    size_t count, const zt_endpoint_t *send_to);

// A joined network: our MAC there, the largest payload of a frame, what deliver() gets as `port`. A known network is changed
// and keeps its members. The index, for zt_datapath_transmit(), or -1: table full.
int zt_datapath_add_network(zt_datapath_t *self, const uint8_t *nwid,
    const uint8_t *mac, uint16_t mtu, void *port);

// Forgets a network and all memberships in it. Returns its port, NULL if there was no such network.
void *zt_datapath_remove_network(zt_datapath_t *self, const uint8_t *nwid);

// The index of a network, -1 if unknown.
int zt_datapath_network(const zt_datapath_t *self, const uint8_t *nwid);

// What a peer may do on a network: any of these flags, 0 for a stranger.
#define ZT_MEMBER_ADMITTED (1) // its frames go to the port
#define ZT_MEMBER_OPEN (2) // frames to it are sent without Python
bool zt_datapath_set_member(zt_datapath_t *self, const uint8_t *nwid, const uint8_t *address,
    uint8_t flags); // false: unknown network or peer

// The rules of a network; NULL, as at first: every frame passes. Borrowed until they are set anew or the network is removed.
// Frames that they accept pass; frames that they drop are counted. Python gets, untouched, those that they would copy or
// redirect, those that they accept whatever the MACs are, and those that depend on a credential nobody has verified.
bool zt_datapath_set_rules(zt_datapath_t *self, const uint8_t *nwid, const zt_rules_network_t *rules); // false: unknown network

// What a member holds for these rules; NULL, as at first: nothing is known of it. Borrowed likewise, or until the peer is removed.
bool zt_datapath_set_holdings(zt_datapath_t *self, const uint8_t *nwid, const uint8_t *address,
    const zt_holdings_t *holdings); // false: unknown network or peer

// ---- bridges ----

// Hosts that are remembered, of all networks. What finds no room pushes out who was silent for longest among a few.
#ifndef ZT_DATAPATH_HOSTS
#define ZT_DATAPATH_HOSTS (64)
#endif

// The Ethernet that is joined to a network: what deliver() gets as `port` for hosts there; NULL, as at first: there is none.
bool zt_datapath_join_ethernet(zt_datapath_t *self, const uint8_t *nwid, void *ethernet); // false: unknown network

// A host that is no member was heard: behind the member `address`, a bridge, or, if that is our own address, on the joined
// Ethernet. That it may be bridged, and by whom, is policy's to know: what comes from somewhere else goes to Python. It is
// forgotten when it was silent for ZT_HOST_AGE_S. False: unknown network, or no Ethernet is joined.
#define ZT_HOST_AGE_S (300)
bool zt_datapath_set_host(zt_datapath_t *self, const uint8_t *nwid, const uint8_t *mac, const uint8_t *address, uint64_t now);

// Forgets all hosts of a network: its bridges have changed.
void zt_datapath_forget_hosts(zt_datapath_t *self, const uint8_t *nwid);

// ---- packet ids ----

// Gives 2^24 packet ids: with a prefix that was never used before under these keys they never repeat. Same mix as
// zerotier.vl1.packet_ids, which hands out the prefixes. Before the first one, and once they are used up, frames go to Python.
void zt_datapath_set_ids(zt_datapath_t *self, const uint8_t *prefix);

// Whether the next prefix is due: there is none, or half of it is used up.
bool zt_datapath_ids_low(const zt_datapath_t *self);

// ---- packets ----

// Takes a datagram from the underlay. Its memory is borrowed for the call, and worked on in place: afterwards it holds
// anything. `now` is in ms, from any starting point, and never goes back.
void zt_datapath_receive(zt_datapath_t *self, uint8_t *datagram, size_t length, const zt_endpoint_t *source, uint64_t now);

// Takes an Ethernet frame from the port of a network (by its index). The memory is borrowed for the call and worked on in
// place, together with the ZT_FRAME_HEADROOM bytes in front of `frame`.
void zt_datapath_transmit(zt_datapath_t *self, int network, uint8_t *frame, size_t length, uint64_t now);

// Takes a frame that was heard on the Ethernet joined to a network. The same, with the ZT_BRIDGED_HEADROOM bytes in front.
void zt_datapath_bridge(zt_datapath_t *self, int network, uint8_t *frame, size_t length, uint64_t now);

// Gives back a slot that deliver() has kept. May be called from any thread.
void zt_datapath_release(zt_datapath_t *self, int slot);

// ---- what goes to Python ----

#define ZT_RECORD_PACKET (1) // authenticated and decrypted, still compressed if it came so. endpoint: where from
#define ZT_RECORD_RAW (2) // cannot be judged here. endpoint: where from. If its destination is our address, it is a whole packet,
                          // put together if it came in fragments (flag F of byte 18 then stays set): a HELLO in clear, or a
                          // packet of an unknown sender; or a detour. Else it is a datagram to be relayed: a packet or a fragment
#define ZT_RECORD_FRAME (3) // an Ethernet frame from the port of network `nwid` that Python must send
#define ZT_RECORD_PATH (4) // a frame came from an endpoint that is none of the peer's paths. packet: the peer's address
#define ZT_RECORD_BRIDGED (5) // an Ethernet frame that was heard on the Ethernet joined to network `nwid`, to be handled by Python

typedef struct _zt_record_t {
    uint8_t kind;
    zt_endpoint_t endpoint; // PACKET, RAW, PATH
    uint8_t nwid[ZT_NWID_SIZE]; // FRAME, BRIDGED
    uint8_t *packet; // may be written to; valid until zt_datapath_pop()
    size_t length;
} zt_record_t;

// The oldest record; false if there is none. The ring is bounded, and shared by class: authenticated control packets may use
// all of it, HELLOs three quarters, frames and packets of strangers half. What finds no room is dropped and counted.
bool zt_datapath_next(const zt_datapath_t *self, zt_record_t *record);

// Takes the oldest record away.
void zt_datapath_pop(zt_datapath_t *self);

// ---- what happened ----

typedef struct _zt_peer_state_t {
    uint64_t last_frame_in; // `now` of the last authenticated frame of a member; 0: never
    uint64_t last_frame_out; // of the last frame sent to it from here
    uint64_t last_receive[ZT_PEER_PATHS]; // of the last such frame that came directly on each path, as given to set_paths()
    size_t paths;
} zt_peer_state_t;

// False: unknown peer. Times are those of frames that never reached Python; what did is not repeated here.
bool zt_datapath_peer_state(const zt_datapath_t *self, const uint8_t *address, zt_peer_state_t *state);

// Events of one kind since the start (see counters.h), and its name. `index` is below ZT_COUNTER_COUNT.
uint32_t zt_datapath_counter(const zt_datapath_t *self, size_t index);
const char *zt_datapath_counter_name(size_t index);

#endif // ZT_DATAPATH_H
