"""Port mapping on MicroPython: the socket towards the router, by PCP and NAT-PMP. A board may be built without it.

Owns the socket, which is open only while an answer is waited for: boards have few. What is said is in
vl1/port_mapping.py.
"""

from .const import const
from .gateway import find as find_gateway
from .vl1.port_mapping import PORT, PortMapping
from .wire import address as addresses

_ANSWER = const(1100)  # bytes (RFC 6887 §7)
_BATCH = const(4)  # answers that one call of `pump` reads at most
_LONGEST_WAIT = const(5000)  # ms that an answer may take


class DevicePortMapping:
    """Of one node; the driver calls `look` now and then, and `pump` when it is due."""

    def __init__(self, node) -> None:
        self._local = addresses.NIL
        self._gateway: str | None = None
        self._socket = None
        self._mapping = PortMapping(
            self._send, node.traversal.mapped, node.identity.sign, node.counters
        )

    def look(self, endpoints: list[bytes], now: int) -> None:
        """Our endpoints are these. A new address, or another router, is asked for a mapping."""
        router = find_gateway()
        local = _endpoint_near(router, endpoints) if router is not None else addresses.NIL
        if local != self._local or router != self._gateway:
            self._close_socket()
            self._local = local
            self._gateway = router
            self._mapping.begin(local, now)

    def pump(self, now: int) -> int:
        """Hand over what came, and ask; when to come again."""
        if self._socket is not None:
            try:
                for _ in range(_BATCH):
                    self._mapping.receive(self._socket.recv(_ANSWER), now)
            except OSError:
                pass  # nothing more, or nobody listens there
        due = self._mapping.tick(now)
        if due - now > _LONGEST_WAIT:
            self._close_socket()
        return due

    def close(self) -> None:
        """The router is told that we are gone."""
        self._mapping.release()
        self._close_socket()
        self._local = addresses.NIL
        self._gateway = None

    def _send(self, datagram: bytes) -> None:
        try:
            if self._socket is None:
                self._socket = _connected(self._gateway)
            self._socket.send(datagram)
        except OSError:
            pass  # tried again, and given up in the end

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _connected(router: str | None):
    """A socket that hears nobody but the router. OSError if there is none left."""
    try:
        import usocket as module  # the port's own, whatever a program finds under the name `socket`
    except ImportError:
        import socket as module  # one lwIP carries the physical network and the virtual ones
    udp = module.socket(module.AF_INET, module.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.connect(module.getaddrinfo(router, PORT)[0][-1])
    except OSError:
        udp.close()
        raise
    return udp


def _endpoint_near(router: str, endpoints: list[bytes]) -> bytes:
    """Our private IPv4 endpoint in the router's /24; else any, else NIL."""
    near = addresses.parse_ip(router)[:3]
    found = addresses.NIL
    for endpoint in endpoints:
        ip = addresses.ip(endpoint)
        if len(ip) == addresses.IPV4_SIZE:
            if addresses.scope(endpoint) == addresses.SCOPE_PRIVATE:
                if len(found) == 1 or ip[:3] == near:
                    found = endpoint
    return found
