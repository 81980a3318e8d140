// The managed routes of all interfaces: lwIP has one gateway per interface and no table of its own.
// It owns the table and the search in it: the narrowest prefix wins, among equal ones the one that was added first. Never a route
// to an interface's own subnets, which lwIP knows, and no decision whether a route may be used.
#ifndef ZT_ROUTES_H
#define ZT_ROUTES_H

#include <stdbool.h>

#include "lwip/ip_addr.h"
#include "lwip/netif.h"

// Of all interfaces together.
#ifndef ZT_NETIF_ROUTES
#define ZT_NETIF_ROUTES (16)
#endif

// Adds a route. `gateway` NULL: the destinations are on the link. Both addresses have one version. False: there is no room.
bool zt_routes_add(struct netif *netif, const ip_addr_t *target, unsigned prefix_bits, const ip_addr_t *gateway);

// Takes all routes of an interface away.
void zt_routes_clear(const struct netif *netif);

// The interface by which a destination is reached, NULL if no route of an interface that is up leads there.
struct netif *zt_routes_interface(const ip_addr_t *destination);

// To whom a packet for that destination goes on that interface: a gateway, or `destination` itself. NULL: no route leads there.
const ip_addr_t *zt_routes_next_hop(const struct netif *netif, const ip_addr_t *destination);

#endif // ZT_ROUTES_H
