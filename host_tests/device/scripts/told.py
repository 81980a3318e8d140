"""A device that does what it is told: told.py HOME BIND PLANET. Each line of its input is a Python expression.

Owns nothing but the names that such expressions may use. Prints "ready", then the value of each, or its error.
"""

import socket
import sys
import time

import zerotier


def join(nwid: str, seconds: int = 10) -> str:
    """Join, wait, and tell the IPv4 address."""
    network = zt.join(nwid)
    network.wait(seconds)
    while not zt.isconnected():
        time.sleep_ms(10)
    return network.ifconfig()[0]


def until(condition, seconds: int = 5) -> bool:
    """Whether it becomes true in time."""
    end = time.ticks_add(time.ticks_ms(), seconds * 1000)
    while not condition():
        if time.ticks_diff(end, time.ticks_ms()) <= 0:
            return False
        time.sleep_ms(20)
    return True


def resolve(name: str) -> str:
    return socket.getaddrinfo(name, 80)[0][-1][0]


def udp(ip: str = "0.0.0.0", port: int = 0, seconds: float = 3):
    """A UDP socket of the right family, bound."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((ip, port))
    made.settimeout(seconds)
    return made


def received(udp):
    """The next datagram, None if there is none in time."""
    try:
        return udp.recvfrom(9000)[0]
    except OSError:
        return None


def tapped(name: str, netif) -> bool:
    """Whether this is what lwIP calls that interface."""
    import _zerotier

    try:
        tap = _zerotier.Tap(name)
    except OSError:
        return False
    netif.input(b"\xff" * 6 + bytes(8) + b"which")
    heard = tap.dropped()
    tap.close()
    return heard > 0


def records(datapath) -> list:
    """The frames that a datapath hands back."""
    found = []
    record = datapath.next()
    while record is not None:
        found.append(bytes(record[1]))
        record = datapath.next()
    return found


class Wire:
    """The Ethernet that a bridge joins to a network."""

    def __init__(self) -> None:
        self.frames = []

    def deliver(self, frame) -> None:
        self.frames.append(bytes(frame))


home, bind, planet = sys.argv[1:4]
with open(planet, "rb") as file:
    zt = zerotier.ZeroTier(home, bind=bind, planet=file.read())
kept = {}
print("ready")
for line in sys.stdin:
    try:
        print(repr(eval(line)))
    except Exception as error:
        print("error:", repr(error))
