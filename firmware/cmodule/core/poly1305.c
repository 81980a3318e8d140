// Poly1305 (protocol/13 §13.2) on saturated limbs: the accumulator is `LIMBS` words of the processor and two bits more.
// It owns the arithmetic modulo 2^130 - 5 and nothing else.
// Never a branch on the accumulator, the key or the message.
//
// The clamp of r leaves its upper limbs divisible by 4, and every limb at least 4 bits short. So a partial product that
// lands on 2^128 or above folds down without losing bits, because 2^130 = 5: x * r[i] * 2^128 = x * (r[i] / 4 * 5), and the
// sum of all the products of one column stays inside a zt_product_t.
#include "poly1305.h"

#include "bytes.h"

#define LIMBS ZT_POLY1305_LIMBS
#define LIMB_BITS (8 * sizeof(zt_limb_t))

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
        size_t offset = i * sizeof(zt_limb_t);
        self->r[i] = load_limb(key + offset) & load_limb(clamp + offset);
        self->folded[i] = (self->r[i] >> 2) * 5;
        self->s[i] = load_limb(key + 16 + offset);
        self->sum[i] = 0;
    }
    self->sum[LIMBS] = 0;
}

// sum = (sum + block) * r for each block; `high_bit` is the 1 that stands above a whole block, at 2^128.
static void absorb(zt_poly1305_t *self, const uint8_t *message, size_t blocks, zt_limb_t high_bit) {
    const zt_limb_t *r = self->r;
    const zt_limb_t *folded = self->folded;
    zt_limb_t h[LIMBS + 1];
    for (size_t i = 0; i <= LIMBS; i++) {
        h[i] = self->sum[i];
    }
    for (; blocks > 0; blocks--, message += ZT_POLY1305_BLOCK_SIZE) {
        zt_product_t carry = 0;
        for (size_t i = 0; i < LIMBS; i++) {
            carry += (zt_product_t)h[i] + load_limb(message + i * sizeof(zt_limb_t));
            h[i] = (zt_limb_t)carry;
            carry >>= LIMB_BITS;
        }
        h[LIMBS] += (zt_limb_t)carry + high_bit;

        #if LIMBS == 2
        zt_product_t x0 = (zt_product_t)h[0] * r[0] + (zt_product_t)h[1] * folded[1];
        zt_product_t x1 = (zt_product_t)h[0] * r[1] + (zt_product_t)h[1] * r[0] + h[2] * folded[1];
        zt_limb_t top = h[2] * r[0];
        h[0] = (zt_limb_t)x0;
        x1 += x0 >> LIMB_BITS;
        h[1] = (zt_limb_t)x1;
        top += (zt_limb_t)(x1 >> LIMB_BITS);
        #else
        zt_product_t x0 = (zt_product_t)h[0] * r[0] + (zt_product_t)h[1] * folded[3]
            + (zt_product_t)h[2] * folded[2] + (zt_product_t)h[3] * folded[1];
        zt_product_t x1 = (zt_product_t)h[0] * r[1] + (zt_product_t)h[1] * r[0]
            + (zt_product_t)h[2] * folded[3] + (zt_product_t)h[3] * folded[2] + h[4] * folded[1];
        zt_product_t x2 = (zt_product_t)h[0] * r[2] + (zt_product_t)h[1] * r[1]
            + (zt_product_t)h[2] * r[0] + (zt_product_t)h[3] * folded[3] + h[4] * folded[2];
        zt_product_t x3 = (zt_product_t)h[0] * r[3] + (zt_product_t)h[1] * r[2]
            + (zt_product_t)h[2] * r[1] + (zt_product_t)h[3] * r[0] + h[4] * folded[3];
        zt_limb_t top = h[4] * r[0];
        h[0] = (zt_limb_t)x0;
        x1 += x0 >> LIMB_BITS;
        h[1] = (zt_limb_t)x1;
        x2 += x1 >> LIMB_BITS;
        h[2] = (zt_limb_t)x2;
        x3 += x2 >> LIMB_BITS;
        h[3] = (zt_limb_t)x3;
        top += (zt_limb_t)(x3 >> LIMB_BITS);
        #endif

        // What stands at 2^130 and above comes back in at the bottom, times 5.
        h[LIMBS] = top & 3;
        carry = (zt_product_t)(top >> 2) * 5;
        for (size_t i = 0; i < LIMBS; i++) {
            carry += h[i];
            h[i] = (zt_limb_t)carry;
            carry >>= LIMB_BITS;
        }
        h[LIMBS] += (zt_limb_t)carry;
    }
    for (size_t i = 0; i <= LIMBS; i++) {
        self->sum[i] = h[i];
    }
}

void zt_poly1305_blocks(zt_poly1305_t *self, const uint8_t *message, size_t blocks) {
    absorb(self, message, blocks, 1);
}

void zt_poly1305_finish(zt_poly1305_t *self, const uint8_t *tail, size_t length, uint8_t *tag) {
    if (length > 0) {
        uint8_t last[ZT_POLY1305_BLOCK_SIZE] = { 0 };
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
        store_limb(tag + i * sizeof(zt_limb_t), (zt_limb_t)carry);
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
