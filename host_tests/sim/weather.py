"""What a bad network does to datagrams.

Owns the chances and the delays. Draws from the simulation's seeded source only.
"""

import random

_SMALLEST = 28  # IPv4 and UDP headers


class Weather:
    """Shares are 0..1, times ms. `mtu`: bytes of an IP packet; larger ones are lost."""

    def __init__(
        self,
        loss: float = 0,
        reorder: float = 0,
        duplicate: float = 0,
        jitter: int = 0,
        mtu: int = 1500,
    ) -> None:
        self.loss = loss
        self.reorder = reorder
        self.duplicate = duplicate
        self.jitter = jitter
        self.mtu = mtu

    def delays(self, size: int, latency: int, source: random.Random) -> tuple[int, ...]:
        """When copies of a datagram of `size` bytes arrive, ms from now; empty if it is lost."""
        if size + _SMALLEST > self.mtu or (self.loss and source.random() < self.loss):
            return ()
        delay = latency
        if self.jitter:
            delay += source.randrange(self.jitter + 1)
        if self.reorder and source.random() < self.reorder:
            delay += latency + source.randrange(50)  # overtaken by those behind it
        if self.duplicate and source.random() < self.duplicate:
            return (delay, delay + source.randrange(1, 50))
        return (delay,)


FINE = Weather()
