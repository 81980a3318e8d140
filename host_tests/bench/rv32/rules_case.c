// The case of rules_case.h.
// It owns its lists and its frame, in static memory. Never anything that depends on the machine.
#include "rules_case.h"

#include <string.h>

#include "firmware/cmodule/core/rules.h"

#define MAX_RULES (64)
#define BLOCK_RULES (3)
#define BLOCK_BYTES (3 + 6 + 2)
#define FIRST_PORT (6000)

static const uint8_t OURS[ZT_RULES_ADDRESS_SIZE] = { 1, 2, 3, 4, 5 };
static const uint8_t THEIRS[ZT_RULES_ADDRESS_SIZE] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t MACS[12] = { 2, 1, 2, 3, 4, 5, 2, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };

// 10.1.2.3:49152 to 10.9.8.7:53, UDP.
static const uint8_t PAYLOAD[46] = {
    0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 1, 2, 3, 10, 9, 8, 7, 0xc0, 0, 0, 53, 0, 26,
};

static uint32_t memory[512];
static zt_rules_network_t network;

size_t rules_case_prepare(size_t rules) {
    if (rules == 0 || rules > MAX_RULES || rules % BLOCK_RULES != 1) {
        return 0;
    }
    uint8_t bytes[MAX_RULES / BLOCK_RULES * BLOCK_BYTES + 2];
    size_t length = 0;
    for (size_t i = 0; i < rules / BLOCK_RULES; i++) {
        uint16_t port = (uint16_t)(FIRST_PORT + i);
        const uint8_t block[BLOCK_BYTES] = {
            0x24, 1, 17, // IP_PROTOCOL UDP
            0x28, 4, (uint8_t)(port >> 8), (uint8_t)port, (uint8_t)(port >> 8), (uint8_t)port, // IP_DEST_PORT_RANGE
            0x00, 0, // ACTION_DROP
        };
        memcpy(bytes + length, block, sizeof(block));
        length += sizeof(block);
    }
    bytes[length++] = 0x01; // ACTION_ACCEPT
    bytes[length++] = 0;
    size_t needed;
    if (zt_rules_compile(bytes, length, memory, sizeof(memory), &needed) != ZT_RULES_OK) {
        return 0;
    }
    network.rules = (const zt_rules_list_t *)memory;
    memcpy(network.address, OURS, sizeof(OURS));
    return needed;
}

uint8_t rules_case_judge(void) {
    const zt_rules_frame_t frame = {
        .other = THEIRS,
        .destination = MACS,
        .source = MACS + 6,
        .payload = PAYLOAD,
        .length = sizeof(PAYLOAD),
        .ethertype = 0x0800,
        .is_inbound = true,
    };
    zt_rules_outcome_t outcome;
    zt_rules_judge(&network, NULL, &frame, &outcome);
    return outcome.verdict;
}
