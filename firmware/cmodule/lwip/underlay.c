// The node's UDP socket on lwIP without an operating system; underlay.h is the manual.
#include "underlay.h"

#include <string.h>

#include "netif.h"

#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/udp.h"

#define KIND_IP4 (4)
#define KIND_IP6 (6)

typedef struct _waiting_t {
    struct pbuf *datagram;
    ip_addr_t source;
    uint16_t port;
} waiting_t;

static struct udp_pcb *pcb;
static waiting_t queue[ZT_UNDERLAY_QUEUE];
static size_t queue_start;
static size_t queue_count;
static uint32_t dropped;

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

static bool is_physical(const struct netif *netif) {
    return netif_is_up(netif) && netif_is_link_up(netif) && !zt_netif_is_virtual(netif) && netif->hwaddr_len > 0;
}

// Never by lwIP's own routes: those may lead into a virtual network, and datagrams of the node would travel inside it.
static struct netif *interface_to(const ip_addr_t *destination) {
    struct netif *netif;
    NETIF_FOREACH(netif) {
        if (is_physical(netif) && IP_IS_V4_VAL(*destination)
            && ip4_addr_net_eq(ip_2_ip4(destination), netif_ip4_addr(netif), netif_ip4_netmask(netif))) {
            return netif;
        }
    }
    return netif_default != NULL && is_physical(netif_default) ? netif_default : NULL;
}

static void enqueue(void *unused, struct udp_pcb *receiver, struct pbuf *datagram, const ip_addr_t *source, u16_t port) {
    (void)unused;
    (void)receiver;
    if (queue_count == ZT_UNDERLAY_QUEUE || zt_netif_is_virtual(ip_current_input_netif())) {
        pbuf_free(datagram);
        dropped++;
        return;
    }
    queue[(queue_start + queue_count++) % ZT_UNDERLAY_QUEUE] = (waiting_t) {
        .datagram = datagram, .source = *source, .port = port
    };
}

zt_underlay_error_t zt_underlay_open(const uint8_t *endpoint, size_t length) {
    ip_addr_t address;
    uint16_t port;
    if (!parse_endpoint(endpoint, length, &address, &port)) {
        return ZT_UNDERLAY_BAD_ENDPOINT;
    }
    if (pcb != NULL) {
        return ZT_UNDERLAY_IN_USE;
    }
    pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    if (pcb == NULL) {
        return ZT_UNDERLAY_NO_MEMORY;
    }
    if (udp_bind(pcb, ip_addr_isany(&address) ? IP_ANY_TYPE : &address, port) != ERR_OK) {
        udp_remove(pcb);
        pcb = NULL;
        return ZT_UNDERLAY_IN_USE;
    }
    udp_recv(pcb, enqueue, NULL);
    return ZT_UNDERLAY_OK;
}

void zt_underlay_close(void) {
    if (pcb != NULL) {
        udp_remove(pcb);
        pcb = NULL;
    }
    for (; queue_count > 0; queue_count--) {
        pbuf_free(queue[queue_start].datagram);
        queue_start = (queue_start + 1) % ZT_UNDERLAY_QUEUE;
    }
}

bool zt_underlay_send(const uint8_t *endpoint, size_t endpoint_length, const uint8_t *datagram, size_t length) {
    ip_addr_t destination;
    uint16_t port;
    if (pcb == NULL || length > UINT16_MAX || !parse_endpoint(endpoint, endpoint_length, &destination, &port)) {
        return false;
    }
    struct netif *netif = interface_to(&destination);
    struct pbuf *copy = netif == NULL ? NULL : pbuf_alloc(PBUF_TRANSPORT, (u16_t)length, PBUF_RAM);
    if (copy == NULL) {
        return false;
    }
    pbuf_take(copy, datagram, (u16_t)length);
    err_t error = udp_sendto_if(pcb, copy, &destination, port, netif);
    pbuf_free(copy);
    return error == ERR_OK;
}

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

size_t zt_underlay_local(size_t index, uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE]) {
    struct netif *netif;
    NETIF_FOREACH(netif) {
        if (pcb != NULL && is_physical(netif) && !ip4_addr_isany(netif_ip4_addr(netif)) && index-- == 0) {
            return write_endpoint(netif_ip_addr4(netif), pcb->local_port, endpoint);
        }
    }
    return 0;
}

uint32_t zt_underlay_dropped(void) {
    return dropped;
}
