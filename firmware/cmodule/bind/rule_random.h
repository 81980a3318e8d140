// The random numbers of MATCH_RANDOM for both bindings: splitmix64, begun with a seed that Python took from the hardware.
// It owns no state. Never for keys or packet ids: who sees enough of its numbers can tell the next one.
#ifndef ZT_RULE_RANDOM_H
#define ZT_RULE_RANDOM_H

#include <stdint.h>

// `context` is the uint64_t of the generator's state.
static inline uint32_t zt_rule_random(void *context) {
    uint64_t *state = context;
    *state += 0x9e3779b97f4a7c15;
    uint64_t mixed = *state;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(mixed >> 32);
}

#endif // ZT_RULE_RANDOM_H
