// The threads of a device whose lwIP has one of its own, under the thread sanitizer: lwIP's, the worker, an interpreter that does
// everything a program can make it do, and a driver that brings what a peer sends. lwIP checks each call that it gets.
// It owns a physical interface of which the other end is the peer, another datapath that sends every frame back.
// Never sleeps to meet somebody: the threads run until both ways have carried enough.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../core/check.h"
#include "glue.h"
#include "netif.h"
#include "task.h"
#include "thread.h"
#include "underlay.h"

#include "lwip/inet.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcpip.h"
#include "lwip/udp.h"

#define ENOUGH (300) // frames that the stack got
#define HEADERS (sizeof(struct ip_hdr) + sizeof(struct udp_hdr))
#define MTU (2800)
#define IN_FLIGHT (64)

static const uint8_t ours[ZT_ADDRESS_SIZE] = { 1, 2, 3, 4, 5 };
static const uint8_t theirs[ZT_ADDRESS_SIZE] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t nwid[ZT_NWID_SIZE] = { 1, 0, 0, 0, 0, 0, 0, 1 };
static const uint8_t our_mac[ZT_MAC_SIZE] = { 2, 1, 2, 3, 4, 5 };
static const uint8_t their_mac[ZT_MAC_SIZE] = { 2, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5 };
static const uint8_t key[32] = { 7 };
static const uint8_t here[ZT_UNDERLAY_IP4_SIZE] = { 4, 0, 0, 0, 0, 0x27, 0x09 };
static const zt_endpoint_t our_endpoint = { .length = 7, .bytes = { 4, 10, 0, 0, 1, 0x27, 0x09 } };
static const zt_endpoint_t their_endpoint = { .length = 7, .bytes = { 4, 10, 0, 0, 2, 0x27, 0x09 } };
static const zt_datapath_config_t config = { .peers = 2, .networks = 1, .slots = 4, .ring_bytes = 16 * 1024 };

static struct netif physical;
static zt_glue_t *glue;
static atomic_uint received; // frames that the stack got, of all interfaces that there were
static atomic_uint rests;
static atomic_bool is_over;

/******************************************************************************/
// Memory

static __thread int refuse_at; // the how many-th request of this thread is refused; 0: none
static atomic_int in_use; // pieces

static bool is_refused(void) {
    return refuse_at > 0 && --refuse_at == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
    void *memory = is_refused() ? NULL : __real_malloc(size);
    in_use += memory != NULL;
    return memory;
}

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory) {
    in_use -= memory != NULL;
    __real_free(memory);
}

// Its thread and stack are memory as well; what the port to Unix takes for them is not refused piece by piece.
sys_thread_t __real_sys_thread_new(const char *name, lwip_thread_fn function, void *argument, int stack, int priority);
sys_thread_t __wrap_sys_thread_new(const char *name, lwip_thread_fn function, void *argument, int stack, int priority);
sys_thread_t __wrap_sys_thread_new(const char *name, lwip_thread_fn function, void *argument, int stack, int priority) {
    int later = refuse_at;
    if (is_refused()) {
        return 0;
    }
    refuse_at = 0;
    sys_thread_t thread = __real_sys_thread_new(name, function, argument, stack, priority);
    refuse_at = later;
    in_use--; // its list of threads only grows
    return thread;
}

/******************************************************************************/
// The peer, in a thread of its own, and the physical network between

typedef struct _flying_t {
    size_t length;
    uint8_t bytes[1600];
} flying_t;

static pthread_mutex_t air_mutex = PTHREAD_MUTEX_INITIALIZER;
static flying_t air[IN_FLIGHT];
static size_t in_air;

// In lwIP's thread. As on any network, what finds no room is lost.
static err_t physical_output(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to) {
    (void)netif;
    (void)to;
    pthread_mutex_lock(&air_mutex);
    if (in_air < IN_FLIGHT && packet->tot_len > HEADERS) {
        flying_t *flying = &air[in_air++];
        flying->length = pbuf_copy_partial(packet, flying->bytes + ZT_PACKET_LEAD, sizeof(flying->bytes) - ZT_PACKET_LEAD, HEADERS);
    }
    pthread_mutex_unlock(&air_mutex);
    return ERR_OK;
}

static void write_headers(uint8_t *packet, uint16_t length) {
    memset(packet, 0, HEADERS);
    packet[0] = 0x45;
    packet[2] = (uint8_t)((HEADERS + length) >> 8);
    packet[3] = (uint8_t)(HEADERS + length);
    packet[8] = 64;
    packet[9] = IP_PROTO_UDP;
    memcpy(packet + 12, their_endpoint.bytes + 1, 4);
    memcpy(packet + 16, our_endpoint.bytes + 1, 4);
    memcpy(packet + 20, their_endpoint.bytes + 5, 2);
    memcpy(packet + 22, our_endpoint.bytes + 5, 2);
    packet[24] = (uint8_t)((sizeof(struct udp_hdr) + length) >> 8);
    packet[25] = (uint8_t)(sizeof(struct udp_hdr) + length);
}

// As a driver does it: from its own thread, and odd datagrams in two pieces.
static void peer_sends(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    (void)context;
    (void)to;
    uint8_t packet[HEADERS + 1600];
    write_headers(packet, (uint16_t)length);
    memcpy(packet + HEADERS, datagram, length);
    struct pbuf *first = pbuf_alloc(PBUF_RAW, (u16_t)(HEADERS + length - length % 2), PBUF_RAM);
    struct pbuf *second = length % 2 == 0 ? NULL : pbuf_alloc(PBUF_RAW, 1, PBUF_RAM);
    if (second != NULL) {
        pbuf_cat(first, second);
    }
    pbuf_take(first, packet, (u16_t)(HEADERS + length));
    if (physical.input(first, &physical) != ERR_OK) {
        pbuf_free(first);
    }
}

static zt_datapath_t *peer;
static uint8_t echo_memory[8 + ZT_PACKET_LEAD + ZT_FRAME_HEADROOM + ZT_FRAME_HEADER_SIZE + MTU];
static uint8_t *const echo = echo_memory + ZT_PACKET_LEAD + ZT_FRAME_HEADROOM;
static size_t echo_length;

static bool peer_hears(void *context, void *port, uint8_t *frame, size_t length, int slot) {
    (void)context;
    (void)port;
    memcpy(echo, frame, length);
    memcpy(echo, our_mac, ZT_MAC_SIZE);
    memcpy(echo + ZT_MAC_SIZE, their_mac, ZT_MAC_SIZE);
    echo_length = length;
    if (slot >= 0) {
        zt_datapath_release(peer, slot);
    }
    return true;
}

static void fill_tables(zt_datapath_t *datapath, const uint8_t *other, const zt_endpoint_t *endpoint, uint8_t prefix) {
    const uint8_t ids[ZT_IDS_PREFIX_SIZE] = { prefix };
    CHECK(zt_datapath_set_peer(datapath, other, key));
    CHECK(zt_datapath_set_paths(datapath, other, endpoint, 1, endpoint));
    zt_datapath_set_ids(datapath, ids);
}

static void *run_peer(void *unused) {
    (void)unused;
    const zt_datapath_platform_t functions = { .send = peer_sends, .deliver = peer_hears };
    peer = zt_datapath_init(exact(zt_datapath_size(&config)), &config, theirs, &functions);
    fill_tables(peer, ours, &our_endpoint, 0);
    CHECK(zt_datapath_add_network(peer, nwid, their_mac, MTU, NULL) == 0);
    CHECK(zt_datapath_set_member(peer, nwid, ours, ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN));
    while (!is_over) {
        pthread_mutex_lock(&air_mutex);
        flying_t flying = { .length = 0 };
        if (in_air > 0) {
            flying = air[--in_air];
        }
        pthread_mutex_unlock(&air_mutex);
        if (flying.length == 0) {
            sched_yield();
            continue;
        }
        echo_length = 0;
        zt_datapath_receive(peer, flying.bytes + ZT_PACKET_LEAD, flying.length, &our_endpoint, 1000);
        if (echo_length > 0) {
            zt_datapath_transmit(peer, 0, echo, echo_length, 1000);
        }
    }
    zt_datapath_close(peer);
    free(peer);
    return NULL;
}

/******************************************************************************/
// The device

static err_t physical_start(struct netif *netif) {
    netif->name[0] = 'p';
    netif->name[1] = 'h';
    netif->mtu = 1500;
    netif->output = physical_output;
    return ERR_OK;
}

static void add_physical(void *unused) {
    (void)unused;
    ip4_addr_t address, mask;
    IP4_ADDR(&address, 10, 0, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    CHECK(netif_add(&physical, &address, &mask, IP4_ADDR_ANY4, NULL, physical_start, tcpip_input) != NULL);
    netif_set_default(&physical);
    netif_set_up(&physical);
    netif_set_link_up(&physical);
}

static void send(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    (void)context;
    zt_underlay_send(to->bytes, to->length, datagram, length);
}

static bool deliver(void *context, void *port, uint8_t *frame, size_t length, int slot) {
    (void)context;
    return zt_glue_deliver(glue, port, frame, length, slot);
}

static uint32_t rest(void) {
    rests++;
    return 20;
}

// A frame leaves the stack, in pieces, as TCP's do.
static void leave_stack(void *argument) {
    struct netif *netif = argument;
    static uint32_t count;
    u16_t length = (u16_t)(60 + 377 * count++ % MTU);
    struct pbuf *header = pbuf_alloc(PBUF_RAW, ZT_ETHERNET_HEADER_SIZE, PBUF_RAM);
    struct pbuf *content = pbuf_alloc(PBUF_RAW, length, PBUF_RAM);
    memset(content->payload, 8, length);
    memcpy(header->payload, their_mac, ZT_MAC_SIZE);
    memcpy((uint8_t *)header->payload + ZT_MAC_SIZE, our_mac, ZT_MAC_SIZE);
    memcpy((uint8_t *)header->payload + 2 * ZT_MAC_SIZE, "\x88\xb5", 2); // for experiments
    pbuf_cat(header, content);
    CHECK(netif->linkoutput(netif, header) == ERR_OK);
    pbuf_free(header);
}

static zt_netif_t *open_interface(void) {
    zt_netif_t *netif = zt_netif_open(our_mac, MTU);
    CHECK(netif != NULL);
    zt_glue_enter(glue);
    CHECK(zt_glue_add_network(glue, nwid, our_mac, MTU, netif) == 0);
    CHECK(zt_datapath_set_member(zt_glue_datapath(glue), nwid, theirs, ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN));
    zt_glue_leave(glue);
    zt_netif_set_active(netif, true);
    return netif;
}

static void count_and_close(zt_netif_t *netif) {
    zt_netif_stats_t stats = zt_netif_stats(netif);
    received += stats.received;
    zt_netif_close(netif);
}

// What Python does to an interface and to the tables while frames pass.
static void change_things(zt_netif_t *netif, uint32_t round) {
    ip_addr_t target, gateway;
    ip4_addr_t address;
    uint8_t mac[ZT_MAC_SIZE], endpoint[ZT_UNDERLAY_IP6_SIZE];
    IP4_ADDR(&address, 10, 147, 20, (uint8_t)round);
    IP_ADDR4(&target, 10, 9, 8, 0);
    IP_ADDR4(&gateway, 10, 147, 20, 254);
    zt_netif_set_ip4(netif, &address, 24);
    CHECK(zt_netif_add_ip4(netif, &(ip4_addr_t) { .addr = PP_HTONL(0x0a931501) }, 24));
    CHECK(zt_netif_add_route(netif, &target, 24, &gateway));
    zt_netif_clear_routes(netif);
    zt_netif_clear_addresses(netif);
    zt_netif_set_mtu(netif, round % 2 == 0 ? 1280 : MTU);
    CHECK(zt_netif_group(netif, 0, mac) && zt_netif_groups_version(netif) > 0 && zt_netif_is_active(netif));
    CHECK(zt_underlay_local(0, endpoint) == ZT_UNDERLAY_IP4_SIZE && zt_underlay_local(1, endpoint) == 0);
    zt_underlay_dropped();

    zt_record_t record;
    zt_glue_enter(glue);
    zt_datapath_t *datapath = zt_glue_datapath(glue);
    while (zt_datapath_next(datapath, &record)) {
        zt_datapath_pop(datapath);
    }
    zt_datapath_set_member(datapath, nwid, theirs, round % 8 == 3 ? 0 : ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN);
    zt_glue_leave(glue);
}

// A start, a datagram, and the end: false if something of it had no memory.
static bool begin_and_end(void) {
    const zt_datapath_platform_t functions = { .send = send, .deliver = deliver };
    glue = zt_glue_open(&config, ours, &functions);
    if (glue == NULL) {
        return false;
    }
    fill_tables(zt_glue_datapath(glue), theirs, &their_endpoint, 1);
    bool is_started = zt_task_start(glue, rest);
    CHECK(zt_underlay_open(here, sizeof(here)) == ZT_UNDERLAY_OK);
    zt_netif_t *netif = open_interface();
    bool is_sent = zt_underlay_send(their_endpoint.bytes, their_endpoint.length, key, sizeof(key));
    bool is_heard = zt_netif_input(netif, echo_memory, 60);
    zt_task_end();
    zt_glue_close(glue);
    zt_netif_close(netif);
    zt_underlay_close();
    in_air = 0;
    return is_started && is_sent && is_heard;
}

// In lwIP's thread, so that none of its timers has something in hand.
static void count_pieces(void *count) {
    *(int *)count = in_use;
}

// With the mutex and the semaphores that are made once and kept.
static void without_memory_at_any_point_nothing_is_lost(void) {
    enum { KEPT = 4 };
    int before, after;
    int points = 1;
    zt_in_lwip(count_pieces, &before);
    bool is_complete = false;
    for (; !is_complete; ++points) {
        refuse_at = points;
        is_complete = begin_and_end() && refuse_at > 0;
    }
    refuse_at = 0;
    CHECK(points > 6); // the datapath, its semaphore, the task, its thread, two pbufs
    for (size_t i = 0; i < 100; ++i) {
        CHECK(begin_and_end());
    }
    size_t looks = 0;
    do { // the port to Unix frees what it had for a thread when that has returned, which nobody can wait for
        sched_yield();
        zt_in_lwip(count_pieces, &after);
    } while (after - before > KEPT && ++looks < 100000);
    printf("    %d points, %d pieces more than before\n", points, after - before);
    CHECK(after - before <= KEPT);
}

static void frames_pass_both_ways_whatever_a_program_does(void) {
    pthread_t thread;
    const zt_datapath_platform_t functions = { .send = send, .deliver = deliver };
    glue = zt_glue_open(&config, ours, &functions);
    CHECK(glue != NULL && zt_underlay_open(here, sizeof(here)) == ZT_UNDERLAY_OK);
    fill_tables(zt_glue_datapath(glue), theirs, &their_endpoint, 1);
    CHECK(zt_task_start(glue, rest));
    CHECK(pthread_create(&thread, NULL, run_peer, NULL) == 0);
    zt_netif_t *netif = open_interface();
    uint32_t rounds = 0, starts = 1;
    for (; received + zt_netif_stats(netif).received < ENOUGH; ++rounds) {
        for (size_t i = 0; i < 8; ++i) {
            zt_in_lwip(leave_stack, netif);
        }
        change_things(netif, rounds);
        if (rounds % 50 == 20) { // left and joined again
            count_and_close(netif);
            netif = open_interface();
        }
        if (rounds % 70 == 30) { // active(False), active(True)
            zt_task_end();
            zt_underlay_close();
            CHECK(zt_underlay_open(here, sizeof(here)) == ZT_UNDERLAY_OK);
            CHECK(zt_task_start(glue, rest));
            starts++;
        }
    }
    CHECK(rests > starts);
    // A soft reset, in the worst order: frames are still in the air, in the queues and in lwIP's hands.
    zt_task_end();
    zt_task_end();
    zt_glue_close(glue);
    zt_netif_stats_t stats = zt_netif_stats(netif);
    for (size_t i = 0; i < 4; ++i) {
        zt_in_lwip(leave_stack, netif);
    }
    CHECK(zt_netif_stats(netif).sent_dropped >= stats.sent_dropped + 4); // lwIP's timers send reports as well
    zt_netif_close(netif);
    zt_underlay_close();
    is_over = true;
    pthread_join(thread, NULL);
    printf("    %u rounds, %u workers, %u rests\n", rounds, starts, (unsigned)rests);
}

// In a process of its own, since it ends there.
static void a_call_from_another_thread_is_noticed(void) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fclose(stdout);
        netif_set_down(&physical);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void started(void *semaphore) {
    sys_sem_signal(semaphore);
}

int main(void) {
    sys_sem_t is_started;
    CHECK(sys_sem_new(&is_started, 0) == ERR_OK);
    tcpip_init(started, &is_started);
    sys_arch_sem_wait(&is_started, 0);
    zt_in_lwip(add_physical, NULL);
    RUN(without_memory_at_any_point_nothing_is_lost);
    RUN(frames_pass_both_ways_whatever_a_program_does);
    RUN(a_call_from_another_thread_is_noticed);
    return 0;
}
