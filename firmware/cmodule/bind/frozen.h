// What the C of tools/freeze is written in: Python's functions and classes as constants.
// It owns the shape of such a class. Never which ones there are: that is the generated file's.
#ifndef MICROZT_BIND_FROZEN_H
#define MICROZT_BIND_FROZEN_H

#include "py/bc.h"
#include "py/emitglue.h"
#include "py/mperrno.h"
#include "py/obj.h"
#include "py/objfun.h"
#include "py/objint.h"
#include "py/objstr.h"
#include "py/objtuple.h"
#include "py/objtype.h"
#include "py/runtime.h"

#if MICROPY_OBJ_REPR != MICROPY_OBJ_REPR_A
#error "tools/freeze writes objects for MICROPY_OBJ_REPR_A"
#endif
#if MICROPY_QSTR_BYTES_IN_HASH != 2
#error "tools/freeze writes tables for MICROPY_QSTR_BYTES_IN_HASH 2"
#endif
#if MICROPY_PY_SYS_SETTRACE || !MICROPY_MODULE_BUILTIN_INIT || !MICROPY_MODULE_ATTR_DELEGATION
#error "frozen classes need MICROPY_MODULE_BUILTIN_INIT and MICROPY_MODULE_ATTR_DELEGATION, and no MICROPY_PY_SYS_SETTRACE"
#endif

// The flags of a class that is written in Python, as mp_obj_new_type() sets them.
#define ZT_CLASS_FLAGS (MP_TYPE_FLAG_EQ_NOT_REFLEXIVE | MP_TYPE_FLAG_EQ_CHECKS_OTHER_TYPE | MP_TYPE_FLAG_EQ_HAS_NEQ_TEST \
    | MP_TYPE_FLAG_ITER_IS_GETITER | MP_TYPE_FLAG_INSTANCE_TYPE)

// The layout of MicroPython's own, which objproperty.c keeps to itself.
typedef struct _zt_frozen_property_t {
    mp_obj_base_t base;
    mp_rom_obj_t get_set_delete[3];
} zt_frozen_property_t;

// What a class written in Python does, to be put into the slots of its type. MicroPython's functions are not to be had by
// name, so they are looked up in a class that zt_frozen_init() makes.
mp_obj_t zt_frozen_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args);
void zt_frozen_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind);
mp_obj_t zt_frozen_unary_op(mp_unary_op_t op, mp_obj_t self_in);
mp_obj_t zt_frozen_binary_op(mp_binary_op_t op, mp_obj_t left_in, mp_obj_t right_in);
void zt_frozen_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest);
mp_obj_t zt_frozen_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value);

// The module's `__init__`, which import calls, and its attributes that a program has set.
MP_DECLARE_CONST_FUN_OBJ_0(zt_frozen_init_obj);
void zt_frozen_module_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest);

#endif
