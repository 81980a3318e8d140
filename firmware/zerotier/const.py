"""`const()` for both Pythons.

MicroPython's compiler folds `const(...)` by itself; on CPython it is the identity.
"""


def const(value: int) -> int:
    return value
