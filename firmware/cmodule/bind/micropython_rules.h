// What the classes of rules show to the other files of the MicroPython binding.
// It owns no code. Never included by the core.
#ifndef ZT_MICROPYTHON_RULES_H
#define ZT_MICROPYTHON_RULES_H

#include "py/obj.h"

#include "../core/rules.h"

extern const mp_obj_type_t zerotier_holdings_type;
extern const mp_obj_type_t zerotier_rule_set_type;

// What a RuleSet judges by, borrowed from the object; raises TypeError if it is none.
const zt_rules_network_t *zt_rules_network_of(mp_obj_t object);

// The compiled holdings of a Holdings, borrowed from the object, NULL for None; raises TypeError for anything else.
const zt_holdings_t *zt_holdings_of(mp_obj_t object);

#endif // ZT_MICROPYTHON_RULES_H
