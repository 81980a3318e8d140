"""Owns the interface of an underlay: the IP network on which the nodes of a laboratory talk.
`namespaces.py` and `loopback.py` implement it; tests are written against this class alone.
It never starts a process: `process.py` does, with the command line made by `command`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any


class Underlay:
    """Places for nodes, each with one IPv4 address in a /24 of its own.

    A /24 each, because a node takes one unknown HELLO per /24 in 2 to 10 s (protocol/04 §4.8).
    """

    #: Whether unmodified nodes learn paths here. They never do over loopback (protocol/04 §4.2).
    carries_unmodified_nodes = False

    def add(self, place: str) -> str:
        """Makes a place for one node; returns its IPv4 address. ValueError for a bad name."""
        raise NotImplementedError

    def address(self, place: str) -> str:
        """The IPv4 address of a place. KeyError if there is no such place."""
        raise NotImplementedError

    def command(self, place: str, argv: list[str]) -> list[str]:
        """The command line that runs `argv` in a place."""
        raise NotImplementedError

    def block(self, one: str, other: str) -> None:
        """From now on no datagram passes between two places. Blocking twice is blocking once."""
        raise NotImplementedError

    def unblock(self, one: str, other: str) -> None:
        """Datagrams pass again between two places."""
        raise NotImplementedError

    def watch_point(self) -> str | None:
        """The place through which every datagram passes and where all can be counted; or None."""
        return None

    def close(self) -> None:
        """Removes everything that was made. May be called twice."""


class Numbering:
    """Which place has which subnet: the n-th place (n from 1) has the n-th /24 of a /16, or /64 of an IPv6 /48."""

    def __init__(self, network: str, host: int) -> None:
        whole = ipaddress.ip_network(network)
        self.version = whole.version
        self.bits = 24 if whole.version == 4 else 64
        self.subnets: Iterator[Any] = whole.subnets(new_prefix=self.bits)
        next(self.subnets)  # the 0th is left free, so that the numbers in addresses begin with 1
        self.host = host
        self.places: dict[str, ipaddress.IPv4Address | ipaddress.IPv6Address] = {}

    def add(self, place: str) -> str:
        """The address of a new place. ValueError for a bad or taken name, or if all are used."""
        if not place.isidentifier() or not place.isascii():
            raise ValueError(f"'{place}' is no name for a place: letters, digits and _ only")
        if place in self.places:
            raise ValueError(f"there is a place named '{place}' already")
        subnet = next(self.subnets, None)
        if subnet is None:
            raise ValueError("the laboratory has no address left")
        self.places[place] = subnet[self.host]
        return str(subnet[self.host])

    def address(self, place: str) -> str:
        """The address of a place as text."""
        return str(self.places[place])
