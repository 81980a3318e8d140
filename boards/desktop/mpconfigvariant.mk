# The desktop board: MicroPython's unix port with the node, whose virtual networks are the ones of `socket`.
#
# PROG, USER_C_MODULES, LWIP_DIR and the like come from the Makefile at the top.

# lwIP here has no threads (NO_SYS), and the port's threads have no GIL.
MICROPY_PY_THREAD = 0

# What the node does not need and what would ask for more sources.
MICROPY_PY_BTREE = 0
MICROPY_PY_FFI = 0
MICROPY_PY_JNI = 0
MICROPY_PY_SSL = 0
MICROPY_SSL_AXTLS = 0
MICROPY_SSL_MBEDTLS = 0
MICROPY_VFS_LFS1 = 0

# What is done for each frame, for speed.
ZT_LWIP_FLAGS = -O2

CFLAGS += -I$(VARIANT_DIR)/include
# All waits of the interpreter go through waits.c.
LDFLAGS += -Wl,--wrap=poll -Wl,--wrap=select -Wl,--wrap=read
# Of shared libraries more would be resident than of everything else together.
LDFLAGS += -static
