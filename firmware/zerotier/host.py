"""The driver for asyncio on CPython: a UDP socket, the system's clock, files.

Owns the socket and the timer of one node. Protocol decisions are the node's.
"""

import asyncio
import errno
import socket
import time

from _zerotier import Datapath

from .api import ZeroTierBase
from .controller import Controller
from .fastpath import Fastpath
from .groups import GroupDatabase
from .limits import HOST
from .root import Root
from .store import FileStore
from .wire import address as addresses

_SOCKET_BUFFER = 4 << 20  # bytes: a root gets bursts from many
_OFFLOADED = 1024  # members whose frames pass without Python
_RING = 1 << 20  # bytes that may wait for Python
_DATAGRAM = 65535
_BATCH = 64  # datagrams, then other tasks may run


class HostPort:
    """The local end of a joined network. The datapath knows it while the network has a config."""

    def __init__(self, driver: "ZeroTier") -> None:
        self._driver = driver
        self._nwid: bytes | None = None

    def deliver(self, frame) -> bool:
        """A frame for us, Ethernet header first; borrowed. False: it was dropped."""
        raise NotImplementedError

    def configure(self, network) -> None:
        """The network's addresses, MTU or name changed; they can be read from it."""
        self._nwid = network.nwid
        self._driver.fastpath.add_network(network, self)

    def close(self) -> None:
        """The network was left."""
        if self._nwid is not None:
            self._driver.fastpath.remove_network(self._nwid)
            self._nwid = None

    def send(self, frame) -> None:
        """A frame from us, Ethernet header first."""
        if self._nwid is not None:
            self._driver.transmit(self._nwid, frame)


class MemoryPort(HostPort):
    """A port that collects frames: for tests, and for programs that handle frames themselves."""

    def __init__(self, driver: "ZeroTier") -> None:
        super().__init__(driver)
        self.frames: list[bytes] = []

    def deliver(self, frame) -> bool:
        self.frames.append(bytes(frame))
        return True


class ZeroTier(ZeroTierBase):
    """A node under asyncio. Roles: a root if the planet names it, a controller on request.

    Frames pass through a datapath in C as soon as a network is joined. `path` holds the files of
    protocol/10 §10.1. `make_port(driver)` gives the local end of each network, a HostPort. `bind`
    may be a loopback address: then the node uses loopback paths, and no others. ValueError or
    OSError, in one sentence, if the identity, the planet or the port cannot be used.
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
        make_port=MemoryPort,
    ) -> None:
        self._port_maker = make_port
        self._bind = addresses.inet(bind, port)
        self._bind_to = (bind, port)
        self._clock_offset = int(time.time() * 1000) - int(time.monotonic() * 1000)
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        loopback = addresses.scope(self._bind) == addresses.SCOPE_LOOPBACK
        super().__init__(FileStore(path), self, limits, planet, loopback)
        transport = self.node.transport
        self._datapath = Datapath(
            self.node.identity.address, _OFFLOADED, limits.networks, limits.reassembly, _RING
        )
        self._datapath.on_send = self.send
        self.fastpath = Fastpath(self.node, self._datapath, _OFFLOADED)
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

    def _make_port(self) -> HostPort:
        port: HostPort = self._port_maker(self)
        return port

    def transmit(self, nwid: bytes, frame) -> None:
        """Send an Ethernet frame from our end of a network."""
        now = self._now()
        self._datapath.transmit(nwid, frame, now)
        self.fastpath.pump(now)
        self._schedule()

    def stats(self) -> dict[str, int]:
        counters = super().stats()
        for name, value in self._datapath.counters().items():
            counters[name] = counters.get(name, 0) + value
        return counters

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
        is_member = bool(self.node.networks.all())
        for _ in range(_BATCH):
            if self._socket is None:
                return
            try:
                datagram, source = self._socket.recvfrom(_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                self.node.counters.count("receive_failed")
                continue
            endpoint = addresses.inet(source[0], source[1])
            if is_member:
                self._datapath.receive(datagram, endpoint, now)
                self.fastpath.pump(now)
            else:
                self.node.receive(bytearray(datagram), endpoint, now)
        self._schedule()

    def _schedule(self) -> None:
        """Put the timer where the node wants it."""
        loop = asyncio.get_running_loop()
        delay = max(self.fastpath.deadline() - self._now(), 0) / 1000
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
        self.fastpath.pump(self._now())
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
