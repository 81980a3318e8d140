"""Port mapping on CPython: the socket towards the router and the timer.

Owns which gateway is asked. What is said to it is vl1/port_mapping.py's.
"""

import asyncio
import socket

from .vl1.port_mapping import PORT, PortMapping
from .wire import address as addresses

_ROUTES = "/proc/net/route"
_DEFAULT = "00000000"
_ANSWER = 1100  # bytes (RFC 6887 §7)


class HostPortMapping:
    """`on_mapped(endpoints)`: peers may be told these; `now()`: ms."""

    def __init__(self, on_mapped, counters, now) -> None:
        self._now = now
        self._mapping = PortMapping(self._send, on_mapped, counters)
        self._gateway: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def look(self, local: list[bytes]) -> None:
        """Our addresses are these now: a private IPv4 one is worth a mapping if there is a default gateway."""
        private = [
            e for e in local if len(e) == 7 and addresses.scope(e) == addresses.SCOPE_PRIVATE
        ]
        self._gateway = default_gateway()
        is_useful = bool(private) and self._gateway is not None
        self._mapping.begin(private[0] if is_useful else addresses.NIL, self._now())
        self._tick()

    def _tick(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._now()
        delay = max(self._mapping.tick(now) - now, 0) / 1000
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _send(self, datagram: bytes) -> None:
        try:
            if self._gateway is not None:
                self._socket.sendto(datagram, (self._gateway, PORT))
        except OSError:
            pass  # tried again, and given up in the end

    def _readable(self) -> None:
        try:
            datagram, source = self._socket.recvfrom(_ANSWER)
        except OSError:  # nobody listens there
            return
        if source == (self._gateway, PORT):
            self._mapping.receive(datagram, self._now())
            self._tick()


def default_gateway() -> str | None:
    """The IPv4 address of the default gateway (Linux), or None."""
    try:
        with open(_ROUTES) as table:
            for line in table:
                words = line.split()
                if len(words) > 2 and words[1] == _DEFAULT and words[2] != _DEFAULT:
                    return addresses.ip_text(bytes.fromhex(words[2])[::-1])
    except OSError:
        pass
    return None
