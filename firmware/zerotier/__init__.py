"""MicroZT: a ZeroTier node for MicroPython and CPython."""
