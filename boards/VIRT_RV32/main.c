// The start of the board, as on an ESP32: the file system, boot.py, main.py, the prompt; and again after a soft reset.
// It owns that order. The port's own main() is replaced by the linker: it knows neither files nor a heap of another size.
#include <stdlib.h>

#include "py/gc.h"
#include "py/mphal.h"
#include "py/mpstate.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "shared/readline/readline.h"
#include "shared/runtime/pyexec.h"

#include "lwip/init.h"
#include "lwip/netif.h"

#include "board.h"
#include "firmware/cmodule/bind/micropython.h"

#define DEFAULT_HEAP_SIZE (112 * 1024) // what an ESP32 without PSRAM has left for Python
#define STACK_MARGIN (1024)

extern uint8_t _sheap, _eheap, _sstack, _estack, _thread; // board.ld

void virt_waits_start(void);

// `heap=<bytes>`: tests that read large recordings need more than a board has.
static size_t heap_size(void) {
    char text[12];
    size_t size = DEFAULT_HEAP_SIZE;
    if (virt_setting("heap", text, sizeof(text)) > 0) {
        size = (size_t)strtoul(text, NULL, 10);
    }
    return MIN(size, (size_t)(&_eheap - &_sheap));
}

static bool is_forced_exit(int result) {
    return (result & PYEXEC_FORCED_EXIT) != 0;
}

// Until somebody wants a soft reset.
static void run(void) {
    pyexec_frozen_module("_boot.py", false);
    int result = pyexec_file_if_exists("boot.py");
    if (is_forced_exit(result)) {
        return;
    }
    if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL && result != 0) {
        result = pyexec_file_if_exists("main.py");
        if (is_forced_exit(result)) {
            return;
        }
    }
    for (;;) {
        result = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
        if (result != 0) {
            return;
        }
    }
}

int __wrap_main(int argc, char **argv);
int __wrap_main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    __asm volatile ("mv tp, %0" : : "r" (&_thread));
    mp_stack_ctrl_init();
    mp_stack_set_limit((mp_uint_t)(&_estack - &_sstack - STACK_MARGIN));
    virt_waits_start();
    lwip_init();
    virt_ethernet_start();
    for (;;) {
        gc_init(&_sheap, &_sheap + heap_size());
        mp_init();
        readline_init0();
        run();
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        zt_background_stop();
        gc_sweep_all(); // finalisers close sockets and interfaces
        mp_deinit();
    }
}
