# The emulated board: MicroPython's QEMU port on the ESP32-C3's instruction set, with the node, its underlay and its flash.
#
# BUILD, USER_C_MODULES, LWIP_DIR and the like come from the Makefile at the top.
QEMU_ARCH = riscv32
QEMU_MACHINE = virt

# Debian's gcc 12 takes rv32imac_zicsr for a machine of 64 bits; by this version of the ISA zicsr is a part of "i".
RV32_ARCH = rv32imac -misa-spec=2.2

VIRT_DIR := $(abspath $(BOARD_DIR))
LDSCRIPT = $(VIRT_DIR)/board.ld

CFLAGS += -DQEMU_SOC_VIRT -I$(VIRT_DIR)/include
CFLAGS += -DMP_CONFIGFILE='"$(VIRT_DIR)/mpconfigboard.h"'
# What is collected from all sources (names, root pointers) depends on it.
QSTR_GLOBAL_DEPENDENCIES += $(VIRT_DIR)/mpconfigboard.h
MPY_CROSS_FLAGS += -march=rv32imc

# One lwIP carries the underlay and the overlay: `_zerotier.Underlay` is a part of it.
ZT_LWIP_UNDERLAY = 1

# The node's Python costs no heap before it runs.
ZT_FREEZE = 1

# As on an ESP32 without PSRAM.
ZT_SMALL = 1
ZT_SIZE_FLAGS = -msave-restore # functions share the code that saves registers; ESP-IDF has an option for it

MICROPY_VFS_LFS2 = 1

SRC_BOARD_O += shared/runtime/gchelper_native.o shared/runtime/gchelper_rv32i.o
SRC_C += shared/timeutils/timeutils.c shared/runtime/semihosting_rv32.c $(wildcard $(VIRT_DIR)/*.c) $(VIRT_DIR)/../desktop/sockets.c

# The port's own start, its console that cannot be polled, and what goes to the console, are replaced by the linker.
LDFLAGS += -Wl,--wrap=main -Wl,--wrap=mp_hal_stdio_poll -Wl,--wrap=mp_hal_stdin_rx_chr -Wl,--wrap=mp_hal_stdout_tx_strn
