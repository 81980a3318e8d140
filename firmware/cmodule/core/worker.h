// The threaded front of a datapath, for ports where lwIP has a thread of its own (ESP-IDF): lwIP's thread hands packets over and
// goes on, a worker task does what they need.
// It owns two bounded queues and the loop that serves them. Never a datapath (the handlers have it), any lwIP, any thread that it
// starts: the port runs zt_worker_run() in a task and supplies the few functions of the platform.
//
//     UDP side      -- zt_worker_begin(DATAGRAMS), zt_worker_commit() --+
//     TCP/IP thread -- zt_worker_begin(FRAMES), zt_worker_commit() -----+--> worker: handlers.take() --> datapath
//
// What may be called from where:
//     zt_worker_begin(), zt_worker_commit()   any thread; never wait longer than the lock is held, which is for a copy at most
//     zt_worker_stop(), zt_worker_dropped()   any thread
//     zt_worker_wake()                        any thread, also to have the handlers' rest() called
//     handlers                                run in the worker
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
    void (*wait)(void *context); // the worker: until wake(); at once if there was a wake() since it last waited. May end earlier
    void (*wake)(void *context);
    // The worker, after a batch behind which more waits: whoever is less urgent needs a turn some time. May be NULL.
    void (*yield)(void *context);
} zt_worker_platform_t;

// What is done with it, in the worker.
typedef struct _zt_worker_handlers_t {
    void *context;
    // A record, which may be written to and is gone afterwards.
    void (*take)(void *context, zt_queue_t queue, uint8_t *record, size_t length);
    // The same for a record that is left over when the worker stops: frees what it points to. May be NULL.
    void (*discard)(void *context, zt_queue_t queue, uint8_t *record, size_t length);
    // After each batch: tells Python if there is something for it. May be NULL.
    void (*rest)(void *context);
} zt_worker_handlers_t;

typedef struct _zt_worker_t {
    zt_worker_platform_t platform;
    zt_worker_handlers_t handlers;
    // All of what follows under the lock, but the records, which belong to the worker once they are committed.
    zt_ring_t queues[ZT_QUEUES];
    uint32_t dropped[ZT_QUEUES];
    bool is_stopping;
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

// Ends a wait of the worker.
void zt_worker_wake(zt_worker_t *self);

// Records that found no room.
uint32_t zt_worker_dropped(zt_worker_t *self, zt_queue_t queue);

#endif // ZT_WORKER_H
