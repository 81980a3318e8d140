// What a judgement by rules costs: lists of any length, and one frame that only their last rule accepts.
// It owns the case. Never a measurement: bench.c reads the counter before and after rules_case_judge().
#ifndef ZT_RULES_CASE_H
#define ZT_RULES_CASE_H

#include <stddef.h>
#include <stdint.h>

// Compiles a list of `rules` rules (1, or 3 n + 1 up to 64): blocks "UDP to port p: drop" that do not apply, then ACCEPT.
// Returns the bytes of memory that it takes, 0 if there is no such list.
size_t rules_case_prepare(size_t rules);

// Judges one inbound UDP frame of 60 bytes. ZT_VERDICT_ACCEPT.
uint8_t rules_case_judge(void);

#endif // ZT_RULES_CASE_H
