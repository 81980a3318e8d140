// Copies of every length between buffers at all alignments, under the address sanitizer.
// It owns nothing else: that not a byte more is read or written than was asked for.
#include "check.h"
#include "copy.h"

#define LONGEST (150)

static void every_alignment_and_length_is_copied_exactly(void) {
    uint32_t seed = 3;
    for (size_t length = 0; length <= LONGEST; length++) {
        for (size_t from_offset = 0; from_offset < 8; from_offset++) {
            uint8_t *from = exact(from_offset + length);
            fill_random(&seed, from, from_offset + length);
            for (size_t to_offset = 0; to_offset < 8; to_offset++) {
                uint8_t *to = exact(to_offset + length + 1);
                memset(to, 0xee, to_offset + length + 1);
                zt_copy(to + to_offset, from + from_offset, length);
                CHECK(memcmp(to + to_offset, from + from_offset, length) == 0);
                for (size_t i = 0; i < to_offset; i++) {
                    CHECK(to[i] == 0xee);
                }
                CHECK(to[to_offset + length] == 0xee);
                free(to);
            }
            free(from);
        }
    }
}

int main(void) {
    RUN(every_alignment_and_length_is_copied_exactly);
    return 0;
}
