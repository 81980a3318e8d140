// The board's flash: `_virt.Flash`, a block device whose content is the file that the emulator was given (virtio-blk).
// It owns what makes a flash a flash: blocks of 4 KiB are erased to ones, and writing only ever turns ones into zeros.
#include <string.h>

#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/vfs.h"

#include "board.h"
#include "modvirt.h"
#include "virtio.h"

#define QUEUE (0)
#define REQUEST_READ (0)
#define REQUEST_WRITE (1)
#define STATUS_OK (0)

#define SECTOR_SIZE (512)
#define BLOCK_SIZE (4096)
#define SECTORS_PER_BLOCK (BLOCK_SIZE / SECTOR_SIZE)
#define ERASED (0xff)
#define MIRROR_SIZE (2 * 1024 * 1024) // the largest flash

static virtio_queue_t queue;
static struct {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
} request;
static uint8_t sector_bytes[SECTOR_SIZE];
static volatile uint8_t status;

static uintptr_t device(void) {
    static uintptr_t found;
    if (found == 0) {
        found = virtio_find(VIRTIO_BLOCK, 0);
        if (found == 0) {
            mp_raise_OSError(MP_ENODEV);
        }
        virtio_add_queue(found, QUEUE, &queue);
        virtio_run(found);
    }
    return found;
}

static uint32_t blocks(void) {
    return MIN(VIRT_REGISTER32(device() + VIRTIO_CONFIG), MIRROR_SIZE / SECTOR_SIZE) / SECTORS_PER_BLOCK;
}

// Moves sector_bytes from or to the file.
static void transfer(uint32_t type, uint32_t sector) {
    uintptr_t disk = device();
    request.type = type;
    request.sector = sector;
    queue.descriptors[0] = (virtio_descriptor_t) {
        .address = (uintptr_t)&request, .length = sizeof(request), .flags = VIRTIO_NEXT, .next = 1
    };
    queue.descriptors[1] = (virtio_descriptor_t) {
        .address = (uintptr_t)sector_bytes, .length = sizeof(sector_bytes),
        .flags = VIRTIO_NEXT | (type == REQUEST_READ ? VIRTIO_WRITE : 0), .next = 2
    };
    queue.descriptors[2] = (virtio_descriptor_t) {
        .address = (uintptr_t)&status, .length = sizeof(status), .flags = VIRTIO_WRITE
    };
    virtio_offer(disk, QUEUE, &queue, 0);
    uint32_t written;
    while (virtio_take(disk, &queue, &written) < 0) {
    }
    if (status != STATUS_OK) {
        mp_raise_OSError(MP_EIO);
    }
}

static void check_range(uint32_t block, uint32_t offset, size_t length) {
    if (block >= blocks() || offset > BLOCK_SIZE || length > (size_t)(blocks() - block) * BLOCK_SIZE - offset) {
        mp_raise_OSError(MP_EINVAL);
    }
}

// The flash of a board is mapped into memory and read in no time; a request to the emulator's takes as long as a hundred such
// reads. So what was read stays here.
extern uint8_t _smirror[]; // board.ld
static uint8_t is_mirrored[MIRROR_SIZE / SECTOR_SIZE];

static uint8_t *mirror(uint32_t sector) {
    uint8_t *bytes = _smirror + sector * SECTOR_SIZE;
    if (!is_mirrored[sector]) {
        transfer(REQUEST_READ, sector);
        memcpy(bytes, sector_bytes, SECTOR_SIZE);
        is_mirrored[sector] = 1;
    }
    return bytes;
}

static void read_flash(uint32_t address, uint8_t *bytes, size_t length) {
    while (length > 0) {
        size_t at = address % SECTOR_SIZE;
        size_t part = MIN(length, SECTOR_SIZE - at);
        memcpy(bytes, mirror(address / SECTOR_SIZE) + at, part);
        address += part;
        bytes += part;
        length -= part;
    }
}

static void write_sector(uint32_t sector) {
    memcpy(sector_bytes, _smirror + sector * SECTOR_SIZE, SECTOR_SIZE);
    transfer(REQUEST_WRITE, sector);
}

static void write_flash(uint32_t address, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        size_t at = address % SECTOR_SIZE;
        size_t part = MIN(length, SECTOR_SIZE - at);
        uint8_t *sector = mirror(address / SECTOR_SIZE);
        for (size_t i = 0; i < part; ++i) {
            sector[at + i] &= bytes[i];
        }
        write_sector(address / SECTOR_SIZE);
        address += part;
        bytes += part;
        length -= part;
    }
}

static void erase_block(uint32_t block) {
    for (uint32_t sector = block * SECTORS_PER_BLOCK; sector < (block + 1) * SECTORS_PER_BLOCK; ++sector) {
        memset(_smirror + sector * SECTOR_SIZE, ERASED, SECTOR_SIZE);
        is_mirrored[sector] = 1;
        write_sector(sector);
    }
}

static mp_obj_t flash_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    device();
    return MP_OBJ_FROM_PTR(mp_obj_malloc(mp_obj_base_t, type));
}

// readblocks(block, buffer[, offset])
static mp_obj_t flash_readblocks(size_t n_args, const mp_obj_t *args) {
    uint32_t block = (uint32_t)mp_obj_get_int(args[1]);
    uint32_t offset = n_args > 3 ? (uint32_t)mp_obj_get_int(args[3]) : 0;
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[2], &buffer, MP_BUFFER_WRITE);
    check_range(block, offset, buffer.len);
    read_flash(block * BLOCK_SIZE + offset, buffer.buf, buffer.len);
    return MP_OBJ_NEW_SMALL_INT(0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_readblocks_obj, 3, 4, flash_readblocks);

// writeblocks(block, buffer[, offset]): without an offset the blocks are erased first
static mp_obj_t flash_writeblocks(size_t n_args, const mp_obj_t *args) {
    uint32_t block = (uint32_t)mp_obj_get_int(args[1]);
    uint32_t offset = n_args > 3 ? (uint32_t)mp_obj_get_int(args[3]) : 0;
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[2], &buffer, MP_BUFFER_READ);
    check_range(block, offset, buffer.len);
    for (uint32_t i = 0; n_args <= 3 && i < buffer.len / BLOCK_SIZE; ++i) {
        erase_block(block + i);
    }
    write_flash(block * BLOCK_SIZE + offset, buffer.buf, buffer.len);
    return MP_OBJ_NEW_SMALL_INT(0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_writeblocks_obj, 3, 4, flash_writeblocks);

// ioctl(operation, argument)
static mp_obj_t flash_ioctl(mp_obj_t self_in, mp_obj_t operation_in, mp_obj_t argument_in) {
    (void)self_in;
    switch (mp_obj_get_int(operation_in)) {
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(blocks());
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(BLOCK_SIZE);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
            check_range((uint32_t)mp_obj_get_int(argument_in), 0, BLOCK_SIZE);
            erase_block((uint32_t)mp_obj_get_int(argument_in));
            return MP_OBJ_NEW_SMALL_INT(0);
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(flash_ioctl_obj, flash_ioctl);

static const mp_rom_map_elem_t flash_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&flash_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&flash_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&flash_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(flash_locals, flash_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    virt_flash_type,
    MP_QSTR_Flash,
    MP_TYPE_FLAG_NONE,
    make_new, flash_make_new,
    locals_dict, &flash_locals
    );
