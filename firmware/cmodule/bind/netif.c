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

// An address as text, or as 4 or 16 bytes; of any version.
static ip_addr_t address_of(mp_obj_t object) {
    ip_addr_t address;
    if (mp_obj_is_str(object)) {
        if (!ipaddr_aton(mp_obj_str_get_str(object), &address)) {
            mp_raise_ValueError(MP_ERROR_TEXT("not an IP address"));
        }
        return address;
    }
    mp_buffer_info_t bytes;
    mp_get_buffer_raise(object, &bytes, MP_BUFFER_READ);
    memset(&address, 0, sizeof(address));
    if (bytes.len == IP4_SIZE) {
        IP_SET_TYPE_VAL(address, IPADDR_TYPE_V4);
        memcpy(&ip_2_ip4(&address)->addr, bytes.buf, IP4_SIZE);
    } else if (bytes.len == IP6_SIZE) {
        IP_SET_TYPE_VAL(address, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(&address)->addr, bytes.buf, IP6_SIZE);
    } else {
        mp_raise_ValueError(MP_ERROR_TEXT("an IP address must be 4 or 16 bytes"));
    }
    return address;
}

static ip4_addr_t ip4_of(mp_obj_t object) {
    ip_addr_t address = address_of(object);
    if (IP_IS_V6_VAL(address)) {
        mp_raise_ValueError(MP_ERROR_TEXT("not an IPv4 address"));
    }
    return *ip_2_ip4(&address);
}

// ip4(address, prefix_bits)
static mp_obj_t netif_ip4(mp_obj_t self_in, mp_obj_t address_in, mp_obj_t bits_in) {
    zt_netif_t *netif = open_netif(self_in);
    ip4_addr_t address = ip4_of(address_in);
    zt_netif_set_ip4(netif, &address, prefix_of(bits_in, IP4_BITS));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(netif_ip4_obj, netif_ip4);

// ip4_also(address, prefix_bits)
static mp_obj_t netif_ip4_also(mp_obj_t self_in, mp_obj_t address_in, mp_obj_t bits_in) {
    zt_netif_t *netif = open_netif(self_in);
    ip4_addr_t address = ip4_of(address_in);
    if (!zt_netif_add_ip4(netif, &address, prefix_of(bits_in, IP4_BITS))) {
        mp_raise_OSError(MP_ENOMEM);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(netif_ip4_also_obj, netif_ip4_also);

// ip6(address, prefix_bits)
static mp_obj_t netif_ip6(mp_obj_t self_in, mp_obj_t address_in, mp_obj_t bits_in) {
    zt_netif_t *netif = open_netif(self_in);
    ip_addr_t address = address_of(address_in);
    if (IP_IS_V4_VAL(address)) {
        mp_raise_ValueError(MP_ERROR_TEXT("not an IPv6 address"));
    }
    if (!zt_netif_add_ip6(netif, ip_2_ip6(&address), prefix_of(bits_in, IP6_BITS))) {
        mp_raise_OSError(MP_ENOMEM);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(netif_ip6_obj, netif_ip6);

// route(target, prefix_bits, gateway)
static mp_obj_t netif_route(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zt_netif_t *netif = open_netif(args[0]);
    ip_addr_t target = address_of(args[1]);
    unsigned bits = prefix_of(args[2], IP_IS_V6_VAL(target) ? IP6_BITS : IP4_BITS);
    bool has_gateway = args[3] != mp_const_none;
    ip_addr_t gateway = has_gateway ? address_of(args[3]) : target;
    if (IP_IS_V6_VAL(target) != IP_IS_V6_VAL(gateway)) {
        mp_raise_ValueError(MP_ERROR_TEXT("target and gateway must be of one version of IP"));
    }
    if (!zt_netif_add_route(netif, &target, bits, has_gateway ? &gateway : NULL)) {
        mp_raise_OSError(MP_ENOMEM);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(netif_route_obj, 4, 4, netif_route);

static mp_obj_t netif_clear_routes(mp_obj_t self_in) {
    zt_netif_clear_routes(open_netif(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(netif_clear_routes_obj, netif_clear_routes);

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
    const zt_netif_stats_t counters = zt_netif_stats(open_netif(self_in));
    mp_obj_t items[] = {
        mp_obj_new_int_from_uint(counters.sent),
        mp_obj_new_int_from_uint(counters.received),
        mp_obj_new_int_from_uint(counters.sent_dropped),
        mp_obj_new_int_from_uint(counters.received_dropped),
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
    { MP_ROM_QSTR(MP_QSTR_ip4_also), MP_ROM_PTR(&netif_ip4_also_obj) },
    { MP_ROM_QSTR(MP_QSTR_ip6), MP_ROM_PTR(&netif_ip6_obj) },
    { MP_ROM_QSTR(MP_QSTR_route), MP_ROM_PTR(&netif_route_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear_routes), MP_ROM_PTR(&netif_clear_routes_obj) },
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
