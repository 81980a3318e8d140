"""The driver for asyncio on CPython: a UDP socket, the system's clock, files.

Owns the socket and the timer of one node. Protocol decisions are the node's.
"""

import asyncio
import errno
import socket
import time

from .api import ZeroTierBase
from .controller import Controller
from .groups import GroupDatabase
from .limits import HOST
from .root import Root
from .store import FileStore
from .wire import address as addresses

_SOCKET_BUFFER = 4 << 20  # bytes: a root gets bursts from many


class MemoryPort:
    """A port of a network that collects frames: for tests, and for programs that handle frames themselves."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.on_frame = None  # called with each frame instead of collecting it

    def deliver(self, frame) -> bool:
        """A frame for us, Ethernet header first."""
        if self.on_frame is not None:
            self.on_frame(bytes(frame))
        else:
            self.frames.append(bytes(frame))
        return True

    def configure(self, network) -> None:
        """The network's addresses or MTU changed; they can be read from it."""

    def close(self) -> None:
        """The network was left."""


class ZeroTier(ZeroTierBase):
    """A node under asyncio. Roles: a root if the planet names it, a controller on request.

    `path` holds the files of protocol/10 §10.1. `bind` may be a loopback address: then the node uses loopback paths,
    and no others. ValueError or OSError, in one sentence, if the identity, the planet or the port cannot be used.
    """

    def __init__(
        self,
        path: str,
        *,
        bind: str = "0.0.0.0",
        port: int = 9993,
        planet: bytes | None = None,
        controller: bool = False,
        limits=HOST,
    ) -> None:
        self._bind = addresses.inet(bind, port)
        self._bind_to = (bind, port)
        self._clock_offset = int(time.time() * 1000) - int(time.monotonic() * 1000)
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        loopback = addresses.scope(self._bind) == addresses.SCOPE_LOOPBACK
        super().__init__(FileStore(path), self, limits, planet, loopback)
        transport = self.node.transport
        self.root: Root | None = None
        self.controller: Controller | None = None
        if self.node.topology.is_root or controller:
            groups = GroupDatabase(transport)
            if self.node.topology.is_root:
                self.root = Root(transport, groups)
                self.node.add_role(self.root)
                Root.open_gates(self.node)
            if controller:
                self.controller = Controller(transport, self._store)
                groups.serve(self.controller.authorised)
                self.node.add_role(self.controller)

    def _now(self) -> int:
        return int(time.monotonic() * 1000) + self._clock_offset

    def _pause(self, milliseconds: int) -> None:
        raise RuntimeError("under asyncio, use `await network.ready(seconds)`")

    async def _sleep(self, milliseconds: int) -> None:
        await asyncio.sleep(milliseconds / 1000)

    def _make_port(self) -> MemoryPort:
        return MemoryPort()

    def _set_active(self, active: bool) -> None:
        loop = asyncio.get_running_loop()
        if active:
            self._socket = self._open_socket()
            self._find_local_endpoints()
            loop.add_reader(self._socket, self._readable)
            self._tick()
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _open_socket(self) -> socket.socket:
        family = socket.AF_INET6 if len(self._bind) > 7 else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
        try:
            udp.bind(self._bind_to)
        except OSError as error:
            udp.close()
            if error.errno == errno.EADDRINUSE:
                raise OSError(error.errno, "UDP port %s is in use" % addresses.text(self._bind))
            raise OSError(
                error.errno, "cannot use %s: %s" % (addresses.text(self._bind), error.strerror)
            )
        return udp

    def local_address(self) -> tuple[str, int]:
        """The IP and the UDP port that the node is bound to. OSError while it is stopped."""
        if self._socket is None:
            raise OSError(errno.ENOTCONN, "the node is not running")
        name = self._socket.getsockname()
        return (name[0], name[1])

    def _find_local_endpoints(self) -> None:
        """Our addresses on local interfaces: what the system would send from towards each root."""
        _, port = self.local_address()
        found = set()
        if addresses.scope(self._bind) != addresses.SCOPE_NONE:
            found.add(addresses.with_port(self._bind, port))
        else:
            for root in self.node.topology.root_peers():
                for endpoint in root.endpoints:
                    local = _local_ip_towards(endpoint)
                    if local is not None:
                        found.add(addresses.inet(local, port))
        self.node.paths.local = sorted(found)

    def send(self, datagram, endpoint: bytes) -> None:
        """The node's wire."""
        if self._socket is None:
            return
        try:
            self._socket.sendto(
                datagram, (addresses.ip_text(addresses.ip(endpoint)), addresses.port(endpoint))
            )
        except OSError:
            self.node.counters.count("send_failed")

    def _readable(self) -> None:
        now = self._now()
        for _ in range(64):  # then let other tasks run
            if self._socket is None:
                return
            try:
                datagram, source = self._socket.recvfrom(65535)
            except BlockingIOError:
                break
            except OSError:
                self.node.counters.count("receive_failed")
                continue
            self.node.receive(bytearray(datagram), addresses.inet(source[0], source[1]), now)
        self._schedule()

    def _schedule(self) -> None:
        """Put the timer where the node wants it."""
        loop = asyncio.get_running_loop()
        delay = max(self.node.deadline() - self._now(), 0) / 1000
        when = loop.time() + delay
        if self._timer is not None:
            if not self._timer.cancelled() and self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._tick)

    def _tick(self) -> None:
        if self._socket is None:
            return
        self._timer = None
        self.node.tick(self._now())
        self._schedule()

    def join(self, nwid: str):
        network = super().join(nwid)
        if self._socket is not None:
            self._schedule()
        return network


def _local_ip_towards(endpoint: bytes) -> str | None:
    """The local address that packets to this endpoint would leave from; sends nothing."""
    family = socket.AF_INET6 if len(endpoint) > 7 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((addresses.ip_text(addresses.ip(endpoint)), addresses.port(endpoint)))
        except OSError:
            return None
        local: str = probe.getsockname()[0]
        return local
