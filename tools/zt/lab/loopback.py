"""Owns the underlay without rights: every node on a 127.x.y.1 address of its own, on Linux.
Only our own nodes can be tested on it, and only if they are told to bind that address.
It never changes the machine's network.
"""

from __future__ import annotations

import os
import sys

from .underlay import Numbering, Underlay

FIRST_SECOND_BYTE = 64  # 127.0/16 to 127.63/16 are left to other programs
RUNS = 128


class Loopback(Underlay):
    """Needs nothing but Linux, where all of 127/8 is this machine. Two runs rarely share a /16."""

    def __init__(self) -> None:
        reason = Loopback.why_not()
        if reason:
            raise OSError(reason)
        self._numbers = Numbering(f"127.{FIRST_SECOND_BYTE + os.getpid() % RUNS}.0.0/16", 1)

    @staticmethod
    def why_not() -> str | None:
        """The reason, in words, why this underlay is impossible here; None if it is possible."""
        if sys.platform != "linux":
            return "only Linux has all of 127/8 on its loopback interface"
        return None

    def add(self, place: str) -> str:
        return self._numbers.add(place)

    def address(self, place: str) -> str:
        return self._numbers.address(place)

    def command(self, place: str, argv: list[str]) -> list[str]:
        self.address(place)
        return argv

    def block(self, one: str, other: str) -> None:
        raise OSError("to block two nodes from each other, network namespaces are needed")

    def unblock(self, one: str, other: str) -> None:
        self.block(one, other)
