// What the files of the MicroPython binding show each other and the board that builds them.
// It owns no code. Never included by the core or by lwip/.
#ifndef ZT_MICROPYTHON_H
#define ZT_MICROPYTHON_H

#include <stdbool.h>
#include <stdint.h>

#include "py/obj.h"

// 1 on boards that count their flash and memory. See micropython.mk.
#ifndef ZT_SMALL
#define ZT_SMALL (0)
#endif

// 1 if the build has lwIP, and with it netif.c and background.c. See micropython.mk.
#ifndef ZT_LWIP
#define ZT_LWIP (0)
#endif

// 1 if that lwIP has a thread of its own, and the build has background_task.c in the place of background.c. See micropython.cmake.
#ifndef ZT_THREADS
#define ZT_THREADS (0)
#endif

// 1 if the node's own datagrams pass through the same lwIP, and the build has underlay.c. See micropython.mk.
#ifndef ZT_LWIP_UNDERLAY
#define ZT_LWIP_UNDERLAY (0)
#endif

// micropython_datapath.c
extern const mp_obj_type_t zerotier_datapath_type;

// netif.c
extern const mp_obj_type_t zerotier_netif_type;
struct _zt_netif_t *zt_netif_of(mp_obj_t netif); // raises OSError(EBADF) if it is closed

// underlay.c
extern const mp_obj_type_t zerotier_underlay_type;

// tap.c
extern const mp_obj_type_t zerotier_tap_type;
struct _zt_tap_t *zt_tap_of(mp_obj_t tap); // raises OSError(EBADF) if it is closed

// name_servers.c
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(zerotier_name_servers_obj);

// background.c, background_task.c
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(zerotier_background_obj);
MP_DECLARE_CONST_FUN_OBJ_0(zerotier_wake_obj);

// Forgets the callback and what was scheduled. For boards with a soft reset, before the heap goes.
void zt_background_stop(void);

#if ZT_THREADS
// For the worker: has the callback scheduled if it is due. After how many ms to ask again.
uint32_t zt_background_rest(void);
#else
// Moves what waits between underlay and stack, runs lwIP's timers, and schedules the node's Python if there is something for it
// to do. For the board's event hook, and for whatever ends a wait; costs one look at the clock and one at the underlay if there
// is nothing. Never to be called from inside lwIP.
void zt_background_poll(void);

// How long the board may wait for events before it must call zt_background_poll() again, in ms, at most `longest`. 0 if something
// happened since the last call: it may be what the interpreter waits for.
uint32_t zt_background_wait(uint32_t longest);

// What happened until now is no news: the interpreter will look for what it waits for.
void zt_background_wait_is_over(void);

// True if only Python can take what the underlay has, and cannot run: then it is no use to watch the underlay.
bool zt_background_is_stuck(void);
#endif

#if ZT_LWIP
#include "../lwip/glue.h"

// micropython_datapath.c: the one that has the underlay, NULL if none has.
zt_glue_t *zt_attached_glue(void);

// To be supplied by the board, or by underlay.c.

#if !ZT_THREADS
// Which sockets the functions below are about.
#define ZT_UNDERLAY_SOCKETS (4)
void zt_underlay_watch(const int *sockets, size_t count);

bool zt_underlay_is_readable(void);

// Gives what waits to zt_glue_receive() or zt_glue_receive_copy(), but no more than a batch. False: nothing did.
bool zt_underlay_pump(zt_glue_t *glue);

// Sends what was kept. Called when nothing more is to be sent for now, and before every wait.
void zt_underlay_flush(void);
#endif

// Sends a datagram, which is borrowed, or keeps a copy until the next one or zt_underlay_flush(). Called from inside lwIP, or
// by whoever has entered the glue.
void zt_underlay_transmit(const zt_endpoint_t *to, const uint8_t *datagram, size_t length);

// Datagrams that could not be sent, since the start.
uint32_t zt_underlay_failures(void);
#endif

#endif // ZT_MICROPYTHON_H
