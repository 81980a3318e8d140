// The board's Ethernet, in the place of an ESP32's Wi-Fi: an lwIP netif over virtio-net.
// It owns the driver's buffers and the physical interface, which is lwIP's default route. It never sees an overlay frame.
#include <string.h>

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/netif.h"
#include "netif/ethernet.h"

#include "board.h"
#include "virtio.h"

#define QUEUE_RECEIVE (0)
#define QUEUE_SEND (1)
#define FEATURE_MAC (1 << 5)
#define HEADER_SIZE (12) // struct virtio_net_hdr, of which we need nothing
#define FRAME_SIZE (1514)
#define MTU (1500)

typedef struct _buffer_t {
    uint8_t header[HEADER_SIZE];
    uint8_t frame[FRAME_SIZE];
} buffer_t;

static uintptr_t device;
static virtio_queue_t receive_queue;
static virtio_queue_t send_queue;
static buffer_t receive_buffers[VIRTIO_QUEUE_SIZE];
static buffer_t send_buffers[VIRTIO_QUEUE_SIZE];
static uint32_t sent; // buffers handed to the device
static uint32_t done; // buffers that came back
static struct netif ethernet;

static err_t send_frame(struct netif *netif, struct pbuf *frame) {
    (void)netif;
    uint32_t unused;
    while (virtio_take(device, &send_queue, &unused) >= 0) {
        ++done;
    }
    if (sent - done == VIRTIO_QUEUE_SIZE || frame->tot_len > FRAME_SIZE) {
        return ERR_MEM;
    }
    uint16_t at = (uint16_t)(sent++ % VIRTIO_QUEUE_SIZE);
    pbuf_copy_partial(frame, send_buffers[at].frame, frame->tot_len, 0);
    send_queue.descriptors[at].length = HEADER_SIZE + frame->tot_len;
    virtio_offer(device, QUEUE_SEND, &send_queue, at);
    return ERR_OK;
}

bool virt_ethernet_poll(void) {
    bool any = false;
    uint32_t length;
    for (int at; device != 0 && (at = virtio_take(device, &receive_queue, &length)) >= 0;) {
        any = true;
        struct pbuf *frame = NULL;
        if (length > HEADER_SIZE) {
            frame = pbuf_alloc(PBUF_RAW, (u16_t)(length - HEADER_SIZE), PBUF_POOL); // NULL: dropped, as by any busy Ethernet
        }
        if (frame != NULL) {
            pbuf_take(frame, receive_buffers[at].frame, frame->tot_len);
        }
        virtio_offer(device, QUEUE_RECEIVE, &receive_queue, (uint16_t)at);
        if (frame != NULL && ethernet.input(frame, &ethernet) != ERR_OK) {
            pbuf_free(frame);
        }
    }
    return any;
}

static err_t start_netif(struct netif *netif) {
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = send_frame;
    netif->mtu = MTU;
    netif->hwaddr_len = NETIF_MAX_HWADDR_LEN;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    return ERR_OK;
}

bool virt_ethernet_start(void) {
    device = virtio_find(VIRTIO_NET, FEATURE_MAC);
    if (device == 0) {
        return false;
    }
    virtio_add_queue(device, QUEUE_RECEIVE, &receive_queue);
    virtio_add_queue(device, QUEUE_SEND, &send_queue);
    for (uint16_t i = 0; i < VIRTIO_QUEUE_SIZE; ++i) {
        receive_queue.descriptors[i] = (virtio_descriptor_t) {
            .address = (uintptr_t)&receive_buffers[i], .length = sizeof(buffer_t), .flags = VIRTIO_WRITE
        };
        send_queue.descriptors[i].address = (uintptr_t)&send_buffers[i];
    }
    virtio_run(device);
    for (uint16_t i = 0; i < VIRTIO_QUEUE_SIZE; ++i) {
        virtio_offer(device, QUEUE_RECEIVE, &receive_queue, i);
    }
    netif_add_noaddr(&ethernet, NULL, start_netif, netif_input);
    for (size_t i = 0; i < NETIF_MAX_HWADDR_LEN; ++i) {
        ethernet.hwaddr[i] = VIRT_REGISTER8(device + VIRTIO_CONFIG + i);
    }
    netif_create_ip6_linklocal_address(&ethernet, 1);
    ethernet.ip6_autoconfig_enabled = 1; // lwIP's macro for it asks whether a netif of ours exists, which compilers mind
    netif_set_default(&ethernet);
    return true;
}
