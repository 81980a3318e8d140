"""How long two members take to talk directly, for every pair of NATs.

Owns what theory says of each pair, and the trial.
"""

from host_tests.sim.nat import (
    FULL_CONE,
    KINDS,
    PORT_RESTRICTED,
    SYMMETRIC,
    SYMMETRIC_RANDOM,
)
from host_tests.sim.network import Segment
from host_tests.sim.pair import Pair
from host_tests.sim.simulation import Simulation
from host_tests.sim.weather import Weather

PUBLIC = "public address"
PLACES = (PUBLIC,) + KINDS
DIRECT = "direct"
PREDICTED = "direct by port prediction"
RELAY = "relay"
LIMIT = 30000  # ms

PAIRS = [(a, b) for i, a in enumerate(PLACES) for b in PLACES[i:]]


def theory(one: str, other: str) -> str:
    """A filter that looks at the port lets in only what the other NAT's port was known for."""
    strict = (PORT_RESTRICTED, SYMMETRIC, SYMMETRIC_RANDOM)
    kinds = {one, other}
    if one not in strict or other not in strict or kinds == {PORT_RESTRICTED}:
        return DIRECT
    if kinds == {PORT_RESTRICTED, SYMMETRIC}:
        return PREDICTED
    return RELAY


def place(sim: Simulation, kind: str) -> Segment | None:
    return None if kind == PUBLIC else sim.nat(kind)


def start(sim: Simulation, one: Segment | None, other: Segment | None) -> Pair:
    """A pair that is configured and has not said anything to each other yet."""
    sim.start_roots()
    sim.add_controller()
    sim.run(2000)
    pair = Pair(sim, one, other)
    if sim.wait(pair.configured, 30000) < 0:
        raise AssertionError("the members were not configured")
    sim.run(sim.source.randrange(2000, 6000))
    return pair


def weather(sim: Simulation) -> None:
    """An ordinary Internet: each run has its own distances, a little jitter, a lost packet now and then."""
    sim.internet.latency = sim.source.randrange(5, 80)
    sim.internet.weather = Weather(loss=0.005, jitter=sim.source.randrange(1, 15))


def trial(one: str, other: str, seed: int) -> tuple[int, int]:
    """(ms from the first frame until both send directly or -1, ms until the first answer or -1)."""
    if seed % 2:
        one, other = other, one
    with Simulation(seed, 2) as sim:
        weather(sim)
        pair = start(sim, place(sim, one), place(sim, other))
        for member in (pair.one, pair.other):
            gateway = member.places[7][0].gateway
            if gateway is not None:
                gateway.noise = 0.1  # others behind the same NAT
        begun = sim.now
        pair.ping()
        limit = LIMIT if theory(one, other) != RELAY else 5000
        took = sim.wait(pair.direct, limit)
        sim.run(2000)
        return took, pair.answers[0] - begun if pair.answers else -1


def special_trial(name: str, seed: int) -> int:
    """ms until direct, or -1, in places that are not one NAT each: SPECIAL has the names."""
    with Simulation(seed, 2) as sim:
        weather(sim)
        one, other = SPECIAL[name][0](sim)
        pair = start(sim, one, other)
        pair.ping()
        return sim.wait(pair.direct, LIMIT)


def _same_lan(sim: Simulation) -> tuple:
    lan = sim.nat(SYMMETRIC_RANDOM)
    return lan, lan


def _two_lans_behind_a_carrier(hairpin: bool, home: str = PORT_RESTRICTED):
    def make(sim: Simulation) -> tuple:
        carrier = sim.nat(FULL_CONE, hairpin=hairpin)
        return sim.nat(home, carrier), sim.nat(home, carrier)

    return make


def _nested(sim: Simulation) -> tuple:
    return sim.nat(PORT_RESTRICTED, sim.nat(PORT_RESTRICTED)), sim.nat(PORT_RESTRICTED)


SPECIAL = {
    "both in one LAN behind a random symmetric NAT": (_same_lan, DIRECT),
    "a NAT behind a carrier's, and a NAT": (_nested, DIRECT),
    "two NATs behind one carrier that hairpins": (_two_lans_behind_a_carrier(True), DIRECT),
    "two NATs behind one carrier that does not": (_two_lans_behind_a_carrier(False), RELAY),
}
