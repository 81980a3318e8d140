// The managed routes; routes.h is the manual.
#include "routes.h"

#include <string.h>

#include "lwip/nd6.h"

typedef struct _route_t {
    struct netif *netif; // NULL: free
    ip_addr_t target;
    ip_addr_t gateway;
    bool has_gateway;
    uint8_t bits;
} route_t;

static route_t routes[ZT_NETIF_ROUTES];

static const uint8_t *bytes_of(const ip_addr_t *address) {
    return (const uint8_t *)(IP_IS_V6(address) ? ip_2_ip6(address)->addr : &ip_2_ip4(address)->addr);
}

static bool covers(const route_t *route, const ip_addr_t *destination) {
    if (IP_IS_V6(&route->target) != IP_IS_V6(destination)) {
        return false;
    }
    const uint8_t *left = bytes_of(&route->target);
    const uint8_t *right = bytes_of(destination);
    unsigned whole = route->bits / 8;
    return memcmp(left, right, whole) == 0
           && (route->bits % 8 == 0 || ((left[whole] ^ right[whole]) >> (8 - route->bits % 8)) == 0);
}

// `netif` NULL: of any interface that is up.
static const route_t *find(const struct netif *netif, const ip_addr_t *destination) {
    const route_t *best = NULL;
    for (size_t i = 0; i < ZT_NETIF_ROUTES; ++i) {
        const route_t *route = &routes[i];
        bool is_asked = route->netif != NULL && (netif == NULL ? netif_is_up(route->netif) : route->netif == netif);
        if (is_asked && (best == NULL || route->bits > best->bits) && covers(route, destination)) {
            best = route;
        }
    }
    return best;
}

bool zt_routes_add(struct netif *netif, const ip_addr_t *target, unsigned prefix_bits, const ip_addr_t *gateway) {
    for (size_t i = 0; i < ZT_NETIF_ROUTES; ++i) {
        route_t *route = &routes[i];
        if (route->netif == NULL) {
            route->target = *target;
            route->bits = (uint8_t)prefix_bits;
            route->has_gateway = gateway != NULL;
            route->gateway = gateway != NULL ? *gateway : *target;
            route->netif = netif;
            nd6_clear_destination_cache();
            return true;
        }
    }
    return false;
}

void zt_routes_clear(const struct netif *netif) {
    for (size_t i = 0; i < ZT_NETIF_ROUTES; ++i) {
        if (routes[i].netif == netif) {
            routes[i].netif = NULL;
        }
    }
    nd6_clear_destination_cache();
}

struct netif *zt_routes_interface(const ip_addr_t *destination) {
    const route_t *route = find(NULL, destination);
    return route == NULL ? NULL : route->netif;
}

const ip_addr_t *zt_routes_next_hop(const struct netif *netif, const ip_addr_t *destination) {
    const route_t *route = find(netif, destination);
    return route == NULL ? NULL : route->has_gateway ? &route->gateway : destination;
}
