"""IP networks: segments on which every address reaches every other one, and what carries datagrams between them.

Owns addresses and routing. What a gateway between two segments lets pass is nat.py's.
"""

import random
from collections.abc import Callable

from host_tests.sim.clock import Clock
from host_tests.sim.weather import FINE, Weather
from zerotier.wire import address

_REACHES = 32  # a smaller TTL ends somewhere in the Internet


class Segment:
    """A LAN, the LAN of a carrier, or the Internet. `latency`: ms from any address to any other."""

    def __init__(self, clock: Clock, source: random.Random, latency: int) -> None:
        self.clock = clock
        self.latency = latency
        self.weather: Weather = FINE
        self.gateway = None  # a Gateway, for addresses that are not here
        self.is_up = True
        self.carried = 0  # datagrams
        self.farther: Callable | None = (
            None  # (source, destination) -> ms that this way takes longer
        )
        self.blocked: Callable | None = None  # (source, destination) -> bool: a partition
        self._source = source
        self._places: dict[bytes, Callable] = {}  # IP -> receive(datagram, source, destination)

    def attach(self, ip: bytes, receive: Callable) -> None:
        """Datagrams for this IP are given to `receive(datagram, source, destination)`."""
        if ip in self._places:
            raise ValueError("there are two %s on one segment" % address.ip_text(ip))
        self._places[ip] = receive

    def detach(self, ip: bytes) -> None:
        self._places.pop(ip, None)

    def carry(self, datagram: bytes, source: bytes, destination: bytes, ttl: int = 64) -> None:
        """Send a datagram from an endpoint on this segment to an endpoint anywhere."""
        if not self.is_up or (self.blocked is not None and self.blocked(source, destination)):
            return
        self.carried += 1
        ip = destination[1:-2]
        if ip not in self._places:
            if self.gateway is not None and ttl > 1:
                self.gateway.outbound(datagram, source, destination, ttl - 1)
            return
        if self.gateway is None and ttl < _REACHES:
            return
        clock = self.clock
        latency = self.latency
        if self.farther is not None:
            latency += self.farther(source, destination)
        for delay in self.weather.delays(len(datagram), latency, self._source):
            clock.at(clock.now + delay, self._arrive, datagram, source, destination)

    def _arrive(self, datagram: bytes, source: bytes, destination: bytes) -> None:
        receive = self._places.get(destination[1:-2])
        if receive is not None and self.is_up:
            receive(datagram, source, destination)
