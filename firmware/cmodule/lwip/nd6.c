// lwIP's neighbour discovery, compiled with the prefix lengths of our interfaces: lwIP itself takes every IPv6 subnet for a /64.
// It owns that one difference. Without it the members of a 6PLANE network (/40, protocol/06 §6.11) never solicit each other.
#include "netif.h"

#include "lwip/ip6_addr.h"

#undef ip6_addr_net_eq
#define ip6_addr_net_eq(address, own) zt_netif_ip6_same_subnet((address), (own))

#include "core/ipv6/nd6.c"
