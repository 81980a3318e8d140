// How the C library gives memory back, which decides how much of this process stays resident.
// It owns that setting and nothing else.
#include <malloc.h>

// Larger pieces are mapped one by one and given back when they are freed. By default glibc would learn from the 2 MiB of an
// identity hash to keep as much for good.
#define MAPPED_PIECE_SIZE (128 * 1024)

__attribute__((constructor)) static void start(void) {
    mallopt(M_MMAP_THRESHOLD, MAPPED_PIECE_SIZE);
}
