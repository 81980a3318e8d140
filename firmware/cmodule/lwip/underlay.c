// The node's UDP socket on lwIP; underlay.h is the manual.
#include "underlay.h"

#include <string.h>

#include "names.h"
#include "netif.h"
#include "task.h"
#include "thread.h"

#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/udp.h"

#define KIND_IP4 (4)
#define KIND_IP6 (6)

#if NO_SYS
typedef struct _waiting_t {
    struct pbuf *datagram;
    ip_addr_t source;
    uint16_t port;
} waiting_t;

static waiting_t queue[ZT_UNDERLAY_QUEUE];
static size_t queue_start;
static size_t queue_count;
#endif

static struct udp_pcb *pcb;
static uint32_t dropped;

// The arguments of a function that hops into lwIP's thread, and its result.
typedef struct _hop_t {
    ip_addr_t address;
    uint16_t port;
    struct pbuf *datagram;
    size_t index;
    uint8_t *endpoint;
    size_t length;
    zt_underlay_error_t error;
} hop_t;

static bool parse_endpoint(const uint8_t *endpoint, size_t length, ip_addr_t *address, uint16_t *port) {
    if (length == ZT_UNDERLAY_IP4_SIZE && endpoint[0] == KIND_IP4) {
        IP_SET_TYPE_VAL(*address, IPADDR_TYPE_V4);
        memcpy(&ip_2_ip4(address)->addr, endpoint + 1, sizeof(ip_2_ip4(address)->addr));
    } else if (length == ZT_UNDERLAY_IP6_SIZE && endpoint[0] == KIND_IP6) {
        IP_SET_TYPE_VAL(*address, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(address)->addr, endpoint + 1, sizeof(ip_2_ip6(address)->addr));
        ip6_addr_clear_zone(ip_2_ip6(address));
    } else {
        return false;
    }
    *port = (uint16_t)(endpoint[length - 2] << 8 | endpoint[length - 1]);
    return true;
}

static size_t write_endpoint(const ip_addr_t *address, uint16_t port, uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE]) {
    size_t length = IP_IS_V6_VAL(*address) ? ZT_UNDERLAY_IP6_SIZE : ZT_UNDERLAY_IP4_SIZE;
    endpoint[0] = IP_IS_V6_VAL(*address) ? KIND_IP6 : KIND_IP4;
    if (IP_IS_V6_VAL(*address)) {
        memcpy(endpoint + 1, ip_2_ip6(address)->addr, sizeof(ip_2_ip6(address)->addr));
    } else {
        memcpy(endpoint + 1, &ip_2_ip4(address)->addr, sizeof(ip_2_ip4(address)->addr));
    }
    endpoint[length - 2] = (uint8_t)(port >> 8);
    endpoint[length - 1] = (uint8_t)port;
    return length;
}

// PPP has no hardware address, and of loopback lwIP itself says no more than the name.
static bool is_loopback(const struct netif *netif) {
    return netif->name[0] == 'l' && netif->name[1] == 'o';
}

static bool is_physical(const struct netif *netif) {
    return netif_is_up(netif) && netif_is_link_up(netif) && !zt_netif_is_virtual(netif) && !is_loopback(netif);
}

// Whether datagrams may leave by this interface: with a socket that is bound to an address, by the one that has it.
static bool is_ours(const struct netif *netif) {
    if (!is_physical(netif) || ip_addr_isany(&pcb->local_ip)) {
        return is_physical(netif);
    }
    if (IP_IS_V6_VAL(pcb->local_ip)) {
        return netif_get_ip6_addr_match((struct netif *)netif, ip_2_ip6(&pcb->local_ip)) >= 0;
    }
    return ip4_addr_eq(ip_2_ip4(&pcb->local_ip), netif_ip4_addr(netif));
}

typedef enum _reach_t {
    NO_REACH, // no address of the family, as before DHCP or PPP have ended
    WITHOUT_ROUTER, // a soft access point: its router is itself
    WITH_ROUTER,
    WITH_DEFAULT, // the interface that the system prefers
    ON_LINK,
} reach_t;

static reach_t reach_by_default(const struct netif *netif) {
    return netif == netif_default ? WITH_DEFAULT : WITH_ROUTER;
}

static reach_t reach_ip4(const struct netif *netif, const ip4_addr_t *destination) {
    if (ip4_addr_isany(netif_ip4_addr(netif))) {
        return NO_REACH;
    }
    if (ip4_addr_net_eq(destination, netif_ip4_addr(netif), netif_ip4_netmask(netif))) {
        return ON_LINK;
    }
    const ip4_addr_t *router = netif_ip4_gw(netif);
    return ip4_addr_isany(router) || ip4_addr_eq(router, netif_ip4_addr(netif)) ? WITHOUT_ROUTER : reach_by_default(netif);
}

static reach_t reach_ip6(const struct netif *netif, const ip6_addr_t *destination) {
    reach_t reach = NO_REACH;
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES && reach != ON_LINK; ++i) {
        const ip6_addr_t *own = netif_ip6_addr(netif, i);
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) && ip6_addr_islinklocal(own) == ip6_addr_islinklocal(destination)) {
            bool is_near = own->addr[0] == destination->addr[0] && own->addr[1] == destination->addr[1];
            reach = is_near && !ip6_addr_islinklocal(own) ? ON_LINK : reach_by_default(netif);
        }
    }
    return reach;
}

// Never by lwIP's own routes: those may lead into a virtual network, and datagrams of the node would travel inside it. Nor by the
// system's preferred interface alone: MicroPython prefers PPP from the first dial on, and nobody prefers another after its end.
static struct netif *interface_to(const ip_addr_t *destination) {
    struct netif *best = NULL;
    struct netif *netif;
    reach_t best_reach = NO_REACH;
    NETIF_FOREACH(netif) {
        if (!is_ours(netif)) {
            continue;
        }
        reach_t reach = IP_IS_V6_VAL(*destination) ? reach_ip6(netif, ip_2_ip6(destination)) : reach_ip4(netif, ip_2_ip4(destination));
        if (reach > best_reach) {
            best_reach = reach;
            best = netif;
        }
    }
    return best;
}

static void hear(void *unused, struct udp_pcb *receiver, struct pbuf *datagram, const ip_addr_t *source, u16_t port) {
    (void)unused;
    (void)receiver;
    if (zt_netif_is_virtual(ip_current_input_netif())) {
        pbuf_free(datagram);
        dropped++;
        return;
    }
    #if NO_SYS
    if (queue_count == ZT_UNDERLAY_QUEUE) {
        pbuf_free(datagram);
        dropped++;
        return;
    }
    queue[(queue_start + queue_count++) % ZT_UNDERLAY_QUEUE] = (waiting_t) {
        .datagram = datagram, .source = *source, .port = port
    };
    #else
    zt_endpoint_t from;
    from.length = (uint8_t)write_endpoint(source, port, from.bytes);
    dropped += !zt_task_datagram(datagram, &from);
    #endif
}

static void open_pcb(void *argument) {
    hop_t *hop = argument;
    if (pcb != NULL) {
        hop->error = ZT_UNDERLAY_IN_USE;
        return;
    }
    pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    if (pcb == NULL) {
        hop->error = ZT_UNDERLAY_NO_MEMORY;
        return;
    }
    if (udp_bind(pcb, ip_addr_isany(&hop->address) ? IP_ANY_TYPE : &hop->address, hop->port) != ERR_OK) {
        udp_remove(pcb);
        pcb = NULL;
        hop->error = ZT_UNDERLAY_IN_USE;
        return;
    }
    udp_recv(pcb, hear, NULL);
}

zt_underlay_error_t zt_underlay_open(const uint8_t *endpoint, size_t length) {
    hop_t hop = { .error = ZT_UNDERLAY_OK };
    if (!parse_endpoint(endpoint, length, &hop.address, &hop.port)) {
        return ZT_UNDERLAY_BAD_ENDPOINT;
    }
    zt_in_lwip(open_pcb, &hop);
    return hop.error;
}

static void close_pcb(void *unused) {
    (void)unused;
    if (pcb != NULL) {
        udp_remove(pcb);
        pcb = NULL;
    }
    #if NO_SYS
    for (; queue_count > 0; queue_count--) {
        pbuf_free(queue[queue_start].datagram);
        queue_start = (queue_start + 1) % ZT_UNDERLAY_QUEUE;
    }
    #endif
}

void zt_underlay_close(void) {
    zt_in_lwip(close_pcb, NULL);
}

static void send(void *argument) {
    hop_t *hop = argument;
    struct netif *netif = pcb == NULL ? NULL : interface_to(&hop->address);
    if (netif == NULL || udp_sendto_if(pcb, hop->datagram, &hop->address, hop->port, netif) != ERR_OK) {
        hop->error = ZT_UNDERLAY_NO_ROUTE;
    }
}

bool zt_underlay_send(const uint8_t *endpoint, size_t endpoint_length, const uint8_t *datagram, size_t length) {
    hop_t hop = { .error = ZT_UNDERLAY_OK };
    if (length > UINT16_MAX || !parse_endpoint(endpoint, endpoint_length, &hop.address, &hop.port)) {
        return false;
    }
    hop.datagram = pbuf_alloc(PBUF_TRANSPORT, (u16_t)length, PBUF_RAM);
    if (hop.datagram == NULL) {
        return false;
    }
    pbuf_take(hop.datagram, datagram, (u16_t)length);
    zt_in_lwip(send, &hop);
    pbuf_free(hop.datagram);
    return hop.error == ZT_UNDERLAY_OK;
}

#if NO_SYS
bool zt_underlay_is_waiting(void) {
    return queue_count > 0;
}

struct pbuf *zt_underlay_receive(uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE], size_t *endpoint_length) {
    if (queue_count == 0) {
        return NULL;
    }
    const waiting_t *first = &queue[queue_start];
    struct pbuf *datagram = first->datagram;
    *endpoint_length = write_endpoint(&first->source, first->port, endpoint);
    queue_start = (queue_start + 1) % ZT_UNDERLAY_QUEUE;
    queue_count--;
    return datagram;
}
#endif

// The address of an interface that is the `index`-th that peers may be told, counted down; NULL if it has fewer.
static const ip_addr_t *told_address(const struct netif *netif, size_t *index) {
    if (!ip4_addr_isany(netif_ip4_addr(netif)) && (*index)-- == 0) {
        return netif_ip_addr4(netif);
    }
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; ++i) {
        bool is_told = ip6_addr_ispreferred(netif_ip6_addr_state(netif, i)) && !ip6_addr_islinklocal(netif_ip6_addr(netif, i));
        if (is_told && (*index)-- == 0) {
            return netif_ip_addr6(netif, i);
        }
    }
    return NULL;
}

static void find_local(void *argument) {
    hop_t *hop = argument;
    struct netif *netif;
    NETIF_FOREACH(netif) {
        const ip_addr_t *address = pcb != NULL && is_ours(netif) ? told_address(netif, &hop->index) : NULL;
        if (address != NULL) {
            hop->length = write_endpoint(address, pcb->local_port, hop->endpoint);
            return;
        }
    }
}

size_t zt_underlay_local(size_t index, uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE]) {
    hop_t hop = { .index = index, .endpoint = endpoint };
    zt_in_lwip(find_local, &hop);
    return hop.length;
}

static void find_dropped(void *argument) {
    ((hop_t *)argument)->index = dropped;
}

uint32_t zt_underlay_dropped(void) {
    hop_t hop = { .index = 0 };
    zt_in_lwip(find_dropped, &hop);
    return (uint32_t)hop.index;
}
