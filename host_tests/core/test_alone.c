// The worker on a core without threads: whoever hands something over runs while it waits.
// It owns what is taken, in which order, and what is left when the worker stops. Never two threads: see test_worker.c.
#include "check.h"
#include "worker.h"

#define QUEUE_BYTES (256)
#define ROUNDS (50)

typedef struct _bench_t {
    zt_worker_t worker;
    size_t rounds;
    uint32_t given[ZT_QUEUES]; // numbers: the record of each is one
    uint32_t taken[ZT_QUEUES];
    size_t discarded;
    size_t rests;
} bench_t;

static void nothing(void *context) {
    (void)context;
}

// False: there was no room.
static bool give(bench_t *self, zt_queue_t queue) {
    uint32_t *record = (uint32_t *)(void *)zt_worker_begin(&self->worker, queue, sizeof(uint32_t));
    if (record == NULL) {
        return false;
    }
    CHECK((uintptr_t)record % 8 == 0);
    *record = self->given[queue]++;
    zt_worker_commit(&self->worker);
    return true;
}

static void give_in_turn(void *context) {
    bench_t *self = context;
    if (++self->rounds > ROUNDS) {
        zt_worker_stop(&self->worker);
        return;
    }
    for (size_t i = 0; i < self->rounds % 4; i++) {
        CHECK(give(self, ZT_DATAGRAMS));
        CHECK(give(self, ZT_FRAMES));
    }
}

static void take(void *context, zt_queue_t queue, uint8_t *record, size_t length) {
    bench_t *self = context;
    CHECK(length == sizeof(uint32_t) && *(const uint32_t *)(const void *)record == self->taken[queue]);
    self->taken[queue]++;
}

static void discard(void *context, zt_queue_t queue, uint8_t *record, size_t length) {
    bench_t *self = context;
    (void)queue;
    (void)record;
    CHECK(length == sizeof(uint32_t));
    self->discarded++;
}

static void rest(void *context) {
    bench_t *self = context;
    self->rests++;
}

static void set_up(bench_t *self, void *datagrams, void *frames) {
    const zt_worker_platform_t platform = {
        .context = self, .lock = nothing, .unlock = nothing, .wait = give_in_turn, .wake = nothing,
    };
    const zt_worker_handlers_t handlers = { .context = self, .take = take, .discard = discard, .rest = rest };
    memset(self, 0, sizeof(*self));
    zt_worker_init(&self->worker, &platform, &handlers, datagrams, QUEUE_BYTES, frames, QUEUE_BYTES);
}

static void what_is_given_is_taken_in_order(void) {
    bench_t bench;
    void *datagrams = exact(QUEUE_BYTES);
    void *frames = exact(QUEUE_BYTES);
    set_up(&bench, datagrams, frames);
    zt_worker_run(&bench.worker);
    CHECK(bench.given[ZT_DATAGRAMS] > ROUNDS && bench.taken[ZT_DATAGRAMS] == bench.given[ZT_DATAGRAMS]);
    CHECK(bench.taken[ZT_FRAMES] == bench.given[ZT_FRAMES]);
    CHECK(bench.rests == bench.rounds);
    free(datagrams);
    free(frames);
}

static void a_full_queue_drops_and_a_stopped_worker_discards(void) {
    bench_t bench;
    void *datagrams = exact(QUEUE_BYTES);
    void *frames = exact(QUEUE_BYTES);
    set_up(&bench, datagrams, frames);
    size_t fit = 0;
    while (give(&bench, ZT_DATAGRAMS)) {
        fit++;
    }
    CHECK(fit == QUEUE_BYTES / 16);
    CHECK(zt_worker_dropped(&bench.worker, ZT_DATAGRAMS) == 1);
    CHECK(give(&bench, ZT_FRAMES));
    zt_worker_stop(&bench.worker);
    zt_worker_run(&bench.worker);
    CHECK(bench.taken[ZT_DATAGRAMS] == 0 && bench.discarded == fit + 1);
    CHECK(!give(&bench, ZT_FRAMES));
    CHECK(zt_worker_dropped(&bench.worker, ZT_FRAMES) == 1);
    free(datagrams);
    free(frames);
}

int main(void) {
    RUN(what_is_given_is_taken_in_order);
    RUN(a_full_queue_drops_and_a_stopped_worker_discards);
    return 0;
}
