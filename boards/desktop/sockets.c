// The module `lwip`: MicroPython's own extmod/modlwip.c, compiled here for the virtual networks.
// It owns what differs from the stock module: no name `socket` (the port has that, and modules/socket.py), a queue of received
// datagrams, where the stock module keeps one and drops the rest, and the mending of some mistakes of the stock module.
//
// MICROPY_PY_LWIP is off in the rest of the build: with it the port would want MicroPython's copy of lwIP, which the source
// archives do not have, and would register `socket` a second time.
#include "py/mpconfig.h"

#undef MICROPY_PY_LWIP
#define MICROPY_PY_LWIP (1)
#define MICROPY_PY_LWIP_SOCK_RAW (1)

#include "py/obj.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "lwip/udp.h"

// The default backlog of this module, not of the port's sockets: as many as extmod/modsocket.c has.
#undef MICROPY_PY_SOCKET_LISTEN_BACKLOG_DEFAULT
#define MICROPY_PY_SOCKET_LISTEN_BACKLOG_DEFAULT (8)

#undef MP_REGISTER_EXTENSIBLE_MODULE
#define MP_REGISTER_EXTENSIBLE_MODULE(name, module)

// The stock module leaves lwIP by this macro after it took a datagram from its only slot: time to fill it again. And after it sent
// something: time to send what the underlay has kept.
static void fill_slots(void);
extern void zt_underlay_flush(void);
#define MICROPY_PY_LWIP_ENTER
#define MICROPY_PY_LWIP_REENTER
#define MICROPY_PY_LWIP_EXIT { fill_slots(); zt_underlay_flush(); }

// Its calls of these go to the functions below.
static void queued_udp_recv(struct udp_pcb *pcb, udp_recv_fn receive, void *socket);
static void queued_udp_remove(struct udp_pcb *pcb);
static void queued_raw_recv(struct raw_pcb *pcb, raw_recv_fn receive, void *socket);
static void queued_raw_remove(struct raw_pcb *pcb);
static err_t dual_udp_bind(struct udp_pcb *pcb, const ip_addr_t *address, u16_t port);
#define udp_recv queued_udp_recv
#define udp_remove queued_udp_remove
#define raw_recv queued_raw_recv
#define raw_remove queued_raw_remove
#define udp_bind dual_udp_bind
static void connected_tcp_recv(struct tcp_pcb *pcb, tcp_recv_fn receive);
static void connected_tcp_err(struct tcp_pcb *pcb, tcp_err_fn error);
#define tcp_recv connected_tcp_recv
#define tcp_err connected_tcp_err

// The stock module asks for sockets of IPv4, whatever family it was told. These take both.
#define udp_new() udp_new_ip_type(IPADDR_TYPE_ANY)
#define raw_new(protocol) raw_new_ip_type(IPADDR_TYPE_ANY, protocol)

// With room for a single connection the stock module forgets to abort it when the listener closes, and the connection keeps
// a pointer into the heap. `backlog` is a variable where this is used.
#define MIN_BACKLOG (2)
#define MAX_BACKLOG (255)
#define tcp_listen_with_backlog_and_err(pcb, limit, error) \
    (tcp_listen_with_backlog_and_err)((pcb), (u8_t)(backlog = MIN(MAX(backlog, MIN_BACKLOG), MAX_BACKLOG)), (error))

int mp_mod_network_prefer_dns_use_ip_version = 4;

// The stock module is not written for all warnings of this port.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Waddress"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wtype-limits"
#include "extmod/modlwip.c"
#pragma GCC diagnostic pop

#undef udp_recv
#undef udp_remove
#undef raw_recv
#undef raw_remove
#undef udp_bind
#undef tcp_recv
#undef tcp_err

/******************************************************************************/
// Data of a connection that nobody has accepted yet. The stock module refuses it: lwIP keeps the first segment for 250 ms and drops
// the ones behind it. Each connection's is bounded by its window, and the connections by the backlog.

typedef struct _early_t {
    struct _early_t *next;
    struct tcp_pcb *pcb;
    struct pbuf *data;
    bool is_closed; // by the other side, after this data
} early_t;

static early_t *earlies;

static early_t *take_early(struct tcp_pcb *pcb) {
    for (early_t **link = &earlies; *link != NULL; link = &(*link)->next) {
        early_t *early = *link;
        if (early->pcb == pcb) {
            *link = early->next;
            return early;
        }
    }
    return NULL;
}

static err_t keep_early(void *unused, struct tcp_pcb *pcb, struct pbuf *data, err_t error) {
    (void)unused;
    (void)error;
    early_t *early = take_early(pcb);
    if (early == NULL) {
        early = calloc(1, sizeof(*early));
        if (early == NULL) {
            return ERR_MEM; // lwIP tries again
        }
        early->pcb = pcb;
    }
    early->next = earlies;
    earlies = early;
    if (data == NULL) {
        early->is_closed = true;
    } else if (early->data == NULL) {
        early->data = data;
    } else {
        pbuf_cat(early->data, data);
    }
    return ERR_OK;
}

static void give_early(struct tcp_pcb *pcb) {
    early_t *early = take_early(pcb);
    if (early == NULL) {
        return;
    }
    if (early->data != NULL) {
        _lwip_tcp_recv(pcb->callback_arg, pcb, early->data, ERR_OK);
    }
    if (early->is_closed) {
        _lwip_tcp_recv(pcb->callback_arg, pcb, NULL, ERR_OK);
    }
    free(early);
}

// The connection is gone.
static void forget_early(void *pcb, err_t error) {
    early_t *early = take_early(pcb);
    if (early != NULL && early->data != NULL) {
        pbuf_free(early->data);
    }
    free(early);
    _lwip_tcp_err_unaccepted(pcb, error);
}

// The stock module calls these for listeners too when it closes them, whose structure has no such fields.
static void connected_tcp_recv(struct tcp_pcb *pcb, tcp_recv_fn receive) {
    if (pcb->state == LISTEN) {
        return;
    }
    tcp_recv(pcb, receive == _lwip_tcp_recv_unaccepted ? keep_early : receive);
    if (receive == _lwip_tcp_recv) {
        give_early(pcb);
    }
}

static void connected_tcp_err(struct tcp_pcb *pcb, tcp_err_fn error) {
    if (pcb->state != LISTEN) {
        tcp_err(pcb, error == _lwip_tcp_err_unaccepted ? forget_early : error);
    }
}

/******************************************************************************/
// Datagrams that wait behind the one in a socket's slot

#define MAX_DATAGRAMS (64) // per socket
#define MAX_QUEUED_BYTES (64 * 1024) // per socket

typedef struct _datagram_t {
    struct _datagram_t *next;
    struct pbuf *payload;
    ip_addr_t source;
    u16_t port; // 0 for raw sockets
} datagram_t;

typedef struct _queue_t {
    struct _queue_t *next;
    void *pcb; // which socket's queue this is
    lwip_socket_obj_t *socket; // its finaliser closes it, and with it this queue, before its memory goes
    udp_recv_fn receive_udp; // the stock module's callback, which fills the slot: one of the two
    raw_recv_fn receive_raw;
    datagram_t *first;
    datagram_t *last;
    size_t count;
    size_t bytes;
} queue_t;

static queue_t *queues;
static size_t datagrams_waiting; // in all of them

static void fill_slot(queue_t *queue) {
    datagram_t *datagram = queue->first;
    if (datagram == NULL || queue->socket->incoming.pbuf != NULL) {
        return;
    }
    queue->first = datagram->next;
    queue->count--;
    queue->bytes -= datagram->payload->tot_len;
    datagrams_waiting--;
    if (queue->receive_udp != NULL) {
        queue->receive_udp(queue->socket, queue->pcb, datagram->payload, &datagram->source, datagram->port);
    } else {
        queue->receive_raw(queue->socket, queue->pcb, datagram->payload, &datagram->source);
    }
    free(datagram);
}

static void fill_slots(void) {
    if (datagrams_waiting > 0) {
        for (queue_t *queue = queues; queue != NULL; queue = queue->next) {
            fill_slot(queue);
        }
    }
}

// Takes the payload.
static void enqueue(queue_t *queue, struct pbuf *payload, const ip_addr_t *source, u16_t port) {
    datagram_t *datagram = NULL;
    if (queue->count < MAX_DATAGRAMS && queue->bytes + payload->tot_len <= MAX_QUEUED_BYTES) {
        datagram = malloc(sizeof(*datagram));
    }
    if (datagram == NULL) {
        pbuf_free(payload); // datagrams may be lost, and a program that does not read must not take all memory
        return;
    }
    *datagram = (datagram_t) { .payload = payload, .source = *source, .port = port };
    if (queue->first == NULL) {
        queue->first = datagram;
    } else {
        queue->last->next = datagram;
    }
    queue->last = datagram;
    queue->count++;
    queue->bytes += payload->tot_len;
    datagrams_waiting++;
    fill_slot(queue);
}

static queue_t *open_queue(void *pcb, lwip_socket_obj_t *socket) {
    queue_t *queue = calloc(1, sizeof(*queue));
    if (queue != NULL) {
        queue->next = queues;
        queue->pcb = pcb;
        queue->socket = socket;
        queues = queue;
    }
    return queue;
}

static void close_queue(void *pcb) {
    for (queue_t **link = &queues; *link != NULL; link = &(*link)->next) {
        queue_t *queue = *link;
        if (queue->pcb == pcb) {
            *link = queue->next;
            while (queue->first != NULL) {
                datagram_t *datagram = queue->first;
                queue->first = datagram->next;
                pbuf_free(datagram->payload);
                free(datagram);
                datagrams_waiting--;
            }
            free(queue);
            return;
        }
    }
}

static void enqueue_udp(void *queue, struct udp_pcb *pcb, struct pbuf *payload, const ip_addr_t *source, u16_t port) {
    (void)pcb;
    enqueue(queue, payload, source, port);
}

static void queued_udp_recv(struct udp_pcb *pcb, udp_recv_fn receive, void *socket) {
    queue_t *queue = receive == NULL ? NULL : open_queue(pcb, socket);
    if (queue == NULL) {
        udp_recv(pcb, receive, socket); // it closes; or without memory for a queue, it works with one slot
        return;
    }
    queue->receive_udp = receive;
    udp_recv(pcb, enqueue_udp, queue);
}

static void queued_udp_remove(struct udp_pcb *pcb) {
    udp_remove(pcb);
    close_queue(pcb);
}

// A copy, and lwIP goes on with the packet: a program that pings must not keep this node from answering pings.
static u8_t enqueue_raw(void *queue, struct raw_pcb *pcb, struct pbuf *packet, const ip_addr_t *source) {
    (void)pcb;
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, packet);
    if (copy != NULL) {
        enqueue(queue, copy, source, 0);
    }
    return 0;
}

static void queued_raw_recv(struct raw_pcb *pcb, raw_recv_fn receive, void *socket) {
    queue_t *queue = receive == NULL ? NULL : open_queue(pcb, socket);
    if (queue == NULL) {
        raw_recv(pcb, receive, socket);
        return;
    }
    queue->receive_raw = receive;
    raw_recv(pcb, enqueue_raw, queue);
    // The stock module leaves a raw socket as new as a TCP socket without a connection, and poll() would say POLLHUP.
    queue->socket->state = STATE_ACTIVE_UDP;
}

static void queued_raw_remove(struct raw_pcb *pcb) {
    raw_remove(pcb);
    close_queue(pcb);
}

// bind(("", port)) means every address; the stock module takes it for every IPv6 address, for TCP too, but mends it there.
static err_t dual_udp_bind(struct udp_pcb *pcb, const ip_addr_t *address, u16_t port) {
    return udp_bind(pcb, ip_addr_cmp(address, IP6_ADDR_ANY) ? IP_ANY_TYPE : address, port);
}
