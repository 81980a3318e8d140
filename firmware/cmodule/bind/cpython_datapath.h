// What the files of the CPython binding show each other. It owns no code.
// Never included by the core.
#ifndef ZT_CPYTHON_DATAPATH_H
#define ZT_CPYTHON_DATAPATH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

// Adds the class `Datapath` to the module. 0, or -1 with an exception set.
int zt_add_datapath(PyObject *module);

#endif // ZT_CPYTHON_DATAPATH_H
