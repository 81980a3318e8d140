// Further IPv4 addresses of an interface; aliases.h is the manual.
#include "aliases.h"

#include <string.h>

#include "names.h"

#include "lwip/etharp.h"
#include "lwip/pbuf.h"
#include "netif/ethernet.h"

#define ETHERTYPE_OFFSET (12)
#define ARP_TARGET_OFFSET (14 + 24)

typedef struct _alias_t {
    struct netif lwip; // first, so that lwIP's pointer is ours
    struct netif *owner; // NULL: free
} alias_t;

static alias_t aliases[ZT_NETIF_ALIASES];

static err_t alias_linkoutput(struct netif *lwip, struct pbuf *frame) {
    struct netif *owner = ((alias_t *)lwip)->owner;
    return owner->linkoutput(owner, frame);
}

static err_t alias_start(struct netif *lwip) {
    lwip->name[0] = 'z';
    lwip->name[1] = 'a';
    lwip->hwaddr_len = ETH_HWADDR_LEN;
    lwip->output = etharp_output;
    lwip->linkoutput = alias_linkoutput;
    lwip->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    return ERR_OK;
}

bool zt_aliases_add(struct netif *owner, const ip4_addr_t *address, unsigned prefix_bits) {
    alias_t *alias = NULL;
    for (size_t i = 0; i < ZT_NETIF_ALIASES && alias == NULL; ++i) {
        alias = aliases[i].owner != NULL ? NULL : &aliases[i];
    }
    if (alias == NULL) {
        return false;
    }
    memset(alias, 0, sizeof(*alias));
    memcpy(alias->lwip.hwaddr, owner->hwaddr, ETH_HWADDR_LEN);
    ip4_addr_t mask;
    ip4_addr_set_u32(&mask, prefix_bits == 0 ? 0 : lwip_htonl(0xffffffffU << (32 - prefix_bits)));
    if (netif_add(&alias->lwip, address, &mask, IP4_ADDR_ANY4, NULL, alias_start, ethernet_input) == NULL) {
        return false;
    }
    alias->owner = owner;
    zt_aliases_follow(owner);
    return true;
}

void zt_aliases_clear(const struct netif *owner) {
    for (size_t i = 0; i < ZT_NETIF_ALIASES; ++i) {
        if (aliases[i].owner == owner) {
            netif_remove(&aliases[i].lwip);
            aliases[i].owner = NULL;
        }
    }
}

void zt_aliases_follow(const struct netif *owner) {
    for (size_t i = 0; i < ZT_NETIF_ALIASES; ++i) {
        struct netif *lwip = &aliases[i].lwip;
        if (aliases[i].owner != owner) {
            continue;
        }
        lwip->mtu = owner->mtu;
        if (netif_is_up(owner) && !netif_is_up(lwip)) {
            netif_set_up(lwip);
            netif_set_link_up(lwip);
        } else if (!netif_is_up(owner) && netif_is_up(lwip)) {
            netif_set_link_down(lwip);
            netif_set_down(lwip);
        }
    }
}

struct netif *zt_aliases_owner(struct netif *netif) {
    return netif != NULL && netif->linkoutput == alias_linkoutput ? ((alias_t *)netif)->owner : netif;
}

struct netif *zt_aliases_receiver(struct netif *owner, const struct pbuf *frame) {
    uint8_t ethertype[2];
    ip4_addr_t target;
    if (pbuf_copy_partial(frame, ethertype, sizeof(ethertype), ETHERTYPE_OFFSET) != sizeof(ethertype)
        || ethertype[0] != ETHTYPE_ARP >> 8 || ethertype[1] != (ETHTYPE_ARP & 0xff)
        || pbuf_copy_partial(frame, &target.addr, sizeof(target.addr), ARP_TARGET_OFFSET) != sizeof(target.addr)) {
        return owner;
    }
    for (size_t i = 0; i < ZT_NETIF_ALIASES; ++i) {
        if (aliases[i].owner == owner && ip4_addr_eq(&target, netif_ip4_addr(&aliases[i].lwip))) {
            return &aliases[i].lwip;
        }
    }
    return owner;
}
