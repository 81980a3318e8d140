"""One node in the simulated network: a real node with its socket, its timer and its store.

Owns what a driver owns: which addresses the node has, when its timer runs, and the notice that an address changed.
"""

from host_tests.sim.network import Segment
from host_tests.unit.mesh import MemoryStore, Port
from zerotier.controller import Controller
from zerotier.groups import GroupDatabase
from zerotier.identity import Identity
from zerotier.limits import DEVICE, HOST
from zerotier.node import Node
from zerotier.root import Root
from zerotier.wire import address

UDP_PORT = 9993
NOTICE = 1000  # ms within which a driver sees that an address changed
_NEVER = 1 << 62


class Station:
    """A node at one IPv4 address, and perhaps one IPv6 address. `sim`: the simulation that it is part of."""

    def __init__(
        self, sim, identity: Identity, segment: Segment, ip: bytes, limits=DEVICE
    ) -> None:
        self.sim = sim
        self.clock = sim.clock
        self.identity = identity
        self.address = identity.address
        self.limits = limits
        self.store = MemoryStore()
        self.running = False
        self.places: dict[
            int, tuple[Segment, bytes]
        ] = {}  # length of an endpoint -> where, as which
        self.sent = 0  # datagrams
        self.sent_bytes = 0  # with IP and UDP headers
        self.received = 0
        self.received_bytes = 0
        self.controller: Controller | None = None
        self.is_controller = False
        self.wanted: list[bytes] = []
        self.networks: dict = {}
        self.ports: dict[bytes, Port] = {}
        self._planned = _NEVER
        self._attach(segment, ip)

    # --- addresses ---

    def _attach(self, segment: Segment, ip: bytes) -> None:
        endpoint = address.inet_raw(ip, UDP_PORT)
        self.places[len(endpoint)] = (segment, endpoint)
        segment.attach(ip, self._receive)

    def add_address(self, segment: Segment, ip: bytes) -> None:
        """An address of the other family."""
        self._attach(segment, ip)

    def endpoint(self) -> bytes:
        return self.places[7][1]

    def local(self) -> list[bytes]:
        return [endpoint for _, endpoint in self.places.values()]

    def unplug(self) -> None:
        """All addresses are gone, and the driver sees it."""
        for segment, endpoint in self.places.values():
            segment.detach(address.ip(endpoint))
        self.places.clear()
        self._notice()

    def plug(self, segment: Segment, ip: bytes) -> None:
        """An address is there, and the driver sees it."""
        self._attach(segment, ip)
        self._notice()

    def _notice(self) -> None:
        delay = self.sim.source.randrange(NOTICE)
        self.clock.at(self.clock.now + delay, self._noticed)

    def _noticed(self) -> None:
        if self.running and self.node.paths.local != self.local():
            self.node.underlay_changed(self.local(), self.clock.now)
            self._plan()

    # --- the node's life ---

    def start(self) -> None:
        """Switch the node on, with what is in its store."""
        now = self.clock.now
        self.node = Node(self.identity, self.store, self, now, self.limits, self.sim.planet)
        self.node.greeting.validate = self.sim.knows
        self.node.paths.local = self.local()
        if self.node.topology.is_root or self.is_controller:
            groups = GroupDatabase(self.node.transport)
            if self.node.topology.is_root:
                self.node.add_role(Root(self.node.transport, groups))
                Root.open_gates(self.node)
            if self.is_controller:
                self.controller = Controller(self.node.transport, self.store)
                groups.serve(self.controller.authorised)
                self.node.add_role(self.controller)
        self.running = True
        for nwid in self.wanted:
            self._join(nwid)
        self._planned = _NEVER
        self._plan()

    def stop(self) -> None:
        """Switch it off, without a warning."""
        self.running = False

    def join(self, nwid: bytes) -> None:
        self.wanted.append(nwid)
        if self.running:
            self._join(nwid)

    def _join(self, nwid: bytes) -> None:
        self.ports[nwid] = Port()
        self.networks[nwid] = self.node.networks.join(nwid, self.ports[nwid], self.clock.now)
        self.node.wake()
        self._plan()

    def online(self) -> bool:
        return self.running and self.node.online(self.clock.now)

    def count(self, reason: str) -> int:
        return self.node.counters.get(reason)

    # --- frames ---

    def send_frame(self, nwid: bytes, other: "Station", payload: bytes = b"payload") -> None:
        """A frame from our port to the other's."""
        macs = other.networks[nwid].mac + self.networks[nwid].mac
        self.networks[nwid].transmit(macs + b"\x08\x00" + payload, self.clock.now)
        self._plan()

    def path_to(self, other: "Station"):
        """The direct path that frames for the other take, or None."""
        peer = self.node.topology.get(other.address)
        if peer is None:
            return None
        path = peer.best_path(self.clock.now)
        return path if path is not None and path.dependable(self.clock.now) else None

    # --- the node's wire and timer ---

    def send(self, datagram: bytearray, endpoint: bytes) -> None:
        self._send(datagram, endpoint, 64)

    def send_near(self, datagram: bytes, endpoint: bytes) -> None:
        self._send(datagram, endpoint, 3)

    def _send(self, datagram: bytes, endpoint: bytes, ttl: int) -> None:
        size = len(datagram) + (28 if len(endpoint) == 7 else 48)
        self.sent += 1
        self.sent_bytes += size
        place = self.places.get(len(endpoint))
        if place is not None:
            place[0].carry(bytes(datagram), place[1], endpoint, ttl)

    def _receive(self, datagram: bytes, source: bytes, destination: bytes) -> None:
        if not self.running or destination not in self.local():
            return
        self.received += 1
        self.received_bytes += len(datagram) + (28 if len(source) == 7 else 48)
        self.node.receive(bytearray(datagram), source, self.clock.now)
        self._plan()

    def _plan(self) -> None:
        when = self.node.deadline()
        if when < self._planned:
            self._planned = max(when, self.clock.now)
            self.clock.at(self._planned, self._tick, self._planned)

    def _tick(self, planned: int) -> None:
        if planned != self._planned or not self.running:
            return
        self._planned = _NEVER
        if self.node.deadline() <= self.clock.now:
            self.node.tick(self.clock.now)
        self._plan()


def host_limits():
    return HOST
