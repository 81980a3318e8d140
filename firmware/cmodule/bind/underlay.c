// The class `_zerotier.Underlay`: the node's UDP socket as a MicroPython object. The manual is _zerotier.pyi.
// It owns the check of arguments and the end of the socket: a finaliser closes it when the heap goes in a soft reset.
// Only where one lwIP carries both networks (ZT_LWIP_UNDERLAY); there it also answers what background.c asks of a board.
#include "micropython.h"

#include "py/mperrno.h"
#include "py/runtime.h"

#include "../lwip/underlay.h"

typedef struct _zerotier_underlay_obj_t {
    mp_obj_base_t base;
    bool is_open;
} zerotier_underlay_obj_t;

#if !ZT_THREADS
// The only socket is watched always.
void zt_underlay_watch(const int *sockets, size_t count) {
    (void)sockets;
    (void)count;
}

bool zt_underlay_is_readable(void) {
    return zt_underlay_is_waiting();
}

// All that waits: the queue is no longer than a batch should be.
bool zt_underlay_pump(zt_glue_t *glue) {
    bool is_news = false;
    zt_endpoint_t source;
    size_t length;
    struct pbuf *datagram;
    while ((datagram = zt_underlay_receive(source.bytes, &length)) != NULL) {
        source.length = (uint8_t)length;
        zt_glue_receive(glue, datagram, &source);
        is_news = true;
    }
    return is_news;
}

// lwIP has sent it.
void zt_underlay_flush(void) {
}
#endif

static uint32_t failures;

void zt_underlay_transmit(const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    failures += !zt_underlay_send(to->bytes, to->length, datagram, length);
}

uint32_t zt_underlay_failures(void) {
    return failures;
}

static zerotier_underlay_obj_t *open_underlay(mp_obj_t self_in) {
    zerotier_underlay_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (!self->is_open) {
        mp_raise_OSError(MP_EBADF);
    }
    return self;
}

// Underlay(endpoint)
static mp_obj_t underlay_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    mp_buffer_info_t endpoint;
    mp_get_buffer_raise(args[0], &endpoint, MP_BUFFER_READ);
    // The object first: if the heap is full, no socket is left open.
    zerotier_underlay_obj_t *self = mp_obj_malloc_with_finaliser(zerotier_underlay_obj_t, type);
    self->is_open = false;
    switch (zt_underlay_open(endpoint.buf, endpoint.len)) {
        case ZT_UNDERLAY_OK:
            break;
        case ZT_UNDERLAY_IN_USE:
            mp_raise_OSError(MP_EADDRINUSE);
        case ZT_UNDERLAY_NO_MEMORY:
            mp_raise_OSError(MP_ENOMEM);
        default:
            mp_raise_ValueError(MP_ERROR_TEXT("not an endpoint"));
    }
    self->is_open = true;
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t underlay_close(mp_obj_t self_in) {
    zerotier_underlay_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->is_open) {
        self->is_open = false;
        zt_underlay_close();
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(underlay_close_obj, underlay_close);

// sockets() -> what background() must watch
static mp_obj_t underlay_sockets(mp_obj_t self_in) {
    open_underlay(self_in);
    return mp_const_empty_tuple; // the only socket is watched always
}
static MP_DEFINE_CONST_FUN_OBJ_1(underlay_sockets_obj, underlay_sockets);

// send(datagram, endpoint) -> bool
static mp_obj_t underlay_send(mp_obj_t self_in, mp_obj_t datagram_in, mp_obj_t endpoint_in) {
    open_underlay(self_in);
    mp_buffer_info_t datagram;
    mp_buffer_info_t endpoint;
    mp_get_buffer_raise(datagram_in, &datagram, MP_BUFFER_READ);
    mp_get_buffer_raise(endpoint_in, &endpoint, MP_BUFFER_READ);
    return mp_obj_new_bool(zt_underlay_send(endpoint.buf, endpoint.len, datagram.buf, datagram.len));
}
static MP_DEFINE_CONST_FUN_OBJ_3(underlay_send_obj, underlay_send);

// local_endpoints() -> list of endpoints
static mp_obj_t underlay_local_endpoints(mp_obj_t self_in) {
    open_underlay(self_in);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    uint8_t endpoint[ZT_UNDERLAY_IP6_SIZE];
    size_t length;
    for (size_t i = 0; (length = zt_underlay_local(i, endpoint)) > 0; ++i) {
        mp_obj_list_append(list, mp_obj_new_bytes(endpoint, length));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(underlay_local_endpoints_obj, underlay_local_endpoints);

// dropped() -> count
static mp_obj_t underlay_dropped(mp_obj_t self_in) {
    open_underlay(self_in);
    return mp_obj_new_int_from_uint(zt_underlay_dropped());
}
static MP_DEFINE_CONST_FUN_OBJ_1(underlay_dropped_obj, underlay_dropped);

static const mp_rom_map_elem_t underlay_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&underlay_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&underlay_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_sockets), MP_ROM_PTR(&underlay_sockets_obj) },
    { MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&underlay_send_obj) },
    { MP_ROM_QSTR(MP_QSTR_local_endpoints), MP_ROM_PTR(&underlay_local_endpoints_obj) },
    { MP_ROM_QSTR(MP_QSTR_dropped), MP_ROM_PTR(&underlay_dropped_obj) },
};
static MP_DEFINE_CONST_DICT(underlay_locals, underlay_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    zerotier_underlay_type,
    MP_QSTR_Underlay,
    MP_TYPE_FLAG_NONE,
    make_new, underlay_make_new,
    locals_dict, &underlay_locals
    );
