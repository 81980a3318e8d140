// The desktop board's configuration: a MicroPython as rich as on an ESP32, with the hooks that let the node run by itself.
// It owns no code; the functions that it names are in waits.c.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#include "ports/unix/variants/mpconfigvariant_common.h"

// While the interpreter waits.
#define MICROPY_MPHALPORT_H "mphalport_desktop.h"
extern void zt_background_poll(void);
#define MICROPY_INTERNAL_EVENT_HOOK zt_background_poll()

// While Python code runs without ever waiting: after so many backward jumps of the VM, a look at the clock.
#define ZT_VM_HOOK_PERIOD (64)
extern int zt_vm_hook_countdown;
extern void zt_vm_hook(void);
#define MICROPY_VM_HOOK_LOOP if (--zt_vm_hook_countdown <= 0) { zt_vm_hook(); }

// A signal handler that raised at once would leave lwIP's data structures half changed: Ctrl-C waits for the VM.
#undef MICROPY_ASYNC_KBD_INTR
#define MICROPY_ASYNC_KBD_INTR (0)

// Room for applications beside the node in the scheduler's queue.
#define MICROPY_SCHEDULER_DEPTH (8)

#define MICROPY_PY_SYS_PLATFORM "linux"
#define MICROPY_BANNER_MACHINE "desktop with MicroZT [" MICROPY_PLATFORM_COMPILER "] version"
