"""A simulated Internet with its roots and one controller, to which a scenario adds sites and members.

Owns the seed: with the same one, the same happens. The nodes' own randomness comes from it too.
"""

import hashlib
import random
import sys
from collections.abc import Callable

import _zerotier

from host_tests.sim.clock import Clock
from host_tests.sim.nat import Firewall, Nat
from host_tests.sim.network import Segment
from host_tests.sim.station import UDP_PORT, Station
from host_tests.unit.mesh import put_member, put_network
from zerotier.identity import Identity
from zerotier.limits import DEVICE, HOST
from zerotier.wire import address
from zerotier.wire.address import is_reserved
from zerotier.wire.world import KIND_PLANET, World
from zerotier.wire.world import Root as WorldRoot

_WORLD_ID = b"\x00\x00\x00\x00\x00Sim\x01"[-8:]
_identities: list[Identity] = []  # shared by all simulations of a process
_known: set[bytes] = set()


def identity(number: int) -> Identity:
    """A node's identity. Its address comes from a fast hash: the real one takes 11 ms and 15 tries."""
    while len(_identities) <= number:
        seed = b"simulated node %d" % len(_identities)
        secret = hashlib.sha512(seed).digest()
        public = _zerotier.public_key(secret)
        own = hashlib.sha512(public).digest()[:5]
        if is_reserved(own):
            own = b"\x01" + own[1:]
        _identities.append(Identity(own, public, secret))
        _known.add(own + public)
    return _identities[number]


class Simulation:
    """`with Simulation(seed) as sim:`; times are ms, latency is one way. `ipv6`: roots have both families."""

    def __init__(self, seed: int, roots: int = 1, latency: int = 20, ipv6: bool = False) -> None:
        self.seed = seed
        self.source = random.Random(seed)
        self.clock = Clock()
        self.internet = Segment(self.clock, self.source, latency)
        self.stations: list[Station] = []
        self._originals: list[tuple] = []
        self._lans = 0
        self._public_ips = 0
        self._take_randomness()
        ids = [identity(number) for number in range(roots)]
        places = [
            [self.public_ip()] + [self.public_ipv6() for _ in range(ipv6)] for _ in range(roots)
        ]
        self.planet = self.make_planet(list(zip(ids, places)), 1)
        self.roots = []
        for owner, ips in zip(ids, places):
            station = Station(self, owner, self.internet, ips[0], HOST)
            for ip in ips[1:]:
                station.add_address(self.internet, ip)
            self.stations.append(station)
            self.roots.append(station)
        self.controller: Station | None = None
        self.nwid = b""

    def __enter__(self) -> "Simulation":
        return self

    def __exit__(self, *reason: object) -> None:
        for module, original in self._originals:
            module.urandom = original

    def _take_randomness(self) -> None:
        """All randomness of the nodes comes from the seed while this simulation lives."""
        draw = random.Random(self.seed + 1).randbytes
        for name, module in list(sys.modules.items()):
            if name.startswith("zerotier") and hasattr(module, "urandom"):
                self._originals.append((module, module.urandom))
                module.urandom = draw

    @staticmethod
    def knows(asked: Identity) -> bool:
        """What stands for the identity hash."""
        return asked.address + asked.public in _known

    @staticmethod
    def make_planet(roots: list, timestamp: int) -> bytes:
        """A planet with these (identity, IPs), signed by the first simulated node."""
        signer = identity(0)
        named = [
            WorldRoot(owner.to_bytes(), [address.inet_raw(ip, UDP_PORT) for ip in ips])
            for owner, ips in roots
        ]
        world = World(KIND_PLANET, _WORLD_ID, timestamp, signer.public, b"", named)
        world.signature = signer.sign(world.signed_bytes())
        return world.encode()

    # --- places ---

    def public_ip(self) -> bytes:
        """An address of the Internet in a /24 of its own."""
        self._public_ips += 1
        return bytes((40, self._public_ips >> 8, self._public_ips & 255, 1))

    def public_ipv6(self) -> bytes:
        """The same of IPv6, in a /48 of its own."""
        self._public_ips += 1
        return (
            bytes((0x2A, 0, self._public_ips >> 8, self._public_ips & 255)) + bytes(11) + b"\x01"
        )

    def firewalled(self) -> tuple[Segment, bytes]:
        """A LAN with IPv6 behind a firewall that lets in answers alone, and an address there."""
        lan = self.lan()
        ip = self.public_ipv6()
        Firewall(lan, self.internet).add(ip)
        return lan, ip

    def lan(self) -> Segment:
        self._lans += 1
        return Segment(self.clock, self.source, 1)

    def nat(self, kind: str, outside: Segment | None = None, **options) -> Segment:
        """A LAN behind a NAT; the NAT is its `gateway`."""
        lan = self.lan()
        if outside is None:
            outside, ip = self.internet, self.public_ip()
        else:
            ip = bytes((100, 64, self._lans >> 8, self._lans & 255))
        Nat(kind, lan, outside, ip, self.source, **options)
        return lan

    # --- nodes ---

    def add(
        self, segment: Segment | None = None, ip: bytes | None = None, limits=DEVICE
    ) -> Station:
        """A node, not started yet; by default with a public address."""
        if segment is None:
            segment, ip = self.internet, self.public_ip()
        elif ip is None:
            ip = bytes((192, 168, self._lans & 255, 10 + len(self.stations) % 200))
        station = Station(self, identity(len(self.stations)), segment, ip, limits)
        self.stations.append(station)
        return station

    def add_controller(self, **fields) -> Station:
        """A started node that serves `self.nwid`."""
        self.controller = self.add(limits=HOST)
        self.controller.is_controller = True
        self.nwid = put_network(
            self.controller,  # type: ignore[arg-type]
            1,
            routes=[{"target": "10.147.0.0/16", "via": None}],
            **fields,
        )
        self.controller.start()
        return self.controller

    def join(self, station: Station) -> None:
        """Authorise a member, and let it join. Its address is given: a pool costs the controller a search."""
        number = self.stations.index(station) + 1
        put_member(
            self.controller,  # type: ignore[arg-type]
            self.nwid,
            station.address,
            ipAssignments=["10.147.%d.%d" % (number >> 8, number & 255)],
            noAutoAssignIps=True,
        )
        station.join(self.nwid)

    def start_roots(self) -> None:
        for root in self.roots:
            root.start()

    # --- time ---

    @property
    def now(self) -> int:
        return self.clock.now

    def run(self, milliseconds: int) -> None:
        self.clock.run_until(self.clock.now + milliseconds)

    def wait(self, condition: Callable[[], bool], limit: int, step: int = 10) -> int:
        """How many ms it took until something was so; -1 if it did not happen within `limit`."""
        begun = self.now
        while not condition():
            if self.now - begun >= limit:
                return -1
            self.run(step)
        return self.now - begun

    def every(self, interval: int, action: Callable[[], None], count: int) -> None:
        """Do something again and again, beginning now."""
        for number in range(count):
            self.clock.at(self.now + number * interval, action)
