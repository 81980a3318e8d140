// Decoder of LZ4 blocks (protocol/13 §13.5). The input comes from an authenticated peer, which may still be hostile: every
// length is compared with what is left of the input and of the output before anything is copied.
// Never a length that is added to before it was checked, so nothing can wrap around.
#include "lz4.h"

#include <stdbool.h>
#include <string.h>

#define NIBBLE_FULL (15)
#define BYTE_FULL (255)
#define OFFSET_SIZE (2)
#define MIN_MATCH (4)

typedef struct _reader_t {
    const uint8_t *next;
    size_t left;
} reader_t;

// Adds the bytes that follow a full nibble to `*count`. False if they run out or `*count` grows beyond `limit`.
static bool read_count(reader_t *reader, size_t *count, size_t limit) {
    if (*count == NIBBLE_FULL) {
        uint8_t more;
        do {
            if (reader->left == 0) {
                return false;
            }
            more = *reader->next++;
            reader->left--;
            *count += more;
            if (*count > limit) {
                return false;
            }
        } while (more == BYTE_FULL);
    }
    return *count <= limit;
}

// Byte by byte: a match may reach into its own output, which then repeats.
static void copy_match(uint8_t *to, size_t offset, size_t count) {
    const uint8_t *from = to - offset;
    while (count-- > 0) {
        *to++ = *from++;
    }
}

size_t zt_lz4_decompress(const uint8_t *source, size_t length, uint8_t *destination, size_t capacity) {
    reader_t reader = { source, length };
    size_t produced = 0;
    while (reader.left > 0) {
        uint8_t token = *reader.next++;
        reader.left--;

        size_t literals = token >> 4;
        if (!read_count(&reader, &literals, capacity - produced) || literals > reader.left) {
            return 0;
        }
        memmove(destination + produced, reader.next, literals);
        produced += literals;
        reader.next += literals;
        reader.left -= literals;
        if (reader.left == 0) {
            // Only the last sequence ends here, and it has no match.
            return (token & NIBBLE_FULL) == 0 ? produced : 0;
        }

        if (reader.left < OFFSET_SIZE) {
            return 0;
        }
        size_t offset = (size_t)reader.next[0] | (size_t)reader.next[1] << 8;
        reader.next += OFFSET_SIZE;
        reader.left -= OFFSET_SIZE;
        if (offset == 0 || offset > produced || capacity - produced < MIN_MATCH) {
            return 0;
        }
        size_t match = token & NIBBLE_FULL;
        if (!read_count(&reader, &match, capacity - produced - MIN_MATCH)) {
            return 0;
        }
        match += MIN_MATCH;
        copy_match(destination + produced, offset, match);
        produced += match;
    }
    return 0;
}
