// The worker's queues, call and loop; worker.h is the manual.
// Never a handler or a call under the lock: whoever hands something over must not wait for the datapath.
#include "worker.h"

#include <string.h>

// Records of one queue in a row, so that neither queue, nor a call, waits for long behind the others.
#define BATCH (8)

static void lock(zt_worker_t *self) {
    self->platform.lock(self->platform.context);
}

static void unlock(zt_worker_t *self) {
    self->platform.unlock(self->platform.context);
}

static void wake(zt_worker_t *self) {
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
    wake(self);
}

bool zt_worker_call(zt_worker_t *self, void (*function)(void *argument), void *argument) {
    lock(self);
    bool is_running = !self->is_stopped;
    if (is_running) {
        self->call = function;
        self->argument = argument;
        self->was_called = false;
    }
    unlock(self);
    if (!is_running) {
        return false;
    }
    wake(self);
    self->platform.wait_reply(self->platform.context);
    lock(self);
    bool was_called = self->was_called;
    unlock(self);
    return was_called;
}

void zt_worker_stop(zt_worker_t *self) {
    lock(self);
    self->is_stopping = true;
    unlock(self);
    wake(self);
}

uint32_t zt_worker_dropped(zt_worker_t *self, zt_queue_t queue) {
    lock(self);
    uint32_t dropped = self->dropped[queue];
    unlock(self);
    return dropped;
}

bool zt_worker_is_owner(zt_worker_t *self) {
    uintptr_t thread = self->platform.thread(self->platform.context);
    lock(self);
    bool is_owner = self->owner == thread;
    unlock(self);
    return is_owner;
}

/******************************************************************************/
// The worker

static void set_owner(zt_worker_t *self, uintptr_t owner) {
    lock(self);
    self->owner = owner;
    unlock(self);
}

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

// Makes the call that waits, or refuses it. True if there was one.
static bool answer(zt_worker_t *self, bool is_refused) {
    lock(self);
    void (*call)(void *argument) = self->call;
    void *argument = self->argument;
    self->call = NULL;
    unlock(self);
    if (call == NULL) {
        return false;
    }
    if (!is_refused) {
        call(argument);
        lock(self);
        self->was_called = true;
        unlock(self);
    }
    self->platform.reply(self->platform.context);
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
    set_owner(self, self->platform.thread(self->platform.context));
    while (!is_stopping(self)) {
        bool is_busy = answer(self, false);
        is_busy |= serve(self, ZT_DATAGRAMS);
        is_busy |= serve(self, ZT_FRAMES);
        if (!is_busy) {
            if (self->handlers.rest != NULL) {
                self->handlers.rest(self->handlers.context);
            }
            self->platform.wait(self->platform.context);
        }
    }
    // Nothing more comes in. A call that was begun before this is refused, one that comes later is never begun.
    discard(self, ZT_DATAGRAMS);
    discard(self, ZT_FRAMES);
    lock(self);
    self->is_stopped = true;
    unlock(self);
    answer(self, true);
    set_owner(self, 0);
}
