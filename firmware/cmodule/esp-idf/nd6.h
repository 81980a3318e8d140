// Included in front of ESP-IDF's copy of lwIP's neighbour discovery (micropython.cmake): the prefix lengths of our interfaces, in the
// place of /64 for all. See ../lwip/nd6.c, which does the same where we bring lwIP.
#include <stdbool.h>

#include "lwip/ip6_addr.h"
#include "lwip/netif.h"

bool zt_netif_ip6_same_subnet(const ip6_addr_t *address, const ip6_addr_t *own);
#undef ip6_addr_netcmp
#define ip6_addr_netcmp(address, own) zt_netif_ip6_same_subnet((address), (own))
