// The one hook of hooks.h in whose place ESP-IDF has one of its own: both are asked.
// It owns the order of the two.
#include "../lwip/netif.h"

#include "lwip/netif.h"
#include "lwip_default_hooks.h"

#include "hooks.h"

// ESP-IDF's: a packet of a socket that is bound to an address of Wi-Fi or Ethernet leaves there.
struct netif *zt_hook_ip4_route(const ip4_addr_t *source, const ip4_addr_t *destination) {
    struct netif *netif = ip4_route_src_hook(source, destination);
    return netif != NULL ? netif : zt_netif_ip4_route(source, destination);
}
