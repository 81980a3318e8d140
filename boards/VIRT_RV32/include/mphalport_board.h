// The QEMU port's mphalport.h, and how this board waits between two looks for events.
// It owns nothing else; waits.c does.
#include "ports/qemu/mphalport.h"

#include <stdint.h>

void virt_wait_ms(mp_uint_t longest);
#define MICROPY_INTERNAL_WFE(TIMEOUT_MS) virt_wait_ms(TIMEOUT_MS)
