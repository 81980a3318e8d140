// Hosts that are no members of a network: behind which member each is, or on the Ethernet that is joined to it (protocol/07 §7.6).
// It owns the places in that table, and how long a silent host keeps one.
// Never learns by itself: policy says who may bridge whom, so what is not in here goes to Python.
#include "datapath_state.h"

// A host has one of these places, next to each other.
#define WAYS (4)

_Static_assert(ZT_DATAPATH_HOSTS % WAYS == 0, "the table of hosts consists of whole sets");

static uint32_t seconds_of(uint64_t now) {
    return (uint32_t)(now / 1000);
}

static size_t first_of(const uint8_t *mac) {
    return (size_t)(mac[3] ^ mac[4] ^ mac[5]) % (ZT_DATAPATH_HOSTS / WAYS) * WAYS;
}

static const zt_host_t *find(const zt_datapath_t *self, const zt_network_t *network, const uint8_t *mac) {
    const zt_host_t *host = &self->hosts[first_of(mac)];
    for (size_t i = 0; i < WAYS; i++, host++) {
        if (host->network == network - self->networks + 1 && memcmp(host->mac, mac, ZT_ETHERNET_ADDRESS_SIZE) == 0) {
            return host;
        }
    }
    return NULL;
}

const uint8_t *zt_find_host(const zt_datapath_t *self, const zt_network_t *network, const uint8_t *mac, uint64_t now) {
    const zt_host_t *host = find(self, network, mac);
    return host == NULL || seconds_of(now) - host->heard > ZT_HOST_AGE_S ? NULL : host->address;
}

bool zt_hear_host(zt_datapath_t *self, const zt_network_t *network, const uint8_t *mac, const uint8_t *address, uint64_t now) {
    const uint8_t *where = zt_find_host(self, network, mac, now);
    if (where == NULL || !zt_same_address(where, address)) {
        return false;
    }
    self->hosts[find(self, network, mac) - self->hosts].heard = seconds_of(now);
    return true;
}

bool zt_datapath_join_ethernet(zt_datapath_t *self, const uint8_t *nwid, void *ethernet) {
    ZT_ASSERT_OWNER(self);
    int index = zt_find_network(self, nwid);
    if (index < 0) {
        return false;
    }
    self->networks[index].ethernet = ethernet;
    zt_datapath_forget_hosts(self, nwid);
    return true;
}

bool zt_datapath_set_host(zt_datapath_t *self, const uint8_t *nwid, const uint8_t *mac, const uint8_t *address, uint64_t now) {
    ZT_ASSERT_OWNER(self);
    int index = zt_find_network(self, nwid);
    if (index < 0 || (zt_same_address(address, self->address) && self->networks[index].ethernet == NULL)) {
        return false;
    }
    zt_host_t *host = (zt_host_t *)find(self, &self->networks[index], mac);
    if (host == NULL) {
        zt_host_t *set = &self->hosts[first_of(mac)];
        host = set;
        for (size_t i = 1; i < WAYS; i++) {
            if (set[i].network == 0 || (host->network != 0 && set[i].heard < host->heard)) {
                host = &set[i];
            }
        }
    }
    host->heard = seconds_of(now);
    host->network = (uint8_t)(index + 1);
    memcpy(host->mac, mac, ZT_ETHERNET_ADDRESS_SIZE);
    memcpy(host->address, address, ZT_ADDRESS_SIZE);
    return true;
}

void zt_datapath_forget_hosts(zt_datapath_t *self, const uint8_t *nwid) {
    ZT_ASSERT_OWNER(self);
    int index = zt_find_network(self, nwid);
    for (size_t i = 0; i < ZT_DATAPATH_HOSTS; i++) {
        if (self->hosts[i].network == index + 1) {
            self->hosts[i].network = 0;
        }
    }
}
