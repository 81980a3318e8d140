"""A gate that lets each address through once per interval.

Owns a bounded memory of who passed when. Never learns what it is that passes.
"""


class Pace:
    """One passage per `interval` ms and address, and at most `bound` addresses per interval."""

    def __init__(self, interval: int, bound: int) -> None:
        self._interval = interval
        self._bound = bound
        self._passed: dict[bytes, int] = {}

    def allows(self, address: bytes, now: int) -> bool:
        """True if this address may pass now; it then has to wait for the interval."""
        last = self._passed.get(address)
        if last is not None and now - last < self._interval:
            return False
        if last is None and len(self._passed) >= self._bound:
            self._forget_old(now)
            if len(self._passed) >= self._bound:
                return False
        self._passed[address] = now
        return True

    def _forget_old(self, now: int) -> None:
        old = [a for a, last in self._passed.items() if now - last >= self._interval]
        for address in old:
            del self._passed[address]
