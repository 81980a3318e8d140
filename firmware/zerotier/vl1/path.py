"""One path: a physical endpoint of a peer, how well it does, and when it was last proved.

Owns the numbers of a path. Never sends.
"""

from ..const import const
from ..limits import PATH_ALIVE, PATH_EXPIRATION, PROBE_TIMEOUT
from ..wire import address

_UNKNOWN_LATENCY = const(65535)
_MAX_AGE = const(140000)
_SCOPES = const(8)


class Path:
    """A physical endpoint from which the peer has answered us."""

    def __init__(self, endpoint: bytes, now: int) -> None:
        self.endpoint = endpoint
        self.last_receive = now  # authenticated, directly from there
        self.last_send = now
        self.last_hello = 0
        self.probe_since = 0  # the first probe that was not answered, 0: none
        self.latency = _UNKNOWN_LATENCY

    def heard(self, now: int) -> None:
        """An authenticated packet came directly from there."""
        self.last_receive = now
        self.probe_since = 0

    def probed(self, now: int) -> None:
        """A packet that must be answered went there."""
        if not self.probe_since:
            self.probe_since = now
        self.last_send = now

    def measured(self, latency: int) -> None:
        """A round trip took `latency` ms."""
        if self.latency == _UNKNOWN_LATENCY:
            self.latency = latency
        else:
            self.latency = (self.latency + latency) // 2

    def expired(self, now: int) -> bool:
        return now - self.last_receive >= PATH_EXPIRATION

    def failed(self, now: int) -> bool:
        """A probe got no answer in time: do not send traffic this way (protocol/15 §15.3)."""
        return self.probe_since != 0 and now - self.probe_since >= PROBE_TIMEOUT

    def quality(self, now: int) -> int:
        """Lower is better (protocol/04 §4.7)."""
        age = min(now - self.last_receive, _MAX_AGE)
        cost = self.latency + 1
        if age >= PATH_ALIVE:
            cost += _UNKNOWN_LATENCY + age
        return cost * (_SCOPES - address.scope(self.endpoint))
