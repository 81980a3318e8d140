// The evaluation of compiled rules (protocol/07 §7.8, §7.9). It owns one frame's judgement, on the stack, and nothing else.
// Never a check of a list's form: rules_compile.c made it. Never a read of an IP header: that is rules_frame.c.
#include "rules.h"
#include "rules_form.h"
#include "rules_frame.h"

#include <string.h>

#define MULTICAST_BIT (0x01)
#define ICMP_CHECK_CODE (0x01)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

// The upper word of CHARACTERISTICS; the lower one is the TCP flags.
#define CHARACTERISTIC_INBOUND (0x80000000)
#define CHARACTERISTIC_MULTICAST (0x40000000)
#define CHARACTERISTIC_BROADCAST (0x20000000)
#define CHARACTERISTIC_IP_AUTHENTICATED (0x10000000)
#define CHARACTERISTIC_MAC_AUTHENTICATED (0x08000000)

#define INTEGER_LITTLE_ENDIAN (0x80)
#define INTEGER_BITS (0x3f)
#define INTEGER_FIELD (8)

// What a match says. NOT turns the first two around and leaves the others alone.
typedef enum {
    SAYS_NO,
    SAYS_YES,
    ALWAYS_NO,
    ALWAYS_YES,
    CANNOT_SAY, // a credential must be verified first
} answer_t;

typedef struct {
    const zt_rules_network_t *network;
    const zt_holdings_t *theirs;
    const zt_rules_frame_t *frame;
    zt_rules_outcome_t *outcome;
    zt_ip_view_t ip;
    // Of the list that is being evaluated.
    bool skips_drop;
    bool is_super;
    bool has_copy;
    zt_rules_copy_t copy;
    uint8_t redirect_to[ZT_RULES_ADDRESS_SIZE];
} judgement_t;

static answer_t answer(bool is_true) {
    return is_true ? SAYS_YES : SAYS_NO;
}

static answer_t want(judgement_t *self, uint8_t kind, uint32_t id) {
    self->outcome->wanted = kind;
    self->outcome->wanted_id = id;
    return CANNOT_SAY;
}

/******************************************************************************/
// Addresses

static bool is_address(const uint8_t *address, const uint32_t *operands) {
    return address[0] == operands[0] && zt_get32(address + 1) == operands[1];
}

static bool is_mac(const uint8_t *mac, const uint32_t *operands) {
    return zt_get16(mac) == operands[0] && zt_get32(mac + 2) == operands[1];
}

static const uint8_t *source_of(const judgement_t *self) {
    return self->frame->is_inbound ? self->frame->other : self->network->address;
}

static const uint8_t *destination_of(const judgement_t *self) {
    return self->frame->is_inbound ? self->network->address : self->frame->other;
}

static answer_t match_ipv4(const judgement_t *self, size_t offset, const uint32_t *operands) {
    if (self->ip.version != 4) {
        return ALWAYS_NO;
    }
    return answer((zt_get32(self->ip.payload + offset) & operands[0]) == operands[1]);
}

// The rule's own address is not masked (protocol/07 §7.8).
static answer_t match_ipv6(const judgement_t *self, size_t offset, const uint32_t *operands) {
    if (self->ip.version != 6) {
        return ALWAYS_NO;
    }
    uint32_t bits = operands[0];
    for (size_t i = 0; i < 4; ++i) {
        uint32_t mask = bits >= 32 ? UINT32_MAX : bits == 0 ? 0 : UINT32_MAX << (32 - bits);
        if ((zt_get32(self->ip.payload + offset + 4 * i) & mask) != operands[1 + i]) {
            return SAYS_NO;
        }
        bits = bits >= 32 ? bits - 32 : 0;
    }
    return SAYS_YES;
}

/******************************************************************************/
// Fields of the packet

static bool is_in_range(uint32_t value, uint32_t range) {
    return range >> 16 <= value && value <= (range & 0xffff);
}

static answer_t match_tos(const judgement_t *self, uint32_t operand) {
    if (!self->ip.has_header) {
        return ALWAYS_NO;
    }
    uint32_t masked = zt_ip_tos(&self->ip) & operand >> 16;
    return answer((operand >> 8 & 0xff) <= masked && masked <= (operand & 0xff));
}

static answer_t match_icmp(const judgement_t *self, uint32_t operand) {
    const uint8_t *icmp = zt_ip_icmp(&self->ip);
    if (icmp == NULL || icmp[0] != operand >> 16) {
        return ALWAYS_NO;
    }
    return operand & ICMP_CHECK_CODE ? answer(icmp[1] == (operand >> 8 & 0xff)) : ALWAYS_YES;
}

static answer_t match_port(const judgement_t *self, size_t offset, uint32_t range) {
    if (!self->ip.has_transport) {
        return ALWAYS_NO;
    }
    int32_t port = zt_ip_port(&self->ip, offset);
    return answer(port >= 0 && is_in_range((uint32_t)port, range));
}

// A field that is not wholly in the frame reads as 0, and is compared all the same.
static uint64_t integer_of(const zt_rules_frame_t *frame, size_t index, uint8_t format) {
    uint32_t bits = (format & INTEGER_BITS) + 1u;
    size_t bytes = (bits + 7) / 8;
    uint64_t value = 0;
    if (format & INTEGER_LITTLE_ENDIAN) {
        if (index + bytes > frame->length) {
            return 0;
        }
        for (size_t i = bytes; i > 0; --i) {
            value = value << 8 | frame->payload[index + i - 1];
        }
        return value >> (8 * bytes - bits);
    }
    // The last bytes of a field of 8 (protocol/07 §7.8).
    if (index + INTEGER_FIELD > frame->length) {
        return 0;
    }
    for (size_t i = INTEGER_FIELD - bytes; i < INTEGER_FIELD; ++i) {
        value = value << 8 | frame->payload[index + i];
    }
    return value & UINT64_MAX >> (64 - bits);
}

static answer_t match_integer(const judgement_t *self, const uint32_t *operands) {
    uint64_t start = (uint64_t)operands[0] << 32 | operands[1];
    uint64_t end = (uint64_t)operands[2] << 32 | operands[3];
    uint64_t value = integer_of(self->frame, operands[4] >> 16, (uint8_t)operands[4]);
    return answer(start <= value && value <= end);
}

/******************************************************************************/
// Characteristics

static answer_t owns(judgement_t *self, uint8_t kind, const uint8_t *value, size_t size) {
    const zt_holdings_t *holder = self->frame->is_inbound ? self->theirs : self->network->own;
    if (holder == NULL) {
        return SAYS_NO;
    }
    const zt_held_thing_t *untrusted = NULL;
    const zt_held_thing_t *thing = zt_held_things(holder);
    for (size_t i = 0; i < holder->things; ++i, ++thing) {
        if (thing->kind == kind && memcmp(thing->value, value, size) == 0) {
            if (thing->is_trusted) {
                return SAYS_YES;
            }
            untrusted = thing;
        }
    }
    return untrusted == NULL ? SAYS_NO : want(self, ZT_WANTED_OWNERSHIP, untrusted->certificate);
}

// Whether an IPv6 address is made from the address of the member that sent it.
static bool is_derived(const judgement_t *self, const uint8_t *ip) {
    for (size_t i = 0; i < ARRAY_SIZE(self->network->prefixes); ++i) {
        const zt_rules_prefix_t *prefix = &self->network->prefixes[i];
        if (prefix->length > 0 && memcmp(prefix->bytes, ip, prefix->length) == 0) {
            return memcmp(self->frame->other, ip + prefix->length, ZT_RULES_ADDRESS_SIZE) == 0;
        }
    }
    return false;
}

static answer_t is_ip_authenticated(judgement_t *self) {
    const uint8_t *ip;
    switch (zt_ip_sender(&self->ip, self->frame->ethertype, &ip)) {
        case ZT_SENDER_ANY:
            return SAYS_YES;
        case ZT_SENDER_IPV4:
            return owns(self, ZT_THING_IPV4, ip, 4);
        case ZT_SENDER_IPV6:
            if (self->frame->is_inbound && is_derived(self, ip)) {
                return SAYS_YES;
            }
            return owns(self, ZT_THING_IPV6, ip, 16);
        default:
            return SAYS_NO;
    }
}

// True if any of the bits applies. The two that need certificates are looked at only if no other bit decides.
static answer_t match_characteristics(judgement_t *self, uint32_t upper, uint32_t tcp_flags) {
    const uint8_t *destination = self->frame->destination;
    uint32_t found = self->frame->is_inbound ? CHARACTERISTIC_INBOUND : 0;
    if (destination[0] & MULTICAST_BIT) {
        found |= CHARACTERISTIC_MULTICAST;
        if (zt_get16(destination) == 0xffff && zt_get32(destination + 2) == 0xffffffff) {
            found |= CHARACTERISTIC_BROADCAST;
        }
    }
    if (found & upper || (tcp_flags != 0 && zt_ip_tcp_flags(&self->ip) & tcp_flags)) {
        return SAYS_YES;
    }
    answer_t result = SAYS_NO;
    if (upper & CHARACTERISTIC_IP_AUTHENTICATED) {
        result = is_ip_authenticated(self);
    }
    if (result != SAYS_YES && upper & CHARACTERISTIC_MAC_AUTHENTICATED) {
        answer_t mac = owns(self, ZT_THING_MAC, self->frame->source, 6);
        result = mac == SAYS_NO ? result : mac;
    }
    return result;
}

/******************************************************************************/
// Tags

static const zt_held_tag_t *find_tag(const zt_holdings_t *holder, uint32_t id) {
    if (holder == NULL) {
        return NULL;
    }
    const zt_held_tag_t *tags = zt_held_tags(holder);
    size_t low = 0;
    size_t high = holder->tags;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tags[middle].id == id) {
            return &tags[middle];
        }
        if (tags[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

// A first frame must be able to leave before tags were exchanged: it passes, and so do the drops that follow, once.
static answer_t be_lenient(judgement_t *self) {
    self->skips_drop = true;
    return ALWAYS_YES;
}

static answer_t compare_tags(uint8_t type, uint32_t own, uint32_t theirs, uint32_t value) {
    switch (type) {
        case ZT_MATCH_TAGS_DIFFERENCE:
            return answer((own > theirs ? own - theirs : theirs - own) <= value);
        case ZT_MATCH_TAGS_AND:
            return answer((own & theirs) == value);
        case ZT_MATCH_TAGS_OR:
            return answer((own | theirs) == value);
        case ZT_MATCH_TAGS_XOR:
            return answer((own ^ theirs) == value);
        default: // ZT_MATCH_TAGS_EQUAL
            return answer(own == value && theirs == value);
    }
}

static answer_t match_tags(judgement_t *self, uint8_t type, const uint32_t *operands) {
    const zt_held_tag_t *own = find_tag(self->network->own, operands[0]);
    if (own == NULL) {
        return ALWAYS_NO;
    }
    const zt_held_tag_t *theirs = find_tag(self->theirs, operands[0]);
    if (theirs == NULL) {
        return self->frame->is_inbound && !self->is_super ? ALWAYS_NO : be_lenient(self);
    }
    if (!theirs->is_trusted) {
        return want(self, ZT_WANTED_TAG, theirs->id);
    }
    return compare_tags(type, own->value, theirs->value, operands[1]);
}

// The tag of the sender, or of the receiver: one of the two is us.
static answer_t match_one_tag(judgement_t *self, bool is_ours, const uint32_t *operands) {
    if (self->is_super) {
        return be_lenient(self);
    }
    const zt_held_tag_t *tag = find_tag(is_ours ? self->network->own : self->theirs, operands[0]);
    if (tag == NULL) {
        return is_ours || self->frame->is_inbound ? ALWAYS_NO : be_lenient(self);
    }
    if (!tag->is_trusted) {
        return want(self, ZT_WANTED_TAG, tag->id);
    }
    return answer(tag->value == operands[1]);
}

/******************************************************************************/
// One list

static answer_t match(judgement_t *self, uint8_t type, const uint32_t *operands) {
    const zt_rules_frame_t *frame = self->frame;
    switch (type) {
        case ZT_MATCH_SOURCE_ADDRESS:
            return answer(is_address(source_of(self), operands));
        case ZT_MATCH_DESTINATION_ADDRESS:
            return answer(is_address(destination_of(self), operands));
        case ZT_MATCH_VLAN_ID:
            return answer(frame->vlan == operands[0]);
        case ZT_MATCH_VLAN_PCP:
        case ZT_MATCH_VLAN_DEI:
            return answer(operands[0] == 0);
        case ZT_MATCH_MAC_SOURCE:
            return answer(is_mac(frame->source, operands));
        case ZT_MATCH_MAC_DESTINATION:
            return answer(is_mac(frame->destination, operands));
        case ZT_MATCH_IPV4_SOURCE:
            return match_ipv4(self, 12, operands);
        case ZT_MATCH_IPV4_DESTINATION:
            return match_ipv4(self, 16, operands);
        case ZT_MATCH_IPV6_SOURCE:
            return match_ipv6(self, 8, operands);
        case ZT_MATCH_IPV6_DESTINATION:
            return match_ipv6(self, 24, operands);
        case ZT_MATCH_IP_TOS:
            return match_tos(self, operands[0]);
        case ZT_MATCH_IP_PROTOCOL:
            return self->ip.has_transport ? answer(self->ip.protocol == operands[0]) : ALWAYS_NO;
        case ZT_MATCH_ETHERTYPE:
            return answer(frame->ethertype == operands[0]);
        case ZT_MATCH_ICMP:
            return match_icmp(self, operands[0]);
        case ZT_MATCH_SOURCE_PORT:
            return match_port(self, 0, operands[0]);
        case ZT_MATCH_DESTINATION_PORT:
            return match_port(self, 2, operands[0]);
        case ZT_MATCH_CHARACTERISTICS:
            return match_characteristics(self, operands[0], operands[1]);
        case ZT_MATCH_FRAME_SIZE:
            return answer(frame->length <= 0xffff && is_in_range((uint32_t)frame->length, operands[0]));
        case ZT_MATCH_RANDOM:
            return answer(self->network->random(self->network->random_context) <= operands[0]);
        case ZT_MATCH_TAGS_DIFFERENCE:
        case ZT_MATCH_TAGS_AND:
        case ZT_MATCH_TAGS_OR:
        case ZT_MATCH_TAGS_XOR:
        case ZT_MATCH_TAGS_EQUAL:
            return match_tags(self, type, operands);
        case ZT_MATCH_TAG_SENDER:
            return match_one_tag(self, !frame->is_inbound, operands);
        case ZT_MATCH_TAG_RECEIVER:
            return match_one_tag(self, frame->is_inbound, operands);
        case ZT_MATCH_INTEGER_RANGE:
            return match_integer(self, operands);
        default:
            return answer(self->network->unsupported_is_true);
    }
}

#define GOES_ON (0xff)

// TEE, WATCH and REDIRECT. A verdict, or GOES_ON.
static uint8_t forward(judgement_t *self, uint8_t type, const uint32_t *operands) {
    const zt_rules_frame_t *frame = self->frame;
    if (is_address(source_of(self), operands)) {
        return GOES_ON;
    }
    if (is_address(self->network->address, operands)) {
        return frame->is_inbound ? ZT_VERDICT_SUPER_ACCEPT : GOES_ON;
    }
    if (is_address(destination_of(self), operands)) {
        return GOES_ON;
    }
    uint8_t to[ZT_RULES_ADDRESS_SIZE] = {
        (uint8_t)operands[0], (uint8_t)(operands[1] >> 24), (uint8_t)(operands[1] >> 16), (uint8_t)(operands[1] >> 8),
        (uint8_t)operands[1],
    };
    bool is_nobody = operands[0] == 0 && operands[1] == 0;
    if (type == ZT_ACTION_REDIRECT) {
        memcpy(self->redirect_to, to, sizeof(to));
        return is_nobody ? ZT_VERDICT_ACCEPT : ZT_VERDICT_REDIRECT;
    }
    size_t length = operands[2] == 0 || operands[2] > frame->length ? frame->length : operands[2];
    self->has_copy = !is_nobody;
    self->copy.length = (uint16_t)(length > 0xffff ? 0xffff : length);
    self->copy.is_watch = type == ZT_ACTION_WATCH;
    memcpy(self->copy.to, to, sizeof(to));
    return GOES_ON;
}

static uint8_t act(judgement_t *self, uint8_t type, const uint32_t *operands) {
    switch (type) {
        case ZT_ACTION_DROP:
            if (!self->skips_drop) {
                return ZT_VERDICT_DROP;
            }
            self->skips_drop = false;
            return GOES_ON;
        case ZT_ACTION_ACCEPT:
            return self->is_super ? ZT_VERDICT_SUPER_ACCEPT : ZT_VERDICT_ACCEPT;
        case ZT_ACTION_TEE:
        case ZT_ACTION_WATCH:
        case ZT_ACTION_REDIRECT:
            return forward(self, type, operands);
        case ZT_ACTION_BREAK:
            return ZT_VERDICT_NO_MATCH;
        case ZT_ACTION_PRIORITY:
            return ZT_VERDICT_ACCEPT;
        default:
            return GOES_ON;
    }
}

static bool is_forwarding(uint8_t type) {
    return type == ZT_ACTION_TEE || type == ZT_ACTION_WATCH || type == ZT_ACTION_REDIRECT;
}

// Every list begins with a clean slate. A verdict of ZT_VERDICT_*.
static uint8_t evaluate(judgement_t *self, const zt_rules_list_t *list) {
    bool is_set = true;
    self->skips_drop = false;
    self->is_super = false;
    self->has_copy = false;
    size_t at = 0;
    while (at < list->words) {
        uint32_t head = list->code[at];
        const uint32_t *operands = &list->code[at + 1];
        uint8_t type = head & ZT_RULE_TYPE;
        size_t next = at + ZT_HEAD_WORDS(head);
        if (type >= ZT_RULE_FIRST_MATCH) {
            if (!is_set && !(head & ZT_RULE_OR)) {
                at += ZT_HEAD_SKIP(head);
                continue;
            }
            answer_t says = match(self, type, operands);
            if (says == CANNOT_SAY) {
                return ZT_VERDICT_VERIFY;
            }
            bool is_true = says == ALWAYS_YES || says == (head & ZT_RULE_NOT ? SAYS_NO : SAYS_YES);
            is_set = head & ZT_RULE_OR ? is_set || is_true : is_true;
        } else if (is_set) {
            uint8_t verdict = act(self, type, operands);
            if (verdict != GOES_ON) {
                return verdict;
            }
        } else {
            // A frame that a rule would have sent to us is treated with more lenience from here on.
            if (self->frame->is_inbound && is_forwarding(type) && is_address(self->network->address, operands)) {
                self->is_super = true;
            }
            is_set = true;
        }
        at = next;
    }
    return ZT_VERDICT_NO_MATCH;
}

/******************************************************************************/
// The whole decision

static bool is_acceptance(uint8_t verdict) {
    return verdict == ZT_VERDICT_ACCEPT || verdict == ZT_VERDICT_SUPER_ACCEPT || verdict == ZT_VERDICT_REDIRECT;
}

// Tries capabilities until one accepts. Those that are not trusted are tried too: only if one of them accepts is it worth a
// verification.
static uint8_t evaluate_capabilities(judgement_t *self) {
    const zt_holdings_t *holder = self->frame->is_inbound ? self->theirs : self->network->own;
    if (holder == NULL) {
        return ZT_VERDICT_NO_MATCH;
    }
    const zt_held_capability_t *capability = zt_held_capabilities(holder);
    for (size_t i = 0; i < holder->capabilities; ++i, ++capability) {
        uint8_t verdict = evaluate(self, zt_held_list(holder, capability));
        if (verdict == ZT_VERDICT_VERIFY) {
            return verdict;
        }
        if (is_acceptance(verdict)) {
            if (!capability->is_trusted) {
                want(self, ZT_WANTED_CAPABILITY, capability->id);
                return ZT_VERDICT_VERIFY;
            }
            return verdict;
        }
    }
    return ZT_VERDICT_NO_MATCH;
}

static void begin(judgement_t *self, const zt_rules_network_t *network, const zt_holdings_t *theirs,
    const zt_rules_frame_t *frame, zt_rules_outcome_t *outcome) {
    self->network = network;
    self->theirs = theirs;
    self->frame = frame;
    self->outcome = outcome;
    self->has_copy = false;
    memset(&self->copy, 0, sizeof(self->copy));
    outcome->copies = 0;
    outcome->wanted = 0;
    outcome->wanted_id = 0;
    zt_ip_view(&self->ip, frame->ethertype, frame->payload, frame->length);
}

static void add_copy(const judgement_t *self, zt_rules_outcome_t *outcome) {
    if (self->has_copy) {
        outcome->copy[outcome->copies++] = self->copy;
    }
}

static void set_verdict(const judgement_t *self, uint8_t verdict) {
    self->outcome->verdict = verdict;
    if (verdict == ZT_VERDICT_REDIRECT) {
        memcpy(self->outcome->redirect_to, self->redirect_to, sizeof(self->redirect_to));
    }
}

bool zt_rules_accept_all(const zt_rules_network_t *network) {
    return network->rules->words > 0 && (network->rules->code[0] & ZT_RULE_TYPE) == ZT_ACTION_ACCEPT;
}

void zt_rules_judge(const zt_rules_network_t *network, const zt_holdings_t *theirs, const zt_rules_frame_t *frame,
    zt_rules_outcome_t *outcome) {
    judgement_t self;
    begin(&self, network, theirs, frame, outcome);
    uint8_t verdict = evaluate(&self, network->rules);
    if (verdict == ZT_VERDICT_NO_MATCH) {
        bool has_copy = self.has_copy;
        zt_rules_copy_t copy = self.copy;
        verdict = evaluate_capabilities(&self);
        if (is_acceptance(verdict)) {
            add_copy(&self, outcome);
        }
        self.has_copy = has_copy;
        self.copy = copy;
    }
    if (is_acceptance(verdict)) {
        add_copy(&self, outcome);
    }
    set_verdict(&self, verdict);
}

void zt_rules_probe(const zt_rules_network_t *network, const zt_holdings_t *theirs, const zt_rules_frame_t *frame,
    zt_rules_outcome_t *outcome) {
    judgement_t self;
    begin(&self, network, theirs, frame, outcome);
    set_verdict(&self, evaluate(&self, network->rules));
    add_copy(&self, outcome);
}
