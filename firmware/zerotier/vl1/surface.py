"""How we look from outside: our surface addresses (protocol/04 §4.6).

Owns a small table of what others reported. Believes only direct reports within one scope, and only those of roots
about a change of our address.
"""

from ..const import const
from ..limits import SURFACE_TIMEOUT
from ..wire import address

_MAX_ENTRIES = const(8)
_UNBELIEVABLE = (address.SCOPE_NONE, address.SCOPE_LOOPBACK, address.SCOPE_MULTICAST)


SAME = const(0)
REMAPPED = const(1)  # a root sees us at another port than before: our NAT has forgotten us
MOVED = const(2)  # a root sees us at another IP than before


class _Report:
    def __init__(self, ours: bytes, is_root: bool, now: int) -> None:
        self.ours = ours
        self.is_root = is_root
        self.time = now


class Surface:
    """The endpoints that others see us at, by the endpoint of the one who says so."""

    def __init__(self) -> None:
        self._reports: dict[bytes, _Report] = {}

    def report(self, peer, reporter: bytes, ours: bytes, now: int) -> int:
        """`peer`, at the endpoint `reporter`, says that our packets come from `ours`: SAME, REMAPPED or MOVED."""
        if len(ours) == 1 or address.port(ours) == 0:
            return SAME
        scope = address.scope(ours)
        if scope != address.scope(reporter) or scope in _UNBELIEVABLE:
            return SAME
        known = self._reports.get(reporter)
        change = SAME
        if peer.is_root and known is not None and now - known.time < SURFACE_TIMEOUT:
            if address.ip(known.ours) != address.ip(ours):
                change = MOVED
                self._forget_scope(scope, len(ours))
            elif known.ours != ours:
                change = REMAPPED
        if known is None and len(self._reports) >= _MAX_ENTRIES:
            self._forget_one()
        self._reports[reporter] = _Report(ours, peer.is_root, now)
        return change

    def clear(self) -> None:
        """Our own address changed: what others saw is over."""
        self._reports.clear()

    def endpoints(self, now: int) -> list[bytes]:
        """Where roots saw us lately, the latest first."""
        lately = [
            (report.time, report.ours)
            for report in self._reports.values()
            if report.is_root and now - report.time < SURFACE_TIMEOUT
        ]
        found = []
        for _, ours in sorted(lately, reverse=True):
            if ours not in found:
                found.append(ours)
        return found

    def _forget_scope(self, scope: int, size: int) -> None:
        gone = [
            reporter
            for reporter, report in self._reports.items()
            if len(report.ours) == size and address.scope(report.ours) == scope
        ]
        for reporter in gone:
            del self._reports[reporter]

    def _forget_one(self) -> None:
        """The oldest, if need be of a root."""
        oldest = min(
            self._reports, key=lambda r: (self._reports[r].is_root, self._reports[r].time)
        )
        del self._reports[oldest]
