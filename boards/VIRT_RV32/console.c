// The console on the UART, in place of the QEMU port's, which cannot be polled and knows no Ctrl-C, and beside it the
// stream that `os.dupterm` was given. It owns the characters that came in and were not read yet; sending is the port's.
#include "py/mphal.h"
#include "py/ringbuf.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/misc.h"
#include "shared/runtime/interrupt_char.h"

#include "board.h"

#define UART_DATA (VIRT_UART + 0)
#define UART_STATUS (VIRT_UART + 5)
#define UART_HAS_DATA (1)

#define BUFFER_SIZE (512)

static uint8_t buffer[BUFFER_SIZE];
static ringbuf_t received = { buffer, sizeof(buffer), 0, 0 };

// What finds no room stays in the UART, and then in the emulator: nothing is lost.
bool virt_console_poll(void) {
    bool any = false;
    while (ringbuf_free(&received) > 0 && (VIRT_REGISTER8(UART_STATUS) & UART_HAS_DATA) != 0) {
        uint8_t character = VIRT_REGISTER8(UART_DATA);
        any = true;
        if (character == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&received, character);
        }
    }
    return any;
}

uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t wanted);
uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t wanted) {
    virt_console_poll();
    uintptr_t ready = wanted & MP_STREAM_POLL_WR;
    if (ringbuf_avail(&received) > 0) {
        ready |= wanted & MP_STREAM_POLL_RD;
    }
    return ready | mp_os_dupterm_poll(wanted);
}

mp_uint_t __real_mp_hal_stdout_tx_strn(const char *text, size_t length);
mp_uint_t __wrap_mp_hal_stdout_tx_strn(const char *text, size_t length);
mp_uint_t __wrap_mp_hal_stdout_tx_strn(const char *text, size_t length) {
    mp_uint_t sent = __real_mp_hal_stdout_tx_strn(text, length);
    int also_sent = mp_os_dupterm_tx_strn(text, length);
    return also_sent < 0 ? sent : MIN(sent, (mp_uint_t)also_sent);
}

int __wrap_mp_hal_stdin_rx_chr(void);
int __wrap_mp_hal_stdin_rx_chr(void) {
    for (;;) {
        virt_console_poll();
        int character = ringbuf_get(&received);
        if (character >= 0) {
            return character;
        }
        character = mp_os_dupterm_rx_chr();
        if (character >= 0) {
            return character;
        }
        mp_event_wait_indefinite();
    }
}
