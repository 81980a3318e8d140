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
from .vl1.greeting import Greeting
from .vl1.packet_ids import PacketIds
from .vl1.paths import Paths
from .vl1.surface import Surface
from .vl1.topology import Topology
from .vl1.transport import Transport
from .vl2.networks import Networks
from .wire.world import EARTH

_HOUSEKEEPING = const(30000)


class Node:
    """One ZeroTier node. `planet`: a serialized world; default the store's `planet`, then the Earth planet."""

    def __init__(
        self, identity, store, wire, now: int, limits=DEVICE, planet=None, loopback: bool = False
    ) -> None:
        """ValueError if the planet cannot be read."""
        self.identity = identity
        self.counters = Counters()
        world = planet or store.get("planet") or EARTH
        self.topology = Topology(identity, world, limits.peers, self.counters, now)
        self.ids = PacketIds(store)
        self.transport = Transport(self.topology, self.ids, wire, self.counters, limits)
        self.surface = Surface()
        self.greeting = Greeting(self.transport, self.surface)
        self.paths = Paths(self.transport, self.greeting, self.surface, loopback)
        directory = Directory(self.transport)
        self.greeting.on_identity = self._identity_known
        directory.on_identity = self._identity_known
        self.networks = Networks(self.transport, store)
        self.paths.is_managed = self.networks.contains
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
        deadline = min(self.transport.tick(now), self.paths.tick(now), self.networks.tick(now))
        for index, role in enumerate(self._roles):
            if now >= self._role_deadlines[index]:
                self._role_deadlines[index] = role.tick(now)
            deadline = min(deadline, self._role_deadlines[index])
        if now >= self._housekeeping:
            self._housekeeping = now + _HOUSEKEEPING
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
        return self.paths.online(now)

    def _identity_known(self, peer, now: int) -> None:
        self.paths.identity_known(peer, now)
        self.transport.identity_known(peer.address, now)
