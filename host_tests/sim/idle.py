"""What a joined device costs while nothing happens.

Owns the trial of an idle day.
"""

from host_tests.sim.nat import PORT_RESTRICTED
from host_tests.sim.nat_pairs import start
from host_tests.sim.simulation import Simulation

DAY = 86400000


def idle_day(seed: int, roots: int = 1, hours: int = 24) -> dict:
    """Traffic of a device with one peer, scaled to a day, and how long the first answer after it took."""
    with Simulation(seed, roots) as sim:
        pair = start(sim, sim.nat(PORT_RESTRICTED), sim.nat(PORT_RESTRICTED))
        pair.ping()
        sim.run(10000)
        pair.is_pinging = False
        sim.run(1200000)  # until the peer does not matter any more
        device = pair.other
        device.sent = device.received = device.sent_bytes = device.received_bytes = 0
        writes = device.store.writes
        sim.run(hours * 3600000)
        scale = 24 / hours
        seconds = hours * 3600
        bytes_a_day = (device.sent_bytes + device.received_bytes) * scale
        sent = device.sent
        received = device.received
        writes = device.store.writes - writes
        answers = len(pair.answers)
        pair.ping()
        answered = sim.wait(lambda: len(pair.answers) > answers, 10000)
        return {
            "megabytes": bytes_a_day / 1e6,
            "sent": sent * 20 / seconds,
            "received": received * 20 / seconds,
            "writes": writes * scale,
            "answered": answered,
        }
