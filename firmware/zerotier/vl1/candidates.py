"""Endpoints where a peer may be reached, and when each is tried next.

Owns a bounded table per peer and the times of tries: at once, then slower and slower, but for ever. Never sends.
"""

from os import urandom

from ..const import const

_BOUND = const(16)
_FIRST = const(200)  # ms until the second try, doubled for each one after it
_LONGEST = const(60000)
_EAGER = const(5)  # tries that are made even if there is a path already
_REPEATS = const(2)  # of a question that confirms where a packet came from
_RENEW = const(60000)  # an endpoint that is named again starts again, but not sooner than this
_NAMED = const(
    600000
)  # endpoints that nobody has named for so long are let go, all but the last one
NEVER = const(1 << 62)


class _Try:
    def __init__(self, now: int) -> None:
        self.next = now
        self.count = 0
        self.begun = now
        self.named = now


class Candidates:
    """The candidates of one peer. `hurried`: without a path to it, tries go on for ever."""

    def __init__(self) -> None:
        self._tries: dict[bytes, _Try] = {}

    def __len__(self) -> int:
        return len(self._tries)

    def add(self, endpoint: bytes, now: int) -> None:
        """Somebody named this endpoint: it is tried at once, unless that is being done."""
        known = self._tries.get(endpoint)
        if known is None:
            if len(self._tries) >= _BOUND:
                self._forget_one()
            self._tries[endpoint] = _Try(now)
        elif known.count >= _EAGER and now - known.begun >= _RENEW:
            self._tries[endpoint] = _Try(now)
        else:
            known.named = now

    def repeat(self, endpoint: bytes, now: int) -> None:
        """This endpoint has just been asked for another reason; the question or its answer may get lost."""
        if endpoint in self._tries:
            return
        if len(self._tries) >= _BOUND:
            self._forget_one()
        entry = self._tries[endpoint] = _Try(now + 2 * _FIRST)
        entry.count = _EAGER - _REPEATS
        entry.begun = entry.named = now

    def remove(self, endpoint: bytes) -> None:
        self._tries.pop(endpoint, None)

    def due(self, hurried: bool, now: int) -> list[bytes]:
        """The endpoints whose time has come; each is put off until its next try."""
        found = []
        for endpoint in [e for e, entry in self._tries.items() if now - entry.named >= _NAMED]:
            if len(self._tries) > 1:
                del self._tries[endpoint]
        for endpoint, entry in self._tries.items():
            if entry.next <= now and (hurried or entry.count < _EAGER):
                found.append(endpoint)
                wait = min(_FIRST << min(entry.count, 10), _LONGEST)
                entry.count += 1
                entry.next = now + wait + wait * urandom(1)[0] // 1024
        return found

    def next(self, hurried: bool) -> int:
        """When the next one is due; NEVER if none is."""
        times = [e.next for e in self._tries.values() if hurried or e.count < _EAGER]
        return min(times) if times else NEVER

    def _forget_one(self) -> None:
        """The one tried most often has had its chance."""
        worst = b""
        most = -1
        for endpoint, entry in self._tries.items():
            if entry.count > most:
                worst = endpoint
                most = entry.count
        del self._tries[worst]
