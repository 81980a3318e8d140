// The life of a datapath: its memory, divided once; its counters. datapath.h is the manual.
// It owns the order of the parts in the memory. Never a packet: those go through inbound.c and outbound.c.
#include "datapath_state.h"

#define ALIGN(bytes) (((bytes) + 7) & ~(size_t)7)

#define MAX_PEERS (16384)
#define MAX_NETWORKS (255)
#define MAX_SLOTS (255)
#define MIN_RING (8 * 1024) // a quarter must hold some control packets, a half the largest frame of the usual MTU
#define MAX_RING (16 * 1024 * 1024)
#define MIN_MTU (64)

// Sizes and offsets of the parts.
typedef struct _layout_t {
    size_t buckets;
    size_t buckets_at;
    size_t networks_at;
    size_t peer_stride;
    size_t peers_at;
    size_t reassembly_at;
    size_t ring_at;
    size_t size;
} layout_t;

static bool is_sound(const zt_datapath_config_t *config) {
    return config->peers >= 1 && config->peers <= MAX_PEERS
           && config->networks >= 1 && config->networks <= MAX_NETWORKS
           && config->slots >= 1 && config->slots <= MAX_SLOTS
           && config->slot_bytes >= 2 * ZT_DATAGRAM_DEFAULT_SIZE && config->slot_bytes <= ZT_PACKET_MAX_SIZE
           && config->ring_bytes >= MIN_RING && config->ring_bytes <= MAX_RING
           && config->mtu >= MIN_MTU;
}

static zt_datapath_config_t with_defaults(const zt_datapath_config_t *config) {
    zt_datapath_config_t whole = *config;
    whole.slot_bytes = config->slot_bytes == 0 ? ZT_PACKET_MAX_SIZE : config->slot_bytes;
    whole.mtu = config->mtu == 0 ? ZT_DATAGRAM_DEFAULT_SIZE : config->mtu;
    return whole;
}

static layout_t lay_out(const zt_datapath_config_t *config) {
    layout_t layout;
    layout.buckets = 1;
    while (layout.buckets < config->peers) {
        layout.buckets *= 2;
    }
    layout.peer_stride = ALIGN(offsetof(zt_peer_t, members) + config->networks * sizeof(zt_membership_t));
    layout.buckets_at = ALIGN(sizeof(zt_datapath_t));
    layout.networks_at = layout.buckets_at + ALIGN(layout.buckets * sizeof(uint16_t));
    layout.peers_at = layout.networks_at + ALIGN(config->networks * sizeof(zt_network_t));
    layout.reassembly_at = layout.peers_at + config->peers * layout.peer_stride;
    layout.ring_at = layout.reassembly_at + zt_reassembly_size(config->slots, config->slot_bytes);
    layout.size = layout.ring_at + config->ring_bytes;
    return layout;
}

size_t zt_datapath_size(const zt_datapath_config_t *config) {
    zt_datapath_config_t whole = with_defaults(config);
    return is_sound(&whole) ? lay_out(&whole).size : 0;
}

// Peers, slots and the ring are not touched before they are used: on a PC, where memory is real only then, generous bounds cost
// nothing.
zt_datapath_t *zt_datapath_init(void *memory, const zt_datapath_config_t *config, const uint8_t *address,
    const zt_datapath_platform_t *platform) {
    zt_datapath_t *self = memory;
    uint8_t *bytes = memory;
    memset(self, 0, sizeof(*self));
    self->config = with_defaults(config);
    self->platform = *platform;
    memcpy(self->address, address, ZT_ADDRESS_SIZE);
    layout_t layout = lay_out(&self->config);

    self->buckets = (uint16_t *)(void *)(bytes + layout.buckets_at);
    self->bucket_mask = (uint16_t)(layout.buckets - 1);
    memset(self->buckets, 0xff, layout.buckets * sizeof(uint16_t)); // ZT_NO_PEER
    self->peers = bytes + layout.peers_at;
    self->peer_stride = layout.peer_stride;
    self->peers_unused = ZT_NO_PEER;
    self->networks = (zt_network_t *)(void *)(bytes + layout.networks_at);
    memset(self->networks, 0, self->config.networks * sizeof(zt_network_t));

    zt_reassembly_init(&self->reassembly, bytes + layout.reassembly_at, self->config.slots, self->config.slot_bytes,
        self->counters);
    self->slots_lendable = (uint8_t)(self->config.slots / 2);
    zt_ring_init(&self->ring, bytes + layout.ring_at, self->config.ring_bytes);
    self->ids_used = ZT_IDS_COUNT;
    return self;
}

void zt_datapath_close(zt_datapath_t *self) {
    ZT_ASSERT_OWNER(self);
    zt_wipe(self->peers, self->peers_touched * self->peer_stride);
    zt_record_t record;
    while (zt_datapath_next(self, &record)) {
        zt_wipe(record.packet, record.length);
        zt_datapath_pop(self);
    }
    memset(self->buckets, 0xff, (self->bucket_mask + (size_t)1) * sizeof(uint16_t));
}

void zt_datapath_release(zt_datapath_t *self, int slot) {
    zt_reassembly_release(&self->reassembly.slots[slot]);
}

uint32_t zt_datapath_counter(const zt_datapath_t *self, size_t index) {
    ZT_ASSERT_OWNER(self);
    return self->counters[index];
}

#define NAME(name) #name,

const char *zt_datapath_counter_name(size_t index) {
    static const char *const names[] = { ZT_COUNTERS(NAME) };
    return names[index];
}
