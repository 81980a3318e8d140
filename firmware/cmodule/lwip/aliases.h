// Further IPv4 addresses of an interface: lwIP has room for one in each `struct netif`, so an alias is another one that shares
// the MAC and the way out. It owns those, and which of them answers an ARP packet. Never an IPv6 address: of these lwIP takes several.
#ifndef ZT_ALIASES_H
#define ZT_ALIASES_H

#include <stdbool.h>

#include "lwip/ip4_addr.h"
#include "lwip/netif.h"

// Of all interfaces together.
#ifndef ZT_NETIF_ALIASES
#define ZT_NETIF_ALIASES (4)
#endif

struct pbuf;

// Adds an address to an interface, whose MAC, MTU and state it has from then on. False: there is no room.
bool zt_aliases_add(struct netif *owner, const ip4_addr_t *address, unsigned prefix_bits);

// Takes all of an interface away.
void zt_aliases_clear(const struct netif *owner);

// Brings them to the MTU and the state (up or down) of the interface.
void zt_aliases_follow(const struct netif *owner);

// The interface that an alias belongs to; the same one if it is none.
struct netif *zt_aliases_owner(struct netif *netif);

// What a frame from the network is for: an ARP packet is for the alias that it asks for or answers, all others for the owner.
struct netif *zt_aliases_receiver(struct netif *owner, const struct pbuf *frame);

#endif // ZT_ALIASES_H
