// Memory from the C library: how much of it lwIP may have, and how much of what is freed stays resident.
// It owns these two numbers. Never an allocator of its own.
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

// Larger pieces are mapped one by one and given back when they are freed. By default glibc would learn from the 2 MiB of an
// identity hash to keep as much for good.
#define MAPPED_PIECE_SIZE (128 * 1024)

// What all sockets together may hold: the windows of seventy TCP connections, or of as many programs that do not read. Then frames
// are dropped and counted.
#define STACK_BYTES (4 * 1024 * 1024)

__attribute__((constructor)) static void start(void) {
    mallopt(M_MMAP_THRESHOLD, MAPPED_PIECE_SIZE);
}

static size_t stack_used;

void *zt_stack_malloc(size_t size);
void *zt_stack_malloc(size_t size) {
    void *memory = stack_used + size > STACK_BYTES ? NULL : malloc(size);
    stack_used += malloc_usable_size(memory);
    return memory;
}

void zt_stack_free(void *memory);
void zt_stack_free(void *memory) {
    stack_used -= malloc_usable_size(memory);
    free(memory);
}
