// The class `_zerotier.Datapath` for MicroPython: tables filled by Python, frames that never see it. The manual is _zerotier.pyi.
// It owns the check of arguments and the life of the datapath: its memory is outside of the heap, and a finaliser closes it when
// the heap goes in a soft reset. Never a decision. What cpython_datapath.c does under the same names has the same effect.
#include "micropython.h"

#include <stdlib.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/objint.h"
#include "py/runtime.h"

#include "../core/armor.h"
#include "../core/datapath.h"
#include "messages.h"
#include "micropython_rules.h"

#if ZT_LWIP
#include "../lwip/netif.h"
#include "../lwip/tap.h"
#endif
#if ZT_THREADS
#include "../lwip/task.h"
#endif

#define MAX_MTU (10000)
#define NIL_ENDPOINT_SIZE (1)
#define IP4_ENDPOINT_SIZE (7)

// Bytes of a slot for fragments. On boards that count their memory a frame of the default MTU, with a certificate, and larger
// packets one at a time (../core/reassembly.h); elsewhere any packet.
#define SLOT_BYTES (ZT_SMALL ? 2992 : 0)

typedef struct _zerotier_datapath_obj_t {
    mp_obj_base_t base;
    zt_datapath_t *datapath; // NULL once closed
    #if ZT_LWIP
    zt_glue_t *glue;
    #endif
    #if ZT_THREADS
    size_t depth; // methods that run inside each other, called by callbacks
    #endif
    mp_obj_t on_send;
    mp_obj_t ports; // list, by index of the network, behind them the joined Ethernets: nothing of them may be collected
    size_t networks;
    mp_obj_t judges; // dict: network id -> RuleSet, address + network id -> Holdings that the datapath borrows
    mp_obj_array_t *view; // of the oldest record; one object for all of them
    bool is_shown; // the oldest record was given out and is to be popped
} zerotier_datapath_obj_t;

static zt_datapath_t *opened(mp_obj_t self_in) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->datapath == NULL) {
        mp_raise_OSError(MP_EBADF);
    }
    return self->datapath;
}

/******************************************************************************/
// Callbacks

// An exception in a callback must not tear the datapath apart, and belongs to nobody who called it.
static void report(const nlr_buf_t *nlr) {
    mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr->ret_val));
}

static mp_obj_t view_of(const uint8_t *bytes, size_t length) {
    return mp_obj_new_memoryview('B' | MP_OBJ_ARRAY_TYPECODE_FLAG_RW, length, (void *)bytes);
}

static void send_by_python(mp_obj_t on_send, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_call_function_2(on_send, view_of(datagram, length), mp_obj_new_bytes(to->bytes, to->length));
        nlr_pop();
    } else {
        report(&nlr);
    }
}

static void send(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    zerotier_datapath_obj_t *self = context;
    #if ZT_THREADS // the worker has no right to Python
    if (zt_attached_glue() == self->glue) {
        zt_underlay_transmit(to, datagram, length);
        return;
    }
    #endif
    if (self->on_send != mp_const_none) {
        send_by_python(self->on_send, to, datagram, length);
        return;
    }
    #if ZT_LWIP
    if (zt_attached_glue() == self->glue) {
        zt_underlay_transmit(to, datagram, length);
    }
    #endif
}

// False from deliver(), or an exception: it was dropped.
static bool deliver_to_python(mp_obj_t port, uint8_t *frame, size_t length) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t method[3];
        mp_load_method(port, MP_QSTR_deliver, method);
        method[2] = view_of(frame, length);
        bool is_taken = mp_call_method_n_kw(1, 0, method) != mp_const_false;
        nlr_pop();
        return is_taken;
    }
    report(&nlr);
    return false;
}

// A port is a netif of lwIP, a tap in another one or, in tests, an object with a method deliver().
static bool deliver(void *context, void *port, uint8_t *frame, size_t length, int slot) {
    zerotier_datapath_obj_t *self = context;
    #if ZT_LWIP
    if (zt_netif_contains(port)) {
        return zt_glue_deliver(self->glue, port, frame, length, slot);
    }
    #endif
    bool is_taken;
    #if ZT_THREADS
    if (zt_attached_glue() == self->glue) {
        is_taken = false; // the worker has no right to Python
    } else
    #elif ZT_LWIP
    if (zt_tap_is(port)) {
        is_taken = zt_tap_send(port, frame, length);
    } else
    #endif
    {
        is_taken = deliver_to_python(MP_OBJ_FROM_PTR(port), frame, length);
    }
    if (is_taken && slot >= 0) {
        zt_datapath_release(self->datapath, slot);
    }
    return is_taken;
}

/******************************************************************************/
// Turns: with threads, a method has the datapath for itself. METHOD_1(f) makes the function object f_obj of f

#if ZT_THREADS
static mp_obj_t in_turn(mp_const_obj_t method, size_t n_args, const mp_obj_t *args) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    nlr_buf_t nlr;
    mp_obj_t result = MP_OBJ_NULL;
    if (self->datapath == NULL) {
        mp_raise_OSError(MP_EBADF);
    }
    if (self->depth++ == 0) {
        zt_glue_enter(self->glue);
    }
    if (nlr_push(&nlr) == 0) {
        result = mp_call_function_n_kw(MP_OBJ_FROM_PTR(method), n_args, 0, args);
        nlr_pop();
    }
    if (--self->depth == 0) {
        zt_glue_leave(self->glue);
    }
    if (result == MP_OBJ_NULL) {
        nlr_jump(nlr.ret_val);
    }
    return result;
}

#define IN_TURN(method, count) \
    static mp_obj_t method##_in_turn(size_t n_args, const mp_obj_t * args) { \
        return in_turn(&method##_at_once_obj, n_args, args); \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(method##_obj, count, count, method##_in_turn)
#define METHOD_1(method) static MP_DEFINE_CONST_FUN_OBJ_1(method##_at_once_obj, method); IN_TURN(method, 1)
#define METHOD_2(method) static MP_DEFINE_CONST_FUN_OBJ_2(method##_at_once_obj, method); IN_TURN(method, 2)
#define METHOD_3(method) static MP_DEFINE_CONST_FUN_OBJ_3(method##_at_once_obj, method); IN_TURN(method, 3)
#define METHOD_N(method, count) \
    static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(method##_at_once_obj, count, count, method); IN_TURN(method, count)
#else
#define METHOD_1(method) static MP_DEFINE_CONST_FUN_OBJ_1(method##_obj, method)
#define METHOD_2(method) static MP_DEFINE_CONST_FUN_OBJ_2(method##_obj, method)
#define METHOD_3(method) static MP_DEFINE_CONST_FUN_OBJ_3(method##_obj, method)
#define METHOD_N(method, count) static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(method##_obj, count, count, method)
#endif

/******************************************************************************/
// Arguments

static mp_buffer_info_t readable(mp_obj_t object) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_READ);
    return buffer;
}

static const uint8_t *address_of(mp_obj_t object) {
    mp_buffer_info_t address = readable(object);
    if (address.len != ZT_ADDRESS_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_ADDRESS));
    }
    return address.buf;
}

static const uint8_t *nwid_of(mp_obj_t object) {
    mp_buffer_info_t nwid = readable(object);
    if (nwid.len != ZT_NWID_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_NWID));
    }
    return nwid.buf;
}

static zt_endpoint_t endpoint_of(mp_obj_t object) {
    zt_endpoint_t endpoint = { 0 };
    mp_buffer_info_t bytes = readable(object);
    if (bytes.len != NIL_ENDPOINT_SIZE && bytes.len != IP4_ENDPOINT_SIZE && bytes.len != ZT_ENDPOINT_MAX_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_ENDPOINT));
    }
    endpoint.length = (uint8_t)bytes.len;
    memcpy(endpoint.bytes, bytes.buf, bytes.len);
    return endpoint;
}

// 64 bits, on ports with small ones too.
static uint64_t now_of(mp_obj_t object) {
    if (mp_obj_is_exact_type(object, &mp_type_int) && mp_obj_int_sign(object) >= 0) {
        uint8_t bytes[sizeof(uint64_t)];
        uint64_t now = 0;
        mp_obj_int_to_bytes_impl(object, true, sizeof(bytes), bytes);
        for (size_t i = 0; i < sizeof(bytes); ++i) {
            now = now << 8 | bytes[i];
        }
        return now;
    }
    mp_int_t now = mp_obj_get_int(object);
    if (now < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_NOW));
    }
    return (uint64_t)now;
}

/******************************************************************************/
// Life

static bool has_good_bounds(const mp_int_t *bounds, zt_datapath_config_t *config) {
    *config = (zt_datapath_config_t) {
        .peers = (uint16_t)bounds[0],
        .networks = (uint16_t)bounds[1],
        .slots = (uint16_t)bounds[2],
        .ring_bytes = (uint32_t)bounds[3],
        .slot_bytes = SLOT_BYTES,
    };
    return config->peers == bounds[0] && config->networks == bounds[1] && config->slots == bounds[2]
           && bounds[3] >= 0 && config->ring_bytes == (mp_uint_t)bounds[3] && zt_datapath_size(config) != 0;
}

static bool open_datapath(zerotier_datapath_obj_t *self, const zt_datapath_config_t *config, const uint8_t *address) {
    const zt_datapath_platform_t platform = { .context = self, .send = send, .deliver = deliver };
    #if ZT_LWIP
    self->glue = zt_glue_open(config, address, &platform);
    self->datapath = self->glue == NULL ? NULL : zt_glue_datapath(self->glue);
    #else
    void *memory = malloc(zt_datapath_size(config));
    self->datapath = memory == NULL ? NULL : zt_datapath_init(memory, config, address, &platform);
    #endif
    return self->datapath != NULL;
}

// Datapath(address, peers, networks, slots, ring)
static mp_obj_t datapath_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    enum { BOUNDS = 4 };
    mp_arg_check_num(n_args, n_kw, 1 + BOUNDS, 1 + BOUNDS, false);
    const uint8_t *address = address_of(args[0]);
    mp_int_t bounds[BOUNDS];
    for (size_t i = 0; i < BOUNDS; ++i) {
        bounds[i] = mp_obj_get_int(args[1 + i]);
    }
    zt_datapath_config_t config;
    if (!has_good_bounds(bounds, &config)) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_BOUNDS));
    }
    // All objects first: if the heap is full, no datapath is left open.
    zerotier_datapath_obj_t *self = mp_obj_malloc_with_finaliser(zerotier_datapath_obj_t, type);
    self->datapath = NULL;
    #if ZT_THREADS
    self->depth = 0;
    #endif
    self->on_send = mp_const_none;
    self->is_shown = false;
    self->ports = mp_obj_new_list(0, NULL);
    self->judges = mp_obj_new_dict(0);
    self->view = MP_OBJ_TO_PTR(view_of(NULL, 0));
    self->networks = config.networks;
    for (size_t i = 0; i < 2 * self->networks; ++i) {
        mp_obj_list_append(self->ports, mp_const_none);
    }
    if (!open_datapath(self, &config, address)) {
        mp_raise_OSError(MP_ENOMEM);
    }
    return MP_OBJ_FROM_PTR(self);
}

#if ZT_LWIP
static zerotier_datapath_obj_t *attached;

zt_glue_t *zt_attached_glue(void) {
    return attached == NULL ? NULL : attached->glue;
}
#endif

static mp_obj_t datapath_close(mp_obj_t self_in) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->datapath == NULL) {
        return mp_const_none;
    }
    self->view->len = 0; // its memory goes
    #if ZT_LWIP
    if (attached == self) {
        #if ZT_THREADS
        zt_background_stop(); // in a soft reset nobody else does
        zt_task_end();
        #endif
        attached = NULL;
    }
    zt_glue_close(self->glue);
    #else
    zt_datapath_close(self->datapath);
    free(self->datapath);
    #endif
    self->datapath = NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(datapath_close_obj, datapath_close);

/******************************************************************************/
// Tables

static mp_obj_t datapath_set_peer(mp_obj_t self_in, mp_obj_t address_in, mp_obj_t key_in) {
    zt_datapath_t *datapath = opened(self_in);
    const uint8_t *address = address_of(address_in);
    mp_buffer_info_t key = readable(key_in);
    if (key.len < ZT_ARMOR_KEY_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_ARMOR_KEY));
    }
    if (!zt_datapath_set_peer(datapath, address, key.buf)) {
        mp_raise_OSError(MP_ENOMEM);
    }
    return mp_const_none;
}
METHOD_3(datapath_set_peer);

// Keeps what the datapath borrows from now on. False: no memory, and nothing is changed.
static bool keep_judge(mp_obj_t self_in, const uint8_t *key, size_t length, mp_obj_t judge) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        return false;
    }
    mp_obj_dict_store(self->judges, mp_obj_new_bytes(key, length), judge);
    nlr_pop();
    return true;
}

// Lets go of what was kept for a peer (the first 5 of 13 bytes) or for a network (the last 8), which the datapath has forgotten.
static void forget_judges(mp_obj_t self_in, const uint8_t *part, size_t length) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_map_t *map = mp_obj_dict_get_map(self->judges);
    for (size_t i = 0; i < map->alloc; ++i) {
        if (!mp_map_slot_is_filled(map, i)) {
            continue;
        }
        mp_buffer_info_t key = readable(map->table[i].key);
        const uint8_t *bytes = key.buf;
        if (length == ZT_NWID_SIZE) {
            bytes += key.len - length;
        } else if (key.len == ZT_NWID_SIZE) {
            continue;
        }
        if (memcmp(bytes, part, length) == 0) {
            mp_map_lookup(map, map->table[i].key, MP_MAP_LOOKUP_REMOVE_IF_FOUND);
        }
    }
}

static mp_obj_t datapath_remove_peer(mp_obj_t self_in, mp_obj_t address_in) {
    const uint8_t *address = address_of(address_in);
    zt_datapath_remove_peer(opened(self_in), address);
    forget_judges(self_in, address, ZT_ADDRESS_SIZE);
    return mp_const_none;
}
METHOD_2(datapath_remove_peer);

// set_paths(address, endpoints, send_to)
static mp_obj_t datapath_set_paths(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zt_datapath_t *datapath = opened(args[0]);
    const uint8_t *address = address_of(args[1]);
    if (!mp_obj_is_exact_type(args[2], &mp_type_tuple)) {
        mp_raise_TypeError(NULL);
    }
    size_t count;
    mp_obj_t *items;
    mp_obj_tuple_get(args[2], &count, &items);
    count = MIN(count, ZT_PEER_PATHS);
    zt_endpoint_t paths[ZT_PEER_PATHS];
    for (size_t i = 0; i < count; ++i) {
        paths[i] = endpoint_of(items[i]);
    }
    zt_endpoint_t send_to;
    bool is_reachable = args[3] != mp_const_none;
    if (is_reachable) {
        send_to = endpoint_of(args[3]);
    }
    return mp_obj_new_bool(zt_datapath_set_paths(datapath, address, paths, count, is_reachable ? &send_to : NULL));
}
METHOD_N(datapath_set_paths, 4);

// add_network(nwid, mac, mtu, port)
static mp_obj_t datapath_add_network(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    zt_datapath_t *datapath = opened(args[0]);
    const uint8_t *nwid = nwid_of(args[1]);
    mp_buffer_info_t mac = readable(args[2]);
    mp_int_t mtu = mp_obj_get_int(args[3]);
    if (mac.len != ZT_ETHERNET_ADDRESS_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_HARDWARE));
    }
    if (mtu < 1 || mtu > MAX_MTU) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_MTU));
    }
    mp_obj_t port = args[4];
    int index;
    #if ZT_LWIP
    if (mp_obj_is_type(port, &zerotier_netif_type)) {
        index = zt_glue_add_network(self->glue, nwid, mac.buf, (uint16_t)mtu, zt_netif_of(port));
    } else
    #endif
    {
        index = zt_datapath_add_network(datapath, nwid, mac.buf, (uint16_t)mtu, MP_OBJ_TO_PTR(port));
    }
    if (index < 0) {
        mp_raise_OSError(MP_ENOMEM);
    }
    mp_obj_list_store(self->ports, MP_OBJ_NEW_SMALL_INT(index), port);
    return mp_const_none;
}
METHOD_N(datapath_add_network, 5);

static mp_obj_t datapath_remove_network(mp_obj_t self_in, mp_obj_t nwid_in) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    zt_datapath_t *datapath = opened(self_in);
    const uint8_t *nwid = nwid_of(nwid_in);
    int index = zt_datapath_network(datapath, nwid);
    if (index >= 0) {
        #if ZT_LWIP
        zt_glue_remove_network(self->glue, nwid);
        #else
        zt_datapath_remove_network(datapath, nwid);
        #endif
        mp_obj_list_store(self->ports, MP_OBJ_NEW_SMALL_INT(index), mp_const_none);
        mp_obj_list_store(self->ports, MP_OBJ_NEW_SMALL_INT(self->networks + index), mp_const_none);
    }
    forget_judges(self_in, nwid, ZT_NWID_SIZE);
    return mp_const_none;
}
METHOD_2(datapath_remove_network);

// set_member(nwid, address, flags)
static mp_obj_t datapath_set_member(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zt_datapath_t *datapath = opened(args[0]);
    const uint8_t *nwid = nwid_of(args[1]);
    const uint8_t *address = address_of(args[2]);
    mp_int_t flags = mp_obj_get_int(args[3]);
    if (flags < 0 || flags > (ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN)) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_MEMBER_FLAGS));
    }
    return mp_obj_new_bool(zt_datapath_set_member(datapath, nwid, address, (uint8_t)flags));
}
METHOD_N(datapath_set_member, 4);

// join_ethernet(nwid, ethernet)
static mp_obj_t datapath_join_ethernet(mp_obj_t self_in, mp_obj_t nwid_in, mp_obj_t ethernet) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    zt_datapath_t *datapath = opened(self_in);
    const uint8_t *nwid = nwid_of(nwid_in);
    int index = zt_datapath_network(datapath, nwid);
    if (index < 0) {
        return mp_const_false;
    }
    #if ZT_LWIP && !ZT_THREADS
    if (mp_obj_is_type(ethernet, &zerotier_tap_type)) {
        zt_tap_join(zt_tap_of(ethernet), self->glue, nwid);
    } else
    #endif
    {
        zt_datapath_join_ethernet(datapath, nwid, ethernet == mp_const_none ? NULL : MP_OBJ_TO_PTR(ethernet));
    }
    mp_obj_list_store(self->ports, MP_OBJ_NEW_SMALL_INT(self->networks + index), ethernet);
    return mp_const_true;
}
METHOD_3(datapath_join_ethernet);

// set_host(nwid, mac, address, now)
static mp_obj_t datapath_set_host(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zt_datapath_t *datapath = opened(args[0]);
    const uint8_t *nwid = nwid_of(args[1]);
    mp_buffer_info_t mac = readable(args[2]);
    const uint8_t *address = address_of(args[3]);
    if (mac.len != ZT_ETHERNET_ADDRESS_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_HARDWARE));
    }
    return mp_obj_new_bool(zt_datapath_set_host(datapath, nwid, mac.buf, address, now_of(args[4])));
}
METHOD_N(datapath_set_host, 5);

static mp_obj_t datapath_forget_hosts(mp_obj_t self_in, mp_obj_t nwid_in) {
    zt_datapath_forget_hosts(opened(self_in), nwid_of(nwid_in));
    return mp_const_none;
}
METHOD_2(datapath_forget_hosts);

static NORETURN void raise_no_memory(void) {
    mp_raise_msg(&mp_type_MemoryError, NULL);
}

// set_rules(nwid, rules)
static mp_obj_t datapath_set_rules(mp_obj_t self_in, mp_obj_t nwid_in, mp_obj_t rules_in) {
    zt_datapath_t *datapath = opened(self_in);
    const uint8_t *nwid = nwid_of(nwid_in);
    const zt_rules_network_t *rules = zt_rules_network_of(rules_in);
    if (!zt_datapath_set_rules(datapath, nwid, rules)) {
        return mp_const_false;
    }
    // The old ones go with keep_judge(), so the datapath must not judge by them any more.
    if (!keep_judge(self_in, nwid, ZT_NWID_SIZE, rules_in)) {
        datapath_remove_network(self_in, nwid_in);
        raise_no_memory();
    }
    return mp_const_true;
}
METHOD_3(datapath_set_rules);

// set_holdings(nwid, address, holdings)
static mp_obj_t datapath_set_holdings(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zt_datapath_t *datapath = opened(args[0]);
    uint8_t key[ZT_ADDRESS_SIZE + ZT_NWID_SIZE];
    uint8_t *nwid = key + ZT_ADDRESS_SIZE;
    memcpy(nwid, nwid_of(args[1]), ZT_NWID_SIZE);
    memcpy(key, address_of(args[2]), ZT_ADDRESS_SIZE);
    if (!zt_datapath_set_holdings(datapath, nwid, key, zt_holdings_of(args[3]))) {
        return mp_const_false;
    }
    if (!keep_judge(args[0], key, sizeof(key), args[3])) {
        zt_datapath_set_holdings(datapath, nwid, key, NULL);
        raise_no_memory();
    }
    return mp_const_true;
}
METHOD_N(datapath_set_holdings, 4);

static mp_obj_t datapath_set_ids(mp_obj_t self_in, mp_obj_t prefix_in) {
    zt_datapath_t *datapath = opened(self_in);
    mp_buffer_info_t prefix = readable(prefix_in);
    if (prefix.len != ZT_IDS_PREFIX_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_PREFIX));
    }
    zt_datapath_set_ids(datapath, prefix.buf);
    return mp_const_none;
}
METHOD_2(datapath_set_ids);

static mp_obj_t datapath_ids_low(mp_obj_t self_in) {
    return mp_obj_new_bool(zt_datapath_ids_low(opened(self_in)));
}
METHOD_1(datapath_ids_low);

/******************************************************************************/
// Packets

// New memory for a packet on its way, with `room` bytes in front of a copy of `content`. It is in the heap, so that whoever keeps a
// view of it for too long does no harm.
static uint8_t *copy_behind(size_t room, mp_obj_t content_in, size_t *length) {
    mp_buffer_info_t content = readable(content_in);
    uint8_t *memory = m_new(uint8_t, room + content.len);
    memcpy(memory + room, content.buf, content.len);
    *length = content.len;
    return memory + room;
}

// receive(datagram, endpoint, now)
static mp_obj_t datapath_receive(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zt_datapath_t *datapath = opened(args[0]);
    zt_endpoint_t source = endpoint_of(args[2]);
    uint64_t now = now_of(args[3]);
    size_t length;
    uint8_t *datagram = copy_behind(ZT_PACKET_LEAD, args[1], &length);
    zt_datapath_receive(datapath, datagram, length, &source, now);
    return mp_const_none;
}
METHOD_N(datapath_receive, 4);

// transmit(nwid, frame, now)
static mp_obj_t datapath_transmit(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zt_datapath_t *datapath = opened(args[0]);
    int index = zt_datapath_network(datapath, nwid_of(args[1]));
    uint64_t now = now_of(args[3]);
    size_t length;
    uint8_t *frame = copy_behind(ZT_PACKET_LEAD + ZT_FRAME_HEADROOM, args[2], &length);
    zt_datapath_transmit(datapath, index, frame, length, now);
    return mp_const_none;
}
METHOD_N(datapath_transmit, 4);

// bridge(nwid, frame, now)
static mp_obj_t datapath_bridge(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    zt_datapath_t *datapath = opened(args[0]);
    int index = zt_datapath_network(datapath, nwid_of(args[1]));
    uint64_t now = now_of(args[3]);
    size_t length;
    uint8_t *frame = copy_behind(ZT_PACKET_LEAD + ZT_BRIDGED_HEADROOM, args[2], &length);
    zt_datapath_bridge(datapath, index, frame, length, now);
    return mp_const_none;
}
METHOD_N(datapath_bridge, 4);

#if ZT_LWIP
static mp_obj_t datapath_detach(mp_obj_t self_in) {
    if (attached == MP_OBJ_TO_PTR(self_in)) {
        #if ZT_THREADS
        zt_task_end();
        #endif
        attached = NULL;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(datapath_detach_obj, datapath_detach);

// attach(now)
static mp_obj_t datapath_attach(mp_obj_t self_in, mp_obj_t now_in) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    opened(self_in);
    uint64_t now = now_of(now_in);
    #if ZT_THREADS
    datapath_detach(attached == NULL ? self_in : MP_OBJ_FROM_PTR(attached));
    #endif
    zt_glue_set_now(self->glue, now);
    attached = self;
    #if ZT_THREADS
    if (!zt_task_start(self->glue, zt_background_rest)) {
        attached = NULL;
        mp_raise_OSError(MP_ENOMEM);
    }
    #endif
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(datapath_attach_obj, datapath_attach);

#endif

/******************************************************************************/
// What waits, and what happened

// next() -> None | (kind, packet, endpoint or network id)
static mp_obj_t datapath_next(mp_obj_t self_in) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    zt_datapath_t *datapath = opened(self_in);
    if (self->is_shown) {
        zt_datapath_pop(datapath);
        self->is_shown = false;
    }
    zt_record_t record;
    if (!zt_datapath_next(datapath, &record)) {
        self->view->len = 0;
        return mp_const_none;
    }
    self->view->items = record.packet;
    self->view->len = record.length;
    bool is_of_network = record.kind == ZT_RECORD_FRAME || record.kind == ZT_RECORD_BRIDGED;
    const uint8_t *about = is_of_network ? record.nwid : record.endpoint.bytes;
    size_t length = is_of_network ? ZT_NWID_SIZE : record.endpoint.length;
    const mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(record.kind),
        MP_OBJ_FROM_PTR(self->view),
        mp_obj_new_bytes(about, length),
    };
    mp_obj_t result = mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
    self->is_shown = true;
    return result;
}
METHOD_1(datapath_next);

// One that fits needs no memory, which mp_obj_new_int_from_ull() takes for every number.
static mp_obj_t time_object(uint64_t time) {
    return time <= INT32_MAX ? mp_obj_new_int((mp_int_t)time) : mp_obj_new_int_from_ull(time);
}

static mp_obj_t datapath_peer_state(mp_obj_t self_in, mp_obj_t address_in) {
    zt_peer_state_t state;
    if (!zt_datapath_peer_state(opened(self_in), address_of(address_in), &state)) {
        return mp_const_none;
    }
    mp_obj_t times[ZT_PEER_PATHS];
    for (size_t i = 0; i < state.paths; ++i) {
        times[i] = time_object(state.last_receive[i]);
    }
    const mp_obj_t items[] = {
        time_object(state.last_frame_in),
        time_object(state.last_frame_out),
        mp_obj_new_tuple(state.paths, times),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
METHOD_2(datapath_peer_state);

static void put(mp_obj_t dict, const char *name, uint32_t value) {
    mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(qstr_from_str(name)), mp_obj_new_int_from_uint(value));
}

static mp_obj_t datapath_counters(mp_obj_t self_in) {
    zt_datapath_t *datapath = opened(self_in);
    mp_obj_t result = mp_obj_new_dict(ZT_COUNTER_COUNT);
    for (size_t i = 0; i < ZT_COUNTER_COUNT; ++i) {
        put(result, zt_datapath_counter_name(i), zt_datapath_counter(datapath, i));
    }
    #if ZT_LWIP
    put(result, "send_failed", zt_underlay_failures());
    put(result, "no_memory", zt_glue_no_memory(((zerotier_datapath_obj_t *)MP_OBJ_TO_PTR(self_in))->glue));
    #endif
    return result;
}
METHOD_1(datapath_counters);

/******************************************************************************/
// The type

static const mp_rom_map_elem_t datapath_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&datapath_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_peer), MP_ROM_PTR(&datapath_set_peer_obj) },
    { MP_ROM_QSTR(MP_QSTR_remove_peer), MP_ROM_PTR(&datapath_remove_peer_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_paths), MP_ROM_PTR(&datapath_set_paths_obj) },
    { MP_ROM_QSTR(MP_QSTR_add_network), MP_ROM_PTR(&datapath_add_network_obj) },
    { MP_ROM_QSTR(MP_QSTR_remove_network), MP_ROM_PTR(&datapath_remove_network_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_member), MP_ROM_PTR(&datapath_set_member_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_rules), MP_ROM_PTR(&datapath_set_rules_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_holdings), MP_ROM_PTR(&datapath_set_holdings_obj) },
    { MP_ROM_QSTR(MP_QSTR_join_ethernet), MP_ROM_PTR(&datapath_join_ethernet_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_host), MP_ROM_PTR(&datapath_set_host_obj) },
    { MP_ROM_QSTR(MP_QSTR_forget_hosts), MP_ROM_PTR(&datapath_forget_hosts_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_ids), MP_ROM_PTR(&datapath_set_ids_obj) },
    { MP_ROM_QSTR(MP_QSTR_ids_low), MP_ROM_PTR(&datapath_ids_low_obj) },
    { MP_ROM_QSTR(MP_QSTR_receive), MP_ROM_PTR(&datapath_receive_obj) },
    { MP_ROM_QSTR(MP_QSTR_transmit), MP_ROM_PTR(&datapath_transmit_obj) },
    { MP_ROM_QSTR(MP_QSTR_bridge), MP_ROM_PTR(&datapath_bridge_obj) },
    #if ZT_LWIP
    { MP_ROM_QSTR(MP_QSTR_attach), MP_ROM_PTR(&datapath_attach_obj) },
    { MP_ROM_QSTR(MP_QSTR_detach), MP_ROM_PTR(&datapath_detach_obj) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_next), MP_ROM_PTR(&datapath_next_obj) },
    { MP_ROM_QSTR(MP_QSTR_peer_state), MP_ROM_PTR(&datapath_peer_state_obj) },
    { MP_ROM_QSTR(MP_QSTR_counters), MP_ROM_PTR(&datapath_counters_obj) },
};
static MP_DEFINE_CONST_DICT(datapath_locals, datapath_locals_table);

// on_send is the one attribute that can be set.
static void datapath_attr(mp_obj_t self_in, qstr attribute, mp_obj_t *destination) {
    zerotier_datapath_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (attribute != MP_QSTR_on_send) {
        destination[1] = MP_OBJ_SENTINEL; // go on with the methods
    } else if (destination[0] == MP_OBJ_NULL) {
        destination[0] = self->on_send;
    } else if (destination[1] != MP_OBJ_NULL) {
        self->on_send = destination[1];
        destination[0] = MP_OBJ_NULL;
    }
}

MP_DEFINE_CONST_OBJ_TYPE(
    zerotier_datapath_type,
    MP_QSTR_Datapath,
    MP_TYPE_FLAG_NONE,
    make_new, datapath_make_new,
    attr, datapath_attr,
    locals_dict, &datapath_locals
    );
