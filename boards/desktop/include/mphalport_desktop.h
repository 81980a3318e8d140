// The unix port's mphalport.h, but what waits there waits in waits.c here, so that the node runs meanwhile.
// It owns nothing else.
#include "ports/unix/mphalport.h"

#include <stdint.h>

void zt_wait_ms(mp_uint_t longest);
void zt_delay_us(mp_uint_t us);

// Between two looks for events: until a datagram arrives, or for TIMEOUT_MS.
#undef MICROPY_INTERNAL_WFE
#define MICROPY_INTERNAL_WFE(TIMEOUT_MS) zt_wait_ms(TIMEOUT_MS)

#define mp_hal_delay_us zt_delay_us
