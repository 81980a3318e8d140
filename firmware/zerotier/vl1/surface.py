"""How we look from outside: our surface addresses (protocol/04 §4.6).

Owns a small table of what peers reported. Believes only direct reports within one scope.
"""

from ..const import const
from ..limits import SURFACE_TIMEOUT
from ..wire import address

_MAX_ENTRIES = const(4)


class Surface:
    """The endpoints that others see us at."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}  # our endpoint -> last report

    def report(self, peer, reporter: bytes, ours: bytes, now: int) -> None:
        """`peer`, at the endpoint `reporter`, says that our packets come from `ours`."""
        if len(ours) == 1 or address.port(ours) == 0:
            return
        scope = address.scope(ours)
        if scope != address.scope(reporter) or not peer.is_root:
            return
        if ours not in self._seen and len(self._seen) >= _MAX_ENTRIES:
            oldest = min(self._seen, key=lambda endpoint: self._seen[endpoint])
            del self._seen[oldest]
        self._seen[ours] = now

    def endpoints(self, now: int) -> list[bytes]:
        """What was reported lately."""
        return [e for e, last in self._seen.items() if now - last < SURFACE_TIMEOUT]
