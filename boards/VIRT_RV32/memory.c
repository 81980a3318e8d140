// Where malloc gets its memory from: what the small RAM has left, or `psram=1`: 16 MiB, as on a board with PSRAM.
// It owns the choice. Python's heap is main.c's.
#include <stdint.h>
#include <unistd.h>

#include "board.h"

extern uint8_t __heap_start, __heap_end, _spsram, _epsram; // board.ld

static uint8_t *start;
static uint8_t *end;
static uint8_t *next;

void *sbrk(ptrdiff_t size) {
    if (start == NULL) {
        char text[2];
        bool has_psram = virt_setting("psram", text, sizeof(text)) > 0;
        start = next = has_psram ? &_spsram : &__heap_start;
        end = has_psram ? &_epsram : &__heap_end;
    }
    if (size > end - next) {
        return (void *)-1;
    }
    void *result = next;
    next += size;
    return result;
}

size_t virt_malloced(void) {
    return (size_t)(next - start);
}
