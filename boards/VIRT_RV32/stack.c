// What lwIP asks of the board: random numbers, and what happens if it is inconsistent.
// It owns nothing of the networks; those are in firmware/cmodule/lwip and ethernet.c.
#include <stdlib.h>

#include "py/mphal.h"
#include "py/mpprint.h"

#include "board.h"

uint32_t zt_stack_random(void);
uint32_t zt_stack_random(void) {
    uint32_t number;
    virt_entropy((uint8_t *)&number, sizeof(number));
    return number;
}

void zt_stack_assert(const char *text);
void zt_stack_assert(const char *text) {
    mp_printf(&mp_plat_print, "lwIP: %s\n", text);
    exit(1);
}
