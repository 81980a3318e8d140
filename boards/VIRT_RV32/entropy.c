// Random numbers, from the machine that emulates, by virtio-rng.
// It owns that nobody ever gets numbers that are not random: without the device the board stops.
#include <stdlib.h>
#include <string.h>

#include "py/mphal.h"
#include "py/mpprint.h"

#include "board.h"
#include "virtio.h"

#define QUEUE (0)
#define BLOCK_SIZE (64)

static virtio_queue_t queue;
static uint8_t block[BLOCK_SIZE];

static uintptr_t device(void) {
    static uintptr_t found;
    if (found == 0) {
        found = virtio_find(VIRTIO_ENTROPY, 0);
        if (found == 0) {
            mp_printf(&mp_plat_print, "the emulator has no device virtio-rng\n");
            exit(1);
        }
        virtio_add_queue(found, QUEUE, &queue);
        virtio_run(found);
    }
    return found;
}

void virt_entropy(uint8_t *bytes, size_t size) {
    uintptr_t rng = device();
    while (size > 0) {
        queue.descriptors[0] = (virtio_descriptor_t) {
            .address = (uintptr_t)block, .length = MIN(size, sizeof(block)), .flags = VIRTIO_WRITE
        };
        virtio_offer(rng, QUEUE, &queue, 0);
        uint32_t written;
        while (virtio_take(rng, &queue, &written) < 0) {
        }
        memcpy(bytes, block, written);
        bytes += written;
        size -= written;
    }
}
