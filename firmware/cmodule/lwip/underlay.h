// The UDP socket over which the node talks, on boards where one lwIP carries the physical network and the virtual ones.
// It owns that datagrams of the node never travel inside a virtual network, and a bounded queue of those that came in.
// Never looks into a datagram. With NO_SYS all functions are called from the one thread that runs lwIP. Where lwIP has a thread of its
// own they are called from any other, and what comes in goes to the worker (task.h) instead of waiting here.
//
// An endpoint is a physical address in its wire encoding (protocol/03 §3.1): 7 bytes for IPv4, 19 for IPv6.
#ifndef ZT_UNDERLAY_H
#define ZT_UNDERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lwip/opt.h"

struct pbuf;

#define ZT_UNDERLAY_IP4_SIZE (7)
#define ZT_UNDERLAY_IP6_SIZE (19)

// Datagrams that wait for the node. Each holds a buffer of lwIP's pool, which must stay larger.
#ifndef ZT_UNDERLAY_QUEUE
#define ZT_UNDERLAY_QUEUE (16)
#endif

typedef enum _zt_underlay_error_t {
    ZT_UNDERLAY_OK,
    ZT_UNDERLAY_BAD_ENDPOINT,
    ZT_UNDERLAY_IN_USE, // the port, or this module's only socket
    ZT_UNDERLAY_NO_MEMORY,
    ZT_UNDERLAY_NO_ROUTE,
} zt_underlay_error_t;

// Opens the socket; 0.0.0.0 stands for all addresses of both families.
zt_underlay_error_t zt_underlay_open(const uint8_t *endpoint, size_t length);

// Closes it and forgets what waits. No error if it is closed.
void zt_underlay_close(void);

// Sends a copy of a datagram. False if it cannot be sent now or never.
bool zt_underlay_send(const uint8_t *endpoint, size_t endpoint_length, const uint8_t *datagram, size_t length);

#if NO_SYS
bool zt_underlay_is_waiting(void);

// Takes the next datagram, with where it came from; NULL if there is none. The pbuf is the caller's.
struct pbuf *zt_underlay_receive(uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE], size_t *endpoint_length);
#endif

// The addresses of the physical interfaces that are up, with the port of the socket: copies the one at `index` and returns its
// length, 0 past the end.
size_t zt_underlay_local(size_t index, uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE]);

// Datagrams dropped because the queue was full, or because they came through a virtual network.
uint32_t zt_underlay_dropped(void);

#endif // ZT_UNDERLAY_H
