"""The driver for asyncio on CPython: sockets, the system's clock, files.

Owns the timers of one node: the node's own, and the look at our addresses. Protocol decisions are the node's.
"""

import asyncio
import errno
import time

from _zerotier import Datapath

from .api import ZeroTierBase
from .controller import Controller
from .fastpath import Fastpath
from .host_port_mapping import HostPortMapping
from .host_underlay import HostUnderlay
from .limits import HOST
from .roles import add_roles
from .root import Root
from .store import FileStore
from .wire import address as addresses

_LOOK = 1  # seconds between two looks at our addresses
_OFFLOADED = 1024  # members whose frames pass without Python
_RING = 1 << 20  # bytes that may wait for Python


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
    may be a loopback address: then the node uses loopback paths, and no others. `port_mapping`:
    ask the router to forward our port, by PCP or NAT-PMP, or by UPnP if the package miniupnpc is
    installed. ValueError or OSError, in one sentence, if the identity, the planet or the port
    cannot be used.
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
        port_mapping: bool = False,
    ) -> None:
        self._port_maker = make_port
        self._bind = addresses.inet(bind, port)
        self._bind_to = (bind, port)
        self._underlay: HostUnderlay | None = None
        self._look: asyncio.TimerHandle | None = None
        self._wants_mapping = port_mapping
        self._mapping: HostPortMapping | None = None
        self._clock_offset = int(time.time() * 1000) - int(time.monotonic() * 1000)
        self._timer: asyncio.TimerHandle | None = None
        loopback = addresses.scope(self._bind) == addresses.SCOPE_LOOPBACK
        super().__init__(FileStore(path), self, limits, planet, loopback)
        self._datapath = Datapath(
            self.node.identity.address, _OFFLOADED, limits.networks, limits.reassembly, _RING
        )
        self._datapath.on_send = self.send
        self.fastpath = Fastpath(self.node, self._datapath, _OFFLOADED)
        self.root: Root | None = None
        self.controller: Controller | None = None
        if self.node.topology.is_root or controller:
            self.root, self.controller = add_roles(self.node, self._store, controller)

    def clock(self) -> int:
        """The node's time: milliseconds since the epoch, as of its start, and never back."""
        return self._now()

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
        if active:
            self._underlay = HostUnderlay(
                *self._bind_to, self._received, self._batch_done, self.node.counters
            )
            self.node.paths.local = self._local_endpoints()
            self.node.keepalive.switch_port = self._underlay.switch_port
            if self._wants_mapping:
                self._mapping = HostPortMapping(self.node, self._now)
                self._mapping.look(self.node.paths.local)
            self._look_again()
            self._tick()
            return
        for timer in (self._timer, self._look):
            if timer is not None:
                timer.cancel()
        self._timer = self._look = None
        if self._mapping is not None:
            self._mapping.close()
            self._mapping = None
        if self._underlay is not None:
            self.node.rest(self._now())
            self._underlay.close()
            self._underlay = None

    def sentences(self) -> list[str]:
        """What the user should know, in words."""
        told = list(self.controller.sentences) if self.controller is not None else []
        if self._mapping is not None and self._mapping.sentence:
            told.append(self._mapping.sentence)
        return told

    def local_address(self) -> tuple[str, int]:
        """The IP and the UDP port that the node is bound to. OSError while it is stopped."""
        if self._underlay is None:
            raise OSError(errno.ENOTCONN, "the node is not running")
        return (self._underlay.ip, self._underlay.port)

    # --- our addresses ---

    def _local_endpoints(self) -> list[bytes]:
        if self._underlay is None:
            return []
        towards = [e for root in self.node.topology.root_peers() for e in root.endpoints]
        return self._underlay.local_endpoints(towards)

    def _look_again(self) -> None:
        """Other networks are noticed by looking: every system tells of them in another way."""
        local = self._local_endpoints()
        if local != self.node.paths.local:
            if local:
                self.node.underlay_changed(local, self._now())
                self._schedule()
            else:
                self.node.paths.local = local  # the network is gone; its return will be a change
        if self._mapping is not None:
            self._mapping.look(local)
        self._look = asyncio.get_running_loop().call_later(_LOOK, self._look_again)

    # --- the node's wire ---

    def send(self, datagram, endpoint: bytes) -> None:
        """Send a datagram."""
        if self._underlay is not None and not self._underlay.send(datagram, endpoint):
            self.node.counters.count("send_failed")

    def send_near(self, datagram, endpoint: bytes) -> None:
        """Send a datagram that opens our NAT and does not arrive."""
        if self._underlay is not None:
            self._underlay.send_near(datagram, endpoint)

    def _received(self, datagram: bytes, endpoint: bytes) -> None:
        now = self._now()
        if self.node.networks.all():
            self._datapath.receive(datagram, endpoint, now)
            self.fastpath.pump(now)
        else:
            self.node.receive(bytearray(datagram), endpoint, now)

    def _batch_done(self) -> None:
        if self._underlay is not None:
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
        if self._underlay is None:
            return
        self._timer = None
        self.fastpath.pump(self._now())
        self._schedule()

    def _leave(self) -> None:
        if self._underlay is not None:
            self._schedule()

    def join(self, nwid: str):
        network = super().join(nwid)
        self._leave()
        return network
