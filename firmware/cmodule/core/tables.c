// The tables of the datapath: peers by address, networks by id, and what each peer may do on each network.
// It owns the places in these tables. Never looks at a packet.
//
// Peers hang in buckets, chained by their indices, so a lookup costs one or two comparisons of addresses. An address is a hash
// of a public key that takes a second to compute, and only peers that policy knows are in here: nobody can fill one bucket.
#include "datapath_state.h"

static zt_peer_t *peer_at(const zt_datapath_t *self, uint16_t index) {
    return (zt_peer_t *)(void *)(self->peers + index * self->peer_stride);
}

static uint16_t *bucket_of(const zt_datapath_t *self, const uint8_t *address) {
    uint32_t hash = address[4] | (uint32_t)address[3] << 8;
    hash ^= address[2];
    return &self->buckets[hash & self->bucket_mask];
}

zt_peer_t *zt_find_peer(const zt_datapath_t *self, const uint8_t *address) {
    for (uint16_t index = *bucket_of(self, address); index != ZT_NO_PEER;) {
        zt_peer_t *peer = peer_at(self, index);
        if (zt_same_address(peer->address, address)) {
            return peer;
        }
        index = peer->next;
    }
    return NULL;
}

static zt_peer_t *new_peer(zt_datapath_t *self, const uint8_t *address) {
    uint16_t index = self->peers_unused;
    if (index != ZT_NO_PEER) {
        self->peers_unused = peer_at(self, index)->next;
    } else if (self->peers_touched < self->config.peers) {
        index = self->peers_touched++;
    } else {
        return NULL;
    }
    zt_peer_t *peer = peer_at(self, index);
    memset(peer, 0, self->peer_stride);
    memcpy(peer->address, address, ZT_ADDRESS_SIZE);
    uint16_t *bucket = bucket_of(self, address);
    peer->next = *bucket;
    *bucket = index;
    return peer;
}

bool zt_datapath_set_peer(zt_datapath_t *self, const uint8_t *address, const uint8_t *key) {
    ZT_ASSERT_OWNER(self);
    zt_peer_t *peer = zt_find_peer(self, address);
    if (peer == NULL) {
        peer = new_peer(self, address);
    }
    if (peer == NULL) {
        return false;
    }
    memcpy(peer->key, key, sizeof(peer->key));
    return true;
}

void zt_datapath_remove_peer(zt_datapath_t *self, const uint8_t *address) {
    ZT_ASSERT_OWNER(self);
    for (uint16_t *link = bucket_of(self, address); *link != ZT_NO_PEER; link = &peer_at(self, *link)->next) {
        uint16_t index = *link;
        zt_peer_t *peer = peer_at(self, index);
        if (zt_same_address(peer->address, address)) {
            *link = peer->next;
            zt_wipe(peer, self->peer_stride);
            peer->next = self->peers_unused;
            self->peers_unused = index;
            return;
        }
    }
}

bool zt_datapath_set_paths(zt_datapath_t *self, const uint8_t *address, const zt_endpoint_t *paths, size_t count,
    const zt_endpoint_t *send_to) {
    ZT_ASSERT_OWNER(self);
    zt_peer_t *peer = zt_find_peer(self, address);
    if (peer == NULL) {
        return false;
    }
    zt_endpoint_t kept[ZT_PEER_PATHS];
    uint64_t heard[ZT_PEER_PATHS];
    size_t known = peer->path_count;
    memcpy(kept, peer->paths, sizeof(kept));
    memcpy(heard, peer->last_receive, sizeof(heard));
    peer->path_count = (uint8_t)(count < ZT_PEER_PATHS ? count : ZT_PEER_PATHS);
    for (size_t i = 0; i < peer->path_count; i++) {
        peer->paths[i] = paths[i];
        peer->last_receive[i] = 0;
        for (size_t j = 0; j < known; j++) {
            if (zt_same_endpoint(&kept[j], &paths[i])) {
                peer->last_receive[i] = heard[j];
            }
        }
    }
    if (send_to != NULL) {
        peer->send_to = *send_to;
    } else {
        peer->send_to.length = 0;
    }
    return true;
}

bool zt_datapath_peer_state(const zt_datapath_t *self, const uint8_t *address, zt_peer_state_t *state) {
    ZT_ASSERT_OWNER(self);
    const zt_peer_t *peer = zt_find_peer(self, address);
    if (peer == NULL) {
        return false;
    }
    state->last_frame_in = peer->last_frame_in;
    state->last_frame_out = peer->last_frame_out;
    state->paths = peer->path_count;
    memcpy(state->last_receive, peer->last_receive, sizeof(state->last_receive));
    return true;
}

int zt_find_network(const zt_datapath_t *self, const uint8_t *nwid) {
    for (int i = 0; i < self->config.networks; i++) {
        if (self->networks[i].is_used && memcmp(self->networks[i].nwid, nwid, ZT_NWID_SIZE) == 0) {
            return i;
        }
    }
    return -1;
}

int zt_datapath_network(const zt_datapath_t *self, const uint8_t *nwid) {
    ZT_ASSERT_OWNER(self);
    return zt_find_network(self, nwid);
}

// 52:54:00 belongs to virtual machines; a network whose id ends so gets another first octet (protocol/06 §6.2).
static void set_mask(zt_network_t *network) {
    const uint8_t *nwid = network->nwid;
    uint8_t first = (uint8_t)((nwid[7] & 0xfe) | 0x02);
    network->mask[0] = first == 0x52 ? 0x32 : first;
    for (size_t i = 0; i < ZT_ADDRESS_SIZE; i++) {
        network->mask[1 + i] = nwid[6 - i];
    }
}

int zt_datapath_add_network(zt_datapath_t *self, const uint8_t *nwid, const uint8_t *mac, uint16_t mtu, void *port) {
    ZT_ASSERT_OWNER(self);
    int index = zt_find_network(self, nwid);
    for (int i = 0; i < self->config.networks && index < 0; i++) {
        if (!self->networks[i].is_used) {
            index = i;
        }
    }
    if (index < 0) {
        return -1;
    }
    zt_network_t *network = &self->networks[index];
    network->is_used = true;
    network->port = port;
    network->mtu = mtu;
    memcpy(network->nwid, nwid, ZT_NWID_SIZE);
    memcpy(network->mac, mac, ZT_ETHERNET_ADDRESS_SIZE);
    set_mask(network);
    return index;
}

void *zt_datapath_remove_network(zt_datapath_t *self, const uint8_t *nwid) {
    ZT_ASSERT_OWNER(self);
    int index = zt_find_network(self, nwid);
    if (index < 0) {
        return NULL;
    }
    // Unused entries are cleared when they are taken, so all that were ever used can be swept alike.
    for (uint16_t i = 0; i < self->peers_touched; i++) {
        memset(&peer_at(self, i)->members[index], 0, sizeof(zt_membership_t));
    }
    zt_datapath_forget_hosts(self, nwid);
    self->networks[index].is_used = false;
    self->networks[index].rules = NULL;
    self->networks[index].ethernet = NULL;
    return self->networks[index].port;
}

bool zt_datapath_set_member(zt_datapath_t *self, const uint8_t *nwid, const uint8_t *address, uint8_t flags) {
    ZT_ASSERT_OWNER(self);
    int index = zt_find_network(self, nwid);
    zt_peer_t *peer = zt_find_peer(self, address);
    if (index < 0 || peer == NULL) {
        return false;
    }
    peer->members[index].flags = flags;
    return true;
}

bool zt_datapath_set_rules(zt_datapath_t *self, const uint8_t *nwid, const zt_rules_network_t *rules) {
    ZT_ASSERT_OWNER(self);
    int index = zt_find_network(self, nwid);
    if (index < 0) {
        return false;
    }
    // Most networks let everything pass: then nobody asks.
    self->networks[index].rules = rules == NULL || zt_rules_accept_all(rules) ? NULL : rules;
    return true;
}

bool zt_datapath_set_holdings(zt_datapath_t *self, const uint8_t *nwid, const uint8_t *address, const zt_holdings_t *holdings) {
    ZT_ASSERT_OWNER(self);
    int index = zt_find_network(self, nwid);
    zt_peer_t *peer = zt_find_peer(self, address);
    if (index < 0 || peer == NULL) {
        return false;
    }
    peer->members[index].holdings = holdings;
    return true;
}
