// The worker's queues and loop; worker.h is the manual.
// Never a handler under the lock: whoever hands something over must not wait for the datapath.
#include "worker.h"

#include <string.h>

// Records of one queue in a row, so that neither queue waits for long behind the other.
#define BATCH (8)

static void lock(zt_worker_t *self) {
    self->platform.lock(self->platform.context);
}

static void unlock(zt_worker_t *self) {
    self->platform.unlock(self->platform.context);
}

void zt_worker_wake(zt_worker_t *self) {
    self->platform.wake(self->platform.context);
}

void zt_worker_init(zt_worker_t *self, const zt_worker_platform_t *platform, const zt_worker_handlers_t *handlers,
    void *datagrams, size_t datagrams_size, void *frames, size_t frames_size) {
    memset(self, 0, sizeof(*self));
    self->platform = *platform;
    self->handlers = *handlers;
    zt_ring_init(&self->queues[ZT_DATAGRAMS], datagrams, datagrams_size);
    zt_ring_init(&self->queues[ZT_FRAMES], frames, frames_size);
}

/******************************************************************************/
// Other threads

uint8_t *zt_worker_begin(zt_worker_t *self, zt_queue_t queue, size_t length) {
    lock(self);
    uint8_t *record = NULL;
    if (!self->is_stopping) {
        record = zt_ring_put(&self->queues[queue], length, self->queues[queue].size);
    }
    if (record == NULL) {
        self->dropped[queue]++;
        unlock(self);
    }
    return record;
}

void zt_worker_commit(zt_worker_t *self) {
    unlock(self);
    zt_worker_wake(self);
}

void zt_worker_stop(zt_worker_t *self) {
    lock(self);
    self->is_stopping = true;
    unlock(self);
    zt_worker_wake(self);
}

uint32_t zt_worker_dropped(zt_worker_t *self, zt_queue_t queue) {
    lock(self);
    uint32_t dropped = self->dropped[queue];
    unlock(self);
    return dropped;
}

/******************************************************************************/
// The worker

// The oldest record stays in the queue while it is handled: it is worked on where it lies, and others append behind it.
static uint8_t *oldest(zt_worker_t *self, zt_queue_t queue, size_t *length) {
    lock(self);
    uint8_t *record = zt_ring_peek(&self->queues[queue], length);
    unlock(self);
    return record;
}

static void drop_oldest(zt_worker_t *self, zt_queue_t queue) {
    lock(self);
    zt_ring_drop(&self->queues[queue]);
    unlock(self);
}

// True if there may be more.
static bool serve(zt_worker_t *self, zt_queue_t queue) {
    for (size_t i = 0; i < BATCH; i++) {
        size_t length;
        uint8_t *record = oldest(self, queue, &length);
        if (record == NULL) {
            return false;
        }
        self->handlers.take(self->handlers.context, queue, record, length);
        drop_oldest(self, queue);
    }
    return true;
}

static bool is_stopping(zt_worker_t *self) {
    lock(self);
    bool stopping = self->is_stopping;
    unlock(self);
    return stopping;
}

static void discard(zt_worker_t *self, zt_queue_t queue) {
    size_t length;
    for (uint8_t *record = oldest(self, queue, &length); record != NULL; record = oldest(self, queue, &length)) {
        if (self->handlers.discard != NULL) {
            self->handlers.discard(self->handlers.context, queue, record, length);
        }
        drop_oldest(self, queue);
    }
}

void zt_worker_run(zt_worker_t *self) {
    while (!is_stopping(self)) {
        bool is_more = serve(self, ZT_DATAGRAMS);
        is_more |= serve(self, ZT_FRAMES);
        if (self->handlers.rest != NULL) {
            self->handlers.rest(self->handlers.context);
        }
        if (!is_more) {
            self->platform.wait(self->platform.context);
        } else if (self->platform.yield != NULL) {
            self->platform.yield(self->platform.context);
        }
    }
    // Nothing more comes in.
    discard(self, ZT_DATAGRAMS);
    discard(self, ZT_FRAMES);
}
