"""When to ask the controller of a network for its configuration.

Owns the timers of protocol/06 §6.7. Never sends.

    state        next question after                     leaves by
    waiting      2 s, after a while 5 s (or 30 s if      answered, refused
                 there is a config to go on with)
    refused      3 s, after a while 5 s                  answered
    answered     the refresh interval, since it asked    the timer -> waiting

The controller ignores a second request within a second without a word, so nothing here is faster.
It sends changes unasked only to who asked lately, so that a config which came so puts no question off.
"""

from ..const import const

_FIRST = const(2000)
_LATER = const(5000)
_CONTENT = const(30000)  # a config is there, it only grows old
_REFUSED_FIRST = const(3000)
_EAGER = const(20)  # questions before the intervals become longer


class Refresh:
    """The time of the next question; `interval` ms between questions that are answered."""

    def __init__(self, interval: int, now: int) -> None:
        self._interval = interval
        self._asked = 0  # questions since the last config
        self._asked_at = now - interval
        self.next = now

    def asked(self, has_config: bool, now: int) -> None:
        """A question is on its way."""
        self._asked += 1
        self._asked_at = now
        if self._asked < _EAGER:
            self.next = now + _FIRST
        else:
            self.next = now + (_CONTENT if has_config else _LATER)

    def refused(self, now: int) -> None:
        """The controller said no. That is never final (protocol/08 §8.4)."""
        self.next = now + (_REFUSED_FIRST if self._asked < _EAGER else _LATER)

    def answered(self) -> None:
        """A config came, asked for or not."""
        self._asked = 0
        self.next = self._asked_at + self._interval
