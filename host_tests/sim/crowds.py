"""A thousand nodes: all at once behind one address, and for an hour.

Owns two trials.
"""

import time

from host_tests.sim.nat import FULL_CONE, KINDS
from host_tests.sim.simulation import Simulation
from host_tests.sim.station import Station
from zerotier.vl1.gate import StrangerGate
from zerotier.vl2 import status

_TALK = 300000  # ms between frames of one node
REFERENCE_GATE = 2000  # ms between strangers of one /24 (protocol/04 §4.8)


def start_at_once(count: int, is_reference_gate: bool, limit: int, seed: int = 1) -> int:
    """ms until all nodes behind one address, started within a second, are online; -1 if not within `limit`."""
    with Simulation(seed) as sim:
        sim.start_roots()
        if is_reference_gate:
            sim.roots[0].node.greeting.gate = StrangerGate(REFERENCE_GATE, 1, 1)
        sim.run(1000)
        lan = sim.nat(FULL_CONE)
        crowd = []
        for number in range(count):
            station = sim.add(lan, bytes((192, 168, number >> 8, number & 255)))
            crowd.append(station)
            sim.clock.at(sim.now + sim.source.randrange(1000), station.start)
        return sim.wait(lambda: all(station.online() for station in crowd), limit, 100)


def an_hour(count: int, seed: int = 1) -> dict:
    """Members in sites of ten behind NATs of all kinds; each sends a frame to another one every five minutes."""
    begun = time.monotonic()
    used = time.process_time()
    with Simulation(seed, 2) as sim:
        sim.start_roots()
        sim.add_controller()
        sim.run(1000)
        crowd: list[Station] = []
        for number in range(count):
            if number % 10 == 0:
                lan = sim.nat(KINDS[number // 10 % len(KINDS)])
            station = sim.add(lan, bytes((192, 168, 0, 10 + number % 10)))
            sim.join(station)
            crowd.append(station)
            sim.clock.at(sim.now + 20 * number, station.start)
        sim.run(60000)
        for number, station in enumerate(crowd):
            partner = crowd[(number + 7) % count]
            sim.clock.at(sim.now + number * _TALK // count, _talk, sim, station, partner)
        sim.run(3600000 - 60000)
        configured = sum(s.networks[sim.nwid].status == status.OK for s in crowd)
        return {
            "online": sum(station.online() for station in crowd),
            "configured": configured,
            "delivered": sum(len(station.ports[sim.nwid].frames) for station in crowd),
            "datagrams": sim.internet.carried,
            "seconds": time.monotonic() - begun,
            "cpu_seconds": time.process_time() - used,
        }


def _talk(sim: Simulation, station: Station, partner: Station) -> None:
    station.send_frame(sim.nwid, partner)
    sim.clock.at(sim.now + _TALK, _talk, sim, station, partner)
