"""Guessing which port a symmetric NAT will give us next.

Owns the order in which we first sent to endpoints, and what port each of them saw. Such a NAT makes a new mapping for
each destination; many count upwards, so that two reports and the order tell the step, and with it the next port. The
guess is told to the peer as endpoints of ours, in an ordinary PUSH_DIRECT_PATHS.
"""

from ..const import const
from ..wire import address

_BOUND = const(32)
_MAPPING_LIFE = const(25000)  # ms after which a NAT may have forgotten a mapping
_FRESH = const(600000)
_MAX_STEP = const(16)  # larger differences are chance
_GUESSES = (
    0,
    1,
    2,
    3,
    -1,
    4,
    5,
    6,
)  # how far off we may be: others behind the same NAT get ports too
_PORTS = const(65536)
_MIN_PORT = const(1024)


class _Opened:
    def __init__(self, number: int, now: int) -> None:
        self.number = number  # in which order
        self.last_send = now
        self.seen = b""  # our endpoint as seen from there
        self.seen_at = 0


class Prediction:
    """The mappings that we have made our NAT create. IPv4 only: IPv6 is not translated."""

    def __init__(self) -> None:
        self._opened: dict[bytes, _Opened] = {}
        self._count = 0

    def opened(self, endpoint: bytes, now: int) -> None:
        """A datagram goes to this endpoint, perhaps the first."""
        if len(endpoint) != 7:
            return
        known = self._opened.get(endpoint)
        if known is not None and now - known.last_send < _MAPPING_LIFE:
            known.last_send = now
            return
        seen = known.seen if known is not None else b""
        if known is None and len(self._opened) >= _BOUND:
            del self._opened[min(self._opened, key=lambda e: self._opened[e].last_send)]
        self._opened[endpoint] = _Opened(self._count, now)
        self._opened[endpoint].seen = seen
        self._count += 1

    def seen(self, reporter: bytes, ours: bytes, now: int) -> None:
        """At `reporter` our packets come from `ours`."""
        known = self._opened.get(reporter)
        if known is not None and len(ours) == len(reporter):
            if known.seen == ours and known.number == self._count - 1:
                # The mapping had lived on after all, so no port was used up.
                known.number = min(
                    [o.number for o in self._opened.values() if o.seen == ours] or [known.number]
                )
            known.seen = ours
            known.seen_at = now

    def clear(self) -> None:
        self._opened.clear()

    def endpoints(self, towards: bytes, now: int) -> list[bytes]:
        """What `towards` may see us at, the likeliest first; empty if our NAT is not of that kind."""
        if len(towards) != 7:
            return []
        lately = [o for o in self._opened.values() if o.seen and now - o.seen_at < _FRESH]
        if len(lately) < 2:
            return []
        lately.sort(key=lambda o: o.number)
        last = lately[-1]
        before = None
        for other in lately[:-1]:
            if address.ip(other.seen) == address.ip(last.seen) and other.number < last.number:
                before = other
        if before is None:
            return []
        step, rest = _divide(
            address.port(last.seen) - address.port(before.seen), last.number - before.number
        )
        if step == 0 or abs(step) > _MAX_STEP:
            return []
        known = self._opened.get(towards)
        number = self._count
        if known is not None and now - known.last_send < _MAPPING_LIFE:
            number = known.number
        port = address.port(last.seen) + step * (number - last.number)
        ports = [port + step * guess for guess in _GUESSES]
        return [address.with_port(last.seen, p) for p in ports if _MIN_PORT <= p < _PORTS]


def _divide(amount: int, parts: int) -> tuple[int, int]:
    """(step, rest) towards zero: others behind the same NAT make the difference larger, not smaller."""
    if amount < 0:
        step, rest = divmod(-amount, parts)
        return -step, rest
    return divmod(amount, parts)
