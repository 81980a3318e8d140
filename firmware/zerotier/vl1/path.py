"""One path: a physical endpoint of a peer, how well it does, and when it was last proved.

Owns the numbers of a path. Never sends.
"""

from ..const import const
from ..limits import (
    CHALLENGE_TIMEOUT,
    PATH_ALIVE,
    PATH_EXPIRATION,
    PROBE_TIMEOUT,
    QUEUE_TIMEOUT,
    STALE_PATH,
)
from ..wire import address

_UNKNOWN_LATENCY = const(65535)
_MAX_AGE = const(140000)
_SCOPES = const(8)
_DOUBT = const(0x1000000)  # more than any other cost
_ROOT_PATIENCE = const(61000)  # ms
_ROUND_TRIPS = const(3)  # that a probe is given at least


class Path:
    """A physical endpoint from which the peer has answered us."""

    # Of the class until they are set: in an object each of them costs 8 bytes of heap, and most never change.
    last_hello = 0
    last_probe = 0
    probe_since = 0  # the first probe that was not answered, 0: none
    is_remembered = False  # from the store, and not heard since the start
    is_doubted = False  # the peer has been heard elsewhere since it was last heard here
    is_challenged = False  # there is reason to believe that the path is dead

    def __init__(self, endpoint: bytes, now: int) -> None:
        self.endpoint = endpoint
        self.since = now
        self.last_receive = now  # authenticated, directly from there
        self.last_send = now
        self.latency = _UNKNOWN_LATENCY
        self.is_proved = True  # heard since our start, and since our own address last changed
        self._scope = address.scope(endpoint)

    def heard(self, now: int) -> None:
        """An authenticated packet came directly from there."""
        self.last_receive = now
        self.probe_since = 0
        self.is_proved = True
        # Only what differs takes memory of the object's own.
        if self.is_remembered:
            self.is_remembered = False
        if self.is_doubted:
            self.is_doubted = False
        if self.is_challenged:
            self.is_challenged = False

    def probed(self, now: int) -> None:
        """A packet that must be answered went there."""
        if not self.probe_since:
            self.probe_since = now
        self.last_probe = now
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
        return self.probe_since != 0 and now - self.probe_since >= self.patience()

    def patience(self) -> int:
        """How many ms an answer to a probe is waited for."""
        least = CHALLENGE_TIMEOUT if self.is_challenged else PROBE_TIMEOUT
        if self.latency == _UNKNOWN_LATENCY:
            return least
        return min(max(least, _ROUND_TRIPS * self.latency), QUEUE_TIMEOUT)

    def dependable(self, now: int) -> bool:
        """True if a packet sent this way will very likely arrive. Local paths have no NAT that forgets them."""
        return self.is_proved and (
            self._scope == address.SCOPE_PRIVATE or now - self.last_receive < STALE_PATH
        )

    def state(self, now: int) -> str:
        """In a word: "ready", "unproved" or "failed"."""
        if self.failed(now):
            return "failed"
        return "ready" if self.is_proved else "unproved"

    def is_like(self, which: tuple) -> bool:
        """True if the endpoint is of this (scope, size in bytes)."""
        return which == (self._scope, len(self.endpoint))

    def distance(self, silence: int) -> int:
        """How far a root is that was silent for so many ms; lower is better. It does not change between two packets,
        or senders would go from root to root.
        """
        cost = max(self.latency, 1) * (silence // _ROOT_PATIENCE + 1)
        return cost if self.is_proved else cost + _DOUBT

    def quality(self, now: int) -> int:
        """Lower is better (protocol/04 §4.7)."""
        age = min(now - self.last_receive, _MAX_AGE)
        cost = self.latency + 1
        if age >= PATH_ALIVE:
            cost += _UNKNOWN_LATENCY + age
        cost *= _SCOPES - self._scope
        if self.is_doubted or not self.is_proved:
            cost += _DOUBT
        return cost
