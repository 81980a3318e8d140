// The types and functions that the module `_virt` is made of.
// It owns no code.
#ifndef VIRT_MODVIRT_H
#define VIRT_MODVIRT_H

#include "py/obj.h"

extern const mp_obj_type_t virt_flash_type; // flash.c
MP_DECLARE_CONST_FUN_OBJ_1(virt_host_file_obj); // hostfile.c

#endif // VIRT_MODVIRT_H
