"""IPv6 beside IPv4: who reaches whom, and what happens when a device has another family from one moment to the next.

Owns the places with one or both families, and two trials.
"""

from host_tests.sim.nat import PORT_RESTRICTED
from host_tests.sim.nat_pairs import LIMIT, weather
from host_tests.sim.pair import Pair
from host_tests.sim.simulation import Simulation
from host_tests.sim.station import Station

IPV4, IPV6, BOTH = "IPv4", "IPv6", "both"
KINDS = (IPV4, IPV6, BOTH)
PAIRS = ((BOTH, IPV4), (BOTH, IPV6), (BOTH, BOTH), (IPV6, IPV6), (IPV4, IPV6))
_AWAY = 2000  # ms without any address


def relay_only(one: str, other: str) -> bool:
    """Whether the two have no family in common."""
    return {one, other} == {IPV4, IPV6}


class _Home:
    """Where a member is: IPv4 behind a NAT, IPv6 behind a firewall, or one of them."""

    def __init__(self, member: Station) -> None:
        self._member = member
        self._ipv4 = member.sim.nat(PORT_RESTRICTED), bytes((192, 168, 7, 7))
        self._ipv6 = member.sim.firewalled()

    def give(self, kind: str) -> None:
        """The member has these addresses, and none before."""
        if kind in (IPV4, BOTH):
            self._member.plug(*self._ipv4)
        if kind in (IPV6, BOTH):
            self._member.plug(*self._ipv6)


def _start(sim: Simulation, one: str, other: str) -> tuple[Pair, _Home]:
    weather(sim)
    sim.start_roots()
    sim.add_controller()
    sim.run(2000)
    pair = Pair(sim, None, None)
    homes = []
    for member, kind in ((pair.one, one), (pair.other, other)):
        member.unplug()
        homes.append(_Home(member))
        homes[-1].give(kind)
    if sim.wait(pair.configured, 30000) < 0:
        raise AssertionError("the members were not configured")
    sim.run(sim.source.randrange(2000, 6000))
    return pair, homes[0]


def trial(one: str, other: str, seed: int) -> tuple[int, int]:
    """(ms from the first frame until both send directly or -1, ms until the first answer or -1)."""
    with Simulation(seed, 2, ipv6=True) as sim:
        pair, _ = _start(sim, one, other)
        begun = sim.now
        pair.ping()
        took = sim.wait(pair.direct, 5000 if relay_only(one, other) else LIMIT)
        sim.run(2000)
        return took, pair.answers[0] - begun if pair.answers else -1


def change(kinds: tuple[str, ...], other: str, seed: int) -> int:
    """A member loses its addresses and gets others 2 s later, and again: the longest time, in ms, without an answer
    after it has got some.
    """
    with Simulation(seed, 2, ipv6=True) as sim:
        pair, home = _start(sim, kinds[0], other)
        pair.ping()
        sim.wait(lambda: bool(pair.answers), 10000)
        sim.run(20000 + sim.source.randrange(5000))
        gaps = []
        for kind in kinds[1:]:
            pair.one.unplug()
            sim.run(_AWAY)
            home.give(kind)
            back = sim.now
            sim.run(15000)
            gaps.append(pair.gap(back))
        return max(gaps)


CHANGES = (
    ((IPV4, IPV6, IPV4, IPV6), BOTH),
    ((IPV6, IPV4), BOTH),
    ((BOTH, IPV6, IPV4), BOTH),
    ((IPV4, BOTH), IPV4),
    ((IPV4, IPV6, IPV4), IPV4),
    ((IPV6, IPV4, IPV6), IPV6),  # relayed, as the last but one, while there is no common family
)
