// Frames and datagrams between the datapath and lwIP; glue.h is the manual.
#include "glue.h"

#include <stdlib.h>
#include <string.h>

#include "../core/copy.h"
#include "netif.h"
#include "tap.h"
#include "task.h"

#include "lwip/pbuf.h"
#include "lwip/sys.h"

#define ALIGN(bytes) (((bytes) + 7) & ~(size_t)7)
#define WORD (4) // what the datapath means by aligned

// The longest frame of the stack that is sent.
#define FRAME_SIZE (ZT_FRAME_HEADER_SIZE + ZT_NETIF_OWN_MTU)

// A packet that was put together from fragments, on loan to the stack.
typedef struct _loan_t {
    struct pbuf_custom pbuf; // first, so that lwIP's pointer is ours
    zt_glue_t *glue;
    int slot;
} loan_t;

struct _zt_glue_t {
    zt_datapath_t *datapath;
    bool is_closed;
    bool is_transmitting;
    size_t lent;
    uint64_t now;
    uint32_t ticks; // of lwIP's clock, at `now`
    struct pbuf *current; // the datagram that is being received, NULL once the stack has it
    uint32_t no_memory;
    #if NO_SYS
    // For the packet around a frame on its way out, or for a datagram if lwIP's heap is full. What the stack answers to a frame
    // in that datagram may take its place: the frame was copied before. Words for the alignment.
    uint64_t buffer[ALIGN(ZT_PACKET_LEAD + ZT_FRAME_HEADROOM + FRAME_SIZE) / 8];
    #else
    sys_sem_t turn; // a mutex would have to be given back by the thread that took it, and Python's threads take turns
    #endif
    loan_t loans[]; // one a slot, and behind them the datapath
};

_Static_assert(ZT_DATAGRAM_MAX_SIZE <= ZT_FRAME_HEADROOM + FRAME_SIZE, "the buffer must have room for a datagram");

/******************************************************************************/
// Life

zt_glue_t *zt_glue_open(const zt_datapath_config_t *config, const uint8_t *address, const zt_datapath_platform_t *platform) {
    size_t own = ALIGN(sizeof(zt_glue_t) + config->slots * sizeof(loan_t));
    zt_glue_t *self = malloc(own + zt_datapath_size(config));
    if (self == NULL) {
        return NULL;
    }
    #if NO_SYS
    memset(self, 0, offsetof(zt_glue_t, buffer)); // which may stay untouched memory
    #else
    memset(self, 0, sizeof(*self));
    if (sys_sem_new(&self->turn, 1) != ERR_OK) {
        free(self);
        return NULL;
    }
    #endif
    self->datapath = zt_datapath_init((uint8_t *)self + own, config, address, platform);
    zt_glue_set_now(self, 1);
    return self;
}

// Packets are given back by whichever thread frees them last.
static void change(zt_glue_t *self, int lent, bool is_closed) {
    SYS_ARCH_DECL_PROTECT(level);
    SYS_ARCH_PROTECT(level);
    self->lent += (size_t)lent;
    self->is_closed |= is_closed;
    bool is_unused = self->is_closed && self->lent == 0;
    SYS_ARCH_UNPROTECT(level);
    if (is_unused) {
        #if !NO_SYS
        sys_sem_free(&self->turn);
        #endif
        free(self);
    }
}

void zt_glue_close(zt_glue_t *self) {
    zt_netif_t *netif;
    for (size_t i = 0; (netif = zt_netif_at(i)) != NULL; ++i) {
        zt_netif_service_t *service = zt_netif_service(netif);
        if (service->glue == self) {
            service->glue = NULL;
        }
    }
    #if NO_SYS
    zt_tap_forget(self);
    #endif
    zt_datapath_close(self->datapath);
    change(self, 0, true);
}

zt_datapath_t *zt_glue_datapath(zt_glue_t *self) {
    return self->datapath;
}

uint32_t zt_glue_no_memory(const zt_glue_t *self) {
    return self->no_memory;
}

/******************************************************************************/
// Interfaces

// The interface that serves a network, NULL if none does.
static zt_netif_t *server_of(const zt_glue_t *self, const uint8_t *nwid) {
    zt_netif_t *netif;
    for (size_t i = 0; (netif = zt_netif_at(i)) != NULL; ++i) {
        const zt_netif_service_t *service = zt_netif_service(netif);
        if (service->glue == self && memcmp(service->nwid, nwid, ZT_NWID_SIZE) == 0) {
            return netif;
        }
    }
    return NULL;
}

static void forget(zt_netif_service_t *service) {
    if (service->glue != NULL) {
        zt_datapath_remove_network(service->glue->datapath, service->nwid);
        service->glue = NULL;
    }
}

int zt_glue_add_network(zt_glue_t *self, const uint8_t *nwid, const uint8_t *mac, uint16_t mtu, zt_netif_t *netif) {
    zt_netif_t *before = server_of(self, nwid);
    if (before != netif) {
        forget(zt_netif_service(netif));
    }
    int index = zt_datapath_add_network(self->datapath, nwid, mac, mtu, netif);
    if (index < 0) {
        return index;
    }
    if (before != NULL) {
        zt_netif_service(before)->glue = NULL;
    }
    zt_netif_service_t *service = zt_netif_service(netif);
    service->glue = self;
    service->index = index;
    #if !NO_SYS
    service->opening = zt_netif_opening(netif);
    #endif
    memcpy(service->nwid, nwid, ZT_NWID_SIZE);
    return index;
}

void zt_glue_remove_network(zt_glue_t *self, const uint8_t *nwid) {
    zt_netif_t *netif = server_of(self, nwid);
    if (netif != NULL) {
        zt_netif_service(netif)->glue = NULL;
    }
    zt_datapath_remove_network(self->datapath, nwid);
}

void zt_glue_forget(zt_netif_t *netif) {
    zt_netif_service_t *service = zt_netif_service(netif);
    zt_glue_t *glue = service->glue; // no other thread changes it
    if (glue != NULL) {
        zt_glue_enter(glue);
        forget(service);
        zt_glue_leave(glue);
    }
}

/******************************************************************************/
// Time

uint64_t zt_glue_now(zt_glue_t *self) {
    uint32_t ticks = sys_now();
    self->now += (uint32_t)(ticks - self->ticks);
    self->ticks = ticks;
    return self->now;
}

void zt_glue_set_now(zt_glue_t *self, uint64_t now) {
    self->now = now;
    self->ticks = sys_now();
}

/******************************************************************************/
// Out of the stack, and from an Ethernet that is bridged

#if NO_SYS

static void copy_from(const struct pbuf *pbuf, uint8_t *to) {
    for (const struct pbuf *part = pbuf; part != NULL; part = part->next) {
        zt_copy(to, part->payload, part->len);
        to += part->len;
    }
}

// Where a packet that is built around a frame lies; NULL: that cannot be now. The frame comes from lwIP in any number of pieces.
static uint8_t *begin(zt_glue_t *self, const struct pbuf *frame, size_t headroom) {
    // The underlay may be on the same lwIP, but its datagrams must never lead back here.
    if (self == NULL || self->is_transmitting || frame->tot_len > FRAME_SIZE) {
        return NULL;
    }
    uint8_t *start = (uint8_t *)self->buffer + ZT_PACKET_LEAD + headroom;
    copy_from(frame, start);
    self->is_transmitting = true;
    return start;
}

void zt_glue_transmit(zt_netif_t *netif, const struct pbuf *frame) {
    const zt_netif_service_t *service = zt_netif_service(netif);
    zt_glue_t *self = service->glue;
    uint8_t *start = begin(self, frame, ZT_FRAME_HEADROOM);
    if (start == NULL) {
        zt_netif_count_dropped(netif);
        return;
    }
    zt_datapath_transmit(self->datapath, service->index, start, frame->tot_len, zt_glue_now(self));
    self->is_transmitting = false;
}

bool zt_glue_bridge(zt_glue_t *self, const uint8_t *nwid, const struct pbuf *frame) {
    uint8_t *start = begin(self, frame, ZT_BRIDGED_HEADROOM);
    if (start != NULL) {
        int index = zt_datapath_network(self->datapath, nwid);
        zt_datapath_bridge(self->datapath, index, start, frame->tot_len, zt_glue_now(self));
        self->is_transmitting = false;
    }
    return start != NULL;
}

#else

void zt_glue_enter(zt_glue_t *self) {
    sys_arch_sem_wait(&self->turn, 0);
}

void zt_glue_leave(zt_glue_t *self) {
    sys_sem_signal(&self->turn);
}

void zt_glue_transmit(zt_netif_t *netif, const struct pbuf *frame) {
    if (!zt_task_frame(netif, zt_netif_opening(netif), frame)) {
        zt_netif_count_dropped(netif);
    }
}

void zt_glue_transmit_at(zt_netif_t *netif, uint32_t opening, uint8_t *frame, size_t length) {
    const zt_netif_service_t *service = zt_netif_service(netif);
    if (service->glue == NULL || service->opening != opening) {
        zt_netif_count_dropped(netif); // the interface was closed meanwhile
        return;
    }
    zt_datapath_transmit(service->glue->datapath, service->index, frame, length, zt_glue_now(service->glue));
}

#endif

/******************************************************************************/
// Into the stack

struct pbuf *zt_glue_new_datagram(size_t size) {
    struct pbuf *datagram = pbuf_alloc(PBUF_RAW, (u16_t)(ZT_PACKET_LEAD + size), PBUF_RAM);
    if (datagram != NULL) {
        pbuf_remove_header(datagram, ZT_PACKET_LEAD);
    }
    return datagram;
}

#if NO_SYS
static bool is_well_placed(const struct pbuf *datagram) {
    return datagram->next == NULL && datagram->ref == 1 && ((uintptr_t)datagram->payload - ZT_PACKET_LEAD) % WORD == 0;
}

#endif

static void receive(zt_glue_t *self, uint8_t *datagram, size_t length, const zt_endpoint_t *source) {
    zt_datapath_receive(self->datapath, datagram, length, source, zt_glue_now(self));
}

void zt_glue_receive(zt_glue_t *self, struct pbuf *datagram, const zt_endpoint_t *source) {
    if (datagram->tot_len > ZT_DATAGRAM_MAX_SIZE) {
        pbuf_free(datagram);
        return;
    }
    #if NO_SYS // else the task has placed it
    if (!is_well_placed(datagram)) {
        struct pbuf *placed = zt_glue_new_datagram(datagram->tot_len);
        uint8_t *spare = (uint8_t *)self->buffer + ZT_PACKET_LEAD;
        copy_from(datagram, placed != NULL ? placed->payload : spare);
        size_t length = datagram->tot_len;
        pbuf_free(datagram);
        if (placed == NULL) {
            self->no_memory++;
            receive(self, spare, length, source);
            return;
        }
        datagram = placed;
    }
    #endif
    self->current = datagram;
    receive(self, datagram->payload, datagram->len, source);
    if (self->current != NULL) {
        pbuf_free(self->current);
        self->current = NULL;
    }
}

#if NO_SYS
void zt_glue_receive_copy(zt_glue_t *self, const uint8_t *datagram, size_t length, const zt_endpoint_t *source) {
    if (length > ZT_DATAGRAM_MAX_SIZE) {
        return;
    }
    struct pbuf *copy = zt_glue_new_datagram(length);
    if (copy != NULL) {
        zt_copy(copy->payload, datagram, length);
        zt_glue_receive(self, copy, source);
    } else {
        uint8_t *spare = (uint8_t *)self->buffer + ZT_PACKET_LEAD;
        self->no_memory++;
        zt_copy(spare, datagram, length);
        receive(self, spare, length, source);
    }
}
#endif

static void give_back(struct pbuf *pbuf) {
    loan_t *loan = (loan_t *)pbuf;
    zt_glue_t *self = loan->glue;
    zt_datapath_release(self->datapath, loan->slot);
    change(self, -1, false);
}

// A pbuf for a frame that lies in a slot of the datapath, which stays there until the stack frees it.
static struct pbuf *lend(zt_glue_t *self, uint8_t *frame, size_t length, int slot) {
    loan_t *loan = &self->loans[slot];
    loan->pbuf.custom_free_function = give_back;
    loan->glue = self;
    loan->slot = slot;
    change(self, 1, false);
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)length, PBUF_REF, &loan->pbuf, frame, (u16_t)length);
}

// The datagram's own pbuf, cut to the frame in it; what is behind the frame was cut off by the datapath already.
static struct pbuf *cut(zt_glue_t *self, const uint8_t *frame, size_t length) {
    struct pbuf *datagram = self->current;
    const uint8_t *payload = datagram == NULL ? NULL : datagram->payload;
    if (datagram == NULL || frame < payload || frame + length > payload + datagram->len) {
        return NULL;
    }
    self->current = NULL;
    pbuf_remove_header(datagram, (size_t)(frame - payload));
    datagram->len = datagram->tot_len = (u16_t)length;
    return datagram;
}

bool zt_glue_deliver(zt_glue_t *self, zt_netif_t *netif, uint8_t *frame, size_t length, int slot) {
    #if NO_SYS // else it is seen when lwIP's thread has come to it
    if (!zt_netif_can_take(netif, length)) {
        return false;
    }
    self->is_transmitting = false; // a frame from a bridged Ethernet is copied first, and may be answered at once
    #endif
    struct pbuf *pbuf = slot >= 0 ? lend(self, frame, length, slot) : cut(self, frame, length);
    return pbuf != NULL ? zt_netif_input_pbuf(netif, pbuf) || slot >= 0 : zt_netif_input(netif, frame, length);
}
