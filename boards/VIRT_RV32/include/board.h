// What the files of this board show each other: QEMU's machine `virt`, 32 bits, one hart, nothing but machine mode.
// It owns the addresses of the machine's devices (QEMU's documentation of `virt`). Never included outside of the board.
#ifndef VIRT_BOARD_H
#define VIRT_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "py/mpconfig.h"
#include "py/misc.h"

#define VIRT_CLINT (0x02000000) // timer
#define VIRT_RTC (0x00101000) // wall clock
#define VIRT_PLIC (0x0c000000) // interrupts of the devices
#define VIRT_UART (0x10000000)
#define VIRT_VIRTIO (0x10001000) // the first of eight slots
#define VIRT_VIRTIO_STRIDE (0x1000)
#define VIRT_VIRTIO_SLOTS (8)

#define VIRT_IRQ_VIRTIO (1) // of the first slot
#define VIRT_IRQ_UART (10)

#define VIRT_REGISTER8(address) (*(volatile uint8_t *)(address))
#define VIRT_REGISTER32(address) (*(volatile uint32_t *)(address))

#define VIRT_NS_PER_S (1000000000ULL)

// clock.c: time runs `speed` times as fast as outside, from now on. For tests of hours.
void virt_clock_set_speed(uint32_t speed);
uint32_t virt_clock_speed(void);

// Ticks of 100 ns of real time from now on until `ms` of this board's time are over.
uint64_t virt_clock_deadline(uint32_t ms);

// console.c: takes what the UART received, as far as there is room. True if there was anything.
bool virt_console_poll(void);

// ethernet.c: an lwIP netif over virtio-net. False if the emulator was started without one.
bool virt_ethernet_start(void);

// Gives the frames that came in to lwIP. True if there were any.
bool virt_ethernet_poll(void);

// entropy.c: random numbers of the machine that emulates.
void virt_entropy(uint8_t *bytes, size_t size);

// memory.c: the most bytes that malloc ever had.
size_t virt_malloced(void);

// settings.c: the value of `-semihosting-config arg=<name>=<value>`, zero-terminated and cut to `size`; its length,
// or -1 if it was not given.
int virt_setting(const char *name, char *value, size_t size);

#endif // VIRT_BOARD_H
