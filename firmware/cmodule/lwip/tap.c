// The frames of another interface of the device; tap.h is the manual.
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "netif.h"

#include "lwip/netif.h"
#include "lwip/pbuf.h"

#define LENGTH_SIZE (2) // what precedes each frame in the queue, little-endian

struct _zt_tap_t {
    struct netif *netif;
    netif_input_fn input; // the interface's own
    uint32_t dropped;
    size_t start;
    size_t used;
    uint8_t queue[ZT_TAP_QUEUE_SIZE];
};

static zt_tap_t *tap; // NULL: none is open

static void put(zt_tap_t *self, const void *bytes, size_t length) {
    size_t at = (self->start + self->used) % ZT_TAP_QUEUE_SIZE;
    size_t first = LWIP_MIN(length, ZT_TAP_QUEUE_SIZE - at);
    memcpy(self->queue + at, bytes, first);
    memcpy(self->queue, (const uint8_t *)bytes + first, length - first);
    self->used += length;
}

static void take(zt_tap_t *self, uint8_t *bytes, size_t length) {
    if (bytes != NULL) {
        size_t first = LWIP_MIN(length, ZT_TAP_QUEUE_SIZE - self->start);
        memcpy(bytes, self->queue + self->start, first);
        memcpy(bytes + first, self->queue, length - first);
    }
    self->start = (self->start + length) % ZT_TAP_QUEUE_SIZE;
    self->used -= length;
}

static void hear(zt_tap_t *self, const struct pbuf *frame) {
    if (self->used + LENGTH_SIZE + frame->tot_len > ZT_TAP_QUEUE_SIZE) {
        self->dropped++;
        return;
    }
    const uint8_t length[LENGTH_SIZE] = { (uint8_t)frame->tot_len, (uint8_t)(frame->tot_len >> 8) };
    put(self, length, sizeof(length));
    for (const struct pbuf *part = frame; part != NULL; part = part->next) {
        put(self, part->payload, part->len);
    }
}

static err_t tap_input(struct pbuf *frame, struct netif *netif) {
    bool is_for_stack = frame->len >= ZT_MAC_SIZE && memcmp(frame->payload, netif->hwaddr, ZT_MAC_SIZE) == 0;
    if (!is_for_stack && frame->tot_len > ZT_ETHERNET_HEADER_SIZE) {
        hear(tap, frame);
    }
    return tap->input(frame, netif);
}

zt_tap_t *zt_tap_open(struct netif *netif) {
    if (tap != NULL || netif->hwaddr_len != ZT_MAC_SIZE) {
        return NULL;
    }
    zt_tap_t *self = malloc(sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    memset(self, 0, offsetof(zt_tap_t, queue));
    self->netif = netif;
    self->input = netif->input;
    netif->input = tap_input;
    tap = self;
    return self;
}

void zt_tap_close(zt_tap_t *self) {
    struct netif *netif;
    NETIF_FOREACH(netif) {
        if (netif == self->netif && netif->input == tap_input) { // it may have been removed meanwhile
            netif->input = self->input;
        }
    }
    tap = NULL;
    free(self);
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

size_t zt_tap_receive(zt_tap_t *self, uint8_t *frame, size_t size) {
    while (self->used > 0) {
        uint8_t bytes[LENGTH_SIZE];
        take(self, bytes, sizeof(bytes));
        size_t length = bytes[0] | (size_t)bytes[1] << 8;
        bool fits = length <= size;
        take(self, fits ? frame : NULL, length);
        if (fits) {
            return length;
        }
        self->dropped++;
    }
    return 0;
}

uint32_t zt_tap_dropped(const zt_tap_t *self) {
    return self->dropped;
}

bool zt_tap_is_waiting(void) {
    return tap != NULL && tap->used > 0;
}
