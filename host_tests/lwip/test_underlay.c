// Which physical interface the node's datagrams leave by, as interfaces come, get their addresses and go: what `network.WLAN`,
// `network.LAN` and PPP do to lwIP. PPP is an interface without hardware address, ARP or subnet, of which a router is the other end.
// It owns interfaces that keep what lwIP gives them, and a line with lwIP's own PPP at both ends. Never a peer: what the node says
// does not matter here.
#include <sched.h>
#include <stdatomic.h>

#include "../core/check.h"
#include "glue.h"
#include "netif.h"
#include "task.h"
#include "thread.h"
#include "underlay.h"

#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/udp.h"
#include "lwip/tcpip.h"
#include "netif/ppp/pppos.h"

#define LENGTH (1400) // of a datagram: more than the smallest MTU here
#define SMALL_MTU (576)
#define MTU (1500)
#define MOST_PIECES (8)

static const uint8_t ours[ZT_ADDRESS_SIZE] = { 1, 2, 3, 4, 5 };
static const uint8_t our_mac[ZT_MAC_SIZE] = { 2, 1, 2, 3, 4, 5 };
static const uint8_t anywhere[] = { 4, 0, 0, 0, 0, 0x27, 0x09 };
static const uint8_t far_away[] = { 4, 203, 0, 113, 9, 0x27, 0x09 };
static const uint8_t far_away6[] = { 6, 0x20, 1, 0xd, 0xb8, 0, 9, 0, 9, 0, 0, 0, 0, 0, 0, 0, 9, 0x27, 0x09 };
static const uint8_t in_the_house[] = { 4, 192, 168, 1, 77, 0x27, 0x09 };
static const uint8_t wlan_ip[] = { 192, 168, 1, 20 }, wlan_mask[] = { 255, 255, 255, 0 }, wlan_router[] = { 192, 168, 1, 1 };
static const uint8_t ppp_ip[] = { 10, 64, 0, 2 }, ppp_mask[] = { 255, 255, 255, 255 }, ppp_router[] = { 10, 64, 0, 1 };
static const uint8_t lan_ip[] = { 172, 16, 0, 5 }, lan_router[] = { 172, 16, 0, 1 };

// What an interface was given to send, in pieces if it was too large.
typedef struct _link_t {
    struct netif netif;
    bool is_point_to_point;
    u16_t mtu;
    size_t pieces;
    size_t lengths[MOST_PIECES];
    uint8_t source[16]; // of the last one
    bool is_ip6;
    struct pbuf *kept[MOST_PIECES];
} link_t;

static link_t wlan = { .mtu = MTU }, lan = { .mtu = MTU };
static link_t ppp = { .mtu = MTU, .is_point_to_point = true };

/******************************************************************************/
// Interfaces

static err_t keep(struct netif *netif, struct pbuf *packet) {
    link_t *link = netif->state;
    CHECK(link->pieces < MOST_PIECES);
    bool is_ip6 = IP_HDR_GET_VERSION(packet->payload) == 6;
    link->is_ip6 = is_ip6;
    pbuf_copy_partial(packet, link->source, is_ip6 ? 16 : 4,
        is_ip6 ? offsetof(struct ip6_hdr, src) : offsetof(struct ip_hdr, src));
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, packet);
    CHECK(copy != NULL);
    link->kept[link->pieces] = copy;
    link->lengths[link->pieces++] = packet->tot_len;
    return ERR_OK;
}

static err_t output4(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to) {
    (void)to;
    return keep(netif, packet);
}

static err_t output6(struct netif *netif, struct pbuf *packet, const ip6_addr_t *to) {
    (void)to;
    return keep(netif, packet);
}

static err_t start(struct netif *netif) {
    link_t *link = netif->state;
    netif->name[0] = link->is_point_to_point ? 'p' : 'e';
    netif->name[1] = link->is_point_to_point ? 'p' : 'n';
    netif->flags = link->is_point_to_point ? 0 : NETIF_FLAG_BROADCAST;
    netif->mtu = link->mtu;
    netif->output = output4;
    netif->output_ip6 = output6;
    return ERR_OK;
}

static void do_add(void *argument) {
    link_t *link = argument;
    CHECK(netif_add(&link->netif, NULL, NULL, NULL, link, start, ip_input) != NULL);
    netif_set_up(&link->netif);
    netif_set_link_up(&link->netif);
}

static void do_remove(void *argument) {
    netif_remove(argument);
}

static void do_prefer(void *argument) {
    netif_set_default(argument);
}

static void do_link_down(void *argument) {
    netif_set_link_down(argument);
}

static void do_link_up(void *argument) {
    netif_set_link_up(argument);
}

typedef struct _setting_t {
    link_t *link;
    const uint8_t *parts[3];
} setting_t;

static void do_set_address(void *argument) {
    setting_t *setting = argument;
    ip4_addr_t address, mask, router;
    memcpy(&address.addr, setting->parts[0], 4);
    memcpy(&mask.addr, setting->parts[1], 4);
    memcpy(&router.addr, setting->parts[2], 4);
    netif_set_addr(&setting->link->netif, &address, &mask, &router);
}

static void set_address(link_t *link, const uint8_t *address, const uint8_t *mask, const uint8_t *router) {
    setting_t setting = { link, { address, mask, router } };
    zt_in_lwip(do_set_address, &setting);
}

static void do_set_address6(void *argument) {
    link_t *link = argument;
    ip6_addr_t address;
    IP6_ADDR(&address, PP_HTONL(0x20010db8), PP_HTONL(0x00010001), 0, PP_HTONL(5));
    netif_ip6_addr_set(&link->netif, 1, &address);
    netif_ip6_addr_set_state(&link->netif, 1, IP6_ADDR_PREFERRED);
}

static void do_forget(void *argument) {
    link_t *link = argument;
    for (size_t i = 0; i < link->pieces; ++i) {
        pbuf_free(link->kept[i]);
    }
    link->pieces = 0;
}

static void add(link_t *link) {
    zt_in_lwip(do_add, link);
}

static void take_away(link_t *link) {
    zt_in_lwip(do_remove, &link->netif);
}

static void forget_all(void) {
    link_t *const all[] = { &wlan, &lan, &ppp };
    for (size_t i = 0; i < 3; ++i) {
        zt_in_lwip(do_forget, all[i]);
    }
}

/******************************************************************************/
// Datagrams

// The interface that a datagram leaves by, whole; NULL if it cannot be sent.
static link_t *way_to(const uint8_t *to, size_t length) {
    link_t *const all[] = { &wlan, &lan, &ppp };
    link_t *found = NULL;
    static uint8_t datagram[LENGTH];
    forget_all();
    bool is_sent = zt_underlay_send(to, length, datagram, sizeof(datagram));
    for (size_t i = 0; i < 3; ++i) {
        if (all[i]->pieces > 0) {
            CHECK(found == NULL && all[i]->pieces == 1);
            found = all[i];
        }
    }
    CHECK(is_sent == (found != NULL));
    return found;
}

#define WAY_TO(endpoint) way_to((endpoint), sizeof(endpoint))

static bool is_from(const link_t *link, const uint8_t *ip) {
    return !link->is_ip6 && memcmp(link->source, ip, 4) == 0;
}

// Whether peers are told exactly these addresses of ours, with the port.
static bool is_told(const uint8_t *const *addresses, size_t count) {
    uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE];
    for (size_t i = 0; i < count; ++i) {
        bool is_there = false;
        for (size_t j = 0; j < count; ++j) {
            size_t length = zt_underlay_local(j, endpoint);
            is_there = is_there || (length == ZT_UNDERLAY_IP4_SIZE && memcmp(endpoint + 1, addresses[i], 4) == 0
                && memcmp(endpoint + 5, anywhere + 5, 2) == 0);
        }
        if (!is_there) {
            return false;
        }
    }
    return zt_underlay_local(count, endpoint) == 0;
}

/******************************************************************************/

static void an_interface_that_appears_later_is_taken(void) {
    CHECK(WAY_TO(far_away) == NULL && is_told(NULL, 0));
    add(&ppp);
    CHECK(WAY_TO(far_away) == NULL && is_told(NULL, 0)); // dialing
    set_address(&ppp, ppp_ip, ppp_mask, ppp_router);
    CHECK(netif_default == NULL);
    CHECK(WAY_TO(far_away) == &ppp && is_from(&ppp, ppp_ip));
    CHECK(is_told((const uint8_t *const[]) { ppp_ip }, 1));
    CHECK(WAY_TO(far_away6) == NULL); // PPP has no IPv6 here
}

static void an_interface_without_an_address_carries_nothing(void) {
    add(&lan); // a cable, and no DHCP server
    zt_in_lwip(do_prefer, &lan.netif);
    CHECK(WAY_TO(far_away) == &ppp && is_from(&ppp, ppp_ip));
    CHECK(is_told((const uint8_t *const[]) { ppp_ip }, 1));
}

static void the_preferred_interface_carries_what_is_far_away(void) {
    add(&wlan);
    set_address(&wlan, wlan_ip, wlan_mask, wlan_router);
    zt_in_lwip(do_prefer, &wlan.netif);
    CHECK(WAY_TO(far_away) == &wlan && is_from(&wlan, wlan_ip));
    zt_in_lwip(do_prefer, &ppp.netif);
    CHECK(WAY_TO(far_away) == &ppp && is_from(&ppp, ppp_ip));
    CHECK(is_told((const uint8_t *const[]) { wlan_ip, ppp_ip }, 2));
}

static void what_is_near_leaves_by_the_interface_that_is_near(void) {
    CHECK(WAY_TO(in_the_house) == &wlan && is_from(&wlan, wlan_ip));
}

static void an_interface_that_goes_is_replaced_at_once(void) {
    zt_in_lwip(do_link_down, &ppp.netif); // and is still the preferred one
    CHECK(WAY_TO(far_away) == &wlan && is_from(&wlan, wlan_ip));
    CHECK(is_told((const uint8_t *const[]) { wlan_ip }, 1));
    zt_in_lwip(do_link_up, &ppp.netif);
    CHECK(WAY_TO(far_away) == &ppp);
    take_away(&ppp); // and nothing is preferred
    CHECK(netif_default == NULL);
    CHECK(WAY_TO(far_away) == &wlan);
    take_away(&wlan);
    CHECK(WAY_TO(far_away) == NULL);
    add(&ppp);
    set_address(&ppp, ppp_ip, ppp_mask, ppp_router);
    CHECK(WAY_TO(far_away) == &ppp);
}

static void a_soft_access_point_leads_nowhere(void) {
    add(&wlan);
    set_address(&wlan, wlan_ip, wlan_mask, wlan_ip);
    zt_in_lwip(do_prefer, &wlan.netif);
    CHECK(WAY_TO(far_away) == &ppp);
    CHECK(WAY_TO(in_the_house) == &wlan);
    take_away(&wlan);
}

static void a_family_leaves_by_an_interface_that_has_it(void) {
    set_address(&lan, lan_ip, wlan_mask, lan_router);
    zt_in_lwip(do_set_address6, &lan);
    zt_in_lwip(do_prefer, &ppp.netif);
    CHECK(WAY_TO(far_away) == &ppp);
    CHECK(WAY_TO(far_away6) == &lan && lan.is_ip6);
}

static void a_virtual_network_is_never_taken(void) {
    ip4_addr_t address;
    memcpy(&address.addr, far_away + 1, 4);
    address.addr ^= PP_HTONL(1); // its neighbour
    zt_netif_t *overlay = zt_netif_open(our_mac, 2800);
    CHECK(overlay != NULL);
    zt_netif_set_ip4(overlay, &address, 24);
    zt_netif_set_active(overlay, true);
    zt_in_lwip(do_prefer, (struct netif *)overlay);
    CHECK(WAY_TO(far_away) != NULL);
    CHECK(ppp.pieces + lan.pieces == 1);
    uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE];
    CHECK(zt_underlay_local(2, endpoint) > 0 && zt_underlay_local(3, endpoint) == 0); // the LAN's two and PPP's
    zt_netif_close(overlay);
}

static void a_socket_that_is_bound_stays_with_its_interface(void) {
    uint8_t bound[sizeof(anywhere)];
    memcpy(bound, anywhere, sizeof(bound));
    memcpy(bound + 1, lan_ip, 4);
    zt_underlay_close();
    CHECK(zt_underlay_open(bound, sizeof(bound)) == ZT_UNDERLAY_OK);
    zt_in_lwip(do_prefer, &ppp.netif);
    CHECK(WAY_TO(far_away) == &lan && is_from(&lan, lan_ip));
    zt_in_lwip(do_link_down, &lan.netif);
    CHECK(WAY_TO(far_away) == NULL && is_told(NULL, 0));
    zt_underlay_close();
    CHECK(zt_underlay_open(anywhere, sizeof(anywhere)) == ZT_UNDERLAY_OK);
    take_away(&lan);
}

/******************************************************************************/
// What comes in

static zt_glue_t *glue;

static uint32_t rest(void) {
    return 1000;
}

static void start_task(void) {
    const zt_datapath_config_t config = { .peers = 2, .networks = 1, .slots = 4, .ring_bytes = 16 * 1024 };
    const zt_datapath_platform_t functions = { .context = NULL };
    glue = zt_glue_open(&config, ours, &functions);
    CHECK(glue != NULL && zt_task_start(glue, rest));
}

static void end_task(void) {
    zt_task_end();
    zt_glue_close(glue);
}

// Waits for a datagram of LENGTH from an endpoint of IPv4.
static void expect(const uint8_t *from, const uint8_t *datagram) {
    zt_record_t record;
    bool is_there = false;
    while (!is_there) {
        sched_yield();
        zt_glue_enter(glue);
        is_there = zt_datapath_next(zt_glue_datapath(glue), &record);
        if (is_there) {
            CHECK(record.length == LENGTH && memcmp(record.packet, datagram, LENGTH) == 0);
            CHECK(record.endpoint.length == ZT_UNDERLAY_IP4_SIZE && memcmp(record.endpoint.bytes, from, ZT_UNDERLAY_IP4_SIZE) == 0);
            zt_datapath_pop(zt_glue_datapath(glue));
        }
        zt_glue_leave(glue);
    }
}

/******************************************************************************/
// An MTU that is smaller than a datagram

static void do_shrink(void *argument) {
    ((link_t *)argument)->netif.mtu = SMALL_MTU;
}

// What left comes back as if the far end had sent it: source and destination change places.
static void do_turn_round(void *argument) {
    link_t *link = argument;
    for (size_t i = link->pieces; i-- > 0;) { // the last piece first
        struct pbuf *piece = link->kept[i];
        struct ip_hdr *header = piece->payload;
        ip4_addr_p_t source = header->src;
        header->src = header->dest;
        header->dest = source;
        CHECK(link->netif.input(piece, &link->netif) == ERR_OK);
    }
    link->pieces = 0;
}

static void a_large_datagram_passes_a_small_mtu_in_pieces(void) {
    start_task();
    zt_in_lwip(do_shrink, &ppp);
    forget_all();
    uint8_t datagram[LENGTH];
    memset(datagram, 0x55, sizeof(datagram)); // for nobody here: it is handed on as it is
    CHECK(zt_underlay_send(far_away, sizeof(far_away), datagram, sizeof(datagram)));
    CHECK(ppp.pieces == 3);
    size_t carried = 0;
    for (size_t i = 0; i < ppp.pieces; ++i) {
        CHECK(ppp.lengths[i] <= SMALL_MTU);
        carried += ppp.lengths[i] - sizeof(struct ip_hdr);
    }
    CHECK(carried == sizeof(struct udp_hdr) + LENGTH);

    zt_in_lwip(do_turn_round, &ppp);
    expect(far_away, datagram);
    end_task();
    forget_all();
}

/******************************************************************************/
// A serial line between two ends of lwIP's own PPP

#define LINE_BYTES (8 * 1024)

typedef struct _end_t {
    struct netif netif;
    ppp_pcb *pcb;
    struct _end_t *other;
    size_t length;
    uint8_t waiting[LINE_BYTES]; // for this end
    atomic_bool is_up;
} end_t;

static end_t caller, called;

// All of it in lwIP's thread.
static void do_arrive(void *argument) {
    end_t *end = argument;
    uint8_t bytes[LINE_BYTES];
    size_t length = end->length;
    memcpy(bytes, end->waiting, length);
    end->length = 0;
    pppos_input(end->pcb, bytes, (int)length);
}

static u32_t write_line(ppp_pcb *pcb, const void *data, u32_t length, void *context) {
    (void)pcb;
    end_t *other = ((end_t *)context)->other;
    CHECK(other->length + length <= LINE_BYTES);
    if (other->length == 0) {
        CHECK(tcpip_try_callback(do_arrive, other) == ERR_OK);
    }
    memcpy(other->waiting + other->length, data, length);
    other->length += length;
    return length;
}

static void notice(ppp_pcb *pcb, int error, void *context) {
    (void)pcb;
    ((end_t *)context)->is_up = error == PPPERR_NONE;
}

static void do_dial(void *unused) {
    (void)unused;
    ip4_addr_t address;
    caller.other = &called;
    called.other = &caller;
    caller.pcb = pppos_create(&caller.netif, write_line, notice, &caller);
    called.pcb = pppos_create(&called.netif, write_line, notice, &called);
    CHECK(caller.pcb != NULL && called.pcb != NULL);
    memcpy(&address.addr, ppp_router, 4);
    ppp_set_ipcp_ouraddr(called.pcb, &address);
    memcpy(&address.addr, ppp_ip, 4);
    ppp_set_ipcp_hisaddr(called.pcb, &address);
    ppp_set_default(caller.pcb);
    CHECK(ppp_listen(called.pcb) == ERR_OK && ppp_connect(caller.pcb, 0) == ERR_OK);
}

static void do_hang_up(void *unused) {
    (void)unused;
    ppp_close(caller.pcb, 1); // the carrier is lost
    ppp_close(called.pcb, 1);
}

static void do_free(void *unused) {
    (void)unused;
    CHECK(ppp_free(caller.pcb) == ERR_OK && ppp_free(called.pcb) == ERR_OK);
}

static void real_ppp_carries_the_node(void) {
    static const uint8_t everything[4] = { 255, 255, 255, 255 };
    const uint8_t from[] = { 4, ppp_ip[0], ppp_ip[1], ppp_ip[2], ppp_ip[3], 0x27, 0x09 };
    uint8_t datagram[LENGTH];
    memset(datagram, 0xaa, sizeof(datagram));
    take_away(&ppp);
    add(&lan); // the far end's address, by which nothing can leave
    zt_in_lwip(do_link_down, &lan.netif);
    set_address(&lan, far_away + 1, everything, far_away + 1);
    start_task();
    zt_in_lwip(do_dial, NULL);
    while (!caller.is_up || !called.is_up) {
        sched_yield();
    }
    CHECK(is_told((const uint8_t *const[]) { ppp_ip, ppp_router }, 2)); // both ends are here
    CHECK(zt_underlay_send(far_away, sizeof(far_away), datagram, sizeof(datagram)));
    expect(from, datagram);
    zt_in_lwip(do_hang_up, NULL);
    while (caller.is_up || called.is_up) {
        sched_yield();
    }
    CHECK(is_told(NULL, 0) && !zt_underlay_send(far_away, sizeof(far_away), datagram, sizeof(datagram)));
    zt_in_lwip(do_free, NULL);
    end_task();
    take_away(&lan);
    forget_all();
}

static void started(void *semaphore) {
    sys_sem_signal(semaphore);
}

int main(void) {
    sys_sem_t is_started;
    CHECK(sys_sem_new(&is_started, 0) == ERR_OK);
    tcpip_init(started, &is_started);
    sys_arch_sem_wait(&is_started, 0);
    CHECK(zt_underlay_open(anywhere, sizeof(anywhere)) == ZT_UNDERLAY_OK);
    RUN(an_interface_that_appears_later_is_taken);
    RUN(an_interface_without_an_address_carries_nothing);
    RUN(the_preferred_interface_carries_what_is_far_away);
    RUN(what_is_near_leaves_by_the_interface_that_is_near);
    RUN(an_interface_that_goes_is_replaced_at_once);
    RUN(a_soft_access_point_leads_nowhere);
    RUN(a_family_leaves_by_an_interface_that_has_it);
    RUN(a_virtual_network_is_never_taken);
    RUN(a_socket_that_is_bound_stays_with_its_interface);
    RUN(a_large_datagram_passes_a_small_mtu_in_pieces);
    RUN(real_ppp_carries_the_node);
    zt_underlay_close();
    return 0;
}
