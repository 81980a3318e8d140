// Two datapaths and the frames between them, with rules and without: what one is given, the other delivers.
// It owns the whole way of a frame on any core: every placement of datagrams in memory, pieces in any order.
// Never what cannot be right or has no room: see test_exhaustion.c, and host_tests/fuzz.
#include "check.h"
#include "datapath.h"

#define MTU (2800)
#define PIECES (3)
#define TYPE_IPV4 (0x0800)
#define TYPE_OTHER (0x88b5)

static const uint8_t one[ZT_ADDRESS_SIZE] = { 1, 2, 3, 4, 5 };
static const uint8_t two[ZT_ADDRESS_SIZE] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t nwid[ZT_NWID_SIZE] = { 0x80, 0x56, 0xc2, 0xe2, 0x1c, 0, 0, 1 };
static const uint8_t one_mac[ZT_ETHERNET_ADDRESS_SIZE] = { 2, 1, 2, 3 ^ 0x1c, 4 ^ 0xe2, 5 ^ 0xc2 };
static const uint8_t two_mac[ZT_ETHERNET_ADDRESS_SIZE] = { 2, 0xa1, 0xa2, 0xa3 ^ 0x1c, 0xa4 ^ 0xe2, 0xa5 ^ 0xc2 };
static const uint8_t key[32] = { 7, 8, 9 };
static const zt_endpoint_t endpoint = { .length = 7, .bytes = { 4, 10, 0, 0, 2, 1, 1 } };

typedef struct _end_t {
    zt_datapath_t *datapath;
    uint8_t sent[PIECES][ZT_DATAGRAM_DEFAULT_SIZE];
    size_t lengths[PIECES];
    size_t count;
    uint8_t frame[ZT_FRAME_HEADER_SIZE + MTU];
    size_t delivered; // bytes of it
} end_t;

static void keep_datagram(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    end_t *self = context;
    CHECK(to->length == endpoint.length && memcmp(to->bytes, endpoint.bytes, endpoint.length) == 0);
    CHECK(self->count < PIECES && length <= ZT_DATAGRAM_DEFAULT_SIZE);
    memcpy(self->sent[self->count], datagram, length);
    self->lengths[self->count++] = length;
}

static bool keep_frame(void *context, void *port, uint8_t *frame, size_t length, int slot) {
    end_t *self = context;
    CHECK(port == self && length <= sizeof(self->frame));
    memcpy(self->frame, frame, length);
    self->delivered = length;
    if (slot >= 0) {
        zt_datapath_release(self->datapath, slot);
    }
    return true;
}

static void set_up(end_t *self, const uint8_t *ours, const uint8_t *our_mac, const uint8_t *theirs) {
    const zt_datapath_config_t config = { .peers = 2, .networks = 1, .slots = 4, .slot_bytes = 2992, .ring_bytes = 8192 };
    const zt_datapath_platform_t platform = { .context = self, .send = keep_datagram, .deliver = keep_frame };
    const uint8_t prefix[ZT_IDS_PREFIX_SIZE] = { 1, 2, 3, 4, ours[0] };
    memset(self, 0, sizeof(*self));
    self->datapath = zt_datapath_init(exact(zt_datapath_size(&config)), &config, ours, &platform);
    CHECK(zt_datapath_set_peer(self->datapath, theirs, key));
    CHECK(zt_datapath_set_paths(self->datapath, theirs, &endpoint, 1, &endpoint));
    CHECK(zt_datapath_add_network(self->datapath, nwid, our_mac, MTU, self) == 0);
    CHECK(zt_datapath_set_member(self->datapath, nwid, theirs, ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN));
    zt_datapath_set_ids(self->datapath, prefix);
}

static void tear_down(end_t *self) {
    zt_datapath_close(self->datapath);
    free(self->datapath);
}

static void write_frame(uint8_t *frame, size_t payload, uint16_t ethertype) {
    uint32_t seed = (uint32_t)payload + 1;
    memcpy(frame, two_mac, sizeof(two_mac));
    memcpy(frame + ZT_ETHERNET_ADDRESS_SIZE, one_mac, sizeof(one_mac));
    frame[12] = (uint8_t)(ethertype >> 8);
    frame[13] = (uint8_t)ethertype;
    fill_random(&seed, frame + ZT_FRAME_HEADER_SIZE, payload);
}

// From one to the other. `placement`: how far the datagrams lie behind a multiple of 8; the first piece comes last if it is odd.
static void transfer(end_t *from, end_t *to, size_t payload, uint16_t ethertype, size_t placement) {
    uint8_t *block = exact(placement + ZT_FRAME_HEADROOM + ZT_FRAME_HEADER_SIZE + payload);
    uint8_t *frame = block + placement + ZT_FRAME_HEADROOM;
    write_frame(frame, payload, ethertype);
    from->count = 0;
    to->delivered = 0;
    zt_datapath_transmit(from->datapath, 0, frame, ZT_FRAME_HEADER_SIZE + payload, 1000);
    free(block);
    for (size_t i = 0; i < from->count; i++) {
        size_t number = (i + placement % 2) % from->count;
        uint8_t *copy = exact(placement + from->lengths[number]);
        memcpy(copy + placement, from->sent[number], from->lengths[number]);
        zt_datapath_receive(to->datapath, copy + placement, from->lengths[number], &endpoint, 1000);
        free(copy);
    }
}

static bool arrived(const end_t *to, size_t payload, uint16_t ethertype) {
    uint8_t expected[ZT_FRAME_HEADER_SIZE + MTU];
    write_frame(expected, payload, ethertype);
    return to->delivered == ZT_FRAME_HEADER_SIZE + payload && memcmp(to->frame, expected, to->delivered) == 0;
}

static void a_frame_of_any_size_arrives_as_it_was_sent(void) {
    end_t from, to;
    set_up(&from, one, one_mac, two);
    set_up(&to, two, two_mac, one);
    for (size_t payload = 1; payload <= MTU; payload += payload < 80 ? 1 : 37) {
        for (size_t placement = 0; placement < 8; placement++) {
            transfer(&from, &to, payload, TYPE_IPV4, placement);
            CHECK(arrived(&to, payload, TYPE_IPV4));
        }
    }
    zt_record_t record;
    CHECK(!zt_datapath_next(from.datapath, &record) && !zt_datapath_next(to.datapath, &record));
    tear_down(&from);
    tear_down(&to);
}

static void either_end_drops_and_counts_what_its_rules_forbid(void) {
    static const uint8_t bytes[] = {
        0x25, 2, TYPE_OTHER >> 8, TYPE_OTHER & 0xff, 0x00, 0, // MATCH_ETHERTYPE, ACTION_DROP
        0x01, 0, // ACTION_ACCEPT
    };
    uint32_t memory[64];
    size_t needed;
    CHECK(zt_rules_compile(bytes, sizeof(bytes), memory, sizeof(memory), &needed) == ZT_RULES_OK);
    const zt_rules_network_t network = { .rules = (const zt_rules_list_t *)memory };
    end_t from, to;
    set_up(&from, one, one_mac, two);
    set_up(&to, two, two_mac, one);

    CHECK(zt_datapath_set_rules(to.datapath, nwid, &network));
    transfer(&from, &to, 100, TYPE_OTHER, 5);
    CHECK(from.count == 1 && to.delivered == 0);
    CHECK(zt_datapath_counter(to.datapath, ZT_COUNT_rules_drop_in) == 1);
    transfer(&from, &to, 100, TYPE_IPV4, 5);
    CHECK(arrived(&to, 100, TYPE_IPV4));

    CHECK(zt_datapath_set_rules(from.datapath, nwid, &network));
    transfer(&from, &to, 2000, TYPE_OTHER, 5);
    CHECK(from.count == 0);
    CHECK(zt_datapath_counter(from.datapath, ZT_COUNT_rules_drop_out) == 1);
    transfer(&from, &to, 2000, TYPE_IPV4, 5);
    CHECK(arrived(&to, 2000, TYPE_IPV4));
    tear_down(&from);
    tear_down(&to);
}

int main(void) {
    RUN(a_frame_of_any_size_arrives_as_it_was_sent);
    RUN(either_end_drops_and_counts_what_its_rules_forbid);
    return 0;
}
