"""Owns the process of an unmodified libzt, and what it was told for good, so that another can take its place.
libzt 1.8.4 ends by a signal now and then: the test in which it does fails and says so, those behind it have a new one.
It never starts one by itself: `revive` does, between two tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zt.lab import Process
from zt.lab.process import Message

LASTING = ("join", "orbit", "udp_echo")  # requests
UP = 20.0  # seconds


class Unmodified:
    """To be asked like a Process. `start(number)` starts the first one, the second, ... with the same home."""

    def __init__(self, start: Callable[[int], Process]) -> None:
        self._start = start
        self._told: list[tuple[str, dict[str, Any]]] = []
        self._number = 1
        self._process = start(self._number)
        self.answer = self._process.answer
        self.wait = self._process.wait

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def networks(self) -> list[str]:
        """The ids of those that it has joined."""
        return [told["nwid"] for do, told in self._told if do == "join"]

    def request(self, do: str, **arguments: Any) -> int:
        """As Process.request; what is meant to last is remembered."""
        if do in LASTING:
            self._told.append((do, arguments))
        elif do == "leave":
            self._told.remove(("join", arguments))
        return self._process.request(do, **arguments)

    def ask(self, do: str, timeout: float = 10.0, **arguments: Any) -> Message:
        """`request` and `answer` in one."""
        return self.answer(self.request(do, **arguments), timeout)

    def end(self) -> str | None:
        """How it ended, in one sentence; None while it runs."""
        status = self._process.returncode
        if status is None:
            return None
        return f"the unmodified peer ended by {f'signal {-status}' if status < 0 else f'itself, with status {status}'}"

    def revive(self) -> None:
        """Start another one, which is told what the last one was."""
        self._number += 1
        self._process = self._start(self._number)
        self.answer = self._process.answer
        self.wait = self._process.wait
        self.wait("up", UP)
        for do, arguments in self._told:
            self._process.ask(do, **arguments)
