// The frames of another interface of the device, its Ethernet or its soft access point, for a bridge into a network.
// It owns the hook in that interface and the queue of what was heard. Never a decision which frames cross the bridge, but one: what
// is for the interface's own MAC is for the stack alone. The stack goes on using the interface as before.
//
// Called from the one thread that runs lwIP, never from an interrupt.
#ifndef ZT_TAP_H
#define ZT_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netif;

// Bytes of frames that wait for the node; from malloc while the tap is open.
#ifndef ZT_TAP_QUEUE_SIZE
#define ZT_TAP_QUEUE_SIZE (8192)
#endif

typedef struct _zt_tap_t zt_tap_t;

// There is one at a time. NULL: another one is open, the interface has no MAC, or there is no memory.
zt_tap_t *zt_tap_open(struct netif *netif);
void zt_tap_close(zt_tap_t *self);

// Sends a copy of a frame by the interface. False: it is too long, the interface is down, or there is no memory.
bool zt_tap_send(zt_tap_t *self, const uint8_t *frame, size_t length);

// The next frame that was heard: its length, or 0 if there is none. One that is longer than `size` is dropped.
size_t zt_tap_receive(zt_tap_t *self, uint8_t *frame, size_t size);

// Frames that were heard and dropped.
uint32_t zt_tap_dropped(const zt_tap_t *self);

// Whether a frame waits in the tap that is open.
bool zt_tap_is_waiting(void);

#endif // ZT_TAP_H
