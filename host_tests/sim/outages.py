"""Roots that die, and networks that are bad for a long time.

Owns three trials: one of two roots dies, all roots die for an hour, and an hour of bad weather.
"""

import gc

from host_tests.sim.nat import FULL_CONE, PORT_RESTRICTED
from host_tests.sim.nat_pairs import start
from host_tests.sim.simulation import Simulation
from host_tests.sim.weather import Weather

HOUR = 3600000


def root_dies(seed: int) -> tuple[int, bool]:
    """(longest gap of a direct conversation in ms, whether everybody is online) when one of two roots dies."""
    with Simulation(seed, 2) as sim:
        pair = start(sim, sim.nat(PORT_RESTRICTED), sim.nat(FULL_CONE))
        pair.ping()
        sim.wait(pair.direct, 10000)
        sim.run(20000)
        sim.roots[seed % 2].stop()
        died = sim.now
        sim.run(120000)
        return pair.gap(died), pair.one.online() and pair.other.online()


def all_roots_die(seed: int, keeps_store: bool) -> dict:
    """Two roots are away for an hour. `keeps_store`: they come back with what they had written."""
    with Simulation(seed, 2) as sim:
        pair = start(sim, sim.nat(PORT_RESTRICTED), sim.nat(PORT_RESTRICTED))
        idle = sim.add(sim.nat(PORT_RESTRICTED))
        sim.join(idle)
        idle.start()
        pair.ping()
        sim.wait(pair.direct, 10000)
        sim.run(60000)
        for root in sim.roots:
            root.stop()
            if not keeps_store:
                root.store.values.clear()
        died = sim.now
        everybody = [pair.one, pair.other, idle, sim.controller]
        offline = sim.wait(lambda: not any(s.online() for s in everybody), 120000, 100)
        sim.run(HOUR - offline)
        gap = pair.gap(died)
        for root in sim.roots:
            root.start()
        back = sim.wait(lambda: all(s.online() for s in everybody), 60000)
        return {"gap": gap, "offline": offline, "back": back}


def root_restarts(seed: int, keeps_store: bool) -> int:
    """ms until a relayed conversation goes on after the only root was restarted within a second; -1: never."""
    with Simulation(seed, 1) as sim:
        one, other = sim.nat(PORT_RESTRICTED), sim.nat(PORT_RESTRICTED)
        addresses = (one.gateway.ip, other.gateway.ip)
        sim.internet.blocked = lambda source, to: (
            source[1:-2] in addresses and to[1:-2] in addresses
        )
        pair = start(sim, one, other)
        pair.ping()
        sim.run(60000)
        sim.roots[0].stop()
        if not keeps_store:
            sim.roots[0].store.values.clear()
        sim.run(1000)
        sim.roots[0].start()
        back = sim.now
        sim.run(40000)
        after = [time for time in pair.answers if time > back]
        return after[0] - back if after else -1


def bad_hour(seed: int) -> dict:
    """20 % loss, 30 % reordering, 5 % duplicates for an hour, with pings all the time."""
    with Simulation(seed, 2) as sim:
        pair = start(sim, sim.nat(PORT_RESTRICTED), sim.nat(FULL_CONE))
        pair.ping()
        sim.internet.weather = Weather(loss=0.2, reorder=0.3, duplicate=0.05, jitter=20)
        sim.run(HOUR // 3)
        begun = sim.now
        objects = _objects()
        pair.answers.clear()
        sim.run(2 * HOUR // 3)
        answered = len(pair.answers)
        gap = pair.gap(begun)
        pair.answers.clear()
        return {
            "gap": gap,
            "answered": answered / (2 * HOUR // 3 // 100),
            "online": pair.one.online() and pair.other.online(),
            "growth": _objects() - objects,
        }


def _objects() -> int:
    gc.collect()
    return len(gc.get_objects())
