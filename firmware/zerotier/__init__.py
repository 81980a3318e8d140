"""MicroZT: a ZeroTier node for MicroPython and CPython.

    import zerotier
    zt = zerotier.ZeroTier()
    net = zt.join("8056c2e21c000001")
    net.wait(30)

Owns the names that a user imports; `ZeroTier` comes from the driver that fits the interpreter.
"""

import sys

from .vl2.status import (
    ACCESS_DENIED,
    AUTHENTICATION_REQUIRED,
    CLIENT_TOO_OLD,
    NOT_FOUND,
    OK,
    PORT_ERROR,
    REQUESTING_CONFIGURATION,
    RULES_TOO_LARGE,
)

__all__ = [
    "ACCESS_DENIED",
    "AUTHENTICATION_REQUIRED",
    "CLIENT_TOO_OLD",
    "NOT_FOUND",
    "Network",
    "OK",
    "PORT_ERROR",
    "REQUESTING_CONFIGURATION",
    "RULES_TOO_LARGE",
    "ZeroTier",
]


def __getattr__(name: str):
    # Late, so that a tool which needs only the wire formats does not load a driver.
    # Never `from . import module`: MicroPython would ask this function for the module.
    if name == "ZeroTier":
        if sys.implementation.name == "micropython":
            from .device import ZeroTier

            return ZeroTier
        from .host import ZeroTier as HostZeroTier

        return HostZeroTier
    if name == "Network":
        from .api import Network

        return Network
    raise AttributeError(name)
