// The clock: the timer of the machine, which counts 10 MHz from power on, and its wall clock.
// It owns that a test may let time run faster, for everything on the board at once.
#include "py/mphal.h"

#include "lwip/sys.h"

#include "board.h"

#define MTIME_LOW (VIRT_CLINT + 0xbff8)
#define MTIME_HIGH (VIRT_CLINT + 0xbffc)
#define RTC_LOW (VIRT_RTC + 0) // latches the high word
#define RTC_HIGH (VIRT_RTC + 4)

#define TICKS_PER_US (10)
#define TICKS_PER_MS (10000)
#define NS_PER_TICK (100)
#define SECONDS_1970_TO_2000 (946684800ULL)

static uint32_t speed = 1;
static uint64_t changed_at; // the machine's ticks when `speed` was set
static uint64_t ticks_then; // the board's ticks at that moment

static uint64_t machine_ticks(void) {
    for (;;) {
        uint32_t high = VIRT_REGISTER32(MTIME_HIGH);
        uint32_t low = VIRT_REGISTER32(MTIME_LOW);
        if (high == VIRT_REGISTER32(MTIME_HIGH)) {
            return (uint64_t)high << 32 | low;
        }
    }
}

static uint64_t board_ticks(void) {
    return ticks_then + (machine_ticks() - changed_at) * speed;
}

void virt_clock_set_speed(uint32_t new_speed) {
    uint64_t now = machine_ticks();
    ticks_then += (now - changed_at) * speed;
    changed_at = now;
    speed = new_speed;
}

uint32_t virt_clock_speed(void) {
    return speed;
}

uint64_t virt_clock_deadline(uint32_t ms) {
    return machine_ticks() + (uint64_t)ms * TICKS_PER_MS / speed;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return (mp_uint_t)(board_ticks() / TICKS_PER_MS);
}

mp_uint_t mp_hal_ticks_us(void) {
    return (mp_uint_t)(board_ticks() / TICKS_PER_US);
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return (mp_uint_t)machine_ticks();
}

u32_t sys_now(void) {
    return (u32_t)mp_hal_ticks_ms();
}

// Counts from the year 2000, as most boards do.
uint64_t mp_hal_time_ns(void) {
    uint64_t ticks = machine_ticks();
    uint64_t low = VIRT_REGISTER32(RTC_LOW);
    uint64_t now = (uint64_t)VIRT_REGISTER32(RTC_HIGH) << 32 | low;
    return now - SECONDS_1970_TO_2000 * VIRT_NS_PER_S + (board_ticks() - ticks) * NS_PER_TICK;
}
