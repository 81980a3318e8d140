// The module `_virt`: what Python on this board can do that other boards have other modules for, and what tests look at.
// It owns the unpacking of arguments; the work is done in the files of the devices.
#include "py/mperrno.h"
#include "py/runtime.h"

#include "lwip/dns.h"
#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/stats.h"

#include "board.h"
#include "modvirt.h"

#define MAX_SETTING (128)
#define MAX_SPEED (10000)
#define CANARY (0xbbbbbbbb) // what the port's entrypoint.s fills the stack with

// setting(name) -> text or None
static mp_obj_t virt_module_setting(mp_obj_t name_in) {
    char value[MAX_SETTING];
    int length = virt_setting(mp_obj_str_get_str(name_in), value, sizeof(value));
    return length < 0 ? mp_const_none : mp_obj_new_str(value, (size_t)length);
}
static MP_DEFINE_CONST_FUN_OBJ_1(virt_module_setting_obj, virt_module_setting);

static ip4_addr_t address_of(mp_obj_t text) {
    ip4_addr_t address;
    if (!ip4addr_aton(mp_obj_str_get_str(text), &address)) {
        mp_raise_ValueError(MP_ERROR_TEXT("not an IPv4 address"));
    }
    return address;
}

static struct netif *ethernet(void) {
    if (netif_default == NULL) {
        mp_raise_OSError(MP_ENODEV);
    }
    return netif_default;
}

static mp_obj_t text_of(const ip4_addr_t *address) {
    char text[IP4ADDR_STRLEN_MAX];
    ip4addr_ntoa_r(address, text, sizeof(text));
    return mp_obj_new_str_from_cstr(text);
}

// ifconfig([address, netmask, gateway, DNS server]) -> the same
static mp_obj_t virt_module_ifconfig(size_t n_args, const mp_obj_t *args) {
    struct netif *netif = ethernet();
    if (n_args == 4) {
        ip4_addr_t address = address_of(args[0]), mask = address_of(args[1]), gateway = address_of(args[2]);
        ip_addr_t server;
        ip_addr_copy_from_ip4(server, address_of(args[3]));
        netif_set_addr(netif, &address, &mask, &gateway);
        dns_setserver(0, &server);
    }
    mp_obj_t items[] = {
        text_of(netif_ip4_addr(netif)), text_of(netif_ip4_netmask(netif)), text_of(netif_ip4_gw(netif)),
        text_of(ip_2_ip4(dns_getserver(0))),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(virt_module_ifconfig_obj, 0, 4, virt_module_ifconfig);

// active([is_up]) -> bool
static mp_obj_t virt_module_active(size_t n_args, const mp_obj_t *args) {
    struct netif *netif = ethernet();
    if (n_args == 1) {
        if (mp_obj_is_true(args[0])) {
            netif_set_up(netif);
            netif_set_link_up(netif);
        } else {
            netif_set_link_down(netif);
            netif_set_down(netif);
        }
    }
    return mp_obj_new_bool(netif_is_up(netif));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(virt_module_active_obj, 0, 1, virt_module_active);

// mac() -> 6 bytes
static mp_obj_t virt_module_mac(void) {
    return mp_obj_new_bytes(ethernet()->hwaddr, NETIF_MAX_HWADDR_LEN);
}
static MP_DEFINE_CONST_FUN_OBJ_0(virt_module_mac_obj, virt_module_mac);

// speed([factor]): how much faster than outside time runs
static mp_obj_t virt_module_speed(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        mp_int_t speed = mp_obj_get_int(args[0]);
        if (speed < 1 || speed > MAX_SPEED) {
            mp_raise_ValueError(MP_ERROR_TEXT("speed must be 1 to 10000"));
        }
        virt_clock_set_speed((uint32_t)speed);
    }
    return mp_obj_new_int_from_uint(virt_clock_speed());
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(virt_module_speed_obj, 0, 1, virt_module_speed);

// pools() -> {name: (used, most ever used, size)}: lwIP's heap, in bytes, and its pools
static mp_obj_t virt_module_pools(void) {
    mp_obj_t pools = mp_obj_new_dict(MEMP_MAX + 1);
    for (int i = 0; i <= MEMP_MAX; ++i) {
        const struct stats_mem *stats = i == MEMP_MAX ? &lwip_stats.mem : memp_pools[i]->stats;
        const char *name = i == MEMP_MAX ? "HEAP" : memp_pools[i]->desc;
        mp_obj_t figures[] = {
            mp_obj_new_int_from_uint(stats->used), mp_obj_new_int_from_uint(stats->max),
            mp_obj_new_int_from_uint(stats->avail),
        };
        mp_obj_dict_store(pools, mp_obj_new_str_from_cstr(name), mp_obj_new_tuple(MP_ARRAY_SIZE(figures), figures));
    }
    return pools;
}
static MP_DEFINE_CONST_FUN_OBJ_0(virt_module_pools_obj, virt_module_pools);

// malloced() -> the most bytes that malloc ever had from the rest of the RAM
static mp_obj_t virt_module_malloced(void) {
    return mp_obj_new_int_from_uint(virt_malloced());
}
static MP_DEFINE_CONST_FUN_OBJ_0(virt_module_malloced_obj, virt_module_malloced);

// stack() -> the most bytes of stack that were ever used
static mp_obj_t virt_module_stack(void) {
    extern uint32_t _sstack, _estack;
    const uint32_t *word = &_sstack;
    while (word < &_estack && *word == CANARY) {
        ++word;
    }
    return mp_obj_new_int_from_uint((mp_uint_t)((const uint8_t *)&_estack - (const uint8_t *)word));
}
static MP_DEFINE_CONST_FUN_OBJ_0(virt_module_stack_obj, virt_module_stack);

static const mp_rom_map_elem_t virt_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__virt) },
    { MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&virt_flash_type) },
    { MP_ROM_QSTR(MP_QSTR_active), MP_ROM_PTR(&virt_module_active_obj) },
    { MP_ROM_QSTR(MP_QSTR_host_file), MP_ROM_PTR(&virt_host_file_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&virt_module_ifconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_mac), MP_ROM_PTR(&virt_module_mac_obj) },
    { MP_ROM_QSTR(MP_QSTR_malloced), MP_ROM_PTR(&virt_module_malloced_obj) },
    { MP_ROM_QSTR(MP_QSTR_pools), MP_ROM_PTR(&virt_module_pools_obj) },
    { MP_ROM_QSTR(MP_QSTR_setting), MP_ROM_PTR(&virt_module_setting_obj) },
    { MP_ROM_QSTR(MP_QSTR_speed), MP_ROM_PTR(&virt_module_speed_obj) },
    { MP_ROM_QSTR(MP_QSTR_stack), MP_ROM_PTR(&virt_module_stack_obj) },
};
static MP_DEFINE_CONST_DICT(virt_globals, virt_globals_table);

const mp_obj_module_t virt_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&virt_globals,
};

MP_REGISTER_MODULE(MP_QSTR__virt, virt_module);
