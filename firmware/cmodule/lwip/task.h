// The worker task of a device whose lwIP has a thread of its own (ESP-IDF): between that thread, which may not wait, and the
// datapath, whose ciphers take their time.
// It owns the task, its queues and when it lets others have the processor. Never a table, a socket, any Python, a decision.
//
//     lwIP's thread -- zt_task_frame(), zt_task_datagram() --> queue --> task, which enters the glue --> datapath
//     task --> zt_in_lwip(udp_sendto), zt_hand_to_lwip(frame)
//
// There is one at a time. Written on lwIP's own layer of the operating system (lwip/sys.h), so it runs on a PC as well.
#ifndef ZT_TASK_H
#define ZT_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glue.h"
#include "netif.h"

// Bytes of frames that wait for the task; a frame costs 40 more than its length. A TCP window should fit: ESP-IDF's is four segments.
#ifndef ZT_TASK_FRAME_BYTES
#define ZT_TASK_FRAME_BYTES (ZT_SMALL ? 6 * 1024 : 10 * 1024)
#endif

// Datagrams that wait for the task, each in memory of lwIP's heap.
#ifndef ZT_TASK_DATAGRAMS
#define ZT_TASK_DATAGRAMS (16)
#endif

// ---- the interpreter's thread ----

// Starts the task for a datapath. It calls rest() whenever something happened, outside of the glue; the result is after how many ms
// it does so again at the latest. False: no memory.
bool zt_task_start(zt_glue_t *glue, uint32_t (*rest)(void));

// Ends it, and forgets what waits. Nothing is called any more when this returns. No error if there is none.
void zt_task_end(void);

// Has rest() called soon.
void zt_task_nudge(void);

// Frames and datagrams that found no room, since the task was started.
uint32_t zt_task_dropped_frames(void);
uint32_t zt_task_dropped_datagrams(void);

// ---- lwIP's thread ----

// A frame that leaves the stack by this interface; borrowed. False: it was dropped.
bool zt_task_frame(zt_netif_t *netif, uint32_t opening, const struct pbuf *frame);

// A datagram from the underlay; taken. False: it was dropped.
bool zt_task_datagram(struct pbuf *datagram, const zt_endpoint_t *source);

#endif // ZT_TASK_H
