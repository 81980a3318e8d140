// How compiled rules and holdings lie in memory, shared by rules_compile.c, which writes them, and rules.c, which reads them.
// It owns the layout and the codes of protocol/07 §7.7. Never included by anybody else.
#ifndef ZT_RULES_FORM_H
#define ZT_RULES_FORM_H

#include "rules.h"

// The first byte of a rule on the wire.
#define ZT_RULE_NOT (0x80)
#define ZT_RULE_OR (0x40)
#define ZT_RULE_TYPE (0x3f)
#define ZT_RULE_FIRST_MATCH (16)

enum {
    ZT_ACTION_DROP = 0,
    ZT_ACTION_ACCEPT = 1,
    ZT_ACTION_TEE = 2,
    ZT_ACTION_WATCH = 3,
    ZT_ACTION_REDIRECT = 4,
    ZT_ACTION_BREAK = 5,
    ZT_ACTION_PRIORITY = 6,
    ZT_MATCH_SOURCE_ADDRESS = 24,
    ZT_MATCH_DESTINATION_ADDRESS = 25,
    ZT_MATCH_VLAN_ID = 26,
    ZT_MATCH_VLAN_PCP = 27,
    ZT_MATCH_VLAN_DEI = 28,
    ZT_MATCH_MAC_SOURCE = 29,
    ZT_MATCH_MAC_DESTINATION = 30,
    ZT_MATCH_IPV4_SOURCE = 31,
    ZT_MATCH_IPV4_DESTINATION = 32,
    ZT_MATCH_IPV6_SOURCE = 33,
    ZT_MATCH_IPV6_DESTINATION = 34,
    ZT_MATCH_IP_TOS = 35,
    ZT_MATCH_IP_PROTOCOL = 36,
    ZT_MATCH_ETHERTYPE = 37,
    ZT_MATCH_ICMP = 38,
    ZT_MATCH_SOURCE_PORT = 39,
    ZT_MATCH_DESTINATION_PORT = 40,
    ZT_MATCH_CHARACTERISTICS = 41,
    ZT_MATCH_FRAME_SIZE = 42,
    ZT_MATCH_RANDOM = 43,
    ZT_MATCH_TAGS_DIFFERENCE = 44,
    ZT_MATCH_TAGS_AND = 45,
    ZT_MATCH_TAGS_OR = 46,
    ZT_MATCH_TAGS_XOR = 47,
    ZT_MATCH_TAGS_EQUAL = 48,
    ZT_MATCH_TAG_SENDER = 49,
    ZT_MATCH_TAG_RECEIVER = 50,
    ZT_MATCH_INTEGER_RANGE = 51,
};

// A rule is a head and its operands, all words of 32 bits:
//   head         bits 0..7 the first byte of the wire form, 8..15 the words of the whole rule,
//                16..31 how many words on the next rule lies that counts after this match has failed
//   target       bits 32..39 of the address, bits 0..31, length
//   address, MAC upper bits, lower 32 bits
//   IPv4         mask, address under the mask
//   IPv6         prefix bits, four words of the address
//   ICMP         type << 16 | code << 8 | flags
//   TOS          mask << 16 | start << 8 | end
//   ranges       start << 16 | end
//   64 bits      upper word, lower word
//   tags         id, value
//   integer      start (2 words), end (2 words), index << 16 | format
//   others       the value
#define ZT_HEAD_WORDS(head) ((head) >> 8 & 0xff)
#define ZT_HEAD_SKIP(head) ((head) >> 16)
#define ZT_RULE_MAX_WORDS (6)

struct _zt_rules_list_t {
    uint16_t words; // of `code`
    uint16_t rules;
    uint32_t code[];
};

typedef struct _zt_held_tag_t {
    uint32_t id;
    uint32_t value;
    uint32_t is_trusted;
} zt_held_tag_t;

typedef struct _zt_held_thing_t {
    uint32_t certificate;
    uint8_t kind;
    uint8_t is_trusted;
    uint8_t value[18]; // 16 bytes; the rest is padding
} zt_held_thing_t;

typedef struct _zt_held_capability_t {
    uint32_t id;
    uint32_t is_trusted;
    uint32_t offset; // of its list, in bytes from the start of the holdings
} zt_held_capability_t;

// Behind it lie the tags, the things, the capabilities, and the lists of the capabilities.
struct _zt_holdings_t {
    uint16_t tags;
    uint16_t things;
    uint16_t capabilities;
    uint16_t unused;
};

static inline const zt_held_tag_t *zt_held_tags(const zt_holdings_t *self) {
    return (const zt_held_tag_t *)(self + 1);
}

static inline const zt_held_thing_t *zt_held_things(const zt_holdings_t *self) {
    return (const zt_held_thing_t *)(zt_held_tags(self) + self->tags);
}

static inline const zt_held_capability_t *zt_held_capabilities(const zt_holdings_t *self) {
    return (const zt_held_capability_t *)(zt_held_things(self) + self->things);
}

static inline const zt_rules_list_t *zt_held_list(const zt_holdings_t *self, const zt_held_capability_t *capability) {
    return (const zt_rules_list_t *)(const void *)((const uint8_t *)self + capability->offset);
}

// Big-endian numbers, byte by byte: frames and rules have no alignment.
static inline uint32_t zt_get16(const uint8_t *from) {
    return (uint32_t)from[0] << 8 | from[1];
}

static inline uint32_t zt_get32(const uint8_t *from) {
    return zt_get16(from) << 16 | zt_get16(from + 2);
}

#endif // ZT_RULES_FORM_H
