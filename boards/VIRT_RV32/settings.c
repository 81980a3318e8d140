// What the command line of the emulator says to the board, through QEMU's device fw_cfg.
// It owns the reading of that device and no meaning: boot.c and ethernet.c ask by name.
#include <string.h>

#include "board.h"

#define FW_CFG_DATA (VIRT_FW_CFG + 0)
#define FW_CFG_SELECT (VIRT_FW_CFG + 8) // big-endian
#define FW_CFG_DIRECTORY (0x19)
#define NAME_SIZE (56)
#define PREFIX "opt/microzt/"

static void select_item(uint16_t item) {
    VIRT_REGISTER16(FW_CFG_SELECT) = (uint16_t)(item << 8 | item >> 8);
}

static uint32_t read_number(size_t size) {
    uint32_t number = 0;
    while (size-- > 0) {
        number = number << 8 | VIRT_REGISTER8(FW_CFG_DATA);
    }
    return number;
}

int virt_setting(const char *name, char *value, size_t size) {
    select_item(FW_CFG_DIRECTORY);
    for (uint32_t files = read_number(4); files > 0; --files) {
        uint32_t length = read_number(4);
        uint16_t item = (uint16_t)read_number(2);
        read_number(2); // reserved
        char found[NAME_SIZE];
        for (size_t i = 0; i < sizeof(found); ++i) {
            found[i] = (char)VIRT_REGISTER8(FW_CFG_DATA);
        }
        if (strncmp(found, PREFIX, strlen(PREFIX)) == 0 && strcmp(found + strlen(PREFIX), name) == 0) {
            length = MIN(length, size - 1);
            select_item(item);
            for (uint32_t i = 0; i < length; ++i) {
                value[i] = (char)VIRT_REGISTER8(FW_CFG_DATA);
            }
            value[length] = '\0';
            return (int)length;
        }
    }
    return -1;
}
