// Lets the constants of tools/freeze be classes: their slots lead to what MicroPython does for any class written in Python.
// It owns no object but the dict of attributes that a program sets on the module, whose own are in flash.
#include "frozen.h"

// The slots of a class written in Python; functions, so a soft reset does not change them.
static struct {
    mp_make_new_fun_t make_new;
    mp_print_fun_t print;
    mp_unary_op_fun_t unary_op;
    mp_binary_op_fun_t binary_op;
    mp_attr_fun_t attr;
    mp_subscr_fun_t subscr;
} of_classes;

static mp_obj_t zt_frozen_init(void) {
    if (of_classes.make_new == NULL) {
        // As a program does it: newer MicroPythons have no other way.
        const mp_obj_t arguments[] = { MP_OBJ_NEW_QSTR(MP_QSTR_zerotier), mp_const_empty_tuple, mp_obj_new_dict(0) };
        const mp_obj_type_t *class = MP_OBJ_TO_PTR(mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_type_type), 3, 0, arguments));
        of_classes.print = MP_OBJ_TYPE_GET_SLOT(class, print);
        of_classes.unary_op = MP_OBJ_TYPE_GET_SLOT(class, unary_op);
        of_classes.binary_op = MP_OBJ_TYPE_GET_SLOT(class, binary_op);
        of_classes.attr = MP_OBJ_TYPE_GET_SLOT(class, attr);
        of_classes.subscr = MP_OBJ_TYPE_GET_SLOT(class, subscr);
        of_classes.make_new = MP_OBJ_TYPE_GET_SLOT(class, make_new);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(zt_frozen_init_obj, zt_frozen_init);

mp_obj_t zt_frozen_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    return of_classes.make_new(type, n_args, n_kw, args);
}

void zt_frozen_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    of_classes.print(print, self_in, kind);
}

mp_obj_t zt_frozen_unary_op(mp_unary_op_t op, mp_obj_t self_in) {
    return of_classes.unary_op(op, self_in);
}

mp_obj_t zt_frozen_binary_op(mp_binary_op_t op, mp_obj_t left_in, mp_obj_t right_in) {
    return of_classes.binary_op(op, left_in, right_in);
}

void zt_frozen_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    of_classes.attr(self_in, attr, dest);
}

mp_obj_t zt_frozen_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    return of_classes.subscr(self_in, index, value);
}

// They live beside the loaded modules, which a soft reset forgets on every port.
static mp_map_elem_t *attributes(mp_map_lookup_kind_t kind) {
    return mp_map_lookup(&MP_STATE_VM(mp_loaded_modules_dict).map, MP_OBJ_NEW_QSTR(MP_QSTR_zerotier_attributes), kind);
}

void zt_frozen_module_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    (void)self_in;
    if (dest[0] == MP_OBJ_NULL) {
        mp_map_elem_t *set = attributes(MP_MAP_LOOKUP);
        mp_map_elem_t *found = set == NULL ? NULL : mp_map_lookup(mp_obj_dict_get_map(set->value), MP_OBJ_NEW_QSTR(attr), MP_MAP_LOOKUP);
        if (found != NULL) {
            dest[0] = found->value;
        }
    } else if (dest[1] != MP_OBJ_NULL) { // nothing can be deleted
        mp_map_elem_t *set = attributes(MP_MAP_LOOKUP);
        if (set == NULL) {
            mp_obj_t dict = mp_obj_new_dict(1); // first: it may find no memory
            set = attributes(MP_MAP_LOOKUP_ADD_IF_NOT_FOUND);
            set->value = dict;
        }
        mp_obj_dict_store(set->value, MP_OBJ_NEW_QSTR(attr), dest[1]);
        dest[0] = MP_OBJ_NULL;
    }
}
