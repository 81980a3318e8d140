// Devices of the emulator; virtio.h is the manual.
#include "virtio.h"

#include <string.h>

#include "board.h"

#define MAGIC (0x000)
#define MAGIC_VALUE (0x74726976)
#define VERSION (0x004)
#define VERSION_MODERN (2)
#define DEVICE_ID (0x008)
#define DRIVER_FEATURES (0x020)
#define DRIVER_FEATURES_SELECT (0x024)
#define QUEUE_SELECT (0x030)
#define QUEUE_SIZE (0x038)
#define QUEUE_READY (0x044)
#define QUEUE_NOTIFY (0x050)
#define INTERRUPT_STATUS (0x060)
#define INTERRUPT_ACKNOWLEDGE (0x064)
#define STATUS (0x070)
#define QUEUE_DESCRIPTORS (0x080)
#define QUEUE_AVAILABLE (0x090)
#define QUEUE_USED (0x0a0)

#define STATUS_ACKNOWLEDGE (1)
#define STATUS_DRIVER (2)
#define STATUS_DRIVER_OK (4)
#define STATUS_FEATURES_OK (8)

#define FEATURES_HIGH_VERSION_1 (1)

#define REGISTER(device, offset) VIRT_REGISTER32((device) + (offset))
#define FENCE() __asm volatile ("fence" : : : "memory")

uintptr_t virtio_find(uint32_t kind, uint32_t features) {
    for (uint32_t slot = 0; slot < VIRT_VIRTIO_SLOTS; ++slot) {
        uintptr_t device = VIRT_VIRTIO + slot * VIRT_VIRTIO_STRIDE;
        if (REGISTER(device, MAGIC) != MAGIC_VALUE || REGISTER(device, VERSION) != VERSION_MODERN
            || REGISTER(device, DEVICE_ID) != kind) {
            continue;
        }
        REGISTER(device, STATUS) = 0;
        REGISTER(device, STATUS) = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
        REGISTER(device, DRIVER_FEATURES_SELECT) = 0;
        REGISTER(device, DRIVER_FEATURES) = features;
        REGISTER(device, DRIVER_FEATURES_SELECT) = 1;
        REGISTER(device, DRIVER_FEATURES) = FEATURES_HIGH_VERSION_1;
        REGISTER(device, STATUS) = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
        if ((REGISTER(device, STATUS) & STATUS_FEATURES_OK) != 0) {
            return device;
        }
    }
    return 0;
}

static void set_address(uintptr_t device, uint32_t offset, volatile const void *address) {
    REGISTER(device, offset) = (uint32_t)(uintptr_t)address;
    REGISTER(device, offset + 4) = 0;
}

void virtio_add_queue(uintptr_t device, uint32_t number, virtio_queue_t *queue) {
    memset(queue, 0, sizeof(*queue));
    REGISTER(device, QUEUE_SELECT) = number;
    REGISTER(device, QUEUE_SIZE) = VIRTIO_QUEUE_SIZE;
    set_address(device, QUEUE_DESCRIPTORS, queue->descriptors);
    set_address(device, QUEUE_AVAILABLE, &queue->available);
    set_address(device, QUEUE_USED, &queue->used);
    REGISTER(device, QUEUE_READY) = 1;
}

void virtio_run(uintptr_t device) {
    REGISTER(device, STATUS) = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK;
}

void virtio_offer(uintptr_t device, uint32_t number, virtio_queue_t *queue, uint16_t descriptor) {
    queue->available.ring[queue->available.index % VIRTIO_QUEUE_SIZE] = descriptor;
    FENCE();
    queue->available.index++;
    FENCE();
    REGISTER(device, QUEUE_NOTIFY) = number;
}

int virtio_take(uintptr_t device, virtio_queue_t *queue, uint32_t *written) {
    if (queue->taken == queue->used.index) {
        // Acknowledged only when there is nothing left: what comes now interrupts again.
        uint32_t pending = REGISTER(device, INTERRUPT_STATUS);
        if (pending == 0) {
            return -1;
        }
        REGISTER(device, INTERRUPT_ACKNOWLEDGE) = pending;
        FENCE();
        if (queue->taken == queue->used.index) {
            return -1;
        }
    }
    FENCE();
    uint16_t at = queue->taken++ % VIRTIO_QUEUE_SIZE;
    *written = queue->used.ring[at].length;
    return (int)queue->used.ring[at].descriptor;
}
