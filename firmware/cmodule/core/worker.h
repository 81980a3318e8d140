// The threaded front of a datapath, for ports where lwIP has a thread of its own (ESP-IDF): one worker task owns the datapath, all
// others hand it something and go on.
// It owns two bounded queues, the marshalled call, and the loop that serves them. Never a datapath (the handlers have it), any
// lwIP, any thread that it starts: the port runs zt_worker_run() in a task and supplies the few functions of the platform.
//
//     UDP side      -- zt_worker_begin(DATAGRAMS), zt_worker_commit() --+
//     TCP/IP thread -- zt_worker_begin(FRAMES), zt_worker_commit() -----+--> worker: handlers.take() --> datapath
//     Python        -- zt_worker_call() --------------------------------+
//
// What may be called from where:
//     zt_worker_begin(), zt_worker_commit()   any thread; never wait longer than the lock is held, which is for a copy at most
//     zt_worker_call()                        one thread at a time, never the worker itself: waits until the worker has done it.
//                                             A thread that others need meanwhile (MicroPython's, with its GIL) lets go first
//     zt_worker_stop(), zt_worker_dropped()   any thread
//     zt_worker_is_owner()                    any thread; it is what zt_datapath_platform_t.is_owner is made of
//     handlers, functions that are called     run in the worker, where the datapath may be used
// The thread of lwIP must never call zt_worker_call(): the worker may just be waiting for lwIP.
//
// A record is any bytes: a datagram or a frame itself, or a pointer to one (a pbuf) with what belongs to it. Records begin at
// addresses that are multiples of 8, see ZT_PACKET_LEAD.
#ifndef ZT_WORKER_H
#define ZT_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring.h"

typedef enum _zt_queue_t {
    ZT_DATAGRAMS, // from the underlay
    ZT_FRAMES, // from the stack
    ZT_QUEUES
} zt_queue_t;

// What a port supplies. `context` is the first argument of each.
typedef struct _zt_worker_platform_t {
    void *context;
    void (*lock)(void *context); // one mutex; never taken twice by one thread
    void (*unlock)(void *context);
    void (*wait)(void *context); // the worker: until wake(); at once if there was a wake() since it last waited
    void (*wake)(void *context);
    void (*wait_reply)(void *context); // the caller of zt_worker_call(): the same with reply()
    void (*reply)(void *context);
    uintptr_t (*thread)(void *context); // which thread this is; not 0
} zt_worker_platform_t;

// What is done with it, in the worker.
typedef struct _zt_worker_handlers_t {
    void *context;
    // A record, which may be written to and is gone afterwards.
    void (*take)(void *context, zt_queue_t queue, uint8_t *record, size_t length);
    // The same for a record that is left over when the worker stops: frees what it points to. May be NULL.
    void (*discard)(void *context, zt_queue_t queue, uint8_t *record, size_t length);
    // After a batch, before the worker waits: tells Python if there is something for it. May be NULL.
    void (*rest)(void *context);
} zt_worker_handlers_t;

typedef struct _zt_worker_t {
    zt_worker_platform_t platform;
    zt_worker_handlers_t handlers;
    // All of what follows under the lock, but the records, which belong to the worker once they are committed.
    zt_ring_t queues[ZT_QUEUES];
    uint32_t dropped[ZT_QUEUES];
    void (*call)(void *argument); // NULL: there is none to be made
    void *argument;
    bool was_called; // the last call was made, and not refused
    bool is_stopping;
    bool is_stopped;
    uintptr_t owner;
} zt_worker_t;

// Queues in the caller's memory, aligned to 8.
void zt_worker_init(zt_worker_t *self, const zt_worker_platform_t *platform, const zt_worker_handlers_t *handlers,
    void *datagrams, size_t datagrams_size, void *frames, size_t frames_size);

// Serves the queues until zt_worker_stop(); the body of the worker task. What is then left is discarded.
void zt_worker_run(zt_worker_t *self);

// Ends zt_worker_run() soon. The port waits for the task to end by its own means.
void zt_worker_stop(zt_worker_t *self);

// Room for a record of `length` bytes, to be filled at once and committed; the lock is held meanwhile. NULL, and no lock, if the
// queue is full or the worker has stopped: dropped and counted.
uint8_t *zt_worker_begin(zt_worker_t *self, zt_queue_t queue, size_t length);
void zt_worker_commit(zt_worker_t *self);

// Has function(argument) called in the worker and waits for it. False, and not called, if the worker stops or has stopped.
bool zt_worker_call(zt_worker_t *self, void (*function)(void *argument), void *argument);

// Records that found no room.
uint32_t zt_worker_dropped(zt_worker_t *self, zt_queue_t queue);

// Whether this thread is the worker. Before it runs, and after, nobody is.
bool zt_worker_is_owner(zt_worker_t *self);

#endif // ZT_WORKER_H
