// How many instructions a packet takes on a 32-bit RISC-V core: the core, lwIP and the glue between them as a board builds them,
// without MicroPython and without an operating system.
// It owns what is measured: from where to where, and how deep the stack goes. One line of JSON for each figure; run.py builds, runs and judges.
// Never time: the emulator counts instructions exactly, and every run gives the same numbers.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/cmodule/core/armor.h"
#include "firmware/cmodule/core/datapath.h"
#include "firmware/cmodule/core/packet.h"
#include "firmware/cmodule/core/rules.h"
#include "firmware/cmodule/lwip/glue.h"
#include "firmware/cmodule/lwip/netif.h"
#include "host_tests/bench/rv32/rules_case.h"

#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"

#define MTU (2800)
#define RING_BYTES (16 * 1024)
#define REPEATS (5) // the first fills tables; all others must agree

// Where a UDP datagram begins in what an Ethernet driver received: behind Ethernet, IPv4 and UDP headers, at an address that is
// 2 modulo 4, so byte 27 of the packet is at an odd one.
#define HEADERS (14 + 20 + 8)

static const uint8_t OURS[ZT_ADDRESS_SIZE] = { 1, 2, 3, 4, 5 };
static const uint8_t THEIRS[ZT_ADDRESS_SIZE] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t NWID[ZT_NWID_SIZE] = { 0x80, 0x56, 0xc2, 0xe2, 0x1c, 0, 0, 1 };
static const uint8_t KEY[ZT_ARMOR_KEY_SIZE] = { 7, 7, 7 };
static const uint8_t OUR_MAC[ZT_MAC_SIZE] = { 2, 1, 2, 3 ^ 0x1c, 4 ^ 0xe2, 5 ^ 0xc2 };
static const uint8_t THEIR_MAC[ZT_MAC_SIZE] = { 2, 0xa1, 0xa2, 0xa3 ^ 0x1c, 0xa4 ^ 0xe2, 0xa5 ^ 0xc2 };
static const zt_endpoint_t ENDPOINT = { .length = 7, .bytes = { 4, 10, 0, 0, 2, 0x27, 0x09 } };

static uint32_t started;
static uint32_t taken; // instructions from `started` to the last thing that was waited for
static size_t arrived; // of these things
static uint32_t overhead; // of looking twice

static inline uint32_t instructions(void) {
    uint32_t count;
    __asm volatile ("csrr %0, minstret" : "=r" (count) : : "memory");
    return count;
}

static void start(void) {
    arrived = 0;
    started = instructions();
}

static void arrive(void) {
    taken = instructions() - started - overhead;
    arrived++;
}

static void require(bool condition, const char *what) {
    if (!condition) {
        printf("failed: %s\n", what);
        exit(1);
    }
}

static void report(const char *figure, uint32_t value) {
    printf("{\"figure\": \"%s\", \"value\": %lu}\n", figure, (unsigned long)value);
}

// ---- the stack ----

#define PAINTED (8 * 1024)
#define PAINT (0xa5)
#define OWN_FRAME (64) // of paint() and clean(), which are still running

static uint8_t *stack_top;

static __attribute__((noinline)) void paint(void) {
    stack_top = (uint8_t *)__builtin_frame_address(0) - OWN_FRAME;
    for (size_t i = 1; i <= PAINTED; i++) {
        ((volatile uint8_t *)stack_top)[-(ptrdiff_t)i] = PAINT;
    }
}

// Bytes of the stack that were used since then, below whoever called both.
static __attribute__((noinline)) uint32_t clean(void) {
    size_t untouched = 0;
    while (untouched < PAINTED && ((volatile uint8_t *)stack_top)[(ptrdiff_t)untouched - PAINTED] == PAINT) {
        untouched++;
    }
    return (uint32_t)(PAINTED - untouched) + OWN_FRAME;
}

static uint32_t deepest;

static void note_stack(void) {
    uint32_t used = clean();
    deepest = used > deepest ? used : deepest;
}

// ---- what lwIP asks of a board ----

uint32_t sys_now(void) {
    return 1000;
}

uint32_t zt_stack_random(void) {
    return 4;
}

void zt_stack_assert(const char *text) {
    printf("lwIP: %s\n", text);
    exit(1);
}

// ---- the two ends ----

static zt_glue_t *glue;
static zt_netif_t *port;
static zt_datapath_t *peer; // somebody else, who makes datagrams for us
static int peer_network;
static uint8_t datagrams[8][ZT_DATAGRAM_MAX_SIZE];
static size_t lengths[8];
static size_t made;

static void sent_by_us(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    (void)context;
    (void)to;
    (void)datagram;
    (void)length;
    arrive();
}

static void sent_by_peer(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    (void)context;
    (void)to;
    memcpy(datagrams[made], datagram, length);
    lengths[made++] = length;
}

static bool delivered(void *context, void *interface, uint8_t *frame, size_t length, int slot) {
    (void)context;
    return zt_glue_deliver(glue, interface, frame, length, slot);
}

static bool refused(void *context, void *interface, uint8_t *frame, size_t length, int slot) {
    (void)context;
    (void)interface;
    (void)frame;
    (void)length;
    (void)slot;
    return false;
}

static err_t input(struct pbuf *frame, struct netif *netif) {
    (void)netif;
    arrive();
    pbuf_free(frame);
    return ERR_OK;
}

static void fill_tables(zt_datapath_t *datapath, const uint8_t *other) {
    const uint8_t prefix[ZT_IDS_PREFIX_SIZE] = { 0, 0, 1, 0, 0 };
    require(zt_datapath_set_peer(datapath, other, KEY), "room for the peer");
    require(zt_datapath_set_paths(datapath, other, &ENDPOINT, 1, &ENDPOINT), "paths");
    require(zt_datapath_set_member(datapath, NWID, other, ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN), "membership");
    zt_datapath_set_ids(datapath, prefix);
}

static void set_up(void) {
    const zt_datapath_config_t config = { .peers = 16, .networks = 4, .slots = 4, .slot_bytes = 2880, .ring_bytes = RING_BYTES };
    lwip_init();
    port = zt_netif_open(OUR_MAC, MTU);
    require(port != NULL, "an interface");
    zt_netif_set_active(port, true);
    ((struct netif *)port)->input = input;
    const zt_datapath_platform_t platform = { .send = sent_by_us, .deliver = delivered };
    glue = zt_glue_open(&config, OURS, &platform);
    require(glue != NULL, "memory for the glue");
    require(zt_glue_add_network(glue, NWID, OUR_MAC, MTU, port) >= 0, "room for the network");
    fill_tables(zt_glue_datapath(glue), THEIRS);

    const zt_datapath_platform_t theirs = { .send = sent_by_peer, .deliver = refused };
    peer = zt_datapath_init(malloc(zt_datapath_size(&config)), &config, THEIRS, &theirs);
    peer_network = zt_datapath_add_network(peer, NWID, THEIR_MAC, MTU, NULL);
    fill_tables(peer, OURS);
}

static void write_frame(uint8_t *frame, size_t length, const uint8_t *destination, const uint8_t *source) {
    for (size_t i = 0; i < length; i++) {
        frame[i] = (uint8_t)(i * 7);
    }
    memcpy(frame, destination, ZT_MAC_SIZE);
    memcpy(frame + ZT_MAC_SIZE, source, ZT_MAC_SIZE);
    frame[12] = 0x08;
    frame[13] = 0x00;
}

// ---- figures ----

// A packet around an Ethernet frame, alone: key mangling, cipher, MAC.
static void measure_armor(size_t frame_length, size_t lead, const char *armor_figure, const char *dearmor_figure) {
    static _Alignas(8) uint8_t memory[2048];
    uint8_t *packet = memory + lead;
    size_t length = frame_length + ZT_FRAME_START_OFFSET;
    start();
    zt_armor(KEY, packet, length, ZT_CIPHER_SALSA20_POLY1305);
    arrive();
    report(armor_figure, taken);
    start();
    bool is_authentic = zt_dearmor(KEY, packet, length);
    arrive();
    require(is_authentic, "what was armored is authentic");
    report(dearmor_figure, taken);
}

// From a datagram in the buffer of an Ethernet driver to netif->input().
static void measure_receive(size_t frame_length, const char *figure) {
    static _Alignas(8) uint8_t memory[4096];
    for (size_t i = 0; i < REPEATS; i++) {
        uint8_t *frame = memory + ZT_PACKET_LEAD + ZT_FRAME_HEADROOM;
        write_frame(frame, frame_length, OUR_MAC, THEIR_MAC);
        made = 0;
        zt_datapath_transmit(peer, peer_network, frame, frame_length, 1000);
        require(made > 0, "the peer sends");
        uint32_t sum = 0;
        for (size_t n = 0; n < made; n++) {
            struct pbuf *received = pbuf_alloc(PBUF_RAW, (u16_t)(HEADERS + lengths[n]), PBUF_POOL);
            require(received != NULL && received->next == NULL, "one pbuf for a datagram");
            pbuf_remove_header(received, HEADERS);
            memcpy(received->payload, datagrams[n], lengths[n]);
            paint();
            start();
            zt_glue_receive(glue, received, &ENDPOINT);
            if (arrived == 0) {
                arrive(); // a fragment that was not the last
                arrived = 0;
            }
            note_stack();
            sum += taken;
        }
        require(arrived == 1, "the frame reached the stack");
        if (i + 1 == REPEATS) {
            report(figure, sum);
        }
    }
}

// From netif->linkoutput() to the datagram.
static void measure_transmit(size_t frame_length, const char *figure) {
    static uint8_t frame[4096];
    struct netif *netif = (struct netif *)port;
    for (size_t i = 0; i < REPEATS; i++) {
        write_frame(frame, frame_length, THEIR_MAC, OUR_MAC);
        struct pbuf *sent = pbuf_alloc(PBUF_RAW, (u16_t)frame_length, PBUF_RAM);
        require(sent != NULL, "memory for a frame");
        pbuf_take(sent, frame, (u16_t)frame_length);
        paint();
        start();
        netif->linkoutput(netif, sent);
        note_stack();
        require(arrived > 0, "the frame was sent");
        pbuf_free(sent);
        if (i + 1 == REPEATS) {
            report(figure, taken);
        }
    }
}

// One more frame judged by lists of different lengths, and the memory that a list takes.
static void measure_rules(size_t rules, const char *figure, const char *memory) {
    size_t size = rules_case_prepare(rules);
    require(size > 0, "a list of rules");
    for (size_t i = 0; i < REPEATS; i++) {
        start();
        uint8_t verdict = rules_case_judge();
        arrive();
        require(verdict == ZT_VERDICT_ACCEPT, "the last rule accepts");
    }
    report(figure, taken);
    report(memory, size);
}

// What one more entry of a table costs in a datapath of this size.
static void measure_tables(void) {
    zt_datapath_config_t config = { .peers = 64, .networks = 4, .slots = 4, .slot_bytes = 2880, .ring_bytes = RING_BYTES };
    size_t size = zt_datapath_size(&config);
    config.peers = 128;
    report("memory of a peer on up to 4 networks", (zt_datapath_size(&config) - size) / 64);
    config.peers = 64;
    config.networks = 8;
    report("memory of a network with up to 64 peers", (zt_datapath_size(&config) - size) / 4);
}

int main(void) {
    start();
    arrive();
    overhead = taken;
    set_up();
    measure_armor(1400, ZT_PACKET_LEAD, "armor 1400", "dearmor 1400");
    measure_armor(60, ZT_PACKET_LEAD, "armor 60", "dearmor 60");
    measure_armor(1400, 0, "armor 1400 misplaced", "dearmor 1400 misplaced");
    measure_receive(1400, "datagram to input 1400");
    measure_receive(60, "datagram to input 60");
    measure_receive(MTU + ZT_ETHERNET_HEADER_SIZE, "datagrams to input 2814");
    measure_transmit(1400, "linkoutput to datagram 1400");
    measure_transmit(60, "linkoutput to datagram 60");
    measure_transmit(MTU + ZT_ETHERNET_HEADER_SIZE, "linkoutput to datagrams 2814");
    report("memory of the stack that all these took at most", deepest);
    measure_rules(1, "rules 1, instructions per frame", "memory of 1 rule");
    measure_rules(16, "rules 16, instructions per frame", "memory of 16 rules");
    measure_rules(64, "rules 64, instructions per frame", "memory of 64 rules");
    measure_tables();
    return 0;
}
