// The virtual Ethernet interfaces: one `struct netif` per joined network.
// It owns what lwIP must know of such an interface: MAC, MTU, addresses, which destinations are on the link, multicast groups.
// Never a frame that waits, any MicroPython, any policy, any socket; it never becomes lwIP's default route.
//
// Everything lives in static storage, so lwIP may keep pointers while a heap dies in a soft reset. With NO_SYS all functions are
// called from the one thread that runs lwIP, never from an interrupt. Where lwIP has a thread of its own they are called from the
// interpreter's, and hop (thread.h); what others may call, or lwIP itself, says so.
#ifndef ZT_NETIF_H
#define ZT_NETIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lwip/ip_addr.h"

#define ZT_MAC_SIZE (6)
#define ZT_ETHERNET_HEADER_SIZE (14)
#define ZT_NETIF_MIN_MTU (1280) // the least that IPv6 allows
#define ZT_NETIF_DEFAULT_MTU (2800) // a frame of this size is taken even if the MTU is smaller
#define ZT_NETIF_MAX_MTU (10000)

// 1 on boards that count their flash and memory. See ../micropython.mk.
#ifndef ZT_SMALL
#define ZT_SMALL (0)
#endif

// The largest MTU that the stack sends by, whatever the network's is. It costs that much memory.
#define ZT_NETIF_OWN_MTU (ZT_SMALL ? ZT_NETIF_DEFAULT_MTU : ZT_NETIF_MAX_MTU)

// Joined networks at a time.
#ifndef ZT_NETIF_COUNT
#define ZT_NETIF_COUNT (4)
#endif

// Multicast MACs that the stack listens to, per interface.
#ifndef ZT_NETIF_GROUPS
#define ZT_NETIF_GROUPS (16)
#endif

typedef struct _zt_netif_t zt_netif_t;
struct pbuf;

typedef struct _zt_netif_stats_t {
    uint32_t sent; // frames given to the datapath
    uint32_t received; // frames given to the stack
    uint32_t sent_dropped; // no datapath serves this interface, or the frame is longer than any may be
    uint32_t received_dropped; // malformed, longer than the MTU, interface down, or no memory
} zt_netif_stats_t;

// Which network of which datapath the interface is the port of. It belongs to glue.c.
typedef struct _zt_netif_service_t {
    struct _zt_glue_t *glue; // NULL: of none
    int index; // of the network in the datapath
    #if !NO_SYS
    uint32_t opening; // zt_netif_opening() when it became the port
    #endif
    uint8_t nwid[8];
} zt_netif_service_t;

// A new interface, down and without addresses; NULL if all ZT_NETIF_COUNT are open.
zt_netif_t *zt_netif_open(const uint8_t mac[ZT_MAC_SIZE], uint16_t mtu);

// Takes the interface out of lwIP and out of its datapath. The pointer is invalid afterwards.
void zt_netif_close(zt_netif_t *netif);

// Up and down. Going up announces the IPv4 address (gratuitous ARP).
void zt_netif_set_active(zt_netif_t *netif, bool active);
bool zt_netif_is_active(zt_netif_t *netif);

// What the stack sends is at most that long, and at most ZT_NETIF_OWN_MTU.
void zt_netif_set_mtu(zt_netif_t *netif, uint16_t mtu);
uint16_t zt_netif_mtu(const zt_netif_t *netif);

// Sets the IPv4 address that packets leave with if a program did not choose; the last one set is in force.
void zt_netif_set_ip4(zt_netif_t *netif, const ip4_addr_t *address, unsigned prefix_bits);

// Adds a further IPv4 address (aliases.h). False if there is no room.
bool zt_netif_add_ip4(zt_netif_t *netif, const ip4_addr_t *address, unsigned prefix_bits);

// Adds a managed route (routes.h). `gateway` NULL: the destinations are on the link. False if there is no room.
bool zt_netif_add_route(zt_netif_t *netif, const ip_addr_t *target, unsigned prefix_bits, const ip_addr_t *gateway);
void zt_netif_clear_routes(zt_netif_t *netif);

// Adds an IPv6 address. Unlike lwIP alone, honours any prefix length, so 6PLANE's /40 works. False if there is no room.
bool zt_netif_add_ip6(zt_netif_t *netif, const ip6_addr_t *address, unsigned prefix_bits);

// Removes all addresses but the IPv6 link-local one.
void zt_netif_clear_addresses(zt_netif_t *netif);

// A frame from the network to the stack. It is copied. False if it was dropped.
bool zt_netif_input(zt_netif_t *netif, const uint8_t *frame, size_t length);

// The same for a frame in a pbuf, which it takes. Both from any thread but lwIP's.
bool zt_netif_input_pbuf(zt_netif_t *netif, struct pbuf *frame);

#if NO_SYS
// Whether a frame of this length is acceptable now; counted as dropped if not.
bool zt_netif_can_take(zt_netif_t *netif, size_t length);
#endif

// Counts a frame of the stack that is not sent. From any thread.
void zt_netif_count_dropped(zt_netif_t *netif);

// The interface at an index from 0 on, open or not; NULL past the end.
zt_netif_t *zt_netif_at(size_t index);

// Whether a pointer is one of these.
bool zt_netif_contains(const void *pointer);

zt_netif_service_t *zt_netif_service(zt_netif_t *netif);

#if !NO_SYS
// Tells whether an interface is still the one that it was: never the same again once it was closed. From lwIP's thread, or where it
// is open.
uint32_t zt_netif_opening(const zt_netif_t *netif);
#endif

// The multicast MACs that the stack listens to: copies the one at `index`, false past the end.
bool zt_netif_group(zt_netif_t *netif, size_t index, uint8_t mac[ZT_MAC_SIZE]);

// Changes with every change of the groups.
uint32_t zt_netif_groups_version(zt_netif_t *netif);

zt_netif_stats_t zt_netif_stats(const zt_netif_t *netif);

// Whether an interface of lwIP is one of these. Like what follows called by lwIP.
bool zt_netif_is_virtual(const struct netif *netif);

// For hooks.h: LWIP_HOOK_IP4_ROUTE_SRC and LWIP_HOOK_IP6_ROUTE.
struct netif *zt_netif_ip4_route(const ip4_addr_t *source, const ip4_addr_t *destination);
struct netif *zt_netif_ip6_route(const ip6_addr_t *source, const ip6_addr_t *destination);

// For hooks.h: LWIP_HOOK_ETHARP_GET_GW and LWIP_HOOK_ND6_GET_GW.
const ip4_addr_t *zt_netif_ip4_next_hop(struct netif *netif, const ip4_addr_t *destination);
const ip6_addr_t *zt_netif_ip6_next_hop(struct netif *netif, const ip6_addr_t *destination);

// For hooks.h: LWIP_HOOK_IP4_INPUT and LWIP_HOOK_IP6_INPUT. 1: the packet was for an address of another interface, and is gone.
int zt_netif_ip4_input(struct pbuf *packet, struct netif *input);
int zt_netif_ip6_input(struct pbuf *packet, struct netif *input);

// For nd6.c: whether `address` is on the link of `own`, which points into an interface: in its subnet, or by a route without
// a gateway.
bool zt_netif_ip6_same_subnet(const ip6_addr_t *address, const ip6_addr_t *own);

#endif // ZT_NETIF_H
