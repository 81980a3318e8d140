// What the files of the MicroPython binding show each other and the board that builds them.
// It owns no code. Never included by the core or by lwip/.
#ifndef ZT_MICROPYTHON_H
#define ZT_MICROPYTHON_H

#include <stdbool.h>
#include <stdint.h>

#include "py/obj.h"

// 1 if the build has lwIP with NO_SYS, and with it netif.c and background.c. See micropython.mk.
#ifndef ZT_LWIP
#define ZT_LWIP (0)
#endif

// 1 if the node's own datagrams pass through the same lwIP, and the build has underlay.c. See micropython.mk.
#ifndef ZT_LWIP_UNDERLAY
#define ZT_LWIP_UNDERLAY (0)
#endif

// netif.c
extern const mp_obj_type_t zerotier_netif_type;

// underlay.c
extern const mp_obj_type_t zerotier_underlay_type;

// background.c
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(zerotier_background_obj);
MP_DECLARE_CONST_FUN_OBJ_0(zerotier_wake_obj);

// Schedules the node if there is something to do. For the board's event hook; costs one look at the clock and one at the
// underlay, and nothing at all while the node runs or is about to.
void zt_background_poll(void);

// How long the board may wait for events before it must call zt_background_poll() again, in ms, at most `longest`.
uint32_t zt_background_wait(uint32_t longest);

// True while the node is scheduled or running: then what wakes it need not be watched.
bool zt_background_is_scheduled(void);

// How often the node has run. After a run a program that waits should look at its sockets before the board sleeps.
uint32_t zt_background_runs(void);

// Forgets the callback and what was scheduled. For boards with a soft reset, before the heap goes.
void zt_background_stop(void);

// To be supplied by the board, or by underlay.c: which sockets make zt_underlay_is_readable() true.
#define ZT_UNDERLAY_SOCKETS (4)
void zt_underlay_watch(const int *sockets, size_t count);
bool zt_underlay_is_readable(void);

#endif // ZT_MICROPYTHON_H
