// The frames of another interface of the device, its Ethernet or its soft access point, for a bridge into a network.
// It owns the hook in that interface. Never a decision which frames cross the bridge, but one: what is for the interface's own MAC
// is for the stack alone. The stack goes on using the interface as before.
//
// Called from the one thread that runs lwIP, never from an interrupt.
#ifndef ZT_TAP_H
#define ZT_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glue.h"

struct netif;

typedef struct _zt_tap_t zt_tap_t;

// There is one at a time. NULL: another one is open, or the interface has no MAC.
zt_tap_t *zt_tap_open(struct netif *netif);
void zt_tap_close(zt_tap_t *self);

// From now on a network of this datapath gets what is heard (zt_glue_bridge()). False: unknown network.
bool zt_tap_join(zt_tap_t *self, zt_glue_t *glue, const uint8_t *nwid);

// Ends that for a datapath that closes.
void zt_tap_forget(const zt_glue_t *glue);

// Whether a pointer is the tap that is open.
bool zt_tap_is(const void *pointer);

// Sends a copy of a frame by the interface. False: it is too long, the interface is down, or there is no memory.
bool zt_tap_send(zt_tap_t *self, const uint8_t *frame, size_t length);

// Frames that were heard and could not be handed on.
uint32_t zt_tap_dropped(const zt_tap_t *self);

#endif // ZT_TAP_H
