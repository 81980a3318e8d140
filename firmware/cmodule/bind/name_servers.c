// `_zerotier.name_servers`: which servers lwIP asks for names. The manual is _zerotier.pyi.
// It owns the conversion. Never a decision whose servers they are.
#include "micropython.h"

#include <string.h>

#include "py/runtime.h"

#include "../lwip/thread.h"

#include "lwip/dns.h"

#define IP4_SIZE (4)
#define IP6_SIZE (16)

static mp_obj_t bytes_of(const ip_addr_t *address) {
    return IP_IS_V6(address) ? mp_obj_new_bytes((const byte *)ip_2_ip6(address)->addr, IP6_SIZE)
                             : mp_obj_new_bytes((const byte *)&ip_2_ip4(address)->addr, IP4_SIZE);
}

// In lwIP's thread.
static void set(void *argument) {
    const ip_addr_t *servers = argument;
    for (size_t i = 0; i < DNS_MAX_SERVERS; ++i) {
        dns_setserver((u8_t)i, ip_addr_isany(&servers[i]) ? NULL : &servers[i]);
    }
}

static void get(void *argument) {
    ip_addr_t *servers = argument;
    for (size_t i = 0; i < DNS_MAX_SERVERS; ++i) {
        servers[i] = *dns_getserver((u8_t)i);
    }
}

static ip_addr_t address_of(mp_obj_t object) {
    ip_addr_t server;
    mp_buffer_info_t bytes;
    memset(&server, 0, sizeof(server));
    mp_get_buffer_raise(object, &bytes, MP_BUFFER_READ);
    if (bytes.len == IP4_SIZE) {
        IP_SET_TYPE_VAL(server, IPADDR_TYPE_V4);
        memcpy(&ip_2_ip4(&server)->addr, bytes.buf, IP4_SIZE);
    } else if (bytes.len == IP6_SIZE) {
        IP_SET_TYPE_VAL(server, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(&server)->addr, bytes.buf, IP6_SIZE);
    } else {
        mp_raise_ValueError(MP_ERROR_TEXT("an IP address must be 4 or 16 bytes"));
    }
    return server;
}

// name_servers([servers]) -> tuple of servers
static mp_obj_t name_servers(size_t n_args, const mp_obj_t *args) {
    ip_addr_t servers[DNS_MAX_SERVERS];
    memset(servers, 0, sizeof(servers));
    if (n_args > 0) {
        size_t count;
        mp_obj_t *items;
        mp_obj_get_array(args[0], &count, &items);
        for (size_t i = 0; i < count && i < DNS_MAX_SERVERS; ++i) {
            servers[i] = address_of(items[i]);
        }
        zt_in_lwip(set, servers);
    }
    zt_in_lwip(get, servers);
    mp_obj_t found[DNS_MAX_SERVERS];
    size_t count = 0;
    for (size_t i = 0; i < DNS_MAX_SERVERS; ++i) {
        if (!ip_addr_isany(&servers[i])) {
            found[count++] = bytes_of(&servers[i]);
        }
    }
    return mp_obj_new_tuple(count, found);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(zerotier_name_servers_obj, 0, 1, name_servers);
