"""What a joined device costs while nothing happens, and whether it is reached all the time.

Owns the trial of an idle day, and where the roots of a planet are.
"""

from collections.abc import Sequence

from host_tests.sim.nat import PORT_RESTRICTED, SYMMETRIC_RANDOM
from host_tests.sim.nat_pairs import start
from host_tests.sim.pair import Pair
from host_tests.sim.simulation import Simulation
from host_tests.sim.station import Station
from zerotier.wire import address
from zerotier.wire.packet import FRAGMENT_INDICATOR

HOUR = 3600000
UNIMPORTANT = 1200000  # ms after which a peer does not matter any more
KNOCK = 2000  # ms between two datagrams through one root
_KNOCK_SIZE = 100

# Where four roots are, in ms of latency from a city in the west; each other place is 20 ms from all of them. A root
# passes on to the nearest other one, so in the first planet all ways end at the same two roots, in the second at two
# pairs that never ask each other.
NEAR = (0, 0, 0, 0)
CHAIN = (0, 35, 55, 120)
TWO_PAIRS = (0, 15, 120, 140)
NATS = (
    (PORT_RESTRICTED, 30000),
    (SYMMETRIC_RANDOM, 30000),
    (PORT_RESTRICTED, 60000),
    (PORT_RESTRICTED, 120000),
)
PLANETS = {"equally far": NEAR, "a chain": CHAIN, "two pairs": TWO_PAIRS}


def settle(sim: Simulation, nat: str, life: int, places: Sequence[int]) -> Pair:
    """A pair behind NATs that has talked, and has been silent for so long that neither matters to the other."""
    where = dict(zip([root.endpoint() for root in sim.roots], places))
    sim.internet.farther = lambda source, to: (
        abs(where.get(source, 0) - where.get(to, 0)) * (source in where and to in where)
    )
    pair = start(sim, sim.nat(nat, life=life), sim.nat(nat, life=life))
    pair.ping()
    sim.run(10000)
    pair.is_pinging = False
    sim.run(UNIMPORTANT)
    return pair


def idle_day(
    seed: int, roots: int = 1, hours: int = 24, places: Sequence[int] = NEAR, life: int = 30000
) -> dict:
    """Traffic of a device with one peer, scaled to a day, how long the first answer after it took, and how long then
    until all roots were in contact again.
    """
    with Simulation(seed, roots) as sim:
        pair = settle(sim, PORT_RESTRICTED, life, places)
        device = pair.other
        device.sent = device.received = device.sent_bytes = device.received_bytes = 0
        writes = device.store.writes
        sim.run(hours * HOUR)
        scale = 24 / hours
        seconds = hours * 3600
        bytes_a_day = (device.sent_bytes + device.received_bytes) * scale
        sent = device.sent
        received = device.received
        writes = device.store.writes - writes
        answers = len(pair.answers)
        pair.ping()
        answered = sim.wait(lambda: len(pair.answers) > answers, 10000)
        known = device.node.topology.root_peers()
        greeted = sim.wait(lambda: all(root.paths for root in known), 10000)
        return {
            "megabytes": bytes_a_day / 1e6,
            "sent": sent * 20 / seconds,
            "received": received * 20 / seconds,
            "writes": writes * scale,
            "answered": answered,
            "greeted": greeted,
        }


class Knocks:
    """Datagrams for a device, sent through each root all the time by somebody whom nobody knows."""

    def __init__(self, sim: Simulation, device: Station) -> None:
        self._sim = sim
        self._device = device
        self._count = 0
        self._from = address.inet_raw(sim.public_ip(), 5000)
        self._last = [sim.now for _ in sim.roots]
        self.longest = [0 for _ in sim.roots]  # ms from one that arrived to the next that did
        self.lost = 0
        self._receive = device.node.receive
        device.node.receive = self._arrived  # type: ignore[method-assign]
        self._knock()

    def _knock(self) -> None:
        for number, root in enumerate(self._sim.roots):
            self._count += 1
            head = bytes((number,)) + self._count.to_bytes(7, "big") + self._device.address
            datagram = head + bytes((FRAGMENT_INDICATOR, 0x21, 0))
            datagram += bytes(_KNOCK_SIZE - len(datagram))
            self.lost += 1
            self._sim.internet.carry(datagram, self._from, root.endpoint())
        self._sim.clock.at(self._sim.now + KNOCK, self._knock)

    def _arrived(self, datagram: bytearray, source: bytes, now: int) -> None:
        if len(datagram) != _KNOCK_SIZE or datagram[13] != FRAGMENT_INDICATOR:
            self._receive(datagram, source, now)
            return
        number = datagram[0]
        self.lost -= 1
        self.longest[number] = max(self.longest[number], now - self._last[number])
        self._last[number] = now

    def holes(self) -> int:
        """The longest time, in ms, for which nothing came through one of the roots, its rhythm not counted."""
        now = self._sim.now
        return max([now - last for last in self._last] + self.longest) - KNOCK


def reached(seed: int, nat: str, life: int, places: Sequence[int], hours: int = 6) -> dict:
    """How many datagrams through each of four roots got lost in idle hours, and the longest hole, in ms."""
    with Simulation(seed, len(places)) as sim:
        pair = settle(sim, nat, life, places)
        knocks = Knocks(sim, pair.other)
        sim.run(hours * HOUR)
        sim.run(1000)
        return {"lost": knocks.lost, "of": knocks._count, "hole": knocks.holes()}
