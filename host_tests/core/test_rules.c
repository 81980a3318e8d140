// The rules engine against everything that does not come from Python: random rules, holdings and frames in heap blocks of
// exactly the right size under the sanitizers, memory that is too small, and the one recorded verdict that needs a VLAN id.
// It owns the promise that no input makes the engine read or write outside of what it was given.
// Never what right rules mean: that is in host_tests/unit/test_rules_engine.py and host_tests/unit_cpython.
#include "check.h"
#include "rules.h"

#define ROUNDS (CASES(40000))
#define MAX_RULE_BYTES (600)
#define MAX_PAYLOAD (160)

static const uint8_t us[5] = { 0x89, 0x90, 0x03, 0x59, 0x12 };
static const uint8_t them[5] = { 0x3c, 0x3f, 0x73, 0x91, 0x1b };
static const uint8_t nobody[5] = { 0 };
static const uint8_t macs[12] = { 0x02, 0x89, 0x90, 0x91, 0xfd, 0xd9, 0x02, 0x3c, 0x3f, 0xe1, 0x35, 0xd0 };

static uint32_t seed = 77;

static uint32_t below(uint32_t bound) {
    return next_random(&seed) % bound;
}

static uint32_t random_word(void *context) {
    return next_random(context);
}

/******************************************************************************/
// Random input that is mostly well-formed

static const uint8_t lengths[64] = {
    [2] = 14, [3] = 14, [4] = 14, [24] = 5, [25] = 5, [26] = 2, [27] = 1, [28] = 1, [29] = 6, [30] = 6, [31] = 5, [32] = 5,
    [33] = 17, [34] = 17, [35] = 3, [36] = 1, [37] = 2, [38] = 3, [39] = 4, [40] = 4, [41] = 8, [42] = 4, [43] = 4, [44] = 8,
    [45] = 8, [46] = 8, [47] = 8, [48] = 8, [49] = 8, [50] = 8, [51] = 19,
};

// Bytes from a small alphabet meet each other more often than noise.
static void fill_meeting(uint8_t *buffer, size_t length) {
    static const uint8_t alphabet[] = { 0, 0, 1, 2, 6, 17, 58, 0x45, 0xff };
    for (size_t i = 0; i < length; i++) {
        buffer[i] = alphabet[below(sizeof(alphabet))];
    }
}

static size_t random_rules(uint8_t *rules, size_t room) {
    size_t length = 0;
    size_t count = below(12);
    for (size_t i = 0; i < count; i++) {
        uint8_t type = (uint8_t)(below(3) == 0 ? below(6) : below(64));
        if (length + 2 + 20 > room) {
            break;
        }
        rules[length] = (uint8_t)(type | (below(4) << 6));
        rules[length + 1] = lengths[type];
        fill_meeting(rules + length + 2, lengths[type]);
        if (type >= 2 && type <= 4 && below(2) == 0) {
            memcpy(rules + length + 5, below(2) == 0 ? us : them, 5);
        }
        length += 2 + lengths[type];
        if (below(40) == 0) {
            rules[length - 1 - lengths[type]] ^= (uint8_t)(1 << below(6)); // an announced length that is wrong
        }
    }
    return below(30) == 0 && length > 0 ? length - 1 - below((uint32_t)length) : length;
}

static void put32(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

static uint8_t *copy_of(const uint8_t *bytes, size_t length) {
    uint8_t *copy = exact(length);
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

// NULL if they were malformed.
static zt_rules_list_t *compiled_rules(void) {
    uint8_t bytes[MAX_RULE_BYTES];
    size_t length = random_rules(bytes, sizeof(bytes));
    uint8_t *rules = copy_of(bytes, length);
    size_t needed, again;
    zt_rules_list_t *list = NULL;
    zt_rules_status_t status = zt_rules_compile(rules, length, NULL, 0, &needed);
    CHECK(status != ZT_RULES_OK);
    if (status == ZT_RULES_NO_ROOM) {
        CHECK(needed % 4 == 0 && needed >= 4);
        uint8_t *small = exact(needed - 4);
        CHECK(zt_rules_compile(rules, length, small, needed - 4, &again) == ZT_RULES_NO_ROOM && again == needed);
        free(small);
        list = (void *)exact(needed);
        CHECK(zt_rules_compile(rules, length, list, needed, &again) == ZT_RULES_OK && again == needed);
    }
    free(rules);
    return list;
}

static zt_holdings_t *compiled_holdings(bool all_trusted) {
    uint8_t tags[4 * ZT_HOLDINGS_TAG_SIZE], things[4 * ZT_HOLDINGS_THING_SIZE], capabilities[4 * 120];
    uint32_t trust = all_trusted ? 1 : 2;
    zt_holdings_source_t source = { 0 };
    for (uint32_t id = 0; id < 4; id++) {
        if (below(2) == 0) {
            uint8_t *tag = tags + source.tags_length;
            put32(tag, id * 0x01010101);
            tag[4] = all_trusted ? 1 : (uint8_t)below(trust);
            fill_meeting(tag + 5, 4);
            source.tags_length += ZT_HOLDINGS_TAG_SIZE;
        }
        if (below(2) == 0) {
            uint8_t *thing = things + source.things_length;
            put32(thing, id);
            thing[4] = all_trusted ? 1 : (uint8_t)below(trust);
            thing[5] = (uint8_t)below(5);
            fill_meeting(thing + 6, 16);
            source.things_length += ZT_HOLDINGS_THING_SIZE;
        }
        if (below(2) == 0) {
            uint8_t *capability = capabilities + source.capabilities_length;
            size_t length = random_rules(capability + 7, 100);
            put32(capability, id);
            capability[4] = all_trusted ? 1 : (uint8_t)below(trust);
            capability[5] = 0;
            capability[6] = (uint8_t)length;
            source.capabilities_length += 7 + length;
        }
    }
    // Now and then something is cut off.
    size_t *parts[] = { &source.tags_length, &source.things_length, &source.capabilities_length };
    size_t *part = parts[below(3)];
    if (below(30) == 0 && *part > 0) {
        *part -= 1;
    }
    uint8_t *exact_tags = copy_of(tags, source.tags_length);
    uint8_t *exact_things = copy_of(things, source.things_length);
    uint8_t *exact_capabilities = copy_of(capabilities, source.capabilities_length);
    source.tags = exact_tags;
    source.things = exact_things;
    source.capabilities = exact_capabilities;
    size_t needed, again;
    zt_holdings_t *holdings = NULL;
    if (zt_holdings_compile(&source, NULL, 0, &needed) == ZT_RULES_NO_ROOM) {
        CHECK(needed % 4 == 0);
        uint8_t *small = exact(needed - 4);
        CHECK(zt_holdings_compile(&source, small, needed - 4, &again) == ZT_RULES_NO_ROOM && again == needed);
        free(small);
        holdings = (void *)exact(needed);
        CHECK(zt_holdings_compile(&source, holdings, needed, &again) == ZT_RULES_OK && again == needed);
    }
    free(exact_tags);
    free(exact_things);
    free(exact_capabilities);
    return holdings;
}

static uint16_t random_frame(uint8_t *payload, size_t *length) {
    static const uint16_t ethertypes[] = { 0x0800, 0x86dd, 0x86dd, 0x0806, 0x1234 };
    static const uint8_t chain[] = { 0, 6, 17, 43, 58, 60, 135 };
    fill_meeting(payload, MAX_PAYLOAD);
    *length = below(MAX_PAYLOAD + 1);
    payload[6] = chain[below(sizeof(chain))];
    payload[40] = below(2) == 0 ? chain[below(sizeof(chain))] : (uint8_t)(0x86 + below(3));
    payload[9] = chain[below(sizeof(chain))];
    return ethertypes[below(sizeof(ethertypes) / sizeof(ethertypes[0]))];
}

/******************************************************************************/

static void check_outcome(const zt_rules_outcome_t *outcome, const zt_rules_frame_t *frame) {
    CHECK(outcome->verdict <= ZT_VERDICT_VERIFY);
    CHECK(outcome->copies <= ZT_RULES_COPIES);
    CHECK(frame->is_inbound || outcome->verdict != ZT_VERDICT_SUPER_ACCEPT);
    if (outcome->verdict == ZT_VERDICT_REDIRECT) {
        CHECK(memcmp(outcome->redirect_to, nobody, 5) != 0 && memcmp(outcome->redirect_to, us, 5) != 0);
        CHECK(memcmp(outcome->redirect_to, frame->other, 5) != 0);
    }
    if (outcome->verdict == ZT_VERDICT_VERIFY) {
        CHECK(outcome->wanted >= ZT_WANTED_CAPABILITY && outcome->wanted <= ZT_WANTED_OWNERSHIP);
    }
    for (size_t i = 0; i < outcome->copies; i++) {
        CHECK(outcome->copy[i].length <= frame->length);
        CHECK(memcmp(outcome->copy[i].to, nobody, 5) != 0 && memcmp(outcome->copy[i].to, us, 5) != 0);
    }
}

static void judge_random_frame(const zt_rules_network_t *network, const zt_holdings_t *theirs) {
    uint8_t bytes[MAX_PAYLOAD];
    size_t length;
    zt_rules_frame_t frame = { .is_inbound = below(2) == 0, .vlan = 0 };
    frame.ethertype = random_frame(bytes, &length);
    uint8_t *payload = copy_of(bytes, length);
    uint8_t *addresses = copy_of(macs, sizeof(macs));
    uint8_t *other = copy_of(frame.is_inbound || below(2) == 0 ? them : nobody, 5);
    frame.other = other;
    frame.destination = addresses;
    frame.source = addresses + 6;
    frame.payload = payload;
    frame.length = length;
    zt_rules_outcome_t outcome;
    memset(&outcome, 0xa5, sizeof(outcome));
    zt_rules_judge(network, theirs, &frame, &outcome);
    check_outcome(&outcome, &frame);
    if (outcome.verdict == ZT_VERDICT_DROP || outcome.verdict >= ZT_VERDICT_NO_MATCH) {
        CHECK(outcome.copies == 0);
    }
    if (zt_rules_accept_all(network)) {
        CHECK(outcome.verdict == ZT_VERDICT_ACCEPT && outcome.copies == 0);
    }
    zt_rules_probe(network, theirs, &frame, &outcome);
    check_outcome(&outcome, &frame);
    free(payload);
    free(addresses);
    free(other);
}

static void random_rules_and_frames_never_leave_their_memory(void) {
    uint32_t state = 5;
    size_t judged = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        zt_rules_list_t *list = compiled_rules();
        zt_holdings_t *own = compiled_holdings(true);
        zt_holdings_t *theirs = compiled_holdings(false);
        if (list != NULL) {
            zt_rules_network_t network = { .rules = list, .own = own, .random = random_word, .random_context = &state };
            memcpy(network.address, us, sizeof(us));
            network.unsupported_is_true = below(2) == 0;
            CHECK(zt_rules_set_prefixes(&network, (const uint8_t *)"\x02\x00\x00\x01\xff", below(2) == 0 ? 0 : 5));
            for (size_t i = 0; i < 4; i++) {
                judge_random_frame(&network, theirs);
                judged++;
            }
        }
        free(list);
        free(own);
        free(theirs);
    }
    CHECK(judged > 3 * ROUNDS);
}

static void noise_is_compiled_or_malformed_within_its_bounds(void) {
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t length = below(64);
        uint8_t *rules = exact(length);
        fill_random(&seed, rules, length);
        size_t needed, again;
        if (zt_rules_compile(rules, length, NULL, 0, &needed) == ZT_RULES_NO_ROOM) {
            zt_rules_list_t *list = (void *)exact(needed);
            CHECK(zt_rules_compile(rules, length, list, needed, &again) == ZT_RULES_OK);
            CHECK(zt_rules_count(list) <= length / 2);
            free(list);
        }
        zt_holdings_source_t source = { .capabilities = rules, .capabilities_length = length };
        CHECK(zt_holdings_compile(&source, NULL, 0, &needed) != ZT_RULES_OK);
        free(rules);
    }
}

static void no_rules_are_a_list_too(void) {
    uint32_t memory[1];
    size_t needed;
    CHECK(zt_rules_compile(NULL, 0, memory, sizeof(memory), &needed) == ZT_RULES_OK && needed == sizeof(memory));
    zt_holdings_source_t nothing = { 0 };
    uint32_t more[2];
    CHECK(zt_holdings_compile(&nothing, more, sizeof(more), &needed) == ZT_RULES_OK && needed == sizeof(more));
}

// "match: VLAN_ID 0 on 5 NOT [in]" of rule_verdicts.json and its like: the engine knows VLANs, though they do not travel.
static void a_vlan_id_is_compared_with_that_of_the_frame(void) {
    static const uint8_t rules[] = { 0x9a, 2, 0, 0, 0x01, 0 }; // NOT VLAN_ID 0
    uint32_t memory[8];
    size_t needed;
    CHECK(zt_rules_compile(rules, sizeof(rules), memory, sizeof(memory), &needed) == ZT_RULES_OK);
    zt_rules_network_t network = { .rules = (const zt_rules_list_t *)memory };
    zt_rules_frame_t frame = { .other = them, .destination = macs, .source = macs + 6, .payload = NULL, .ethertype = 0x88cc };
    zt_rules_outcome_t outcome;
    for (uint16_t vlan = 0; vlan < 8; vlan++) {
        frame.vlan = vlan;
        zt_rules_judge(&network, NULL, &frame, &outcome);
        CHECK(outcome.verdict == (vlan == 0 ? ZT_VERDICT_NO_MATCH : ZT_VERDICT_ACCEPT));
    }
}

static void prefixes_are_taken_whole_or_not_at_all(void) {
    zt_rules_network_t network;
    CHECK(zt_rules_set_prefixes(&network, NULL, 0));
    static const uint8_t packed[] = { 2, 0xfc, 0xc7, 1, 0xfd, 1, 0xfe };
    for (size_t length = 0; length <= sizeof(packed); length++) {
        uint8_t *block = copy_of(packed, length);
        bool is_right = length == 0 || length == 3 || length == 5;
        CHECK(zt_rules_set_prefixes(&network, block, length) == is_right);
        CHECK(network.prefixes[0].length == (is_right && length > 0 ? 2 : 0));
        CHECK(network.prefixes[1].length == (length == 5 ? 1 : 0));
        free(block);
    }
}

int main(void) {
    RUN(random_rules_and_frames_never_leave_their_memory);
    RUN(noise_is_compiled_or_malformed_within_its_bounds);
    RUN(no_rules_are_a_list_too);
    RUN(a_vlan_id_is_compared_with_that_of_the_frame);
    RUN(prefixes_are_taken_whole_or_not_at_all);
    return 0;
}
