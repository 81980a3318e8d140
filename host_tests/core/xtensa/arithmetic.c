// The divisions and wide products that Debian's compiler for the lx106 calls and does not bring along.
// It owns their plain binary arithmetic: right, not fast. Never anything that an ESP32 runs: its compiler brings its own.
#include <stdint.h>

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);
int32_t __divsi3(int32_t dividend, int32_t divisor);
uint64_t __umulsidi3(uint32_t one, uint32_t other);
uint64_t __muldi3(uint64_t one, uint64_t other);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);

// Long division in base two, from the first bit of the quotient that may be set. Leaves the remainder in `*dividend`.
static uint32_t divide(uint32_t *dividend, uint32_t divisor) {
    uint32_t quotient = 0;
    if (*dividend < divisor) {
        return quotient;
    }
    for (int bit = __builtin_clz(divisor) - __builtin_clz(*dividend); bit >= 0; bit--) {
        if (*dividend >= divisor << bit) {
            *dividend -= divisor << bit;
            quotient |= (uint32_t)1 << bit;
        }
    }
    return quotient;
}

static int leading_zeros(uint64_t number) {
    uint32_t high = (uint32_t)(number >> 32);
    return high != 0 ? __builtin_clz(high) : 32 + __builtin_clz((uint32_t)number);
}

static uint64_t divide_long(uint64_t *dividend, uint64_t divisor) {
    uint64_t quotient = 0;
    if (*dividend < divisor) {
        return quotient;
    }
    for (int bit = leading_zeros(divisor) - leading_zeros(*dividend); bit >= 0; bit--) {
        if (*dividend >= divisor << bit) {
            *dividend -= divisor << bit;
            quotient |= (uint64_t)1 << bit;
        }
    }
    return quotient;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
    return divide(&dividend, divisor);
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
    divide(&dividend, divisor);
    return dividend;
}

int32_t __divsi3(int32_t dividend, int32_t divisor) {
    uint32_t rest = dividend < 0 ? 0 - (uint32_t)dividend : (uint32_t)dividend;
    uint32_t quotient = divide(&rest, divisor < 0 ? 0 - (uint32_t)divisor : (uint32_t)divisor);
    return (int32_t)((dividend < 0) != (divisor < 0) ? 0 - quotient : quotient);
}

// From four products of 16 bits.
uint64_t __umulsidi3(uint32_t one, uint32_t other) {
    uint32_t low = (one & 0xffff) * (other & 0xffff);
    uint32_t left = (one >> 16) * (other & 0xffff);
    uint32_t right = (one & 0xffff) * (other >> 16);
    uint32_t middle = (low >> 16) + (left & 0xffff) + (right & 0xffff);
    uint32_t high = (one >> 16) * (other >> 16) + (left >> 16) + (right >> 16) + (middle >> 16);
    return (uint64_t)high << 32 | middle << 16 | (low & 0xffff);
}

uint64_t __muldi3(uint64_t one, uint64_t other) {
    uint32_t high = (uint32_t)(one >> 32) * (uint32_t)other + (uint32_t)one * (uint32_t)(other >> 32);
    return __umulsidi3((uint32_t)one, (uint32_t)other) + ((uint64_t)high << 32);
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor) {
    return divide_long(&dividend, divisor);
}

uint64_t __umoddi3(uint64_t dividend, uint64_t divisor) {
    divide_long(&dividend, divisor);
    return dividend;
}
