// Between the datapath and lwIP: frames of the stack become datagrams, and datagrams frames for the stack.
// It owns where a packet lies meanwhile, so that it is copied at most once each way: a buffer for the frame on its way out, lwIP's
// pbuf around the datagram that came in, and a pbuf without memory of its own around a packet that was put together from
// fragments. It owns the datapath's memory as well, outside of every heap that may go. Never a table, a socket, any Python.
//
//     stack -> linkoutput -> zt_glue_transmit -> [copy] -> zt_datapath_transmit -> platform.send
//     underlay -> zt_glue_receive -> zt_datapath_receive -> platform.deliver = zt_glue_deliver -> netif->input
//
// With NO_SYS all of it is called from the one thread that runs lwIP, which is the owner of the datapath, and never from an
// interrupt. An underlay on the same lwIP must not call zt_glue_receive() inside its udp_recv callback: it queues, and hands over
// when lwIP has returned.
//
// Where lwIP has a thread of its own (ESP-IDF) there are three: the interpreter's, lwIP's, and the worker (task.h). The datapath
// belongs to whoever has entered the glue. lwIP's thread never does: it may not wait for a cipher, so it queues for the worker.
//
//     zt_glue_transmit()                                    lwIP's thread
//     zt_glue_transmit_at(), zt_glue_receive()              the worker, inside
//     zt_glue_deliver()                                     whoever is inside
//     zt_glue_add_network(), zt_glue_remove_network()       the interpreter, inside
//     zt_glue_forget()                                      the interpreter, outside
//     zt_glue_open(), zt_glue_close(), zt_glue_set_now()    the interpreter, without a worker
#ifndef ZT_GLUE_H
#define ZT_GLUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/datapath.h"
#include "lwip/opt.h"

struct pbuf;
typedef struct _zt_netif_t zt_netif_t; // netif.h

// The longest datagram that is taken from the underlay. A peer sends 1432 bytes (protocol/02 §2.3), some send a little more.
#define ZT_DATAGRAM_MAX_SIZE (1536)

typedef struct _zt_glue_t zt_glue_t;

// ---- life ----

// Makes a datapath, with memory from malloc. NULL: there is none. The bounds must be good (zt_datapath_size()). `platform.context`
// belongs to the caller, who must call zt_glue_close() before it becomes invalid.
zt_glue_t *zt_glue_open(const zt_datapath_config_t *config, const uint8_t *address, const zt_datapath_platform_t *platform);

// Ends it: its interfaces are without a network, nothing is called any more. The memory goes when the stack has given back
// the last packet.
void zt_glue_close(zt_glue_t *self);

zt_datapath_t *zt_glue_datapath(zt_glue_t *self);

// How often lwIP's heap was full when a datagram came: it was handled in a buffer of ours, and a frame in it is lost.
uint32_t zt_glue_no_memory(const zt_glue_t *self);

// ---- who may use the datapath ----

// Waits until nobody else is inside. Not twice by one thread. With NO_SYS there is nobody else.
#if NO_SYS
static inline void zt_glue_enter(zt_glue_t *self) {
    (void)self;
}

static inline void zt_glue_leave(zt_glue_t *self) {
    (void)self;
}
#else
void zt_glue_enter(zt_glue_t *self);
void zt_glue_leave(zt_glue_t *self);
#endif

// ---- interfaces ----

// Makes an interface the port of a network, or changes MAC or MTU of that network. An interface serves one network at a time. The
// index of the network, -1: the datapath's table is full.
int zt_glue_add_network(zt_glue_t *self, const uint8_t *nwid, const uint8_t *mac, uint16_t mtu, zt_netif_t *netif);

// Takes the network away from the interface that serves it.
void zt_glue_remove_network(zt_glue_t *self, const uint8_t *nwid);

// The same, for an interface that closes.
void zt_glue_forget(zt_netif_t *netif);

// ---- packets ----

// The time of the datapath in ms: the clock of lwIP, but 64 bits. Starts with 1, or with what was set last.
uint64_t zt_glue_now(zt_glue_t *self);
void zt_glue_set_now(zt_glue_t *self, uint64_t now);

// A pbuf for a datagram of at most `size` bytes, in the right place. NULL: lwIP's heap is full.
struct pbuf *zt_glue_new_datagram(size_t size);

// A datagram from the underlay. Takes the pbuf. It is copied only if it is in more than one piece, shared, or in a wrong place.
void zt_glue_receive(zt_glue_t *self, struct pbuf *datagram, const zt_endpoint_t *source);

// The same for an underlay without pbufs: copies the datagram. With NO_SYS only.
void zt_glue_receive_copy(zt_glue_t *self, const uint8_t *datagram, size_t length, const zt_endpoint_t *source);

// A frame that leaves the stack by this interface. The pbuf is borrowed.
void zt_glue_transmit(zt_netif_t *netif, const struct pbuf *frame);

#if NO_SYS
// A frame that was heard on the Ethernet joined to a network. The pbuf is borrowed. False: it is lost, another is on its way out.
bool zt_glue_bridge(zt_glue_t *self, const uint8_t *nwid, const struct pbuf *frame);
#else
// The same, when the worker has come to it: a copy in the right place, of the interface as it was when the frame left the stack.
void zt_glue_transmit_at(zt_netif_t *netif, uint32_t opening, uint8_t *frame, size_t length);
#endif

// What platform.deliver must do for a port that is an interface.
bool zt_glue_deliver(zt_glue_t *self, zt_netif_t *netif, uint8_t *frame, size_t length, int slot);

#endif // ZT_GLUE_H
