// The virtual Ethernet interfaces on lwIP; netif.h is the manual.
#include "netif.h"

#include <string.h>

#include "aliases.h"
#include "glue.h"
#include "names.h"
#include "routes.h"
#include "thread.h"

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/igmp.h"
#include "lwip/ip.h"
#include "lwip/ip6_addr.h"
#include "lwip/mld6.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/sys.h"
#include "netif/ethernet.h"
#if !NO_SYS
#include "lwip/tcpip.h"
#endif

#define LINK_LOCAL_PREFIX_BITS (64)

typedef struct _group_t {
    uint8_t mac[ZT_MAC_SIZE];
    uint8_t uses; // several IP groups may share a MAC; 0 is a free entry
} group_t;

struct _zt_netif_t {
    struct netif lwip; // first, so that lwIP's pointer is ours. Its `state` stays NULL: ESP-IDF takes it for its own
    bool is_open;
    uint16_t largest; // MTU by which frames are taken
    uint8_t ip6_prefix_bits[LWIP_IPV6_NUM_ADDRESSES];
    group_t groups[ZT_NETIF_GROUPS];
    uint32_t groups_version;
    zt_netif_stats_t stats; // counted under lwIP's protection: frames are dropped by several threads
    #if !NO_SYS
    uint32_t opening;
    #endif
    zt_netif_service_t service; // the glue's
};

static zt_netif_t netifs[ZT_NETIF_COUNT];

// What code that does not know us gives a frame to.
#if NO_SYS
#define INPUT (ethernet_input)
#else
#define INPUT (tcpip_input)
#endif

// The arguments of a function that hops into lwIP's thread, and its result.
typedef struct _hop_t {
    zt_netif_t *netif;
    const void *address;
    const void *gateway;
    unsigned number;
    bool is_done;
    void *result;
} hop_t;

static void count(uint32_t *counter, uint32_t by) {
    SYS_ARCH_DECL_PROTECT(level);
    SYS_ARCH_PROTECT(level);
    *counter += by;
    SYS_ARCH_UNPROTECT(level);
}

/******************************************************************************/
// Frames that leave the stack

// A dropped frame is not an error: TCP sees the loss and slows down, while an error here makes it believe that nothing was
// sent, and makes UDP's caller send again at once.
static err_t netif_linkoutput(struct netif *lwip, struct pbuf *frame) {
    zt_netif_t *self = (zt_netif_t *)lwip;
    count(&self->stats.sent, 1);
    zt_glue_transmit(self, frame);
    return ERR_OK;
}

void zt_netif_count_dropped(zt_netif_t *self) {
    count(&self->stats.sent, (uint32_t)-1);
    count(&self->stats.sent_dropped, 1);
}

zt_netif_service_t *zt_netif_service(zt_netif_t *self) {
    return &self->service;
}

bool zt_netif_contains(const void *pointer) {
    return (uintptr_t)pointer - (uintptr_t)netifs < sizeof(netifs);
}

#if !NO_SYS
uint32_t zt_netif_opening(const zt_netif_t *self) {
    return self->opening;
}
#endif

zt_netif_t *zt_netif_at(size_t index) {
    return index < ZT_NETIF_COUNT ? &netifs[index] : NULL;
}

/******************************************************************************/
// Multicast groups

static err_t change_group(struct netif *lwip, const uint8_t *mac, enum netif_mac_filter_action action) {
    zt_netif_t *self = (zt_netif_t *)lwip;
    group_t *unused = NULL;
    for (size_t i = 0; i < ZT_NETIF_GROUPS; ++i) {
        group_t *group = &self->groups[i];
        if (group->uses == 0) {
            unused = unused == NULL ? group : unused;
        } else if (memcmp(group->mac, mac, ZT_MAC_SIZE) == 0) {
            group->uses += action == NETIF_ADD_MAC_FILTER ? 1 : -1;
            self->groups_version += group->uses == 0;
            return ERR_OK;
        }
    }
    if (action != NETIF_ADD_MAC_FILTER) {
        return ERR_VAL;
    }
    if (unused == NULL) {
        return ERR_MEM;
    }
    memcpy(unused->mac, mac, ZT_MAC_SIZE);
    unused->uses = 1;
    self->groups_version++;
    return ERR_OK;
}

// RFC 1112 §6.4
static err_t change_ip4_group(struct netif *lwip, const ip4_addr_t *group, enum netif_mac_filter_action action) {
    const uint8_t mac[ZT_MAC_SIZE] = {
        0x01, 0x00, 0x5e, ip4_addr2(group) & 0x7f, ip4_addr3(group), ip4_addr4(group)
    };
    return change_group(lwip, mac, action);
}

// RFC 2464 §7
static err_t change_ip6_group(struct netif *lwip, const ip6_addr_t *group, enum netif_mac_filter_action action) {
    uint8_t mac[ZT_MAC_SIZE] = { 0x33, 0x33 };
    memcpy(mac + 2, &group->addr[3], sizeof(group->addr[3])); // kept in network byte order
    return change_group(lwip, mac, action);
}

static void find_group(void *argument) {
    hop_t *hop = argument;
    for (size_t i = 0; i < ZT_NETIF_GROUPS && !hop->is_done; ++i) {
        const group_t *group = &hop->netif->groups[i];
        if (group->uses > 0 && hop->number-- == 0) {
            memcpy(hop->result, group->mac, ZT_MAC_SIZE);
            hop->is_done = true;
        }
    }
}

bool zt_netif_group(zt_netif_t *self, size_t index, uint8_t mac[ZT_MAC_SIZE]) {
    hop_t hop = { .netif = self, .number = (unsigned)index, .result = mac };
    zt_in_lwip(find_group, &hop);
    return hop.is_done;
}

static void find_groups_version(void *argument) {
    hop_t *hop = argument;
    hop->number = hop->netif->groups_version;
}

uint32_t zt_netif_groups_version(zt_netif_t *self) {
    hop_t hop = { .netif = self };
    zt_in_lwip(find_groups_version, &hop);
    return hop.number;
}

/******************************************************************************/
// Open and close

static err_t netif_start(struct netif *lwip) {
    lwip->name[0] = 'z';
    lwip->name[1] = 't';
    lwip->hwaddr_len = ZT_MAC_SIZE;
    lwip->output = etharp_output;
    lwip->output_ip6 = ethip6_output;
    lwip->linkoutput = netif_linkoutput;
    lwip->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    netif_set_igmp_mac_filter(lwip, change_ip4_group);
    netif_set_mld_mac_filter(lwip, change_ip6_group);
    return ERR_OK;
}

static void set_mtu(zt_netif_t *self, uint16_t mtu) {
    // libzt, for one, sends frames of the default size whatever the network's MTU is.
    self->largest = LWIP_MAX(mtu, ZT_NETIF_DEFAULT_MTU);
    self->lwip.mtu = LWIP_MIN(mtu, ZT_NETIF_OWN_MTU);
    #if LWIP_ND6_ALLOW_RA_UPDATES
    self->lwip.mtu6 = self->lwip.mtu;
    #endif
    zt_aliases_follow(&self->lwip);
}

static void open_free_one(void *argument) {
    hop_t *hop = argument;
    zt_netif_t *self = NULL;
    for (size_t i = 0; i < ZT_NETIF_COUNT && self == NULL; ++i) {
        self = netifs[i].is_open ? NULL : &netifs[i];
    }
    if (self == NULL) {
        return;
    }
    #if NO_SYS
    memset(self, 0, offsetof(zt_netif_t, service));
    #else
    memset(self, 0, offsetof(zt_netif_t, opening));
    self->opening++;
    #endif
    memcpy(self->lwip.hwaddr, hop->address, ZT_MAC_SIZE);
    if (netif_add(&self->lwip, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4, NULL, netif_start, INPUT) == NULL) {
        return;
    }
    self->is_open = true;
    set_mtu(self, (uint16_t)hop->number);
    // The link-local address comes from the MAC, which is unique in the network: no need to look for duplicates first.
    netif_create_ip6_linklocal_address(&self->lwip, 1);
    netif_ip6_addr_set_state(&self->lwip, 0, IP6_ADDR_PREFERRED);
    self->ip6_prefix_bits[0] = LINK_LOCAL_PREFIX_BITS;
    // lwIP receives all-nodes frames without joining the group, but the network must know that we want them.
    ip6_addr_t all_nodes;
    ip6_addr_set_allnodes_linklocal(&all_nodes);
    change_ip6_group(&self->lwip, &all_nodes, NETIF_ADD_MAC_FILTER);
    hop->netif = self;
}

zt_netif_t *zt_netif_open(const uint8_t mac[ZT_MAC_SIZE], uint16_t mtu) {
    hop_t hop = { .address = mac, .number = mtu };
    zt_in_lwip(open_free_one, &hop);
    return hop.netif;
}

static void close_it(void *argument) {
    zt_netif_t *self = ((hop_t *)argument)->netif;
    zt_aliases_clear(&self->lwip);
    zt_routes_clear(&self->lwip);
    netif_remove(&self->lwip);
    self->is_open = false;
}

void zt_netif_close(zt_netif_t *self) {
    zt_glue_forget(self);
    zt_in_lwip(close_it, &(hop_t) { .netif = self });
}

static void set_active(void *argument) {
    const hop_t *hop = argument;
    struct netif *lwip = &hop->netif->lwip;
    if (hop->number) {
        netif_set_up(lwip);
        netif_set_link_up(lwip);
    } else {
        netif_set_link_down(lwip);
        netif_set_down(lwip);
    }
    zt_aliases_follow(lwip);
}

void zt_netif_set_active(zt_netif_t *self, bool active) {
    zt_in_lwip(set_active, &(hop_t) { .netif = self, .number = active });
}

static void find_active(void *argument) {
    hop_t *hop = argument;
    hop->is_done = netif_is_up(&hop->netif->lwip);
}

bool zt_netif_is_active(zt_netif_t *self) {
    hop_t hop = { .netif = self };
    zt_in_lwip(find_active, &hop);
    return hop.is_done;
}

static void change_mtu(void *argument) {
    const hop_t *hop = argument;
    set_mtu(hop->netif, (uint16_t)hop->number);
}

void zt_netif_set_mtu(zt_netif_t *self, uint16_t mtu) {
    zt_in_lwip(change_mtu, &(hop_t) { .netif = self, .number = mtu });
}

// Only the interpreter changes it.
uint16_t zt_netif_mtu(const zt_netif_t *self) {
    return self->lwip.mtu;
}

zt_netif_stats_t zt_netif_stats(const zt_netif_t *self) {
    SYS_ARCH_DECL_PROTECT(level);
    SYS_ARCH_PROTECT(level);
    zt_netif_stats_t stats = self->stats;
    SYS_ARCH_UNPROTECT(level);
    return stats;
}

/******************************************************************************/
// Addresses

static void set_ip4(void *argument) {
    const hop_t *hop = argument;
    ip4_addr_t mask;
    ip4_addr_set_u32(&mask, hop->number == 0 ? 0 : lwip_htonl(0xffffffffU << (32 - hop->number)));
    netif_set_addr(&hop->netif->lwip, hop->address, &mask, IP4_ADDR_ANY4);
}

void zt_netif_set_ip4(zt_netif_t *self, const ip4_addr_t *address, unsigned prefix_bits) {
    zt_in_lwip(set_ip4, &(hop_t) { .netif = self, .address = address, .number = prefix_bits });
}

static void add_ip6(void *argument) {
    hop_t *hop = argument;
    struct netif *lwip = &hop->netif->lwip;
    s8_t index = -1;
    if (netif_add_ip6_address(lwip, hop->address, &index) != ERR_OK || index < 0) {
        return;
    }
    // The controller gave this address to us alone, so it is in force at once.
    netif_ip6_addr_set_state(lwip, index, IP6_ADDR_PREFERRED);
    hop->netif->ip6_prefix_bits[index] = (uint8_t)hop->number;
    hop->is_done = true;
}

bool zt_netif_add_ip6(zt_netif_t *self, const ip6_addr_t *address, unsigned prefix_bits) {
    hop_t hop = { .netif = self, .address = address, .number = prefix_bits };
    zt_in_lwip(add_ip6, &hop);
    return hop.is_done;
}

static void add_ip4(void *argument) {
    hop_t *hop = argument;
    hop->is_done = zt_aliases_add(&hop->netif->lwip, hop->address, hop->number);
}

bool zt_netif_add_ip4(zt_netif_t *self, const ip4_addr_t *address, unsigned prefix_bits) {
    hop_t hop = { .netif = self, .address = address, .number = prefix_bits };
    zt_in_lwip(add_ip4, &hop);
    return hop.is_done;
}

static void add_route(void *argument) {
    hop_t *hop = argument;
    hop->is_done = zt_routes_add(&hop->netif->lwip, hop->address, hop->number, hop->gateway);
}

bool zt_netif_add_route(zt_netif_t *self, const ip_addr_t *target, unsigned prefix_bits, const ip_addr_t *gateway) {
    hop_t hop = { .netif = self, .address = target, .number = prefix_bits, .gateway = gateway };
    zt_in_lwip(add_route, &hop);
    return hop.is_done;
}

static void clear_routes(void *argument) {
    zt_routes_clear(&((hop_t *)argument)->netif->lwip);
}

void zt_netif_clear_routes(zt_netif_t *self) {
    zt_in_lwip(clear_routes, &(hop_t) { .netif = self });
}

static void clear_addresses(void *argument) {
    struct netif *lwip = &((hop_t *)argument)->netif->lwip;
    zt_aliases_clear(lwip);
    netif_set_addr(lwip, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
    for (s8_t i = 1; i < LWIP_IPV6_NUM_ADDRESSES; ++i) { // 0 is the link-local one
        netif_ip6_addr_set_state(lwip, i, IP6_ADDR_INVALID);
    }
}

void zt_netif_clear_addresses(zt_netif_t *self) {
    zt_in_lwip(clear_addresses, &(hop_t) { .netif = self });
}

/******************************************************************************/
// Routes: lwIP asks these before its own rules, which know IPv6 prefixes of 64 bits only and want a default route for multicast

static bool same_prefix(const ip6_addr_t *one, const ip6_addr_t *other, unsigned bits) {
    const uint8_t *left = (const uint8_t *)one->addr;
    const uint8_t *right = (const uint8_t *)other->addr;
    unsigned bytes = bits / 8;
    if (memcmp(left, right, bytes) != 0) {
        return false;
    }
    return bits % 8 == 0 || ((left[bytes] ^ right[bytes]) >> (8 - bits % 8)) == 0;
}

static bool is_on_link(const zt_netif_t *self, const ip6_addr_t *destination) {
    for (s8_t i = 1; i < LWIP_IPV6_NUM_ADDRESSES; ++i) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(&self->lwip, i))
            && same_prefix(netif_ip6_addr(&self->lwip, i), destination, self->ip6_prefix_bits[i])) {
            return true;
        }
    }
    return false;
}

static bool is_usable(const zt_netif_t *self) {
    return self->is_open && netif_is_up(&self->lwip);
}

bool zt_netif_is_virtual(const struct netif *netif) {
    const struct netif *owner = zt_aliases_owner((struct netif *)netif);
    return owner != NULL && owner->linkoutput == netif_linkoutput;
}

struct netif *zt_netif_ip4_route(const ip4_addr_t *source, const ip4_addr_t *destination) {
    bool many = ip4_addr_ismulticast(destination) || destination->addr == IPADDR_BROADCAST;
    struct netif *first = NULL;
    for (size_t i = 0; i < ZT_NETIF_COUNT && many; ++i) {
        if (!is_usable(&netifs[i])) {
            continue;
        }
        first = first == NULL ? &netifs[i].lwip : first;
        if (source != NULL && ip4_addr_eq(source, netif_ip4_addr(&netifs[i].lwip))) {
            return &netifs[i].lwip;
        }
    }
    if (many || source != NULL) {
        return first; // NULL: lwIP looks for the subnet itself, and asks again without a source if there is none
    }
    ip_addr_t wanted;
    ip_addr_copy_from_ip4(wanted, *destination);
    return zt_routes_interface(&wanted);
}

const ip4_addr_t *zt_netif_ip4_next_hop(struct netif *netif, const ip4_addr_t *destination) {
    ip_addr_t wanted;
    ip_addr_copy_from_ip4(wanted, *destination);
    const ip_addr_t *hop = zt_routes_next_hop(zt_aliases_owner(netif), &wanted);
    return hop == NULL ? NULL : hop == &wanted ? destination : ip_2_ip4(hop);
}

struct netif *zt_netif_ip6_route(const ip6_addr_t *source, const ip6_addr_t *destination) {
    for (size_t i = 0; i < ZT_NETIF_COUNT; ++i) {
        if (is_usable(&netifs[i]) && is_on_link(&netifs[i], destination)) {
            return &netifs[i].lwip;
        }
    }
    ip_addr_t wanted;
    ip_addr_copy_from_ip6(wanted, *destination);
    struct netif *routed = ip6_addr_ismulticast(destination) ? NULL : zt_routes_interface(&wanted);
    if (routed != NULL) {
        return routed;
    }
    struct netif *first = NULL;
    for (size_t i = 0; i < ZT_NETIF_COUNT; ++i) {
        if (!is_usable(&netifs[i])) {
            continue;
        }
        if (source != NULL && netif_get_ip6_addr_match(&netifs[i].lwip, source) >= 0) {
            return &netifs[i].lwip;
        }
        first = first == NULL ? &netifs[i].lwip : first;
    }
    return ip6_addr_ismulticast(destination) || ip6_addr_islinklocal(destination) ? first : NULL;
}

const ip6_addr_t *zt_netif_ip6_next_hop(struct netif *netif, const ip6_addr_t *destination) {
    ip_addr_t wanted;
    ip_addr_copy_from_ip6(wanted, *destination);
    const ip_addr_t *hop = zt_routes_next_hop(netif, &wanted);
    return hop == NULL ? NULL : hop == &wanted ? destination : ip_2_ip6(hop);
}

bool zt_netif_ip6_same_subnet(const ip6_addr_t *address, const ip6_addr_t *own) {
    unsigned bits = LINK_LOCAL_PREFIX_BITS;
    struct netif *owner = NULL;
    for (size_t i = 0; i < ZT_NETIF_COUNT; ++i) {
        for (s8_t j = 0; j < LWIP_IPV6_NUM_ADDRESSES; ++j) {
            if (netif_ip6_addr(&netifs[i].lwip, j) == own) {
                bits = netifs[i].ip6_prefix_bits[j];
                owner = &netifs[i].lwip;
            }
        }
    }
    if (!ip6_addr_zone_eq(address, own)) {
        return false;
    }
    if (same_prefix(address, own, bits)) {
        return true;
    }
    // A route without a gateway makes its destinations neighbours, too.
    return owner != NULL && !ip6_addr_islinklocal(own) && !ip6_addr_islinklocal(address) && !ip6_addr_ismulticast(address)
           && zt_netif_ip6_next_hop(owner, address) == address;
}

/******************************************************************************/
// Which packets an interface takes: those for its own addresses. lwIP alone takes what is for any interface of the device, so the
// members of one network would reach what is meant for another, or for the physical network

static bool is_same(struct netif *one, struct netif *other) {
    return zt_aliases_owner(one) == zt_aliases_owner(other);
}

static int eat(struct pbuf *packet) {
    pbuf_free(packet);
    return 1;
}

int zt_netif_ip4_input(struct pbuf *packet, struct netif *input) {
    ip4_addr_t to;
    if (pbuf_copy_partial(packet, &to.addr, sizeof(to.addr), offsetof(struct ip_hdr, dest)) != sizeof(to.addr)
        || ip4_addr_ismulticast(&to) || ip4_addr_isany_val(to)) {
        return 0;
    }
    bool is_foreign = false;
    struct netif *holder;
    NETIF_FOREACH(holder) {
        if (ip4_addr_eq(&to, netif_ip4_addr(holder))) {
            if (is_same(holder, input)) {
                return 0;
            }
            is_foreign = is_foreign || zt_netif_is_virtual(holder) || zt_netif_is_virtual(input);
        }
    }
    return is_foreign ? eat(packet) : 0;
}

int zt_netif_ip6_input(struct pbuf *packet, struct netif *input) {
    ip6_addr_t to;
    memset(&to, 0, sizeof(to));
    if (pbuf_copy_partial(packet, to.addr, sizeof(to.addr), offsetof(struct ip6_hdr, dest)) != sizeof(to.addr)
        || ip6_addr_ismulticast(&to) || ip6_addr_islinklocal(&to)) {
        return 0;
    }
    bool is_foreign = false;
    struct netif *holder;
    NETIF_FOREACH(holder) {
        for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; ++i) {
            if (ip6_addr_isvalid(netif_ip6_addr_state(holder, i)) && ip6_addr_zoneless_eq(&to, netif_ip6_addr(holder, i))) {
                if (holder == input) {
                    return 0;
                }
                is_foreign = is_foreign || zt_netif_is_virtual(holder) || zt_netif_is_virtual(input);
            }
        }
    }
    return is_foreign ? eat(packet) : 0;
}

/******************************************************************************/
// Frames to the stack

static bool is_acceptable(const zt_netif_t *self, size_t length) {
    return is_usable(self) && length >= ZT_ETHERNET_HEADER_SIZE && length <= (size_t)self->largest + ZT_ETHERNET_HEADER_SIZE;
}

#if NO_SYS
bool zt_netif_can_take(zt_netif_t *self, size_t length) {
    bool can = is_acceptable(self, length);
    self->stats.received_dropped += !can;
    return can;
}
#endif

static err_t give(struct pbuf *frame, struct netif *receiver) {
    #if NO_SYS
    return receiver->input(frame, receiver); // which may be tapped
    #else
    return ethernet_input(frame, receiver); // this is lwIP's thread already
    #endif
}

static err_t take(struct pbuf *frame, struct netif *lwip) {
    zt_netif_t *self = (zt_netif_t *)lwip;
    bool is_taken = is_acceptable(self, frame->tot_len) && give(frame, zt_aliases_receiver(lwip, frame)) == ERR_OK;
    count(is_taken ? &self->stats.received : &self->stats.received_dropped, 1);
    return is_taken ? ERR_OK : ERR_IF;
}

bool zt_netif_input_pbuf(zt_netif_t *self, struct pbuf *frame) {
    bool is_taken = zt_hand_to_lwip(frame, &self->lwip, take);
    #if !NO_SYS
    count(&self->stats.received_dropped, !is_taken); // lwIP's mailbox is full; else take() has counted
    #endif
    return is_taken;
}

bool zt_netif_input(zt_netif_t *self, const uint8_t *frame, size_t length) {
    #if NO_SYS
    if (!zt_netif_can_take(self, length)) {
        return false;
    }
    #endif
    struct pbuf *copy = length > UINT16_MAX ? NULL : pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_POOL);
    if (copy == NULL) {
        count(&self->stats.received_dropped, 1);
        return false;
    }
    pbuf_take(copy, frame, (u16_t)length);
    return zt_netif_input_pbuf(self, copy);
}
