// The class `_zerotier.Netif`: a virtual Ethernet interface as a MicroPython object. The manual is _zerotier.pyi.
// It owns the check of arguments and the life of the interface: a finaliser closes it when the heap goes in a soft reset.
// Never a frame that it keeps: what the stack sends goes to the Datapath that the interface is a port of; the interface itself is in ../lwip/netif.c, outside the heap.
#include "micropython.h"

#include "py/mperrno.h"
#include "py/runtime.h"

#include "../lwip/netif.h"

#define IP4_SIZE (4)
#define IP6_SIZE (16)
#define IP4_BITS (32)
#define IP6_BITS (128)

typedef struct _zerotier_netif_obj_t {
    mp_obj_base_t base;
    zt_netif_t *netif; // NULL once closed
} zerotier_netif_obj_t;

static zt_netif_t *open_netif(mp_obj_t self_in) {
    zerotier_netif_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->netif == NULL) {
        mp_raise_OSError(MP_EBADF);
    }
    return self->netif;
}

zt_netif_t *zt_netif_of(mp_obj_t netif) {
    return open_netif(netif);
}

static uint16_t mtu_of(mp_obj_t object) {
    mp_int_t mtu = mp_obj_get_int(object);
    if (mtu < ZT_NETIF_MIN_MTU || mtu > ZT_NETIF_MAX_MTU) {
        mp_raise_ValueError(MP_ERROR_TEXT("mtu must be 1280 to 10000"));
    }
    return (uint16_t)mtu;
}

static unsigned prefix_of(mp_obj_t object, mp_int_t longest) {
    mp_int_t bits = mp_obj_get_int(object);
    if (bits < 0 || bits > longest) {
        mp_raise_ValueError(MP_ERROR_TEXT("the prefix is longer than the address"));
    }
    return (unsigned)bits;
}

static void netif_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    zerotier_netif_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->netif == NULL) {
        mp_printf(print, "<Netif closed>");
    } else {
        mp_printf(print, "<Netif %s mtu=%u>", zt_netif_is_active(self->netif) ? "up" : "down",
            (unsigned)zt_netif_mtu(self->netif));
    }
}

// Netif(mac, mtu)
static mp_obj_t netif_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 2, 2, false);
    mp_buffer_info_t mac;
    mp_get_buffer_raise(args[0], &mac, MP_BUFFER_READ);
    if (mac.len != ZT_MAC_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT("mac must be 6 bytes"));
    }
    uint16_t mtu = mtu_of(args[1]);
    // The object first: if the heap is full, no interface is left open.
    zerotier_netif_obj_t *self = mp_obj_malloc_with_finaliser(zerotier_netif_obj_t, type);
    self->netif = zt_netif_open(mac.buf, mtu);
    if (self->netif == NULL) {
        mp_raise_OSError(MP_ENOMEM);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t netif_close(mp_obj_t self_in) {
    zerotier_netif_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->netif != NULL) {
        zt_netif_close(self->netif);
        self->netif = NULL;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(netif_close_obj, netif_close);

// active([is_up])
static mp_obj_t netif_active(size_t n_args, const mp_obj_t *args) {
    zt_netif_t *netif = open_netif(args[0]);
    if (n_args > 1) {
        zt_netif_set_active(netif, mp_obj_is_true(args[1]));
    }
    return mp_obj_new_bool(zt_netif_is_active(netif));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(netif_active_obj, 1, 2, netif_active);

// mtu([bytes])
static mp_obj_t netif_mtu(size_t n_args, const mp_obj_t *args) {
    zt_netif_t *netif = open_netif(args[0]);
    if (n_args > 1) {
        zt_netif_set_mtu(netif, mtu_of(args[1]));
    }
    return MP_OBJ_NEW_SMALL_INT(zt_netif_mtu(netif));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(netif_mtu_obj, 1, 2, netif_mtu);

// ip4(address, prefix_bits)
static mp_obj_t netif_ip4(mp_obj_t self_in, mp_obj_t address_in, mp_obj_t bits_in) {
    zt_netif_t *netif = open_netif(self_in);
    ip4_addr_t address;
    if (mp_obj_is_str(address_in)) {
        if (!ip4addr_aton(mp_obj_str_get_str(address_in), &address)) {
            mp_raise_ValueError(MP_ERROR_TEXT("not an IPv4 address"));
        }
    } else {
        mp_buffer_info_t bytes;
        mp_get_buffer_raise(address_in, &bytes, MP_BUFFER_READ);
        if (bytes.len != IP4_SIZE) {
            mp_raise_ValueError(MP_ERROR_TEXT("an IPv4 address must be 4 bytes"));
        }
        memcpy(&address.addr, bytes.buf, IP4_SIZE);
    }
    zt_netif_set_ip4(netif, &address, prefix_of(bits_in, IP4_BITS));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(netif_ip4_obj, netif_ip4);

// ip6(address, prefix_bits)
static mp_obj_t netif_ip6(mp_obj_t self_in, mp_obj_t address_in, mp_obj_t bits_in) {
    zt_netif_t *netif = open_netif(self_in);
    ip6_addr_t address;
    if (mp_obj_is_str(address_in)) {
        if (!ip6addr_aton(mp_obj_str_get_str(address_in), &address)) {
            mp_raise_ValueError(MP_ERROR_TEXT("not an IPv6 address"));
        }
    } else {
        mp_buffer_info_t bytes;
        mp_get_buffer_raise(address_in, &bytes, MP_BUFFER_READ);
        if (bytes.len != IP6_SIZE) {
            mp_raise_ValueError(MP_ERROR_TEXT("an IPv6 address must be 16 bytes"));
        }
        memcpy(address.addr, bytes.buf, IP6_SIZE);
        ip6_addr_clear_zone(&address);
    }
    if (!zt_netif_add_ip6(netif, &address, prefix_of(bits_in, IP6_BITS))) {
        mp_raise_OSError(MP_ENOMEM);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(netif_ip6_obj, netif_ip6);

static mp_obj_t netif_clear_addresses(mp_obj_t self_in) {
    zt_netif_clear_addresses(open_netif(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(netif_clear_addresses_obj, netif_clear_addresses);

// input(frame) -> bool
static mp_obj_t netif_input(mp_obj_t self_in, mp_obj_t frame_in) {
    zt_netif_t *netif = open_netif(self_in);
    mp_buffer_info_t frame;
    mp_get_buffer_raise(frame_in, &frame, MP_BUFFER_READ);
    return mp_obj_new_bool(zt_netif_input(netif, frame.buf, frame.len));
}
static MP_DEFINE_CONST_FUN_OBJ_2(netif_input_obj, netif_input);

// groups() -> list of MACs
static mp_obj_t netif_groups(mp_obj_t self_in) {
    zt_netif_t *netif = open_netif(self_in);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    uint8_t mac[ZT_MAC_SIZE];
    for (size_t i = 0; zt_netif_group(netif, i, mac); ++i) {
        mp_obj_list_append(list, mp_obj_new_bytes(mac, sizeof(mac)));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(netif_groups_obj, netif_groups);

static mp_obj_t netif_groups_version(mp_obj_t self_in) {
    return mp_obj_new_int_from_uint(zt_netif_groups_version(open_netif(self_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(netif_groups_version_obj, netif_groups_version);

// stats() -> (sent, received, sent_dropped, received_dropped)
static mp_obj_t netif_stats(mp_obj_t self_in) {
    const zt_netif_stats_t *counters = zt_netif_stats(open_netif(self_in));
    mp_obj_t items[] = {
        mp_obj_new_int_from_uint(counters->sent),
        mp_obj_new_int_from_uint(counters->received),
        mp_obj_new_int_from_uint(counters->sent_dropped),
        mp_obj_new_int_from_uint(counters->received_dropped),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(netif_stats_obj, netif_stats);

static const mp_rom_map_elem_t netif_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&netif_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&netif_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_active), MP_ROM_PTR(&netif_active_obj) },
    { MP_ROM_QSTR(MP_QSTR_mtu), MP_ROM_PTR(&netif_mtu_obj) },
    { MP_ROM_QSTR(MP_QSTR_ip4), MP_ROM_PTR(&netif_ip4_obj) },
    { MP_ROM_QSTR(MP_QSTR_ip6), MP_ROM_PTR(&netif_ip6_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear_addresses), MP_ROM_PTR(&netif_clear_addresses_obj) },
    { MP_ROM_QSTR(MP_QSTR_input), MP_ROM_PTR(&netif_input_obj) },
    { MP_ROM_QSTR(MP_QSTR_groups), MP_ROM_PTR(&netif_groups_obj) },
    { MP_ROM_QSTR(MP_QSTR_groups_version), MP_ROM_PTR(&netif_groups_version_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&netif_stats_obj) },
};
static MP_DEFINE_CONST_DICT(netif_locals, netif_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    zerotier_netif_type,
    MP_QSTR_Netif,
    MP_TYPE_FLAG_NONE,
    make_new, netif_make_new,
    print, netif_print,
    locals_dict, &netif_locals
    );
