// The class `_zerotier.Tap`: the frames of another interface of the device. The manual is _zerotier.pyi.
// It owns the check of arguments and the life of the tap: a finaliser closes it when the heap goes in a soft reset.
#include "micropython.h"

#include "py/mperrno.h"
#include "py/runtime.h"

#include "lwip/netif.h"

#include "../lwip/tap.h"

typedef struct _zerotier_tap_obj_t {
    mp_obj_base_t base;
    zt_tap_t *tap; // NULL once closed
} zerotier_tap_obj_t;

zt_tap_t *zt_tap_of(mp_obj_t self_in) {
    zerotier_tap_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->tap == NULL) {
        mp_raise_OSError(MP_EBADF);
    }
    return self->tap;
}

// Tap(name)
static mp_obj_t tap_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    struct netif *netif = netif_find(mp_obj_str_get_str(args[0]));
    if (netif == NULL) {
        mp_raise_OSError(MP_ENODEV);
    }
    zerotier_tap_obj_t *self = mp_obj_malloc_with_finaliser(zerotier_tap_obj_t, type);
    self->tap = zt_tap_open(netif);
    if (self->tap == NULL) {
        mp_raise_OSError(MP_EBUSY);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t tap_close(mp_obj_t self_in) {
    zerotier_tap_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->tap != NULL) {
        zt_tap_close(self->tap);
        self->tap = NULL;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(tap_close_obj, tap_close);

// send(frame) -> bool
static mp_obj_t tap_send(mp_obj_t self_in, mp_obj_t frame_in) {
    zt_tap_t *tap = zt_tap_of(self_in);
    mp_buffer_info_t frame;
    mp_get_buffer_raise(frame_in, &frame, MP_BUFFER_READ);
    return mp_obj_new_bool(zt_tap_send(tap, frame.buf, frame.len));
}
static MP_DEFINE_CONST_FUN_OBJ_2(tap_send_obj, tap_send);

static mp_obj_t tap_dropped(mp_obj_t self_in) {
    return mp_obj_new_int_from_uint(zt_tap_dropped(zt_tap_of(self_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(tap_dropped_obj, tap_dropped);

static const mp_rom_map_elem_t tap_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&tap_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&tap_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&tap_send_obj) },
    { MP_ROM_QSTR(MP_QSTR_dropped), MP_ROM_PTR(&tap_dropped_obj) },
};
static MP_DEFINE_CONST_DICT(tap_locals, tap_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    zerotier_tap_type,
    MP_QSTR_Tap,
    MP_TYPE_FLAG_NONE,
    make_new, tap_make_new,
    locals_dict, &tap_locals
    );
