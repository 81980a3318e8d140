// The frames of another interface of the device; tap.h is the manual.
#include "tap.h"

#include <string.h>

#include "netif.h"

#include "lwip/netif.h"
#include "lwip/pbuf.h"

struct _zt_tap_t {
    struct netif *netif; // NULL: not open
    netif_input_fn input; // the interface's own
    zt_glue_t *glue; // NULL: no network gets what is heard
    uint8_t nwid[ZT_NWID_SIZE];
    uint32_t dropped;
};

static zt_tap_t tap;

static err_t tap_input(struct pbuf *frame, struct netif *netif) {
    bool is_for_stack = frame->len >= ZT_MAC_SIZE && memcmp(frame->payload, netif->hwaddr, ZT_MAC_SIZE) == 0;
    if (!is_for_stack && (tap.glue == NULL || !zt_glue_bridge(tap.glue, tap.nwid, frame))) {
        tap.dropped++;
    }
    return tap.input(frame, netif);
}

zt_tap_t *zt_tap_open(struct netif *netif) {
    if (tap.netif != NULL || netif->hwaddr_len != ZT_MAC_SIZE) {
        return NULL;
    }
    tap = (zt_tap_t) { .netif = netif, .input = netif->input };
    netif->input = tap_input;
    return &tap;
}

static void leave(zt_tap_t *self) {
    if (self->glue != NULL) {
        zt_datapath_join_ethernet(zt_glue_datapath(self->glue), self->nwid, NULL);
        self->glue = NULL;
    }
}

void zt_tap_close(zt_tap_t *self) {
    struct netif *netif;
    leave(self);
    NETIF_FOREACH(netif) {
        if (netif == self->netif && netif->input == tap_input) { // it may have been removed meanwhile
            netif->input = self->input;
        }
    }
    self->netif = NULL;
}

bool zt_tap_join(zt_tap_t *self, zt_glue_t *glue, const uint8_t *nwid) {
    leave(self);
    if (!zt_datapath_join_ethernet(zt_glue_datapath(glue), nwid, self)) {
        return false;
    }
    self->glue = glue;
    memcpy(self->nwid, nwid, ZT_NWID_SIZE);
    return true;
}

void zt_tap_forget(const zt_glue_t *glue) {
    if (tap.glue == glue) {
        tap.glue = NULL;
    }
}

bool zt_tap_is(const void *pointer) {
    return pointer == &tap;
}

bool zt_tap_send(zt_tap_t *self, const uint8_t *frame, size_t length) {
    struct netif *netif = self->netif;
    if (!netif_is_up(netif) || length <= ZT_ETHERNET_HEADER_SIZE || length > (size_t)netif->mtu + ZT_ETHERNET_HEADER_SIZE) {
        return false;
    }
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
    if (copy == NULL) {
        return false;
    }
    pbuf_take(copy, frame, (u16_t)length);
    err_t error = netif->linkoutput(netif, copy);
    pbuf_free(copy);
    return error == ERR_OK;
}

uint32_t zt_tap_dropped(const zt_tap_t *self) {
    return self->dropped;
}
