// Poly1305 (protocol/13 §13.2) on saturated limbs: the accumulator is `LIMBS` words of the processor and two bits more.
// It owns the arithmetic modulo 2^130 - 5 and nothing else.
// Never a branch on the accumulator, the key or the message.
//
// The clamp of r leaves its upper limbs divisible by 4, and every limb at least 4 bits short. So a partial product that
// lands on 2^128 or above folds down without losing bits, because 2^130 = 5: x * r[i] * 2^128 = x * (r[i] / 4 * 5), and the
// sum of all the products of one column stays inside a zt_product_t.
#include "poly1305.h"

#include "bytes.h"
#include "copy.h"

#define LIMBS ZT_POLY1305_LIMBS
#define LIMB_SIZE (sizeof(zt_limb_t))
#define LIMB_BITS (8 * LIMB_SIZE)

static zt_limb_t load_limb(const uint8_t *from) {
    #if LIMBS == 2
    return (zt_limb_t)zt_load32(from + 4) << 32 | zt_load32(from);
    #else
    return zt_load32(from);
    #endif
}

static void store_limb(uint8_t *to, zt_limb_t limb) {
    #if LIMBS == 2
    zt_store32(to, (uint32_t)limb);
    zt_store32(to + 4, (uint32_t)(limb >> 32));
    #else
    zt_store32(to, limb);
    #endif
}

void zt_poly1305_init(zt_poly1305_t *self, const uint8_t *key) {
    static const uint8_t clamp[16] = {
        0xff, 0xff, 0xff, 0x0f, 0xfc, 0xff, 0xff, 0x0f, 0xfc, 0xff, 0xff, 0x0f, 0xfc, 0xff, 0xff, 0x0f,
    };
    for (size_t i = 0; i < LIMBS; i++) {
        size_t offset = i * LIMB_SIZE;
        self->r[i] = load_limb(key + offset) & load_limb(clamp + offset);
        self->folded[i] = (self->r[i] >> 2) * 5;
        self->s[i] = load_limb(key + 16 + offset);
        self->sum[i] = 0;
    }
    self->sum[LIMBS] = 0;
}

// sum = (sum + block) * r for each block, at addresses where words may be loaded; `high_bit` is the 1 that stands above a whole
// block, at 2^128. Limbs are single variables, not arrays: so that all of them stay in registers.
#if LIMBS == 2

static void absorb(zt_poly1305_t *self, const uint8_t *message, size_t blocks, zt_limb_t high_bit) {
    const zt_limb_t r0 = self->r[0], r1 = self->r[1];
    const zt_limb_t f1 = self->folded[1];
    zt_limb_t h0 = self->sum[0], h1 = self->sum[1], h2 = self->sum[2];
    for (const uint8_t *end = message + blocks * ZT_POLY1305_BLOCK_SIZE; message != end; message += ZT_POLY1305_BLOCK_SIZE) {
        zt_product_t carry = (zt_product_t)h0 + load_limb(message);
        h0 = (zt_limb_t)carry;
        carry = (carry >> LIMB_BITS) + h1 + load_limb(message + LIMB_SIZE);
        h1 = (zt_limb_t)carry;
        h2 += (zt_limb_t)(carry >> LIMB_BITS) + high_bit;

        zt_product_t x0 = (zt_product_t)h0 * r0 + (zt_product_t)h1 * f1;
        zt_product_t x1 = (zt_product_t)h0 * r1 + (zt_product_t)h1 * r0 + h2 * f1;
        zt_limb_t top = h2 * r0;
        h0 = (zt_limb_t)x0;
        x1 += x0 >> LIMB_BITS;
        h1 = (zt_limb_t)x1;
        top += (zt_limb_t)(x1 >> LIMB_BITS);

        // What stands at 2^130 and above comes back in at the bottom, times 5.
        h2 = top & 3;
        carry = (zt_product_t)h0 + (top >> 2) * 5;
        h0 = (zt_limb_t)carry;
        carry = (carry >> LIMB_BITS) + h1;
        h1 = (zt_limb_t)carry;
        h2 += (zt_limb_t)(carry >> LIMB_BITS);
    }
    self->sum[0] = h0;
    self->sum[1] = h1;
    self->sum[2] = h2;
}

#else

static void absorb(zt_poly1305_t *self, const uint8_t *message, size_t blocks, zt_limb_t high_bit) {
    const zt_limb_t r0 = self->r[0], r1 = self->r[1], r2 = self->r[2], r3 = self->r[3];
    const zt_limb_t f1 = self->folded[1], f2 = self->folded[2], f3 = self->folded[3];
    zt_limb_t h0 = self->sum[0], h1 = self->sum[1], h2 = self->sum[2], h3 = self->sum[3], h4 = self->sum[4];
    for (const uint8_t *end = message + blocks * ZT_POLY1305_BLOCK_SIZE; message != end; message += ZT_POLY1305_BLOCK_SIZE) {
        zt_product_t carry = (zt_product_t)h0 + zt_load32_aligned(message);
        h0 = (zt_limb_t)carry;
        carry = (carry >> LIMB_BITS) + h1 + zt_load32_aligned(message + LIMB_SIZE);
        h1 = (zt_limb_t)carry;
        carry = (carry >> LIMB_BITS) + h2 + zt_load32_aligned(message + 2 * LIMB_SIZE);
        h2 = (zt_limb_t)carry;
        carry = (carry >> LIMB_BITS) + h3 + zt_load32_aligned(message + 3 * LIMB_SIZE);
        h3 = (zt_limb_t)carry;
        h4 += (zt_limb_t)(carry >> LIMB_BITS) + high_bit;

        zt_product_t x0 = (zt_product_t)h0 * r0 + (zt_product_t)h1 * f3 + (zt_product_t)h2 * f2 + (zt_product_t)h3 * f1;
        zt_product_t x1 = (x0 >> LIMB_BITS) + (zt_product_t)h0 * r1 + (zt_product_t)h1 * r0 + (zt_product_t)h2 * f3
            + (zt_product_t)h3 * f2 + h4 * f1;
        zt_product_t x2 = (x1 >> LIMB_BITS) + (zt_product_t)h0 * r2 + (zt_product_t)h1 * r1 + (zt_product_t)h2 * r0
            + (zt_product_t)h3 * f3 + h4 * f2;
        zt_product_t x3 = (x2 >> LIMB_BITS) + (zt_product_t)h0 * r3 + (zt_product_t)h1 * r2 + (zt_product_t)h2 * r1
            + (zt_product_t)h3 * r0 + h4 * f3;
        zt_limb_t top = h4 * r0 + (zt_limb_t)(x3 >> LIMB_BITS);
        h0 = (zt_limb_t)x0;
        h1 = (zt_limb_t)x1;
        h2 = (zt_limb_t)x2;
        h3 = (zt_limb_t)x3;

        // What stands at 2^130 and above comes back in at the bottom, times 5.
        h4 = top & 3;
        carry = (zt_product_t)h0 + (top >> 2) * 5;
        h0 = (zt_limb_t)carry;
        carry = (carry >> LIMB_BITS) + h1;
        h1 = (zt_limb_t)carry;
        carry = (carry >> LIMB_BITS) + h2;
        h2 = (zt_limb_t)carry;
        carry = (carry >> LIMB_BITS) + h3;
        h3 = (zt_limb_t)carry;
        h4 += (zt_limb_t)(carry >> LIMB_BITS);
    }
    self->sum[0] = h0;
    self->sum[1] = h1;
    self->sum[2] = h2;
    self->sum[3] = h3;
    self->sum[4] = h4;
}

#endif

void zt_poly1305_blocks(zt_poly1305_t *self, const uint8_t *message, size_t blocks) {
    if (zt_is_aligned(message)) {
        absorb(self, message, blocks, 1);
        return;
    }
    _Alignas(8) uint8_t block[ZT_POLY1305_BLOCK_SIZE];
    for (; blocks > 0; blocks--, message += ZT_POLY1305_BLOCK_SIZE) {
        zt_copy(block, message, sizeof(block));
        absorb(self, block, 1, 1);
    }
    zt_wipe(block, sizeof(block));
}

void zt_poly1305_finish(zt_poly1305_t *self, const uint8_t *tail, size_t length, uint8_t *tag) {
    if (length > 0) {
        _Alignas(8) uint8_t last[ZT_POLY1305_BLOCK_SIZE] = { 0 };
        memcpy(last, tail, length);
        last[length] = 1;
        absorb(self, last, 1, 0);
        zt_wipe(last, sizeof(last));
    }

    // The accumulator is below 2p: adding 5 reaches 2^130 exactly if p has to be taken off once. Bits above 2^128 do not
    // matter any more, so taking p off is the same as adding 5.
    zt_product_t carry = 5;
    for (size_t i = 0; i < LIMBS; i++) {
        carry = (carry + self->sum[i]) >> LIMB_BITS;
    }
    zt_limb_t excess = ((zt_limb_t)carry + self->sum[LIMBS]) >> 2;
    carry = (zt_product_t)excess * 5;
    for (size_t i = 0; i < LIMBS; i++) {
        carry += (zt_product_t)self->sum[i] + self->s[i];
        store_limb(tag + i * LIMB_SIZE, (zt_limb_t)carry);
        carry >>= LIMB_BITS;
    }
    zt_wipe(self, sizeof(*self));
}

void zt_poly1305(const uint8_t *key, const uint8_t *message, size_t length, uint8_t *tag) {
    zt_poly1305_t self;
    size_t whole = length / ZT_POLY1305_BLOCK_SIZE;
    zt_poly1305_init(&self, key);
    zt_poly1305_blocks(&self, message, whole);
    size_t rest = length % ZT_POLY1305_BLOCK_SIZE;
    zt_poly1305_finish(&self, rest > 0 ? message + length - rest : NULL, rest, tag);
}
