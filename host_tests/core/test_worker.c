// The datapath behind its worker, among threads, under the thread sanitizer: a UDP side that feeds datagrams, a TCP/IP thread that
// sends frames and keeps delivered packets for a while, and a Python-like thread that takes turns with the worker.
// It owns a platform made of pthreads. Never sleeps: threads meet through the queues and the turn alone.
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "copy.h"
#include "datapath.h"
#include "worker.h"

#define PEERS (4)
#define SLOTS (4)
#define MTU (2800)
#define RING_BYTES (32 * 1024)
#define QUEUE_BYTES (32 * 1024)
#define ROUNDS (4000)
#define LARGEST (2800)

static const uint8_t ours[ZT_ADDRESS_SIZE] = { 1, 2, 3, 4, 5 };
static const uint8_t theirs[ZT_ADDRESS_SIZE] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t nwid[ZT_NWID_SIZE] = { 1, 0, 0, 0, 0, 0, 0, 1 };
static const uint8_t our_mac[ZT_ETHERNET_ADDRESS_SIZE] = { 2, 1, 2, 3, 4, 5 };
static const uint8_t their_mac[ZT_ETHERNET_ADDRESS_SIZE] = { 2, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t key[32] = { 7 };
static const zt_endpoint_t endpoint = { .length = 7, .bytes = { 4, 10, 0, 0, 2, 1, 1 } };

// ---- the platform ----

typedef struct _event_t {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    bool is_set;
} event_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static event_t work = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };

// Whoever has the turn owns the datapath.
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uintptr_t owner;

static void enter(void) {
    pthread_mutex_lock(&turn);
    owner = (uintptr_t)pthread_self();
}

static void leave(void) {
    owner = 0;
    pthread_mutex_unlock(&turn);
}

static void wait_for(event_t *event) {
    pthread_mutex_lock(&event->mutex);
    while (!event->is_set) {
        pthread_cond_wait(&event->condition, &event->mutex);
    }
    event->is_set = false;
    pthread_mutex_unlock(&event->mutex);
}

static void set(event_t *event) {
    pthread_mutex_lock(&event->mutex);
    event->is_set = true;
    pthread_cond_signal(&event->condition);
    pthread_mutex_unlock(&event->mutex);
}

static void platform_lock(void *context) {
    (void)context;
    pthread_mutex_lock(&mutex);
}

static void platform_unlock(void *context) {
    (void)context;
    pthread_mutex_unlock(&mutex);
}

static void platform_wait(void *context) {
    (void)context;
    wait_for(&work);
}

static void platform_wake(void *context) {
    (void)context;
    set(&work);
}

static void platform_yield(void *context) {
    (void)context;
    sched_yield();
}

static const zt_worker_platform_t platform = {
    .lock = platform_lock,
    .unlock = platform_unlock,
    .wait = platform_wait,
    .wake = platform_wake,
    .yield = platform_yield,
};

// ---- what the worker does ----

typedef struct _datagram_record_t {
    zt_endpoint_t source;
    uint8_t unused;
    uint8_t datagram[]; // at ZT_PACKET_LEAD modulo 8
} datagram_record_t;

_Static_assert(offsetof(datagram_record_t, datagram) % 8 == ZT_PACKET_LEAD, "packets must be placed as packets are elsewhere");

typedef struct _frame_record_t {
    uint8_t network;
    uint8_t unused[ZT_PACKET_LEAD - 1];
    uint8_t headroom[ZT_FRAME_HEADROOM];
    uint8_t frame[];
} frame_record_t;

static zt_worker_t worker;
static zt_datapath_t *datapath;
static uint32_t taken[ZT_QUEUES], discarded[ZT_QUEUES], delivered, sent, rests;

// Slots that the TCP/IP thread keeps; it alone takes them out.
static pthread_mutex_t kept_mutex = PTHREAD_MUTEX_INITIALIZER;
static int kept[SLOTS];
static size_t kept_count;

static void take(void *context, zt_queue_t queue, uint8_t *record, size_t length) {
    (void)context;
    taken[queue]++;
    enter();
    if (queue == ZT_DATAGRAMS) {
        datagram_record_t *datagram = (datagram_record_t *)record;
        zt_datapath_receive(datapath, datagram->datagram, length - sizeof(*datagram), &datagram->source, 1000);
    } else {
        frame_record_t *frame = (frame_record_t *)record;
        zt_datapath_transmit(datapath, frame->network, frame->frame, length - sizeof(*frame), 1000);
    }
    leave();
}

static void discard(void *context, zt_queue_t queue, uint8_t *record, size_t length) {
    (void)context;
    (void)record;
    (void)length;
    discarded[queue]++;
}

static void rest(void *context) {
    (void)context;
    rests++;
}

static void send(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    (void)context;
    CHECK(to->length == 7);
    CHECK(length <= ZT_DATAGRAM_DEFAULT_SIZE);
    CHECK(datagram != NULL);
    sent++;
}

static bool deliver(void *context, void *port, uint8_t *frame, size_t length, int slot) {
    (void)context;
    CHECK(port == &delivered);
    CHECK(memcmp(frame, our_mac, sizeof(our_mac)) == 0);
    CHECK(length > ZT_FRAME_HEADER_SIZE);
    delivered++;
    if (slot >= 0) {
        pthread_mutex_lock(&kept_mutex);
        kept[kept_count++] = slot;
        pthread_mutex_unlock(&kept_mutex);
    }
    return true;
}

static bool is_owner(void *context) {
    (void)context;
    return owner == (uintptr_t)pthread_self();
}

static const zt_worker_handlers_t handlers = { .take = take, .discard = discard, .rest = rest };

// ---- the peer, whose datagrams are made beforehand ----

typedef struct _made_t {
    size_t count;
    size_t lengths[16];
    uint8_t datagrams[16][ZT_DATAGRAM_DEFAULT_SIZE];
} made_t;

static made_t made;

static void keep_datagram(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    (void)context;
    (void)to;
    memcpy(made.datagrams[made.count], datagram, length);
    made.lengths[made.count++] = length;
}

static void write_frame(uint8_t *frame, size_t length, const uint8_t *destination, const uint8_t *source) {
    memset(frame, 8, length);
    memcpy(frame, destination, ZT_ETHERNET_ADDRESS_SIZE);
    memcpy(frame + ZT_ETHERNET_ADDRESS_SIZE, source, ZT_ETHERNET_ADDRESS_SIZE);
}

static zt_datapath_t *new_datapath(const uint8_t *address, const zt_datapath_platform_t *functions) {
    const zt_datapath_config_t config = { .peers = PEERS, .networks = 1, .slots = SLOTS, .ring_bytes = RING_BYTES };
    return zt_datapath_init(exact(zt_datapath_size(&config)), &config, address, functions);
}

static void make_datagrams(void) {
    const zt_datapath_platform_t functions = { .send = keep_datagram };
    const uint8_t prefix[ZT_IDS_PREFIX_SIZE] = { 0 };
    zt_datapath_t *peer = new_datapath(theirs, &functions);
    CHECK(zt_datapath_set_peer(peer, ours, key));
    CHECK(zt_datapath_set_paths(peer, ours, NULL, 0, &endpoint));
    CHECK(zt_datapath_add_network(peer, nwid, their_mac, MTU, NULL) == 0);
    CHECK(zt_datapath_set_member(peer, nwid, ours, ZT_MEMBER_OPEN));
    zt_datapath_set_ids(peer, prefix);
    uint8_t memory[ZT_FRAME_HEADROOM + ZT_FRAME_HEADER_SIZE + LARGEST];
    for (size_t payload = 40; payload <= LARGEST; payload += 690) {
        write_frame(memory + ZT_FRAME_HEADROOM, ZT_FRAME_HEADER_SIZE + payload, our_mac, their_mac);
        zt_datapath_transmit(peer, 0, memory + ZT_FRAME_HEADROOM, ZT_FRAME_HEADER_SIZE + payload, 1000);
    }
    zt_datapath_close(peer);
    free(peer);
}

// ---- the threads ----

static void *run_worker(void *argument) {
    (void)argument;
    zt_worker_run(&worker);
    return NULL;
}

static void *run_underlay(void *offered) {
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t n = i % made.count;
        datagram_record_t *record =
            (datagram_record_t *)zt_worker_begin(&worker, ZT_DATAGRAMS, sizeof(datagram_record_t) + made.lengths[n]);
        ++*(uint32_t *)offered;
        if (record != NULL) {
            record->source = endpoint;
            zt_copy(record->datagram, made.datagrams[n], made.lengths[n]);
            zt_worker_commit(&worker);
        } else {
            sched_yield();
        }
    }
    return NULL;
}

static void *run_stack(void *offered) {
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t length = ZT_FRAME_HEADER_SIZE + 1 + i * 37 % LARGEST;
        frame_record_t *record = (frame_record_t *)zt_worker_begin(&worker, ZT_FRAMES, sizeof(frame_record_t) + length);
        ++*(uint32_t *)offered;
        if (record != NULL) {
            record->network = 0;
            write_frame(record->frame, length, their_mac, our_mac);
            zt_worker_commit(&worker);
        } else {
            sched_yield();
        }
        pthread_mutex_lock(&kept_mutex);
        int slot = kept_count > 0 ? kept[--kept_count] : -1;
        pthread_mutex_unlock(&kept_mutex);
        if (slot >= 0) {
            zt_datapath_release(datapath, slot);
        }
    }
    return NULL;
}

typedef struct _visit_t {
    uint8_t flags;
    uint32_t frames_in;
    uint32_t records;
} visit_t;

static void visit(visit_t *self) {
    zt_record_t record;
    zt_peer_state_t state;
    enter();
    while (zt_datapath_next(datapath, &record)) {
        self->records++;
        zt_datapath_pop(datapath);
    }
    CHECK(zt_datapath_peer_state(datapath, theirs, &state));
    CHECK(zt_datapath_set_member(datapath, nwid, theirs, self->flags));
    self->frames_in = zt_datapath_counter(datapath, ZT_COUNT_frames_in);
    leave();
}

static void *run_python(void *argument) {
    (void)argument;
    for (size_t i = 0; i < ROUNDS / 4; i++) {
        visit_t state = { .flags = i % 8 == 3 ? 0 : ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN };
        visit(&state);
    }
    return NULL;
}

static void fill_tables(void) {
    const uint8_t prefix[ZT_IDS_PREFIX_SIZE] = { 1 };
    CHECK(zt_datapath_set_peer(datapath, theirs, key));
    CHECK(zt_datapath_set_paths(datapath, theirs, &endpoint, 1, &endpoint));
    CHECK(zt_datapath_add_network(datapath, nwid, our_mac, MTU, &delivered) == 0);
    CHECK(zt_datapath_set_member(datapath, nwid, theirs, ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN));
    zt_datapath_set_ids(datapath, prefix);
}

static void all_at_once_nothing_is_lost_uncounted(void) {
    const zt_datapath_platform_t functions = { .send = send, .deliver = deliver, .is_owner = is_owner };
    uint8_t *datagrams = exact(QUEUE_BYTES), *frames = exact(QUEUE_BYTES);
    make_datagrams();
    zt_worker_init(&worker, &platform, &handlers, datagrams, QUEUE_BYTES, frames, QUEUE_BYTES);

    enter();
    datapath = new_datapath(ours, &functions);
    fill_tables();
    leave();

    pthread_t threads[4];
    uint32_t offered[ZT_QUEUES] = { 0 };
    CHECK(pthread_create(&threads[0], NULL, run_worker, NULL) == 0);
    CHECK(pthread_create(&threads[1], NULL, run_underlay, &offered[ZT_DATAGRAMS]) == 0);
    CHECK(pthread_create(&threads[2], NULL, run_stack, &offered[ZT_FRAMES]) == 0);
    CHECK(pthread_create(&threads[3], NULL, run_python, NULL) == 0);
    for (size_t i = 1; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    zt_worker_stop(&worker);
    pthread_join(threads[0], NULL);
    visit_t state = { .flags = 0 };
    visit(&state);

    CHECK(zt_worker_begin(&worker, ZT_FRAMES, 10) == NULL);
    offered[ZT_FRAMES]++;
    for (zt_queue_t queue = ZT_DATAGRAMS; queue < ZT_QUEUES; queue++) {
        CHECK(offered[queue] == taken[queue] + discarded[queue] + zt_worker_dropped(&worker, queue));
        CHECK(taken[queue] > 0);
    }
    CHECK(delivered > 0 && sent > 0 && rests > 0);
    CHECK(delivered >= state.frames_in);
    printf("    datagrams %u taken, %u dropped; frames %u taken, %u dropped; %u delivered, %u sent\n", taken[ZT_DATAGRAMS],
        zt_worker_dropped(&worker, ZT_DATAGRAMS), taken[ZT_FRAMES], zt_worker_dropped(&worker, ZT_FRAMES), delivered, sent);
    enter();
    zt_datapath_close(datapath);
    leave();
    free(datapath);
    free(datagrams);
    free(frames);
}

static void a_worker_that_is_stopped_at_any_moment_ends(void) {
    for (size_t i = 0; i < 200; i++) {
        uint64_t datagrams[16], frames[16];
        pthread_t runner;
        zt_worker_init(&worker, &platform, &handlers, datagrams, sizeof(datagrams), frames, sizeof(frames));
        CHECK(pthread_create(&runner, NULL, run_worker, NULL) == 0);
        zt_worker_wake(&worker);
        zt_worker_stop(&worker);
        pthread_join(runner, NULL);
    }
}

static void a_full_queue_drops_and_counts(void) {
    uint64_t datagrams[16], frames[16];
    zt_worker_init(&worker, &platform, &handlers, datagrams, sizeof(datagrams), frames, sizeof(frames));
    uint32_t fitting = 0;
    while (zt_worker_begin(&worker, ZT_FRAMES, 20) != NULL) {
        zt_worker_commit(&worker);
        fitting++;
    }
    CHECK(fitting == sizeof(frames) / (20 + ZT_RING_OVERHEAD + 4));
    CHECK(zt_worker_dropped(&worker, ZT_FRAMES) == 1);
    CHECK(zt_worker_dropped(&worker, ZT_DATAGRAMS) == 0);
    CHECK(zt_worker_begin(&worker, ZT_DATAGRAMS, 20) != NULL);
    zt_worker_commit(&worker);
}

// In a process of its own, since it ends there.
static void a_call_by_another_than_the_owner_aborts(void) {
    const zt_datapath_platform_t functions = { .is_owner = is_owner };
    enter();
    datapath = new_datapath(ours, &functions);
    CHECK(zt_datapath_ids_low(datapath));
    leave();
    fflush(stdout); // or the child prints it again
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        zt_datapath_ids_low(datapath);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    zt_datapath_release(datapath, 0); // this one anybody may call
    free(datapath);
}

int main(void) {
    RUN(all_at_once_nothing_is_lost_uncounted);
    RUN(a_worker_that_is_stopped_at_any_moment_ends);
    RUN(a_full_queue_drops_and_counts);
    RUN(a_call_by_another_than_the_owner_aborts);
    return 0;
}
