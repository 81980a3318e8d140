// Devices of the emulator: a queue of buffers that a device fills or empties (virtio 1.1 §2.6, over MMIO §4.2, version 2).
// It owns finding a device, agreeing on features and the split virtqueue. What a buffer means is the driver's.
#ifndef VIRT_VIRTIO_H
#define VIRT_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_NET (1)
#define VIRTIO_BLOCK (2)
#define VIRTIO_ENTROPY (4)

#define VIRTIO_CONFIG (0x100) // where a device's own registers begin

#define VIRTIO_QUEUE_SIZE (16)

#define VIRTIO_NEXT (1) // another buffer of the same chain follows
#define VIRTIO_WRITE (2) // the device writes into the buffer

typedef struct _virtio_descriptor_t {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
} virtio_descriptor_t;

typedef struct _virtio_queue_t {
    virtio_descriptor_t descriptors[VIRTIO_QUEUE_SIZE] __attribute__((aligned(16)));
    struct {
        uint16_t flags;
        uint16_t index;
        uint16_t ring[VIRTIO_QUEUE_SIZE];
    } available __attribute__((aligned(4)));
    volatile struct {
        uint16_t flags;
        uint16_t index;
        struct {
            uint32_t descriptor;
            uint32_t length;
        } ring[VIRTIO_QUEUE_SIZE];
    } used __attribute__((aligned(4)));
    uint16_t taken; // how many used entries were looked at
} virtio_queue_t;

// Where the registers of the first device of this kind are, after a reset and with these features (of the lower 32) agreed on;
// 0 if there is none. virtio_run() must follow when the queues are there.
uintptr_t virtio_find(uint32_t kind, uint32_t features);

// Makes an empty queue known to the device.
void virtio_add_queue(uintptr_t device, uint32_t number, virtio_queue_t *queue);

void virtio_run(uintptr_t device);

// Hands the chain that begins with `descriptor` to the device.
void virtio_offer(uintptr_t device, uint32_t number, virtio_queue_t *queue, uint16_t descriptor);

// The first descriptor of the next chain that the device is done with, and how many bytes it wrote; -1 if there is none.
int virtio_take(uintptr_t device, virtio_queue_t *queue, uint32_t *written);

#endif // VIRT_VIRTIO_H
