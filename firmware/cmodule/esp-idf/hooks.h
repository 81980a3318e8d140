// What ESP-IDF's lwIP asks us: which interface and which gateway a packet takes, and for whom one is that came in. The stack's own
// rules know no routes. micropython.cmake has lwIP include this file (ESP_IDF_LWIP_HOOK_FILENAME).
// It owns the names alone; ../lwip/netif.h is the manual. All of it is called in lwIP's thread.
#ifndef ZT_HOOKS_H
#define ZT_HOOKS_H

#include "lwip/ip_addr.h"

struct netif;
struct pbuf;

struct netif *zt_hook_ip4_route(const ip4_addr_t *source, const ip4_addr_t *destination); // hooks.c
#undef LWIP_HOOK_IP4_ROUTE_SRC
#define LWIP_HOOK_IP4_ROUTE_SRC(source, destination) zt_hook_ip4_route((source), (destination))

struct netif *zt_netif_ip6_route(const ip6_addr_t *source, const ip6_addr_t *destination);
#define LWIP_HOOK_IP6_ROUTE(source, destination) zt_netif_ip6_route((source), (destination))

const ip4_addr_t *zt_netif_ip4_next_hop(struct netif *netif, const ip4_addr_t *destination);
#define LWIP_HOOK_ETHARP_GET_GW(netif, destination) zt_netif_ip4_next_hop((netif), (destination))

const ip6_addr_t *zt_netif_ip6_next_hop(struct netif *netif, const ip6_addr_t *destination);
#define LWIP_HOOK_ND6_GET_GW(netif, destination) zt_netif_ip6_next_hop((netif), (destination))

int zt_netif_ip4_input(struct pbuf *packet, struct netif *input);
#define LWIP_HOOK_IP4_INPUT(packet, input) zt_netif_ip4_input((packet), (input))

int zt_netif_ip6_input(struct pbuf *packet, struct netif *input);
#define LWIP_HOOK_IP6_INPUT(packet, input) zt_netif_ip6_input((packet), (input))

#endif // ZT_HOOKS_H
