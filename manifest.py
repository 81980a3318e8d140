# Freezes the node into a firmware as the modules that it is, for machines with memory: include this file from a board's
# manifest.py. Small boards have it as constants in C instead, which cost no heap (tools/freeze, ZT_FREEZE in
# firmware/cmodule/micropython.mk and micropython.cmake).
package("zerotier", base_path="firmware")
