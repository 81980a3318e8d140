"""The driver for MicroPython: the node runs by itself in the background, like WLAN does.

Owns the clock, the UDP socket, the files, the virtual interfaces and the datapath of one node. Datagrams and frames
move in C, without this file. What the datapath hands back, and timers, are the node's: `_zerotier.background` calls the
pump for them, whenever the interpreter waits (a blocking socket, `time.sleep`, asyncio, the prompt), and now and then
in a busy loop. Protocol decisions are the node's.
"""

import gc
import time
from errno import EADDRINUSE, EALREADY

import _zerotier

from .api import Network, ZeroTierBase
from .const import const
from .device_ethernet import Ethernet
from .fastpath import Fastpath
from .limits import DEVICE, Limits
from .store import FileStore
from .vl2.network import Network as JoinedNetwork
from .vl2.routes import Route
from .wire import address as addresses

# Bytes that wait for the pump: control packets, and frames whose receiver is not known yet.
_RING = const(8192)
_LOOK = const(1000)  # ms between two looks at our addresses
# Bytes of garbage until the heap is cleaned; without a threshold all of it is touched before, and stays resident.
_GARBAGE = const(65536)
_AGAIN = const(1)  # ms until the pump is called again when it may not run now
_MS_PER_S = const(1000)
_NS_PER_MS = const(1000000)
_SECONDS_1970_TO_2000 = const(946684800)  # most boards count from the year 2000
# ms on the node's clock when it starts: 0 means never, and no interval is longer. Times since 1970 would take 32 bytes
# of heap each, where small ones take none: there are hundreds, and on 32 bits they stay small for 12 days.
_START = const(3600000)


class Port:
    """A virtual Ethernet interface of lwIP. It appears with the network's first config."""

    def __init__(self, driver: "ZeroTier") -> None:
        self._driver = driver
        self._netif: _zerotier.Netif | None = None
        self._network: JoinedNetwork | None = None
        self._addresses: list[bytes] = []
        self._routes: list[Route] = []
        self._groups: list[bytes] = []
        self._groups_version = -1

    def configure(self, network: JoinedNetwork) -> None:
        """Bring the interface to the network's addresses and MTU. OSError if there are too many interfaces."""
        if self._netif is None:
            self._netif = _zerotier.Netif(network.mac, network.mtu)
            self._network = network
            self._driver.ports.append(self)
        netif = self._netif
        netif.mtu(network.mtu)
        self._driver.fastpath.add_network(network, netif)
        if network.addresses != self._addresses:
            self._addresses = network.addresses
            self._count("address_left_out", _apply(netif, network.addresses))
        if network.routes != self._routes:
            self._routes = network.routes
            self._count("route_left_out", _apply_routes(netif, network.routes))
        netif.active(True)
        self._driver.apply_dns()

    def name_servers(self) -> list[bytes]:
        """The servers that the network may set, and wants to be asked for names."""
        servers = self._network.dns[1] if self._network is not None else []
        return [addresses.ip(server) for server in servers]

    def _count(self, reason: str, times: int) -> None:
        if times:
            self._driver.node.counters.count(reason, times)

    def deliver(self, frame: memoryview) -> bool:
        """A frame that passed through Python, for the stack; False if it was dropped."""
        return self._netif is not None and self._netif.input(frame)

    def close(self) -> None:
        """Take the interface away."""
        if self._netif is not None and self._network is not None:
            self._driver.ports.remove(self)
            self._driver.fastpath.remove_network(self._network.nwid)
            self._netif.close()
            self._netif = None
            self._driver.apply_dns()

    def pump(self, now: int) -> None:
        """Follow the stack: what it listens to."""
        netif = self._netif
        if netif is not None and netif.groups_version() != self._groups_version:
            self._subscribe(now)

    def _subscribe(self, now: int) -> None:
        """Tell the network which multicast groups the stack listens to."""
        netif = self._netif
        if netif is None or self._network is None:
            return
        self._groups_version = netif.groups_version()
        wanted = netif.groups()
        subscriptions = self._network.subscriptions
        for mac in self._groups:
            if mac not in wanted:
                subscriptions.remove(mac)
        for mac in wanted:
            try:
                subscriptions.add(mac, now)
            except OSError:
                self._driver.node.counters.count("groups_full")
        self._groups = wanted


class ZeroTier(ZeroTierBase):
    """The node of this device; it starts at once and lives until `active(False)`.

    `path` holds the files of protocol/10 §10.1. `bind` may be a loopback address: then the node uses loopback paths,
    and no others. `controller`: serve the networks in these files; a root it is if the planet names it. `port_mapping`:
    ask the router to forward our port, by PCP or NAT-PMP. ValueError or OSError, in one sentence, if the identity, the
    planet or the port cannot be used, or the image is without what is asked for.
    """

    def __init__(
        self,
        path: str = "/zerotier.d",
        *,
        bind: str = "0.0.0.0",
        port: int = 9993,
        planet: bytes | None = None,
        controller: bool = False,
        limits: Limits = DEVICE,
        port_mapping: bool = False,
    ) -> None:
        self.ports: list[Port] = []
        self._name_servers: tuple[bytes, ...] | None = (
            None  # those that a network's took the place of
        )
        self._bind = addresses.inet(bind, port)
        self._underlay: _zerotier.Underlay | None = None
        self._look_at = 0  # when to look at our addresses
        self._is_busy = 0  # the user is inside the node: the pump must not come in between
        self._last_ticks = time.ticks_ms()
        self._clock = _epoch_ms() if controller else _START  # certificates have a date
        loopback = addresses.scope(self._bind) == addresses.SCOPE_LOOPBACK
        super().__init__(FileStore(path), self, limits, planet, loopback)
        self._datapath = _zerotier.Datapath(
            self.node.identity.address, limits.peers, limits.networks, limits.reassembly, _RING
        )
        self.fastpath = Fastpath(self.node, self._datapath, limits.peers)
        self._mapping = _port_mapping(self.node) if port_mapping else None
        if controller or self.node.topology.is_root:
            _add_roles(self.node, self._store, controller)
        if gc.threshold() < 0:  # the program has set none
            gc.threshold(_GARBAGE)
        try:
            self.active(True)
        except BaseException:
            # Control-C, too: nobody has this object, so it must not be the one that runs.
            self.active(False)
            raise

    # --- for the base class ---

    def _now(self) -> int:
        # The ticks wrap; as long as somebody asks every few days, this clock does not, and never goes back.
        ticks = time.ticks_ms()
        self._clock += time.ticks_diff(ticks, self._last_ticks)
        self._last_ticks = ticks
        return self._clock

    def _pause(self, milliseconds: int) -> None:
        time.sleep_ms(milliseconds)

    async def _sleep(self, milliseconds: int) -> None:
        import asyncio

        await asyncio.sleep_ms(milliseconds)

    def _make_port(self) -> Port:
        return Port(self)

    def _set_active(self, active: bool) -> None:
        if not active:
            if self._underlay is not None:  # or the background is another's
                _zerotier.background(None)
            self._datapath.detach()
            self.node.rest(self._now())
            if self._mapping is not None:
                self._mapping.close()
            if self._underlay is not None:
                self._underlay.close()
                self._underlay = None
            return
        try:
            if _zerotier.background() is not None:  # there is one
                raise OSError(EALREADY, "another ZeroTier object runs: one per device")
            self._underlay = _open_underlay(self._bind)
        except OSError:
            self._active = False
            self.node.networks.close(self._now())  # or their interfaces would be missing next time
            raise
        self.node.paths.local = self._underlay.local_endpoints()
        if hasattr(self._underlay, "switch_port"):
            self.node.keepalive.switch_port = self._switch_port
        self._datapath.attach(self._now())
        _zerotier.background(self._pump, *self._underlay.sockets())

    def _switch_port(self) -> None:
        """No root answers: perhaps they do at another UDP port of ours."""
        if self._underlay is not None:
            self._underlay.switch_port()
            _zerotier.background(self._pump, *self._underlay.sockets())

    def apply_dns(self) -> None:
        """Have the name servers asked of the first network that may set them; without one, those of before."""
        for port in self.ports:
            servers = port.name_servers()
            if servers:
                if self._name_servers is None:
                    self._name_servers = _zerotier.name_servers()
                _zerotier.name_servers(servers)
                return
        if self._name_servers is not None:
            _zerotier.name_servers(self._name_servers)
            self._name_servers = None

    def _open_ethernet(self, name: str) -> Ethernet:
        return Ethernet(name, self.node.counters.count)

    def _joined_ethernet(self, network: JoinedNetwork) -> None:
        self.fastpath.join_ethernet(network)

    # --- what a user calls: the node's tables are in use, so the pump waits ---

    def _enter(self) -> None:
        self._is_busy += 1

    def _leave(self) -> None:
        self._is_busy -= 1
        _zerotier.wake()

    def active(self, active: bool | None = None) -> bool:
        self._enter()
        try:
            return super().active(active)
        finally:
            self._leave()

    def join(self, nwid: str) -> Network:
        self._enter()
        try:
            return super().join(nwid)
        finally:
            self._leave()

    def leave(self, nwid: str) -> None:
        self._enter()
        try:
            super().leave(nwid)
        finally:
            self._leave()

    def peers(self) -> list[dict]:
        self._enter()
        try:
            return super().peers()
        finally:
            self._leave()

    def stats(self) -> dict[str, int]:
        merged = super().stats()
        for reason, count in self._datapath.counters().items():
            merged[reason] = merged.get(reason, 0) + count
        return merged

    # --- the pump ---

    def send(self, datagram: memoryview, endpoint: bytes) -> None:
        """The node's wire."""
        if self._underlay is None or not self._underlay.send(datagram, endpoint):
            self.node.counters.count("send_failed")

    def _pump(self) -> int:
        """Do what C cannot; how many ms until it is time again."""
        if self._is_busy or self._underlay is None:
            return _AGAIN
        now = self._now()
        if now >= self._look_at:
            self._look_at = now + _LOOK
            self._look(now)
        self.fastpath.pump(now)
        for port in self.ports:
            port.pump(now)
        deadline = min(self.fastpath.deadline(), self._look_at)
        if self._mapping is not None:
            deadline = min(deadline, self._mapping.pump(now))
        return max(deadline - now, 0)

    def _look(self, now: int) -> None:
        """Another network, or the same one again after an outage: the node is told."""
        if self._underlay is None:
            return
        local = self._underlay.local_endpoints()
        if local != self.node.paths.local:
            if local:
                self.node.underlay_changed(local, now)
            else:
                self.node.paths.local = local  # the network is gone; its return will be a change
        if self._mapping is not None:
            self._mapping.look(local, now)


def _port_mapping(node):
    """ValueError, in one sentence, if the image was made without it."""
    try:
        from .device_port_mapping import DevicePortMapping
    except ImportError:
        raise ValueError("this image has no port mapping: it is an option of the board's manifest")
    return DevicePortMapping(node)


def _add_roles(node, store, controller: bool) -> None:
    """ValueError, in one sentence, if the image was made without them."""
    try:
        from .roles import add_roles
    except ImportError:
        raise ValueError(
            "this image can be no root or controller: an option of the board's manifest"
        )
    add_roles(node, store, controller)


def _open_underlay(endpoint: bytes) -> _zerotier.Underlay:
    """The node's UDP socket. OSError, in one sentence, if the port cannot be had."""
    try:
        if hasattr(
            _zerotier, "Underlay"
        ):  # one lwIP carries the physical network and the virtual ones
            return _zerotier.Underlay(endpoint)
        from .underlay import Underlay

        return Underlay(endpoint)  # type: ignore[return-value]  # the same methods
    except OSError as error:
        where = addresses.text(endpoint)
        if error.errno == EADDRINUSE:
            raise OSError(EADDRINUSE, "UDP port %s is in use" % where)
        raise OSError(error.errno, "cannot use UDP port %s" % where)


def _apply(netif: _zerotier.Netif, assigned: list[bytes]) -> int:
    """Set the addresses of an interface: endpoints with the prefix length in the place of the port.

    The first IPv4 address is the one that packets leave with, and that `ifconfig()` tells. How many found no room.
    """
    netif.clear_addresses()
    left_out = 0
    is_ip4_set = False
    for endpoint in assigned:
        ip = addresses.ip(endpoint)
        bits = addresses.port(endpoint)
        try:
            if len(ip) != addresses.IPV4_SIZE:
                netif.ip6(ip, bits)
            elif is_ip4_set:
                netif.ip4_also(ip, bits)
            else:
                netif.ip4(ip, bits)
                is_ip4_set = True
        except OSError:
            left_out += 1
    return left_out


def _apply_routes(netif: _zerotier.Netif, routes: list[Route]) -> int:
    """Set the routes of an interface; how many found no room."""
    netif.clear_routes()
    left_out = 0
    for route in routes:
        try:
            netif.route(route.target, route.bits, route.gateway or None)
        except OSError:
            left_out += 1
    return left_out


def _epoch_ms() -> int:
    """The time since 1970 in ms, as well as this device knows it."""
    milliseconds = time.time_ns() // _NS_PER_MS
    if time.gmtime(0)[0] == 2000:
        milliseconds += _SECONDS_1970_TO_2000 * _MS_PER_S
    return milliseconds
