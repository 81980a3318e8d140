// The datapath with everything full: slots kept by the stack, slots taken by packets that never become whole, the ring, the
// tables, the packet ids, the stack's memory.
// It owns one rule in many cases: what has no room is dropped and counted by its reason, control packets still get through,
// nothing leaks, and service is back as soon as there is room.
#include "armor.h"
#include "check.h"
#include "datapath_state.h"

#define PEERS (3)
#define SLOTS (4)
#define SLOT_BYTES (2880)
#define RING_BYTES (32 * 1024)
#define SMALL_RING_BYTES (8 * 1024)
#define MTU (2800)
#define LARGE (2500) // payload of a frame that takes two datagrams
#define SMALL (100)
#define WHOIS (0x04)

static const uint8_t ours[ZT_ADDRESS_SIZE] = { 1, 2, 3, 4, 5 };
static const uint8_t theirs[ZT_ADDRESS_SIZE] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t nwid[ZT_NWID_SIZE] = { 1, 0, 0, 0, 0, 0, 0, 1 };
static const uint8_t our_mac[ZT_ETHERNET_ADDRESS_SIZE] = { 2, 1, 2, 3, 4, 5 };
static const uint8_t their_mac[ZT_ETHERNET_ADDRESS_SIZE] = { 2, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t key[32] = { 7 };
static const zt_endpoint_t endpoint = { .length = 7, .bytes = { 4, 10, 0, 0, 2, 1, 1 } };

// ---- both ends ----

typedef struct _bench_t {
    zt_datapath_t *datapath;
    size_t delivered;
    size_t sent;
    bool is_stack_full; // it takes nothing
    bool keeps; // it keeps what it may
    int kept[SLOTS];
    size_t kept_count;
} bench_t;

static void count_sent(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    bench_t *self = context;
    (void)to;
    (void)datagram;
    (void)length;
    self->sent++;
}

static bool deliver(void *context, void *port, uint8_t *frame, size_t length, int slot) {
    bench_t *self = context;
    (void)port;
    CHECK(memcmp(frame, our_mac, sizeof(our_mac)) == 0);
    CHECK(length > ZT_FRAME_HEADER_SIZE);
    if (self->is_stack_full) {
        return false;
    }
    self->delivered++;
    if (slot >= 0) {
        if (self->keeps) {
            self->kept[self->kept_count++] = slot;
        } else {
            zt_datapath_release(self->datapath, slot);
        }
    }
    return true;
}

static void set_up_with(bench_t *self, uint16_t slot_bytes, uint32_t ring_bytes) {
    const zt_datapath_config_t config = {
        .peers = PEERS, .networks = 1, .slots = SLOTS, .slot_bytes = slot_bytes, .ring_bytes = ring_bytes
    };
    const zt_datapath_platform_t platform = { .context = self, .send = count_sent, .deliver = deliver };
    const uint8_t prefix[ZT_IDS_PREFIX_SIZE] = { 1 };
    memset(self, 0, sizeof(*self));
    self->datapath = zt_datapath_init(exact(zt_datapath_size(&config)), &config, ours, &platform);
    CHECK(zt_datapath_set_peer(self->datapath, theirs, key));
    CHECK(zt_datapath_set_paths(self->datapath, theirs, &endpoint, 1, &endpoint));
    CHECK(zt_datapath_add_network(self->datapath, nwid, our_mac, MTU, self) == 0);
    CHECK(zt_datapath_set_member(self->datapath, nwid, theirs, ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN));
    zt_datapath_set_ids(self->datapath, prefix);
}

static void set_up(bench_t *self) {
    set_up_with(self, SLOT_BYTES, RING_BYTES);
}

static void tear_down(bench_t *self) {
    zt_datapath_close(self->datapath);
    free(self->datapath);
}

static uint32_t counted(const bench_t *self, size_t reason) {
    return zt_datapath_counter(self->datapath, reason);
}

// A packet of the peer in datagrams of the usual size, each in memory of exactly its size. `only`: the number of the one
// datagram that is received, -1 for all.
static void receive(bench_t *self, uint8_t id, uint8_t verb, size_t payload, int only, uint64_t now) {
    uint8_t packet[ZT_PACKET_MAX_SIZE] = { 0 };
    size_t length = ZT_PACKET_PAYLOAD_OFFSET + payload;
    bool is_whole = length <= ZT_DATAGRAM_DEFAULT_SIZE;
    memset(packet, id, ZT_ID_SIZE);
    memcpy(packet + ZT_DESTINATION_OFFSET, ours, ZT_ADDRESS_SIZE);
    memcpy(packet + ZT_SOURCE_OFFSET, theirs, ZT_ADDRESS_SIZE);
    packet[ZT_FLAGS_OFFSET] = is_whole ? 0 : ZT_FLAG_FRAGMENTED;
    packet[ZT_VERB_OFFSET] = verb;
    memcpy(packet + ZT_FRAME_NWID_OFFSET, nwid, ZT_NWID_SIZE);
    zt_armor(key, packet, length, ZT_CIPHER_SALSA20_POLY1305);
    const size_t piece = ZT_DATAGRAM_DEFAULT_SIZE - ZT_FRAGMENT_HEADER_SIZE;
    size_t total = is_whole ? 1 : 1 + (length - ZT_DATAGRAM_DEFAULT_SIZE + piece - 1) / piece;
    for (size_t number = 0, start = 0; number < total; number++) {
        size_t room = number == 0 ? ZT_DATAGRAM_DEFAULT_SIZE : piece;
        size_t taken = length - start < room ? length - start : room;
        size_t header = number == 0 ? 0 : ZT_FRAGMENT_HEADER_SIZE;
        uint8_t *datagram = exact(header + taken);
        if (number > 0) {
            memcpy(datagram, packet, ZT_FRAGMENT_MARK_OFFSET);
            datagram[ZT_FRAGMENT_MARK_OFFSET] = ZT_FRAGMENT_MARK;
            datagram[ZT_FRAGMENT_COUNTS_OFFSET] = (uint8_t)(total << 4 | number);
            datagram[ZT_FRAGMENT_HOPS_OFFSET] = 0;
        }
        memcpy(datagram + header, packet + start, taken);
        if (only < 0 || (size_t)only == number) {
            zt_datapath_receive(self->datapath, datagram, header + taken, &endpoint, now);
        }
        free(datagram);
        start += taken;
    }
}

static void receive_frame(bench_t *self, uint8_t id, size_t payload) {
    receive(self, id, ZT_VERB_FRAME, ZT_NWID_SIZE + 2 + payload, -1, 1000);
}

static void transmit(bench_t *self, const uint8_t *destination, size_t payload) {
    size_t length = ZT_FRAME_HEADER_SIZE + payload;
    uint8_t *memory = exact(ZT_FRAME_HEADROOM + length);
    uint8_t *frame = memory + ZT_FRAME_HEADROOM;
    memset(frame, 8, length);
    memcpy(frame, destination, ZT_ETHERNET_ADDRESS_SIZE);
    memcpy(frame + ZT_ETHERNET_ADDRESS_SIZE, our_mac, ZT_ETHERNET_ADDRESS_SIZE);
    zt_datapath_transmit(self->datapath, 0, frame, length, 1000);
    free(memory);
}

static size_t drain(bench_t *self) {
    zt_record_t record;
    size_t count = 0;
    for (; zt_datapath_next(self->datapath, &record); count++) {
        zt_datapath_pop(self->datapath);
    }
    return count;
}

// ---- the cases ----

static void a_stack_that_keeps_slots_gets_half_of_them(void) {
    bench_t bench;
    set_up_with(&bench, 0, RING_BYTES);
    bench.keeps = true;
    for (uint8_t id = 1; id <= 20; id++) {
        receive_frame(&bench, id, LARGE);
    }
    CHECK(bench.kept_count == SLOTS / 2);
    CHECK(bench.delivered == 20); // the others were copied by the stack
    receive(&bench, 30, WHOIS, 3000, -1, 1000);
    CHECK(drain(&bench) == 1); // and control packets are put together

    while (bench.kept_count > 0) {
        zt_datapath_release(bench.datapath, bench.kept[--bench.kept_count]);
    }
    receive_frame(&bench, 40, LARGE);
    CHECK(bench.kept_count == 1);
    tear_down(&bench);
}

static void a_stack_that_keeps_slots_gets_none_that_a_large_packet_needs(void) {
    bench_t bench;
    set_up(&bench);
    bench.keeps = true;
    for (uint8_t id = 1; id <= 20; id++) {
        receive_frame(&bench, id, LARGE);
    }
    CHECK(bench.kept_count == 1);
    CHECK(bench.delivered == 20);
    receive(&bench, 30, WHOIS, 9800, -1, 1000);
    CHECK(drain(&bench) == 1);
    for (uint8_t id = 40; id <= 50; id++) {
        receive_frame(&bench, id, LARGE);
    }
    CHECK(bench.delivered == 31);
    zt_datapath_release(bench.datapath, bench.kept[0]);
    tear_down(&bench);
}

static void packets_that_never_become_whole_take_no_slot_for_ever(void) {
    bench_t bench;
    set_up(&bench);
    for (uint8_t id = 1; id <= 50; id++) {
        receive(&bench, id, ZT_VERB_FRAME, LARGE, id % 2, 1000);
    }
    CHECK(counted(&bench, ZT_COUNT_reassembly_incomplete) == 50 - SLOTS);
    receive_frame(&bench, 60, LARGE);
    CHECK(bench.delivered == 1);
    CHECK(counted(&bench, ZT_COUNT_reassembly_incomplete) == 51 - SLOTS);
    receive_frame(&bench, 61, SMALL);
    CHECK(bench.delivered == 2);
    tear_down(&bench);
}

static void packets_that_outgrow_their_slot_take_what_is_shared(void) {
    bench_t bench;
    set_up(&bench);
    receive(&bench, 1, WHOIS, 9800, -1, 1000);
    CHECK(drain(&bench) == 1);
    // Two at a time: the second one takes it over.
    for (int number = 0; number < 7; number++) {
        receive(&bench, 2, WHOIS, 9800, number, 1000);
        receive(&bench, 3, WHOIS, 9800, number, 1000);
    }
    CHECK(drain(&bench) <= 1);
    CHECK(counted(&bench, ZT_COUNT_reassembly_incomplete) > 0);
    receive(&bench, 4, WHOIS, 9800, -1, 9000);
    CHECK(drain(&bench) == 1);
    tear_down(&bench);
}

// From each slot in turn, and with the pieces in either order: what was stored moves along, the others are given up.
static void a_large_packet_may_begin_in_any_slot(void) {
    for (size_t before = 0; before < SLOTS; before++) {
        for (int order = 0; order < 2; order++) {
            bench_t bench;
            set_up(&bench);
            for (size_t i = 0; i < before; i++) {
                receive(&bench, (uint8_t)(10 + i), WHOIS, 2000, 0, 1000);
            }
            for (int number = 0; number < 7; number++) {
                receive(&bench, 1, WHOIS, 9800, order == 0 ? number : 6 - number, 1001);
            }
            CHECK(drain(&bench) == 1);
            CHECK(counted(&bench, ZT_COUNT_reassembly_incomplete) == (before == 0 ? 0 : before - 1));
            for (uint8_t id = 20; id < 20 + SLOTS; id++) { // all slots are there again
                receive(&bench, id, WHOIS, 2000, 0, 1002);
            }
            for (uint8_t id = 20; id < 20 + SLOTS; id++) {
                receive(&bench, id, WHOIS, 2000, 1, 1003);
            }
            CHECK(drain(&bench) == SLOTS);
            tear_down(&bench);
        }
    }
}

static void a_control_packet_in_fragments_waits_in_its_slot(void) {
    bench_t bench;
    zt_record_t record;
    set_up_with(&bench, SLOT_BYTES, SMALL_RING_BYTES);
    receive(&bench, 1, WHOIS, 9800, -1, 1000); // the ring has no room for it
    CHECK(zt_datapath_next(bench.datapath, &record));
    CHECK(record.kind == ZT_RECORD_PACKET && record.length == ZT_PACKET_PAYLOAD_OFFSET + 9800);
    CHECK(record.packet[ZT_VERB_OFFSET] == WHOIS && record.packet[record.length - 1] == 0);
    CHECK(record.endpoint.length == endpoint.length && memcmp(record.endpoint.bytes, endpoint.bytes, endpoint.length) == 0);

    receive(&bench, 2, WHOIS, 9800, -1, 1000); // while Python has not taken the first
    CHECK(counted(&bench, ZT_COUNT_reassembly_no_slot) > 0);
    receive_frame(&bench, 3, LARGE);
    CHECK(bench.delivered == 1);
    CHECK(drain(&bench) == 1);
    receive(&bench, 4, WHOIS, 9800, -1, 1000);
    CHECK(drain(&bench) == 1);
    receive(&bench, 5, WHOIS, 9800, -1, 1000); // and the datapath closes with it
    tear_down(&bench);
}

static void a_full_stack_drops_and_counts(void) {
    bench_t bench;
    set_up(&bench);
    bench.is_stack_full = true;
    for (uint8_t id = 1; id <= 20; id++) {
        receive_frame(&bench, id, id % 2 ? LARGE : SMALL);
    }
    CHECK(counted(&bench, ZT_COUNT_frame_not_taken) == 20);
    bench.is_stack_full = false;
    receive_frame(&bench, 30, LARGE);
    receive_frame(&bench, 31, SMALL);
    CHECK(bench.delivered == 2);
    CHECK(counted(&bench, ZT_COUNT_frames_in) == 2);
    tear_down(&bench);
}

static void a_full_ring_drops_by_class_and_control_gets_through(void) {
    static const uint8_t group[ZT_ETHERNET_ADDRESS_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    bench_t bench;
    set_up(&bench);
    for (size_t round = 0; round < 3; round++) {
        zt_datapath_set_member(bench.datapath, nwid, theirs, 0);
        uint32_t before = counted(&bench, ZT_COUNT_ring_full_frame_in);
        for (uint8_t id = 1; id <= 100; id++) {
            receive_frame(&bench, id, 1000);
            transmit(&bench, group, 1000);
        }
        CHECK(counted(&bench, ZT_COUNT_ring_full_frame_in) > before);
        CHECK(counted(&bench, ZT_COUNT_ring_full_frame_out) > 0);
        receive(&bench, 200, WHOIS, 5, -1, 1000);
        CHECK(counted(&bench, ZT_COUNT_ring_full_control) == 0);

        // Frames of members need no ring.
        zt_datapath_set_member(bench.datapath, nwid, theirs, ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN);
        receive_frame(&bench, 201, SMALL);
        transmit(&bench, their_mac, SMALL);
        CHECK(bench.delivered == round + 1);
        CHECK(bench.sent == round + 1);
        CHECK(drain(&bench) > 10);
    }
    for (size_t i = 0; i < 2000; i++) {
        receive(&bench, 1, WHOIS, 5, -1, 1000);
    }
    CHECK(counted(&bench, ZT_COUNT_ring_full_control) > 0);
    CHECK(drain(&bench) > 100);
    receive(&bench, 1, WHOIS, 5, -1, 1000);
    CHECK(drain(&bench) == 1);
    tear_down(&bench);
}

static void a_full_table_of_peers_has_room_again_after_one_left(void) {
    bench_t bench;
    set_up(&bench);
    for (size_t round = 0; round < 1000; round++) {
        uint8_t one[ZT_ADDRESS_SIZE] = { 9, 0, 0, (uint8_t)(round >> 8), (uint8_t)round };
        uint8_t other[ZT_ADDRESS_SIZE] = { 8, 0, 0, (uint8_t)(round >> 8), (uint8_t)round };
        uint8_t third[ZT_ADDRESS_SIZE] = { 7, 0, 0, (uint8_t)(round >> 8), (uint8_t)round };
        CHECK(zt_datapath_set_peer(bench.datapath, one, key));
        CHECK(zt_datapath_set_peer(bench.datapath, other, key));
        CHECK(!zt_datapath_set_peer(bench.datapath, third, key));
        CHECK(!zt_datapath_set_member(bench.datapath, nwid, third, ZT_MEMBER_OPEN));
        zt_datapath_remove_peer(bench.datapath, other);
        zt_datapath_remove_peer(bench.datapath, third);
        zt_datapath_remove_peer(bench.datapath, one);
    }
    receive_frame(&bench, 1, SMALL);
    CHECK(bench.delivered == 1);
    tear_down(&bench);
}

// 16 million frames would take minutes: the counter is moved instead.
static void used_up_ids_send_frames_to_python_until_there_are_new_ones(void) {
    const uint8_t prefix[ZT_IDS_PREFIX_SIZE] = { 2 };
    bench_t bench;
    set_up(&bench);
    CHECK(!zt_datapath_ids_low(bench.datapath));
    bench.datapath->ids_used = ZT_IDS_COUNT / 2 - 1;
    transmit(&bench, their_mac, SMALL);
    CHECK(zt_datapath_ids_low(bench.datapath));
    bench.datapath->ids_used = ZT_IDS_COUNT - 1;
    transmit(&bench, their_mac, SMALL);
    CHECK(bench.sent == 2);
    transmit(&bench, their_mac, SMALL);
    CHECK(bench.sent == 2);
    CHECK(drain(&bench) == 1);
    zt_datapath_set_ids(bench.datapath, prefix);
    CHECK(!zt_datapath_ids_low(bench.datapath));
    transmit(&bench, their_mac, SMALL);
    CHECK(bench.sent == 3);
    tear_down(&bench);
}

int main(void) {
    RUN(a_stack_that_keeps_slots_gets_half_of_them);
    RUN(a_stack_that_keeps_slots_gets_none_that_a_large_packet_needs);
    RUN(packets_that_never_become_whole_take_no_slot_for_ever);
    RUN(packets_that_outgrow_their_slot_take_what_is_shared);
    RUN(a_large_packet_may_begin_in_any_slot);
    RUN(a_control_packet_in_fragments_waits_in_its_slot);
    RUN(a_full_stack_drops_and_counts);
    RUN(a_full_ring_drops_by_class_and_control_gets_through);
    RUN(a_full_table_of_peers_has_room_again_after_one_left);
    RUN(used_up_ids_send_frames_to_python_until_there_are_new_ones);
    return 0;
}
