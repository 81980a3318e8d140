"""Two members of one network, each at a place of its own, that ping each other.

Owns the pings and what is measured of them.
"""

from host_tests.sim.network import Segment
from host_tests.sim.simulation import Simulation
from host_tests.sim.station import Station
from zerotier.vl2 import status

PING_INTERVAL = 100  # ms


class Pair:
    """Members one and other; `answers` holds the times at which a ping came back to one."""

    def __init__(self, sim: Simulation, one: Segment | None, other: Segment | None) -> None:
        self.sim = sim
        self.one = sim.add(one)
        self.other = sim.add(other)
        self.answers: list[int] = []
        self.is_pinging = False
        for member in (self.one, self.other):
            sim.join(member)
            member.start()
            self._answer(member)

    def _answer(self, member: Station) -> None:
        port = member.ports[self.sim.nwid]
        target = self.other if member is self.one else self.one

        def deliver(frame: memoryview) -> None:
            if member is self.one:
                self.answers.append(self.sim.now)
            elif target.running:
                member.send_frame(self.sim.nwid, target)

        port.deliver = deliver  # type: ignore[method-assign]

    def configured(self) -> bool:
        return all(m.networks[self.sim.nwid].status == status.OK for m in (self.one, self.other))

    def ping(self) -> None:
        """From now on, ping all the time."""
        if not self.is_pinging:
            self.is_pinging = True
            self._ping()

    def _ping(self) -> None:
        if self.is_pinging:
            if self.one.running:
                self.one.send_frame(self.sim.nwid, self.other)
            self.sim.clock.at(self.sim.now + PING_INTERVAL, self._ping)

    def restarted(self, member: Station) -> None:
        """A member has a new port after a restart."""
        self._answer(member)

    def direct(self) -> bool:
        """Both send directly to each other."""
        return (
            self.one.path_to(self.other) is not None and self.other.path_to(self.one) is not None
        )

    def gap(self, since: int) -> int:
        """The longest time without an answer that touches what came after `since`, until now."""
        times = [since] + [t for t in self.answers if t > since] + [self.sim.now]
        return max(b - a for a, b in zip(times, times[1:]))
