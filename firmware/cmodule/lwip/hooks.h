// What lwIP must ask the virtual interfaces (netif.h): where a packet goes, and whether it is for us. For a board's lwipopts.h.
// It owns the names of the hooks alone, so it includes nothing of lwIP: lwipopts.h comes before all of it.
#ifndef ZT_HOOKS_H
#define ZT_HOOKS_H

struct netif;
struct pbuf;
struct ip4_addr;
struct ip6_addr;

struct netif *zt_netif_ip4_route(const struct ip4_addr *source, const struct ip4_addr *destination);
struct netif *zt_netif_ip6_route(const struct ip6_addr *source, const struct ip6_addr *destination);
#define LWIP_HOOK_IP4_ROUTE_SRC(source, destination) zt_netif_ip4_route(source, destination)
#define LWIP_HOOK_IP6_ROUTE(source, destination) zt_netif_ip6_route(source, destination)

const struct ip4_addr *zt_netif_ip4_next_hop(struct netif *netif, const struct ip4_addr *destination);
const struct ip6_addr *zt_netif_ip6_next_hop(struct netif *netif, const struct ip6_addr *destination);
#define LWIP_HOOK_ETHARP_GET_GW(netif, destination) zt_netif_ip4_next_hop(netif, destination)
#define LWIP_HOOK_ND6_GET_GW(netif, destination) zt_netif_ip6_next_hop(netif, destination)

int zt_netif_ip4_input(struct pbuf *packet, struct netif *input);
int zt_netif_ip6_input(struct pbuf *packet, struct netif *input);
#define LWIP_HOOK_IP4_INPUT(packet, input) zt_netif_ip4_input(packet, input)
#define LWIP_HOOK_IP6_INPUT(packet, input) zt_netif_ip6_input(packet, input)

#endif // ZT_HOOKS_H
