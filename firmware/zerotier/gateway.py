"""The router through which this machine reaches the Internet.

Owns where its IPv4 address is found: in MicroPython's `network`, or in Linux's table of routes. Never talks to it.
"""

import sys

from .wire import address as addresses

_ROUTES = "/proc/net/route"
_ANYWHERE = "00000000"
_NONE = "0.0.0.0"


def find() -> str | None:
    """The default gateway; None if there is none, or this system does not tell."""
    if sys.platform == "linux":
        return _of_linux()
    return _of_interfaces() if sys.implementation.name == "micropython" else None


def _of_interfaces() -> str | None:
    """Of a board's first interface that is connected."""
    import network

    for name in ("LAN", "WLAN"):
        try:
            interface = getattr(network, name)()
            found: str = interface.ifconfig()[2]
            if interface.isconnected() and found != _NONE:
                return found
        except (AttributeError, OSError, TypeError, ValueError):
            pass  # there is no such interface, or nobody has set it up
    return None


def _of_linux() -> str | None:
    try:
        with open(_ROUTES) as table:
            for line in table:
                words = line.split()
                if len(words) > 2 and words[1] == _ANYWHERE and words[2] != _ANYWHERE:
                    return addresses.ip_text(int(words[2], 16).to_bytes(4, sys.byteorder))
    except OSError:
        pass
    return None
