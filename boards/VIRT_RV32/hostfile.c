// Files of the machine that emulates, by semihosting: `_virt.host_file()`.
// It owns reading a file whole. Never writing: what a test does on the board stays on the board.
#include "board.h"
#include "modvirt.h"

#include "py/mperrno.h"
#include "py/runtime.h"
#include "shared/runtime/semihosting_rv32.h"

// host_file(path) -> bytes, or None if it is a folder. OSError(ENOENT) if there is none.
static mp_obj_t virt_host_file(mp_obj_t path_in) {
    int file = mp_semihosting_open(mp_obj_str_get_str(path_in), "rb");
    if (file < 0) {
        mp_raise_OSError(MP_ENOENT);
    }
    // Read before memory is asked for: an exception must leave nothing open, and a folder can be opened but not read.
    char first;
    int length = mp_semihosting_flen(file);
    bool is_file = length == 0 || mp_semihosting_read(file, &first, 1) == 0;
    byte *bytes = is_file ? m_malloc_maybe((size_t)length + 1) : NULL;
    bool is_read = bytes != NULL && (length == 0 || (mp_semihosting_seek(file, 0) == 0
        && mp_semihosting_read(file, bytes, (size_t)length) == 0));
    mp_semihosting_close(file);
    if (!is_file) {
        return mp_const_none;
    }
    if (!is_read) {
        mp_raise_OSError(bytes == NULL ? MP_ENOMEM : MP_EIO);
    }
    return mp_obj_new_bytearray_by_ref((size_t)length, bytes);
}
MP_DEFINE_CONST_FUN_OBJ_1(virt_host_file_obj, virt_host_file);
