// The emulated board's configuration: MicroPython as rich as on an ESP32, with the hooks that let the node run by itself.
// It owns no code; the functions that it names are in waits.c and clock.c.
#include "ports/qemu/mpconfigport.h"

#define MICROPY_HW_MCU_NAME "rv32imac"

#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_PY_TIME_INCLUDEFILE "modtime_board.h"
#undef MICROPY_PY_SELECT
#define MICROPY_PY_SELECT (1)
#undef MICROPY_PY_ASYNCIO
#define MICROPY_PY_ASYNCIO (1)
#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER (1)
#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_PY_OS_DUPTERM (1)
#define MICROPY_PY_OS_INCLUDEFILE "modos_board.h"
#define MICROPY_PY_HASHLIB (1)
#define MICROPY_PY_HASHLIB_SHA256 (1)

#define MICROPY_OPT_COMPUTED_GOTO (1)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_ENABLE_SCHEDULER (1)
// Room for applications beside the node in the scheduler's queue.
#define MICROPY_SCHEDULER_DEPTH (8)

// While the interpreter waits.
#define MICROPY_MPHALPORT_H "mphalport_board.h"
extern void virt_poll(void);
#define MICROPY_INTERNAL_EVENT_HOOK virt_poll()

// While Python code runs without ever waiting: after so many backward jumps of the VM, a look at the clock.
#define VIRT_VM_HOOK_PERIOD (64)
extern int virt_vm_hook_countdown;
extern void virt_vm_hook(void);
#define MICROPY_VM_HOOK_LOOP if (--virt_vm_hook_countdown <= 0) { virt_vm_hook(); }
