// The way into lwIP, whose functions are for one thread only: the thread that calls them where there is no other (NO_SYS), lwIP's
// own one on ESP-IDF.
// It owns the hop from one to the other. Never a lock, and nothing of what is called.
#ifndef ZT_THREAD_H
#define ZT_THREAD_H

#include "lwip/opt.h"

#include <stdbool.h>

#include "lwip/netif.h"
#include "lwip/pbuf.h"

#if NO_SYS

// Calls function(argument) where lwIP may be used, and returns when it has returned.
static inline void zt_in_lwip(void (*function)(void *argument), void *argument) {
    function(argument);
}

// Hands a frame to input(frame, netif), called where lwIP may be used. False: it was dropped; the frame is gone in any case.
static inline bool zt_hand_to_lwip(struct pbuf *frame, struct netif *netif, netif_input_fn input) {
    bool is_taken = input(frame, netif) == ERR_OK;
    if (!is_taken) {
        pbuf_free(frame);
    }
    return is_taken;
}

#else

// Never from lwIP's thread itself, which would wait for itself. It waits for no other thread but the short queue of the worker, so
// the interpreter may keep its lock (GIL) meanwhile.
void zt_in_lwip(void (*function)(void *argument), void *argument);

// From any thread; never waits.
bool zt_hand_to_lwip(struct pbuf *frame, struct netif *netif, netif_input_fn input);

#endif

#endif // ZT_THREAD_H
