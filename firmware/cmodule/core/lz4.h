// Decoding of LZ4 blocks (protocol/13 §13.5), the form in which peers compress payloads (protocol/02 §2.10).
// It never encodes, never allocates, and never reads or writes outside the two buffers, whatever the input.
#ifndef ZT_LZ4_H
#define ZT_LZ4_H

#include <stddef.h>
#include <stdint.h>

// A payload decompresses to 1 to 9996 bytes (protocol/02 §2.10).
#define ZT_LZ4_MAX_OUTPUT (9996)

// Decodes all `length` bytes of `source` to `destination`, which has room for `capacity` bytes and must not overlap `source`.
// Returns the number of bytes written, 1 to `capacity`. Returns 0 if the block is malformed, empty, or does not fit;
// `destination` may then hold a part of the output.
size_t zt_lz4_decompress(const uint8_t *source, size_t length, uint8_t *destination, size_t capacity);

#endif // ZT_LZ4_H
