"""The node: wires VL1, VL2 and the roles together. No I/O: datagrams and time come in as arguments.

Owns the wiring and the housekeeping timer, nothing else: what a verb means lives in the room of its subject.

    node.receive(datagram, source, now)     a datagram came in
    node.tick(now) -> next deadline         run timers; when to call again
    wire.send(datagram, destination)        given by the driver; borrows the datagram, must not call back
    store.get(key), store.put(key, value)   given by the driver

`now` is in milliseconds, never goes back, and starts above ten minutes, so that 0 can mean "never".
"""

from .const import const
from .counters import Counters
from .limits import DEVICE
from .vl1.directory import Directory
from .vl1.extended_hello import ExtendedHello
from .vl1.greeting import Greeting
from .vl1.keepalive import Keepalive
from .vl1.memory import Memory
from .vl1.packet_ids import PacketIds
from .vl1.paths import Paths
from .vl1.prediction import Prediction
from .vl1.surface import Surface
from .vl1.topology import Topology
from .vl1.transport import Transport
from .vl1.traversal import Traversal
from .vl1.worlds import Worlds
from .vl2.networks import Networks

_HOUSEKEEPING = const(30000)


class Node:
    """One ZeroTier node. `planet`: a serialized world; default the store's `planet`, then the Earth planet."""

    def __init__(
        self, identity, store, wire, now: int, limits=DEVICE, planet=None, loopback: bool = False
    ) -> None:
        """ValueError if the planet cannot be read."""
        self.identity = identity
        self.counters = Counters()
        self.topology = Topology(identity, limits.peers, self.counters)
        self.memory = Memory(self.topology, store, limits.peers, self.counters)
        self.memory.load_keys()
        self.worlds = Worlds(self.topology, store, self.counters, planet, now)
        self.ids = PacketIds(store)
        self.transport = Transport(self.topology, self.ids, wire, self.counters, limits)
        self.surface = Surface()
        prediction = Prediction()
        self.greeting = Greeting(self.transport, self.worlds, self.surface, prediction)
        self.paths = Paths(self.transport, self.greeting, prediction, loopback)
        self.traversal = Traversal(
            self.transport, self.greeting, self.paths, self.surface, prediction
        )
        self.keepalive = Keepalive(
            self.transport, self.greeting, self.paths, self.traversal, self.surface, prediction
        )
        self.directory = Directory(self.transport)
        ExtendedHello(self.transport)
        self.greeting.on_identity = self._identity_known
        self.directory.on_identity = self._identity_known
        self.memory.load_peers(now)
        self.networks = Networks(self.transport, store)
        self.paths.is_managed = self.networks.contains
        self.keepalive.speak_early = self.networks.early
        self._roles: list = []
        self._role_deadlines: list[int] = []
        self._housekeeping = now + _HOUSEKEEPING
        self._deadline = now

    def add_role(self, role) -> None:
        """Add a role with a `tick(now) -> next deadline`: a root or a controller."""
        self._roles.append(role)
        self._role_deadlines.append(0)

    def receive(self, datagram, source: bytes, now: int) -> None:
        """A datagram (writable; decrypted in place) came from this endpoint. Never raises for what is in it."""
        self.counters.count("datagrams_in")
        try:
            self.transport.receive(datagram, source, now)
        except ValueError:
            self.counters.count("malformed")
        except MemoryError:
            self.counters.count("no_memory")

    def tick(self, now: int) -> int:
        """Run what is due; the time of the next call that is needed (an earlier one does no harm)."""
        # Before the transport's: what the others want sent may begin to wait there.
        deadline = min(
            self.keepalive.tick(now),
            self.networks.tick(now),
            self.worlds.tick(self.transport, self.greeting, now),
        )
        for index, role in enumerate(self._roles):
            if now >= self._role_deadlines[index]:
                self._role_deadlines[index] = role.tick(now)
            deadline = min(deadline, self._role_deadlines[index])
        deadline = min(deadline, self.transport.tick(now))
        if now >= self._housekeeping:
            self._housekeeping = now + _HOUSEKEEPING
            self.keepalive.drop_expired(now)
            self.keepalive.watch_active(now)
            self.memory.save_changes(now)
            self.topology.forget_silent(now)
        self._deadline = min(deadline, self._housekeeping)
        return self._deadline

    def deadline(self) -> int:
        """When `tick` is due; what was received since the last tick may have brought it forward."""
        return min(self._deadline, self.transport.wake_at)

    def wake(self) -> None:
        """Make `tick` due at once: the user or the underlay changed something."""
        self._deadline = 0

    def online(self, now: int) -> bool:
        """True if an authenticated packet of a root was seen lately, or we are a root."""
        return self.keepalive.online(now)

    def underlay_changed(self, local: list[bytes], now: int) -> None:
        """The driver found other addresses of ours, or the network is back: `local` are our endpoints from now on."""
        self.paths.local = local
        self.keepalive.underlay_changed(now)
        self.wake()

    def rest(self, now: int) -> None:
        """The node stops, or the device is about to sleep: what it knows of its peers goes to the store."""
        self.memory.save_all(now)

    def _identity_known(self, peer, now: int) -> None:
        self.traversal.identity_known(peer, now)
        self.transport.identity_known(peer.address, now)
