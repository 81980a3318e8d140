// The worker task; task.h is the manual. The queues and the loop are core/worker.h.
#include "task.h"

#include "thread.h"

#if !NO_SYS

#include <stdlib.h>

#include "../core/copy.h"
#include "../core/worker.h"

#include "lwip/pbuf.h"
#include "lwip/sys.h"

#ifdef ESP_PLATFORM
#include "esp_task.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
// Above MicroPython, so that frames pass while a program computes; below everything of the system.
#define PRIORITY (ESP_TASK_PRIO_MIN + 2)
#define END_OF_THREAD() vTaskDelete(NULL)
#else
#define PRIORITY (DEFAULT_THREAD_PRIO)
#define END_OF_THREAD() // a thread may return
#endif

// Ciphers and rules need 1.5 KB of it, a hop into lwIP little.
#define STACK_BYTES (4096)

// After so many batches in a row, without having waited, the task sleeps: a flood must not keep the program, and with it its
// watchdog, from the processor.
#define LONGEST_RUN (8)
#define NAP_MS (1)

typedef struct _frame_record_t {
    zt_netif_t *netif;
    uint32_t opening;
    uint8_t unused[ZT_PACKET_LEAD + ZT_FRAME_HEADROOM - sizeof(zt_netif_t *) - sizeof(uint32_t)];
    uint8_t frame[];
} frame_record_t;

_Static_assert(offsetof(frame_record_t, frame) == ZT_PACKET_LEAD + ZT_FRAME_HEADROOM, "a frame must lie where a packet grows around it");

typedef struct _datagram_record_t {
    struct pbuf *datagram;
    zt_endpoint_t source;
} datagram_record_t;

#define DATAGRAM_SPACE ((sizeof(datagram_record_t) + ZT_RING_OVERHEAD + ZT_RING_ALIGNMENT - 1) / ZT_RING_ALIGNMENT)

typedef struct _task_t {
    zt_glue_t *glue;
    uint32_t (*rest)(void);
    uint32_t wait_ms;
    uint32_t batches; // since it last waited
    zt_worker_t worker;
    uint64_t datagrams[ZT_TASK_DATAGRAMS * DATAGRAM_SPACE]; // words for the alignment
    uint64_t frames[ZT_TASK_FRAME_BYTES / sizeof(uint64_t)];
} task_t;

static task_t *task; // the interpreter's
static task_t *receiver; // lwIP's thread's: the same, while it may put something into the queues

// Made once and kept: a semaphore must not be freed while the thread that has signalled it is still leaving.
static sys_mutex_t queues;
static sys_sem_t work;
static sys_sem_t end;
static sys_sem_t nap; // nobody signals it: sys_msleep() makes one each time, and does not sleep when there is no memory

/******************************************************************************/
// What the worker needs of the system

static void lock(void *context) {
    (void)context;
    sys_mutex_lock(&queues);
}

static void unlock(void *context) {
    (void)context;
    sys_mutex_unlock(&queues);
}

static void wait(void *context) {
    task_t *self = context;
    self->batches = 0;
    sys_arch_sem_wait(&work, self->wait_ms);
}

static void wake(void *context) {
    (void)context;
    sys_sem_signal(&work);
}

static void yield(void *context) {
    task_t *self = context;
    if (++self->batches == LONGEST_RUN) {
        self->batches = 0;
        sys_arch_sem_wait(&nap, NAP_MS);
    }
}

/******************************************************************************/
// The task

static void take(void *context, zt_queue_t queue, uint8_t *record, size_t length) {
    task_t *self = context;
    zt_glue_enter(self->glue);
    if (queue == ZT_DATAGRAMS) {
        const datagram_record_t *waiting = (const datagram_record_t *)(void *)record;
        zt_glue_receive(self->glue, waiting->datagram, &waiting->source);
    } else {
        frame_record_t *waiting = (frame_record_t *)(void *)record;
        zt_glue_transmit_at(waiting->netif, waiting->opening, waiting->frame, length - offsetof(frame_record_t, frame));
    }
    zt_glue_leave(self->glue);
}

static void discard(void *context, zt_queue_t queue, uint8_t *record, size_t length) {
    (void)context;
    (void)length;
    if (queue == ZT_DATAGRAMS) {
        pbuf_free(((datagram_record_t *)(void *)record)->datagram);
    }
}

static void rest(void *context) {
    task_t *self = context;
    uint32_t wait_ms = self->rest();
    self->wait_ms = wait_ms == 0 ? 1 : wait_ms; // lwIP takes 0 for ever
}

static void run(void *argument) {
    task_t *self = argument;
    zt_worker_run(&self->worker);
    #if LWIP_NETCONN_SEM_PER_THREAD
    LWIP_NETCONN_THREAD_SEM_FREE();
    #endif
    sys_sem_signal(&end);
    END_OF_THREAD();
}

/******************************************************************************/
// Start and end

static bool make_semaphore(sys_sem_t *semaphore) {
    return sys_sem_valid(semaphore) || sys_sem_new(semaphore, 0) == ERR_OK;
}

// Those that there was memory for stay for the next time.
static bool make_semaphores(void) {
    return (sys_mutex_valid(&queues) || sys_mutex_new(&queues) == ERR_OK) && make_semaphore(&work) && make_semaphore(&end)
           && make_semaphore(&nap);
}

static void set_receiver(void *argument) {
    receiver = argument;
}

bool zt_task_start(zt_glue_t *glue, uint32_t (*on_rest)(void)) {
    task_t *self = make_semaphores() ? malloc(sizeof(*self)) : NULL;
    if (self == NULL) {
        return false;
    }
    const zt_worker_handlers_t handlers = { .context = self, .take = take, .discard = discard, .rest = rest };
    const zt_worker_platform_t platform = {
        .context = self, .lock = lock, .unlock = unlock, .wait = wait, .wake = wake, .yield = yield
    };
    self->glue = glue;
    self->rest = on_rest;
    self->wait_ms = 1;
    self->batches = 0;
    zt_worker_init(&self->worker, &platform, &handlers, self->datagrams, sizeof(self->datagrams), self->frames,
        sizeof(self->frames));
    if (sys_thread_new("zerotier", run, self, STACK_BYTES, PRIORITY) == 0) {
        free(self);
        return false;
    }
    task = self;
    zt_in_lwip(set_receiver, self);
    return true;
}

void zt_task_end(void) {
    task_t *self = task;
    if (self == NULL) {
        return;
    }
    zt_in_lwip(set_receiver, NULL); // nobody puts anything into the queues any more
    zt_worker_stop(&self->worker);
    sys_arch_sem_wait(&end, 0);
    task = NULL;
    free(self);
}

void zt_task_nudge(void) {
    if (task != NULL) {
        zt_worker_wake(&task->worker);
    }
}

uint32_t zt_task_dropped_frames(void) {
    return task == NULL ? 0 : zt_worker_dropped(&task->worker, ZT_FRAMES);
}

uint32_t zt_task_dropped_datagrams(void) {
    return task == NULL ? 0 : zt_worker_dropped(&task->worker, ZT_DATAGRAMS);
}

/******************************************************************************/
// lwIP's thread

bool zt_task_frame(zt_netif_t *netif, uint32_t opening, const struct pbuf *frame) {
    if (receiver == NULL) {
        return false;
    }
    uint8_t *record = zt_worker_begin(&receiver->worker, ZT_FRAMES, offsetof(frame_record_t, frame) + frame->tot_len);
    if (record == NULL) {
        return false;
    }
    frame_record_t *waiting = (frame_record_t *)(void *)record;
    waiting->netif = netif;
    waiting->opening = opening;
    pbuf_copy_partial(frame, waiting->frame, frame->tot_len, 0);
    zt_worker_commit(&receiver->worker);
    return true;
}

// The copy gives the driver its buffer back at once, and lies where the datapath wants it.
bool zt_task_datagram(struct pbuf *datagram, const zt_endpoint_t *source) {
    struct pbuf *placed = receiver != NULL && datagram->tot_len <= ZT_DATAGRAM_MAX_SIZE ? zt_glue_new_datagram(datagram->tot_len) : NULL;
    if (placed != NULL) {
        pbuf_copy_partial(datagram, placed->payload, datagram->tot_len, 0);
    }
    pbuf_free(datagram);
    if (placed == NULL) {
        return false;
    }
    uint8_t *record = zt_worker_begin(&receiver->worker, ZT_DATAGRAMS, sizeof(datagram_record_t));
    if (record == NULL) {
        pbuf_free(placed);
        return false;
    }
    *(datagram_record_t *)(void *)record = (datagram_record_t) { .datagram = placed, .source = *source };
    zt_worker_commit(&receiver->worker);
    return true;
}

#endif
