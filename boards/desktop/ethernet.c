// A TAP interface of Linux as a second interface of lwIP, like the Ethernet that a board has: `network.LAN("tap0")` makes both. It
// is there to be bridged into a network; programs on this PC, and namespaces, are the hosts on that Ethernet.
// It owns the interface, which lives as long as the process. Never an address, never lwIP's default route.
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "py/mperrno.h"
#include "py/runtime.h"

#include "lwip/netif.h"
#include "lwip/pbuf.h"

#include "waits.h"

#define MTU (1500)
#define FRAME_SIZE (14 + MTU)
#define BATCH (32) // frames that one look takes

static int file = -1;
static struct netif ethernet;

static err_t send_frame(struct netif *netif, struct pbuf *frame) {
    (void)netif;
    uint8_t bytes[FRAME_SIZE];
    if (frame->tot_len > sizeof(bytes)) {
        return ERR_BUF;
    }
    pbuf_copy_partial(frame, bytes, frame->tot_len, 0);
    return write(file, bytes, frame->tot_len) == frame->tot_len ? ERR_OK : ERR_IF;
}

static err_t start_netif(struct netif *netif) {
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->linkoutput = send_frame;
    netif->mtu = MTU;
    netif->hwaddr_len = NETIF_MAX_HWADDR_LEN;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    const uint32_t number = zt_stack_random();
    netif->hwaddr[0] = 0x02; // locally administered
    memcpy(netif->hwaddr + 2, &number, sizeof(number));
    return ERR_OK;
}

int desktop_ethernet(void) {
    return file;
}

// read(2) of this file never waits, so it may go round waits.c.
bool desktop_ethernet_pump(void) {
    bool is_news = false;
    for (size_t i = 0; file >= 0 && i < BATCH; ++i) {
        uint8_t bytes[FRAME_SIZE];
        ssize_t length = read(file, bytes, sizeof(bytes));
        if (length <= 0) {
            break;
        }
        is_news = true;
        struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_POOL); // NULL: dropped, as by any busy Ethernet
        if (frame != NULL) {
            pbuf_take(frame, bytes, (u16_t)length);
            if (ethernet.input(frame, &ethernet) != ERR_OK) {
                pbuf_free(frame);
            }
        }
    }
    return is_news;
}

/******************************************************************************/
// The module

// LAN(name): what Linux calls the interface. OSError if it cannot be made.
static mp_obj_t lan_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    size_t length;
    const char *name = mp_obj_str_get_data(args[0], &length);
    if (length == 0 || length >= sizeof(request.ifr_name)) {
        mp_raise_OSError(MP_EINVAL);
    }
    if (file >= 0) {
        mp_raise_OSError(MP_EALREADY);
    }
    memcpy(request.ifr_name, name, length);
    int opened = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (opened < 0 || ioctl(opened, TUNSETIFF, &request) < 0) {
        int error = errno;
        close(opened);
        mp_raise_OSError(error);
    }
    file = opened;
    netif_add_noaddr(&ethernet, NULL, start_netif, netif_input);
    netif_set_link_up(&ethernet);
    netif_set_up(&ethernet);
    return mp_obj_malloc(mp_obj_base_t, type);
}

// config("name") -> what lwIP calls it
static mp_obj_t lan_config(mp_obj_t self, mp_obj_t parameter) {
    (void)self;
    if (mp_obj_str_get_qstr(parameter) != MP_QSTR_name) {
        mp_raise_ValueError(MP_ERROR_TEXT("unknown config param"));
    }
    char name[NETIF_NAMESIZE];
    netif_index_to_name(netif_get_index(&ethernet), name);
    return mp_obj_new_str(name, strlen(name));
}
static MP_DEFINE_CONST_FUN_OBJ_2(lan_config_obj, lan_config);

static const mp_rom_map_elem_t lan_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_config), MP_ROM_PTR(&lan_config_obj) },
};
static MP_DEFINE_CONST_DICT(lan_locals, lan_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    lan_type,
    MP_QSTR_LAN,
    MP_TYPE_FLAG_NONE,
    make_new, lan_make_new,
    locals_dict, &lan_locals
    );

static const mp_rom_map_elem_t network_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_network) },
    { MP_ROM_QSTR(MP_QSTR_LAN), MP_ROM_PTR(&lan_type) },
};
static MP_DEFINE_CONST_DICT(network_globals, network_globals_table);

const mp_obj_module_t desktop_network_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&network_globals,
};
MP_REGISTER_MODULE(MP_QSTR_network, desktop_network_module);
