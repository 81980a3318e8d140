"""What happens to a conversation when somebody's address changes.

Owns the kinds of moves and their trial.
"""

from host_tests.sim.nat import PORT_RESTRICTED
from host_tests.sim.nat_pairs import place, start, weather
from host_tests.sim.pair import Pair
from host_tests.sim.simulation import Simulation

ROAM = "another network, seen by the driver"
RETURN = "the same network again after 20 s, seen by the driver"
REMAP = "the NAT restarts with another address, seen by nobody"
FORGET = "the NAT forgets its mappings, seen by nobody"
KINDS = (ROAM, RETURN, REMAP, FORGET)
ONE, OTHER, BOTH = "one", "the other", "both"
WHO = (ONE, OTHER, BOTH)
_AWAY = 2000


def trial(kind: str, who: str, nats: tuple[str, str], seed: int) -> int:
    """The longest time, in ms, without an answer after the underlay is back; 15 s are watched."""
    with Simulation(seed, 2) as sim:
        weather(sim)
        pair = start(sim, place(sim, nats[0]), place(sim, nats[1]))
        pair.ping()
        sim.wait(pair.direct, 10000)
        sim.run(20000 + sim.source.randrange(5000))
        _move(sim, pair, kind, who)
        back = sim.now
        sim.run(15000)
        return pair.gap(back)


def _move(sim: Simulation, pair: Pair, kind: str, who: str) -> None:
    """Returns at the moment at which the underlay is back."""
    movers = {ONE: [pair.one], OTHER: [pair.other], BOTH: [pair.one, pair.other]}[who]
    before = [station.places[7] for station in movers]
    if kind in (ROAM, RETURN):
        for station in movers:
            station.unplug()
        sim.run(_AWAY if kind == ROAM else 10 * _AWAY)
    for station, (segment, endpoint) in zip(movers, before):
        if kind == ROAM:
            station.plug(sim.nat(PORT_RESTRICTED), bytes((172, 16, 5, 9)))
        elif kind == RETURN:
            station.plug(segment, endpoint[1:-2])
        elif kind == REMAP:
            segment.gateway.move(sim.public_ip())  # type: ignore[union-attr]
        else:
            segment.gateway.forget()  # type: ignore[union-attr]
