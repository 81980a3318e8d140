// From wire bytes to the compiled form of rules and holdings. It owns every check of their form, so that rules.c, which runs
// once per frame, needs none. Never judges.
#include "rules_form.h"

#include <string.h>

#define HEADER_SIZE (2) // type and length
#define MAX_RECORDS (0xffff)

// Value bytes on the wire and words of operands by type; a type that is not listed has neither.
typedef struct {
    uint8_t bytes;
    uint8_t words;
} shape_t;

static const shape_t shapes[] = {
    [ZT_ACTION_TEE] = { 14, 3 },
    [ZT_ACTION_WATCH] = { 14, 3 },
    [ZT_ACTION_REDIRECT] = { 14, 3 },
    [ZT_MATCH_SOURCE_ADDRESS] = { 5, 2 },
    [ZT_MATCH_DESTINATION_ADDRESS] = { 5, 2 },
    [ZT_MATCH_VLAN_ID] = { 2, 1 },
    [ZT_MATCH_VLAN_PCP] = { 1, 1 },
    [ZT_MATCH_VLAN_DEI] = { 1, 1 },
    [ZT_MATCH_MAC_SOURCE] = { 6, 2 },
    [ZT_MATCH_MAC_DESTINATION] = { 6, 2 },
    [ZT_MATCH_IPV4_SOURCE] = { 5, 2 },
    [ZT_MATCH_IPV4_DESTINATION] = { 5, 2 },
    [ZT_MATCH_IPV6_SOURCE] = { 17, 5 },
    [ZT_MATCH_IPV6_DESTINATION] = { 17, 5 },
    [ZT_MATCH_IP_TOS] = { 3, 1 },
    [ZT_MATCH_IP_PROTOCOL] = { 1, 1 },
    [ZT_MATCH_ETHERTYPE] = { 2, 1 },
    [ZT_MATCH_ICMP] = { 3, 1 },
    [ZT_MATCH_SOURCE_PORT] = { 4, 1 },
    [ZT_MATCH_DESTINATION_PORT] = { 4, 1 },
    [ZT_MATCH_CHARACTERISTICS] = { 8, 2 },
    [ZT_MATCH_FRAME_SIZE] = { 4, 1 },
    [ZT_MATCH_RANDOM] = { 4, 1 },
    [ZT_MATCH_TAGS_DIFFERENCE] = { 8, 2 },
    [ZT_MATCH_TAGS_AND] = { 8, 2 },
    [ZT_MATCH_TAGS_OR] = { 8, 2 },
    [ZT_MATCH_TAGS_XOR] = { 8, 2 },
    [ZT_MATCH_TAGS_EQUAL] = { 8, 2 },
    [ZT_MATCH_TAG_SENDER] = { 8, 2 },
    [ZT_MATCH_TAG_RECEIVER] = { 8, 2 },
    [ZT_MATCH_INTEGER_RANGE] = { 19, 5 },
};

static shape_t shape_of(uint8_t type) {
    static const shape_t none = { 0, 0 };
    return type < sizeof(shapes) / sizeof(shapes[0]) ? shapes[type] : none;
}

/******************************************************************************/
// One list

static void put_ipv4(const uint8_t *value, uint32_t *words) {
    uint32_t bits = value[4];
    // More than 32 bits mean nothing (protocol/07 §7.8); as 32 they match the least.
    words[0] = bits == 0 ? 0 : bits >= 32 ? UINT32_MAX : UINT32_MAX << (32 - bits);
    words[1] = zt_get32(value) & words[0];
}

static void put_ipv6(const uint8_t *value, uint32_t *words) {
    words[0] = value[16] > 128 ? 128 : value[16];
    for (size_t i = 0; i < 4; ++i) {
        words[1 + i] = zt_get32(value + 4 * i);
    }
}

static void put_integer_range(const uint8_t *value, uint32_t *words) {
    words[0] = zt_get32(value);
    words[1] = zt_get32(value + 4);
    // Only 32 bits of the width count (protocol/07 §7.8).
    uint64_t start = (uint64_t)words[0] << 32 | words[1];
    uint64_t end = start + (uint32_t)(zt_get32(value + 12) - words[1]);
    words[2] = (uint32_t)(end >> 32);
    words[3] = (uint32_t)end;
    words[4] = zt_get16(value + 16) << 16 | value[18];
}

static void put_operands(uint8_t type, const uint8_t *value, uint32_t *words) {
    switch (type) {
        case ZT_ACTION_TEE:
        case ZT_ACTION_WATCH:
        case ZT_ACTION_REDIRECT:
            words[0] = value[3];
            words[1] = zt_get32(value + 4);
            words[2] = zt_get16(value + 12);
            break;
        case ZT_MATCH_SOURCE_ADDRESS:
        case ZT_MATCH_DESTINATION_ADDRESS:
            words[0] = value[0];
            words[1] = zt_get32(value + 1);
            break;
        case ZT_MATCH_MAC_SOURCE:
        case ZT_MATCH_MAC_DESTINATION:
            words[0] = zt_get16(value);
            words[1] = zt_get32(value + 2);
            break;
        case ZT_MATCH_IPV4_SOURCE:
        case ZT_MATCH_IPV4_DESTINATION:
            put_ipv4(value, words);
            break;
        case ZT_MATCH_IPV6_SOURCE:
        case ZT_MATCH_IPV6_DESTINATION:
            put_ipv6(value, words);
            break;
        case ZT_MATCH_VLAN_ID:
        case ZT_MATCH_ETHERTYPE:
            words[0] = zt_get16(value);
            break;
        case ZT_MATCH_VLAN_PCP:
        case ZT_MATCH_VLAN_DEI:
        case ZT_MATCH_IP_PROTOCOL:
            words[0] = value[0];
            break;
        case ZT_MATCH_IP_TOS:
        case ZT_MATCH_ICMP:
            words[0] = (uint32_t)value[0] << 16 | zt_get16(value + 1);
            break;
        case ZT_MATCH_SOURCE_PORT:
        case ZT_MATCH_DESTINATION_PORT:
        case ZT_MATCH_FRAME_SIZE:
        case ZT_MATCH_RANDOM:
            words[0] = zt_get32(value);
            break;
        case ZT_MATCH_INTEGER_RANGE:
            put_integer_range(value, words);
            break;
        default:
            // Two words of 32 bits each, or nothing.
            for (size_t i = 0; i < shape_of(type).words; ++i) {
                words[i] = zt_get32(value + 4 * i);
            }
            break;
    }
}

// Tells each match where to go on when it has failed: at the next rule that may make the set true again, which is an action or
// an OR. The rules between would only be skipped one by one.
static void link_rules(zt_rules_list_t *list) {
    size_t waiting = 0; // the first rule that does not know yet
    size_t at = 0;
    while (at < list->words) {
        uint32_t head = list->code[at];
        if ((head & ZT_RULE_TYPE) < ZT_RULE_FIRST_MATCH || head & ZT_RULE_OR) {
            for (; waiting < at; waiting += ZT_HEAD_WORDS(list->code[waiting])) {
                list->code[waiting] |= (uint32_t)(at - waiting) << 16;
            }
        }
        at += ZT_HEAD_WORDS(head);
    }
    for (; waiting < at; waiting += ZT_HEAD_WORDS(list->code[waiting])) {
        list->code[waiting] |= (uint32_t)(at - waiting) << 16;
    }
}

zt_rules_status_t zt_rules_compile(const uint8_t *rules, size_t length, void *memory, size_t size, size_t *needed) {
    zt_rules_list_t *list = memory;
    size_t room = size < sizeof(*list) ? 0 : (size - sizeof(*list)) / sizeof(uint32_t);
    size_t words = 0;
    size_t count = 0;
    size_t offset = 0;
    while (offset < length && count < ZT_RULES_MAX) {
        if (length - offset < HEADER_SIZE) {
            return ZT_RULES_MALFORMED;
        }
        uint8_t type = rules[offset] & ZT_RULE_TYPE;
        shape_t shape = shape_of(type);
        // The announced length only moves on; the value has the length of its type (protocol/07 §7.7).
        if (length - offset - HEADER_SIZE < shape.bytes) {
            return ZT_RULES_MALFORMED;
        }
        size_t end = words + 1 + shape.words;
        if (end <= room) {
            list->code[words] = (uint32_t)(1 + shape.words) << 8 | rules[offset];
            put_operands(type, rules + offset + HEADER_SIZE, &list->code[words + 1]);
        }
        words = end;
        count += 1;
        size_t step = HEADER_SIZE + (size_t)rules[offset + 1];
        offset = step < length - offset ? offset + step : length;
    }
    *needed = sizeof(*list) + words * sizeof(uint32_t);
    if (*needed > size) {
        return ZT_RULES_NO_ROOM;
    }
    list->words = (uint16_t)words;
    list->rules = (uint16_t)count;
    link_rules(list);
    return ZT_RULES_OK;
}

size_t zt_rules_count(const zt_rules_list_t *list) {
    return list->rules;
}

/******************************************************************************/
// Prefixes

bool zt_rules_set_prefixes(zt_rules_network_t *network, const uint8_t *packed, size_t length) {
    memset(network->prefixes, 0, sizeof(network->prefixes));
    size_t count = 0;
    size_t offset = 0;
    while (offset < length) {
        size_t size = packed[offset];
        if (count == ZT_RULES_PREFIXES || size == 0 || size > sizeof(network->prefixes[0].bytes) || size >= length - offset) {
            memset(network->prefixes, 0, sizeof(network->prefixes));
            return false;
        }
        network->prefixes[count].length = (uint8_t)size;
        memcpy(network->prefixes[count].bytes, packed + offset + 1, size);
        count += 1;
        offset += 1 + size;
    }
    return true;
}

/******************************************************************************/
// What a member holds

// Both kinds of credentials with ids are searched or tried in the order of their ids.
static bool record_is_right(const uint8_t *record, size_t index, uint32_t *last_id) {
    uint32_t id = zt_get32(record);
    bool ascends = index == 0 || id > *last_id;
    *last_id = id;
    return ascends && record[4] <= 1;
}

static bool tags_are_right(const zt_holdings_source_t *source) {
    size_t count = source->tags_length / ZT_HOLDINGS_TAG_SIZE;
    uint32_t last_id = 0;
    for (size_t i = 0; i < count; ++i) {
        if (!record_is_right(source->tags + i * ZT_HOLDINGS_TAG_SIZE, i, &last_id)) {
            return false;
        }
    }
    return source->tags_length % ZT_HOLDINGS_TAG_SIZE == 0 && count <= MAX_RECORDS;
}

static bool things_are_right(const zt_holdings_source_t *source) {
    size_t count = source->things_length / ZT_HOLDINGS_THING_SIZE;
    for (size_t i = 0; i < count; ++i) {
        if (source->things[i * ZT_HOLDINGS_THING_SIZE + 4] > 1) {
            return false;
        }
    }
    return source->things_length % ZT_HOLDINGS_THING_SIZE == 0 && count <= MAX_RECORDS;
}

// Counts the capabilities and the bytes of their compiled lists.
static bool measure_capabilities(const zt_holdings_source_t *source, size_t *count, size_t *bytes) {
    uint32_t last_id = 0;
    size_t offset = 0;
    *count = 0;
    *bytes = 0;
    while (offset < source->capabilities_length) {
        const uint8_t *record = source->capabilities + offset;
        size_t left = source->capabilities_length - offset;
        if (left < ZT_HOLDINGS_CAPABILITY_HEADER_SIZE || !record_is_right(record, *count, &last_id)) {
            return false;
        }
        size_t length = zt_get16(record + 5);
        size_t needed;
        if (length > left - ZT_HOLDINGS_CAPABILITY_HEADER_SIZE
            || zt_rules_compile(record + ZT_HOLDINGS_CAPABILITY_HEADER_SIZE, length, NULL, 0, &needed) == ZT_RULES_MALFORMED) {
            return false;
        }
        *bytes += needed;
        *count += 1;
        offset += ZT_HOLDINGS_CAPABILITY_HEADER_SIZE + length;
    }
    return *count <= MAX_RECORDS;
}

static void put_tags(const zt_holdings_source_t *source, zt_held_tag_t *tags, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const uint8_t *record = source->tags + i * ZT_HOLDINGS_TAG_SIZE;
        tags[i].id = zt_get32(record);
        tags[i].is_trusted = record[4];
        tags[i].value = zt_get32(record + 5);
    }
}

static void put_things(const zt_holdings_source_t *source, zt_held_thing_t *things, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const uint8_t *record = source->things + i * ZT_HOLDINGS_THING_SIZE;
        things[i].certificate = zt_get32(record);
        things[i].is_trusted = record[4];
        things[i].kind = record[5];
        memset(things[i].value, 0, sizeof(things[i].value));
        memcpy(things[i].value, record + 6, 16);
    }
}

static void put_capabilities(
    const zt_holdings_source_t *source, zt_holdings_t *self, zt_held_capability_t *capabilities, size_t size) {
    size_t offset = 0;
    size_t list = (size_t)((uint8_t *)(capabilities + self->capabilities) - (uint8_t *)self);
    for (size_t i = 0; i < self->capabilities; ++i) {
        const uint8_t *record = source->capabilities + offset;
        size_t length = zt_get16(record + 5);
        size_t needed;
        zt_rules_compile(record + ZT_HOLDINGS_CAPABILITY_HEADER_SIZE, length, (uint8_t *)self + list, size - list, &needed);
        capabilities[i].id = zt_get32(record);
        capabilities[i].is_trusted = record[4];
        capabilities[i].offset = (uint32_t)list;
        list += needed;
        offset += ZT_HOLDINGS_CAPABILITY_HEADER_SIZE + length;
    }
}

zt_rules_status_t zt_holdings_compile(const zt_holdings_source_t *source, void *memory, size_t size, size_t *needed) {
    size_t capabilities, list_bytes;
    if (!tags_are_right(source) || !things_are_right(source) || !measure_capabilities(source, &capabilities, &list_bytes)) {
        return ZT_RULES_MALFORMED;
    }
    size_t tags = source->tags_length / ZT_HOLDINGS_TAG_SIZE;
    size_t things = source->things_length / ZT_HOLDINGS_THING_SIZE;
    *needed = sizeof(zt_holdings_t) + tags * sizeof(zt_held_tag_t) + things * sizeof(zt_held_thing_t)
        + capabilities * sizeof(zt_held_capability_t) + list_bytes;
    if (*needed > size) {
        return ZT_RULES_NO_ROOM;
    }
    zt_holdings_t *self = memory;
    self->tags = (uint16_t)tags;
    self->things = (uint16_t)things;
    self->capabilities = (uint16_t)capabilities;
    self->unused = 0;
    zt_held_tag_t *held_tags = (zt_held_tag_t *)(self + 1);
    zt_held_thing_t *held_things = (zt_held_thing_t *)(held_tags + tags);
    put_tags(source, held_tags, tags);
    put_things(source, held_things, things);
    put_capabilities(source, self, (zt_held_capability_t *)(held_things + things), size);
    return ZT_RULES_OK;
}
