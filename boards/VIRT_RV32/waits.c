// Every place where the interpreter waits, and the hook that a busy loop calls: there the node gets its time.
// It owns the machine's interrupts, of which only one thing is wanted: that they end a wait. Nothing runs in an interrupt.
#include "py/mphal.h"
#include "py/runtime.h"

#include "board.h"
#include "firmware/cmodule/bind/micropython.h"

#define MTIMECMP_LOW (VIRT_CLINT + 0x4000)
#define MTIMECMP_HIGH (VIRT_CLINT + 0x4004)

#define PLIC_PRIORITY(irq) (VIRT_PLIC + 4 * (irq))
#define PLIC_ENABLE (VIRT_PLIC + 0x2000)
#define PLIC_THRESHOLD (VIRT_PLIC + 0x200000)
#define PLIC_CLAIM (VIRT_PLIC + 0x200004)

#define UART_INTERRUPTS (VIRT_UART + 1)
#define UART_RECEIVED (1)

#define MIE_TIMER (1 << 7)
#define MIE_EXTERNAL (1 << 11)

#define NEVER (UINT32_MAX)

// Interrupts stay masked in `mstatus`, so that none is taken; `wfi` sees the ones that are enabled in `mie` all the same.
void virt_waits_start(void);
void virt_waits_start(void) {
    uint32_t enabled = 1 << VIRT_IRQ_UART;
    for (uint32_t slot = 0; slot < VIRT_VIRTIO_SLOTS; ++slot) {
        enabled |= 1 << (VIRT_IRQ_VIRTIO + slot);
    }
    for (uint32_t irq = 1; irq < 32; ++irq) {
        VIRT_REGISTER32(PLIC_PRIORITY(irq)) = enabled >> irq & 1;
    }
    VIRT_REGISTER32(PLIC_ENABLE) = enabled;
    VIRT_REGISTER32(PLIC_THRESHOLD) = 0;
    VIRT_REGISTER8(UART_INTERRUPTS) = UART_RECEIVED;
    __asm volatile ("csrs mie, %0" : : "r" (MIE_TIMER | MIE_EXTERNAL));
}

// Until an interrupt is pending. Each is acknowledged here, and every device is looked at afterwards by virt_poll(), so what
// comes in between makes the next wait end at once.
static void wait_until(uint64_t deadline) {
    VIRT_REGISTER32(MTIMECMP_HIGH) = NEVER; // no interrupt while the words do not fit each other
    VIRT_REGISTER32(MTIMECMP_LOW) = (uint32_t)deadline;
    VIRT_REGISTER32(MTIMECMP_HIGH) = (uint32_t)(deadline >> 32);
    __asm volatile ("wfi" : : : "memory");
    for (uint32_t irq; (irq = VIRT_REGISTER32(PLIC_CLAIM)) != 0;) {
        VIRT_REGISTER32(PLIC_CLAIM) = irq;
    }
}

// Whether anything came in that the program, which looked before, has not seen.
static bool is_news;

void virt_wait_ms(mp_uint_t longest) {
    if (is_news) {
        is_news = false;
        return; // to look again
    }
    uint32_t wait = zt_background_wait((uint32_t)longest);
    if (wait > 0) {
        wait_until(virt_clock_deadline(wait));
    }
}

void virt_poll(void) {
    is_news |= virt_console_poll();
    is_news |= virt_ethernet_poll();
    zt_background_poll();
}

int virt_vm_hook_countdown = VIRT_VM_HOOK_PERIOD;

// At most one look per ms: a program that computes keeps nearly all of its time.
void virt_vm_hook(void) {
    static mp_uint_t last;
    virt_vm_hook_countdown = VIRT_VM_HOOK_PERIOD;
    mp_uint_t now = mp_hal_ticks_ms();
    if (now != last) {
        last = now;
        virt_poll();
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    mp_uint_t start = mp_hal_ticks_ms();
    for (;;) {
        mp_uint_t passed = mp_hal_ticks_ms() - start;
        if (passed >= ms) {
            mp_event_handle_nowait();
            return;
        }
        mp_event_wait_ms(ms - passed);
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    mp_uint_t start = mp_hal_ticks_us();
    while (mp_hal_ticks_us() - start < us) {
    }
}
