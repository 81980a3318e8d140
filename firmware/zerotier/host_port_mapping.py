"""Port mapping on CPython: the socket towards the router, the timer, and who is asked next.

Owns the order: PCP and NAT-PMP (vl1/port_mapping.py), then UPnP (host_upnp.py), then a pause. What is said to a router
is theirs.
"""

import asyncio
import socket

from . import host_upnp
from .gateway import find as find_gateway
from .vl1.port_mapping import LIFETIME, PORT, PortMapping, is_believable
from .wire import address as addresses

_ANSWER = 1100  # bytes (RFC 6887 §7)
_MS_PER_S = 1000
_NO_LIBRARY = "the router may know UPnP, but the package miniupnpc is not installed"


class HostPortMapping:
    """`node`: whose port it is. `now()`: ms.

    `sentence` is what the user should know, empty if there is nothing.
    """

    def __init__(self, node, now) -> None:
        self.sentence = ""
        self._node = node
        self._now = now
        self._local = addresses.NIL
        self._gateway: str | None = None
        self._mapping = PortMapping(
            self._send, node.traversal.mapped, node.identity.sign, node.counters
        )
        self._mapping.on_refused = self._ask_upnp
        self._upnp = host_upnp.Upnp(self._upnp_answered)
        self._upnp_renewal = 0  # when; 0: there is no mapping by UPnP
        self._timer: asyncio.TimerHandle | None = None
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """The router is told that we are gone."""
        self._mapping.release()
        self._upnp.close()
        self._node.traversal.mapped([])
        if self._timer is not None:
            self._timer.cancel()
        self._close_socket()

    def look(self, endpoints: list[bytes]) -> None:
        """Our endpoints are these; called now and then. A new address, or another router, is asked for a mapping."""
        router = find_gateway()
        local = _endpoint_towards(router, endpoints) if router is not None else addresses.NIL
        if (local, router) == (self._local, self._gateway):
            return
        self._upnp.forget()
        self._local, self._gateway = local, router
        self._close_socket()
        if router is not None:
            self._open_socket(router)
        self._begin(self._now())
        self._tick()

    def _begin(self, now: int) -> None:
        self._upnp_renewal = 0
        self._node.traversal.mapped([])
        self._mapping.begin(self._local, now)

    def _tick(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._now()
        due = self._upnp_renewal or self._mapping.tick(now)
        if self._upnp_renewal and now >= self._upnp_renewal:
            due = self._ask_again(now)
        delay = max(due - now, 0) / _MS_PER_S
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    # --- PCP and NAT-PMP ---

    def _open_socket(self, router: str) -> None:
        """Connected, so that nobody else is heard, and the router can say that nobody listens there."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect((router, PORT))
        except OSError:
            pass  # what is sent fails, too
        asyncio.get_running_loop().add_reader(self._socket, self._readable, self._socket)

    def _close_socket(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _send(self, datagram: bytes) -> None:
        try:
            if self._socket is not None:
                self._socket.send(datagram)
        except OSError:
            pass  # tried again, and given up in the end

    def _readable(self, udp: socket.socket) -> None:
        now = self._now()
        try:
            datagram = udp.recv(_ANSWER)
        except ConnectionRefusedError:
            self._mapping.nobody_listens(now)
        except OSError:
            return
        else:
            if not self._upnp_renewal:
                self._mapping.receive(datagram, now)
        self._tick()

    # --- UPnP ---

    def _ask_upnp(self) -> None:
        module = host_upnp.library()
        if module is None:
            self.sentence = _NO_LIBRARY
        elif self._gateway is not None:
            address = self._node.identity.address.hex()
            name = "ZeroTier/%s@%d" % (address, addresses.port(self._local))  # protocol/04 §4.10
            self._upnp.ask(module, self._local, self._gateway, name)

    def _ask_again(self, now: int) -> int:
        """Renew; when to come again if nobody answers."""
        self._ask_upnp()
        self._upnp_renewal = now + LIFETIME * _MS_PER_S // 2
        return self._upnp_renewal

    def _upnp_answered(self, endpoint: bytes | None) -> None:
        now = self._now()
        if endpoint is not None:
            told = [endpoint] if is_believable(endpoint, self._local) else []
            self._node.traversal.mapped(told)
            self._upnp_renewal = now + LIFETIME * _MS_PER_S // 2
        elif self._upnp_renewal:
            self._begin(now)  # another router at the same address?
        self._tick()


def _endpoint_towards(router: str, endpoints: list[bytes]) -> bytes:
    """Which of our endpoints the router sees; NIL if it is public already, or bound to another interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((router, PORT))  # sends nothing
        except OSError:
            return addresses.NIL
        ip = addresses.parse_ip(probe.getsockname()[0])
    for endpoint in endpoints:
        is_ours = addresses.ip(endpoint) == ip
        if is_ours and addresses.scope(endpoint) == addresses.SCOPE_PRIVATE:
            return endpoint
    return addresses.NIL
