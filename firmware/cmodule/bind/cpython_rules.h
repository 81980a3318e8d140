// What the classes of rules show to the other files of the CPython binding.
// It owns no code. Never included by the core.
#ifndef ZT_CPYTHON_RULES_H
#define ZT_CPYTHON_RULES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../core/rules.h"

// cpython_rules.c: puts the classes Holdings and RuleSet into the module; -1 with an exception set if that fails.
int zt_add_rules(PyObject *module);

// What a RuleSet judges by, borrowed from the object; NULL with TypeError set if it is none.
const zt_rules_network_t *zt_rules_network_of(PyObject *object);

// The compiled holdings of a Holdings, borrowed from the object, NULL for None; false with TypeError set for anything else.
bool zt_holdings_of(PyObject *object, const zt_holdings_t **holdings);

#endif // ZT_CPYTHON_RULES_H
