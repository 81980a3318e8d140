// The rules of a network: bytes compiled once per configuration, then one verdict per frame (protocol/07 §7.7 to §7.9, 16).
// It owns the meaning of every action and match. Never sends, never verifies a signature, never asks for the time: what a
// member holds is compiled by its owner whenever it changes, and credentials that are out of date are left out there.
//
// Nothing here allocates, recurses or keeps state. Compiled forms live in memory of the caller, aligned to 4 bytes, have no
// pointers into themselves, and are only read afterwards: any number of threads may judge by the same ones. Frames need no
// alignment, and no byte outside of them is read, whatever they contain.
#ifndef ZT_RULES_H
#define ZT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZT_RULES_ADDRESS_SIZE (5)

// A member takes that many rules of a network; what follows them is not even decoded (protocol/07 §7.7).
#define ZT_RULES_MAX (1024)

typedef enum {
    ZT_RULES_OK,
    ZT_RULES_MALFORMED, // the network's whole configuration is to be refused
    ZT_RULES_NO_ROOM, // the memory is too small; `needed` says how large it must be
} zt_rules_status_t;

/******************************************************************************/
// Compiled forms

// A list of rules.
typedef struct _zt_rules_list_t zt_rules_list_t;

// Compiles the `length` bytes of a list into `size` bytes of `memory`. `needed` gets the size of the compiled list, a multiple
// of 4, unless the list is malformed; with a `memory` of NULL and a `size` of 0 that is all that happens.
zt_rules_status_t zt_rules_compile(const uint8_t *rules, size_t length, void *memory, size_t size, size_t *needed);

// The number of rules that were compiled.
size_t zt_rules_count(const zt_rules_list_t *list);

// What a member holds: tags, owned addresses and capabilities.
typedef struct _zt_holdings_t zt_holdings_t;

// The packed records of which holdings are made, integers big-endian. `trust` is 1 for a credential whose signature was
// verified and 0 for one whose signature was not looked at yet: a verdict that depends on it is then ZT_VERDICT_VERIFY.
//   tag         u32 id, u8 trust, u32 value; ids ascend
//   thing       u32 id of its certificate, u8 trust, u8 kind (1 MAC, 2 IPv4, 3 IPv6), 16 bytes padded with zeros
//   capability  u32 id, u8 trust, u16 length, that many bytes of rules; ids ascend
#define ZT_HOLDINGS_TAG_SIZE (9)
#define ZT_HOLDINGS_THING_SIZE (22)
#define ZT_HOLDINGS_CAPABILITY_HEADER_SIZE (7)

#define ZT_THING_MAC (1)
#define ZT_THING_IPV4 (2)
#define ZT_THING_IPV6 (3)

// The lengths are in bytes; a pointer may be NULL if its length is 0.
typedef struct _zt_holdings_source_t {
    const uint8_t *tags;
    size_t tags_length;
    const uint8_t *things;
    size_t things_length;
    const uint8_t *capabilities;
    size_t capabilities_length;
} zt_holdings_source_t;

// As zt_rules_compile(). Malformed: cut off in a record, ids that do not ascend, an unknown trust, malformed rules.
zt_rules_status_t zt_holdings_compile(const zt_holdings_source_t *source, void *memory, size_t size, size_t *needed);

/******************************************************************************/
// What frames are judged by

// IPv6 sources that begin so, and go on with the address of the member that sent the frame, count as owned by it, inbound: our
// own 6PLANE and RFC4193 prefixes, on networks that emulate neighbour discovery and assigned us such an address.
// The reference compares the prefix only, so that there every member may use the address of any other (protocol/07 §7.8).
#define ZT_RULES_PREFIXES (2)
#define ZT_RULES_PREFIX_MAX (16 - ZT_RULES_ADDRESS_SIZE)
typedef struct _zt_rules_prefix_t {
    uint8_t length; // bytes; 0: none
    uint8_t bytes[ZT_RULES_PREFIX_MAX];
} zt_rules_prefix_t;

// One network as one of its members sees it. The lists must outlive it.
typedef struct _zt_rules_network_t {
    const zt_rules_list_t *rules;
    const zt_holdings_t *own; // all trusted; NULL: none
    uint32_t (*random)(void *context); // 32 random bits, for MATCH_RANDOM only
    void *random_context;
    zt_rules_prefix_t prefixes[ZT_RULES_PREFIXES];
    uint8_t address[ZT_RULES_ADDRESS_SIZE]; // ours
    bool unsupported_is_true; // network flag 0x08: a match of an unknown type counts as true
} zt_rules_network_t;

// Puts prefixes into the network: `packed` has a length of 1 to 11 and that many bytes for each. False, and none set, if there
// are too many or one of them is cut off.
bool zt_rules_set_prefixes(zt_rules_network_t *network, const uint8_t *packed, size_t length);

// One frame. Nothing is kept after the call.
typedef struct _zt_rules_frame_t {
    const uint8_t *other; // 5 bytes: who sent it to us, or whom we send it to; zeros: to no one member yet (a group, a bridge)
    const uint8_t *destination; // MACs, 6 bytes each
    const uint8_t *source;
    const uint8_t *payload; // what follows the ethertype
    size_t length; // of the payload
    uint16_t ethertype;
    uint16_t vlan; // always 0: VLAN tags do not travel (protocol/07 §7.1)
    bool is_inbound;
} zt_rules_frame_t;

// DROP and NO_MATCH both mean that the frame goes nowhere, and no copy is made: DROP because a rule says so, NO_MATCH because
// none lets it through.
enum {
    ZT_VERDICT_DROP = 0,
    ZT_VERDICT_ACCEPT = 1,
    ZT_VERDICT_SUPER_ACCEPT = 2, // inbound: accept whatever the MACs are, since a rule sent it to us
    ZT_VERDICT_REDIRECT = 3, // it goes to `redirect_to` instead
    ZT_VERDICT_NO_MATCH = 4,
    ZT_VERDICT_VERIFY = 5, // the credential `wanted` of the other member decides, and is not trusted yet
};

enum {
    ZT_WANTED_CAPABILITY = 2, // the numbers of protocol/06 §6.8
    ZT_WANTED_TAG = 3,
    ZT_WANTED_OWNERSHIP = 4,
};

// A copy of the first `length` bytes of the payload for an observer.
typedef struct _zt_rules_copy_t {
    uint16_t length;
    uint8_t to[ZT_RULES_ADDRESS_SIZE];
    bool is_watch;
} zt_rules_copy_t;

#define ZT_RULES_COPIES (2)
typedef struct _zt_rules_outcome_t {
    uint8_t verdict;
    uint8_t copies; // how many of `copy` are to be sent, in their order, before the frame itself
    uint8_t wanted; // with VERIFY: the kind of credential
    uint8_t redirect_to[ZT_RULES_ADDRESS_SIZE]; // with REDIRECT
    uint32_t wanted_id; // with VERIFY: its id
    zt_rules_copy_t copy[ZT_RULES_COPIES];
} zt_rules_outcome_t;

// True if every frame is accepted with nothing more to do, as by the list of a single ACCEPT that controllers issue unless told
// otherwise. Then zt_rules_judge() need not be called at all. Holds as long as the network does.
bool zt_rules_accept_all(const zt_rules_network_t *network);

// Judges a frame by the network's rules and, if these leave it open, by capabilities: ours outbound, the other's inbound.
// `theirs` is what the other member holds, NULL if nothing is known of it or if `frame->other` is nobody. Whether copies are
// sent at all is for the caller: only the first pass of a multicast frame makes any (protocol/07 §7.9).
void zt_rules_judge(const zt_rules_network_t *network, const zt_holdings_t *theirs, const zt_rules_frame_t *frame,
    zt_rules_outcome_t *outcome);

// The verdict of the network's rules alone, without capabilities, and the copy that they leave behind whatever the verdict is.
// For those who explain rules; no frame may pass on the strength of it.
void zt_rules_probe(const zt_rules_network_t *network, const zt_holdings_t *theirs, const zt_rules_frame_t *frame,
    zt_rules_outcome_t *outcome);

#endif // ZT_RULES_H
