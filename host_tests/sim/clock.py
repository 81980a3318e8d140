"""Virtual time: what happens when.

Owns the clock and the queue of events. Never knows what an event does.
"""

import heapq
from collections.abc import Callable

START = 1700000000000  # ms


class Clock:
    """Events in the order of their times; those of the same time in the order in which they were planned."""

    def __init__(self) -> None:
        self.now = START
        self._events: list[tuple] = []
        self._count = 0

    def at(self, when: int, action: Callable, *arguments: object) -> None:
        """Call `action` at this time."""
        self._count += 1
        heapq.heappush(self._events, (when, self._count, action, arguments))

    def run_until(self, end: int) -> None:
        """Let everything happen that is planned up to `end`."""
        events = self._events
        while events and events[0][0] <= end:
            when, _, action, arguments = heapq.heappop(events)
            if when > self.now:
                self.now = when
            action(*arguments)
        self.now = end
