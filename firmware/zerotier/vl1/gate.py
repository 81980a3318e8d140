"""How much work strangers may cause: HELLOs of unknown senders per second, in all and per place.

Owns two kinds of budgets that refill with time (protocol/04 §4.8). Never looks into a packet.
"""

from ..const import const
from ..wire import address

_PLACES = const(256)
_IPV4_PLACE = const(3)  # bytes of an IP that make a place: /24
_IPV6_PLACE = const(6)  # /48


class Budget:
    """`burst` units at once, and one more every `interval` ms."""

    def __init__(self, interval: int, burst: int, now: int) -> None:
        self._interval = interval
        self._most = burst * interval
        self._left = self._most
        self._last = now

    def take(self, now: int) -> bool:
        """Use a unit; False if none is left."""
        self._left = min(self._most, self._left + now - self._last)
        self._last = now
        if self._left < self._interval:
            return False
        self._left -= self._interval
        return True

    def is_full(self, now: int) -> bool:
        return self._left + now - self._last >= self._most


class Budgets:
    """A budget for each of at most `bound` keys. With more keys than that, new ones share what is left over."""

    def __init__(self, interval: int, burst: int, bound: int) -> None:
        self._interval = interval
        self._burst = burst
        self._bound = bound
        self._budgets: dict[bytes, Budget] = {}

    def take(self, key: bytes, now: int) -> bool:
        """Use a unit of this key's budget; False if none is left."""
        budget = self._budgets.get(key)
        if budget is None:
            if len(self._budgets) >= self._bound:
                self._forget_full(now)
                if len(self._budgets) >= self._bound:
                    key = b""
            budget = self._budgets.get(key)
            if budget is None:
                budget = self._budgets[key] = Budget(self._interval, self._burst, now)
        return budget.take(now)

    def _forget_full(self, now: int) -> None:
        for key in [k for k, budget in self._budgets.items() if budget.is_full(now)]:
            del self._budgets[key]


class StrangerGate:
    """Lets through one stranger per `interval` ms and IPv4 /24 or IPv6 /48, and one per `total` ms in all."""

    def __init__(self, interval: int, burst: int, total: int) -> None:
        self._places = Budgets(interval, burst, _PLACES)
        self._all = Budget(total, max(burst, 1000 // total), 0)

    def passes(self, endpoint: bytes, now: int) -> bool:
        ip = address.ip(endpoint)
        place = ip[:_IPV4_PLACE] if len(ip) == address.IPV4_SIZE else ip[:_IPV6_PLACE]
        return self._places.take(place, now) and self._all.take(now)
