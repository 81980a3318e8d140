"""Owns the single measurements between two members, and how they alternate: every pairing once in a round.
Rounds go in turn from west to east and from east to west. What else the machine does so meets all pairings alike.
It knows no target and no ratio.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from .site import DEVICE, LIBZT, PLACES, Node, Site

Pairing = tuple[str, str]  # kinds of (who begins, the other)
Places = tuple[str, ...]  # of the same two
Measured = TypeVar("Measured")

LIBZT_ALONE: Pairing = (LIBZT, LIBZT)
DEVICES: Pairing = (DEVICE, DEVICE)
DEVICE_FIRST: Pairing = (DEVICE, LIBZT)
LIBZT_FIRST: Pairing = (LIBZT, DEVICE)
PAIRINGS = (LIBZT_ALONE, DEVICES, DEVICE_FIRST, LIBZT_FIRST)

PING_SIZE = 56  # octets of payload, as ping(8) has
DATAGRAM_SIZE = 60
WINDOWS = (16, 32, 64, 128, 256)  # datagrams on the way at once
ACKNOWLEDGED = 4  # times in a window
FIRST_TRIES = 3
FIRST_SECONDS, SEARCH_SECONDS = 0.2, 0.5
GRACE = 30.0  # seconds for an answer beyond the time of the measurement

ports = count(5000)


@dataclass
class Results:
    """What every round gave, by pairing: values in the order of the rounds; None where the measurement failed."""

    tcp: dict[Pairing, list[float | None]] = field(default_factory=dict)  # Mbit/s
    round_trip: dict[Pairing, list[float | None]] = field(default_factory=dict)  # us
    rate: dict[Pairing, list[float | None]] = field(default_factory=dict)  # datagrams a second
    ping: list[float | None] = field(default_factory=list)  # us, device to libzt
    windows: dict[Pairing, int] = field(default_factory=dict)
    cpu: dict[Pairing, list[float | None]] = field(
        default_factory=dict
    )  # s of both ends for 10^9 octets
    resident: dict[str, list[int]] = field(
        default_factory=dict
    )  # KiB, the most under TCP, by kind


def tcp(one: Node, other: Node, seconds: float) -> tuple[float, float]:
    """(Mbit/s at the receiver's socket, seconds of processors of both ends for 10^9 octets)."""
    port = next(ports)
    before = one.cpu_seconds() + other.cpu_seconds()
    receiving = other.process.request("tcp_receive", port=port)
    other.process.wait("listening", port=port)
    one.process.ask("tcp_send", seconds + GRACE, ip=other.ip, port=port, seconds=seconds)
    received = other.process.answer(receiving, GRACE)
    used = one.cpu_seconds() + other.cpu_seconds() - before
    octets = received["octets"]
    return octets * 8 / received["seconds"] / 1e6, used / octets * 1e9


def round_trip(one: Node, other: Node, seconds: float) -> float:
    """The median time in us of a UDP datagram to a blocking echo and back. OSError if one was lost."""
    port = next(ports)
    ends = {"port": port, "back": port, "size": PING_SIZE}
    echoing = other.process.request("udp_echo", ip=one.ip, **ends)
    other.process.wait("listening", port=port)
    seen = one.process.ask(
        "udp_round_trips", seconds + GRACE, ip=other.ip, seconds=seconds, **ends
    )
    other.process.answer(echoing, GRACE)
    if seen["lost"]:
        raise OSError(f"{seen['lost']} of {seen['lost'] + seen['count']} echoes were lost")
    return float(seen["us"])


def ping(one: Node, other: Node, seconds: float) -> float:
    """The median time in us of an ICMP echo from a device. OSError if one was lost."""
    seen = one.process.ask("ping", seconds + GRACE, ip=other.ip, size=PING_SIZE, seconds=seconds)
    if seen["lost"]:
        raise OSError(f"{seen['lost']} of {seen['lost'] + seen['count']} pings were lost")
    return float(seen["us"])


def rate(one: Node, other: Node, seconds: float, window: int) -> float:
    """Datagrams a second, with at most `window` on the way. OSError if one was lost."""
    port = next(ports)
    ends = {"port": port, "back": port, "size": DATAGRAM_SIZE, "every": window // ACKNOWLEDGED}
    receiving = other.process.request("udp_receive", ip=one.ip, **ends)
    other.process.wait("listening", port=port)
    sent = one.process.ask(
        "udp_send", seconds + GRACE, ip=other.ip, window=window, seconds=seconds, **ends
    )
    received = other.process.answer(receiving, GRACE)
    if not sent["sent"] == sent["acknowledged"] == received["received"]:
        raise OSError(f"of {sent['sent']} datagrams {sent['acknowledged']} were acknowledged")
    return float(received["received"]) / float(received["seconds"])


class Rounds:
    """Runs the measurements on a site. `say`: where what failed is told."""

    def __init__(self, site: Site, seconds: float, say: Callable[[str], None]) -> None:
        self.results = Results()
        self._site = site
        self._seconds = seconds
        self._say = say

    def prepare(self) -> None:
        """Paths and neighbours are found, and each pairing gets the window with which it is fastest without loss."""
        for pairing in PAIRINGS:
            for places in (PLACES, PLACES[::-1]):
                for _ in range(FIRST_TRIES):
                    if self._try(pairing, places, tcp, FIRST_SECONDS) is not None:
                        break
            best = 0.0
            self.results.windows[pairing] = WINDOWS[0]
            for window in WINDOWS:
                found = self._try(pairing, PLACES, rate, SEARCH_SECONDS, window)
                if found is None:  # the larger ones would lose more
                    break
                if found > best:
                    best = found
                    self.results.windows[pairing] = window

    def run(self, number: int) -> None:
        """One round of everything."""
        places = PLACES if number % 2 == 0 else PLACES[::-1]
        results, seconds = self.results, self._seconds
        for node in self._site.nodes():
            node.clear_peak()
        for pairing in PAIRINGS:
            moved = self._try(pairing, places, tcp, seconds)
            results.tcp.setdefault(pairing, []).append(moved and moved[0])
            results.cpu.setdefault(pairing, []).append(moved and moved[1])
        for node in self._site.nodes():
            results.resident.setdefault(node.kind, []).append(node.memory()[1])
        for pairing in PAIRINGS:
            taken = self._try(pairing, places, round_trip, seconds / 2)
            results.round_trip.setdefault(pairing, []).append(taken)
        results.ping.append(self._try(DEVICE_FIRST, places, ping, seconds / 2))
        for pairing in PAIRINGS:
            results.rate.setdefault(pairing, []).append(self._rate(pairing, places))

    def _rate(self, pairing: Pairing, places: Places) -> float | None:
        """The rate without loss: while one is lost, the window is halved, and stays so."""
        while True:
            window = self.results.windows[pairing]
            found = self._try(pairing, places, rate, self._seconds, window)
            if found is not None or window == WINDOWS[0]:
                return found
            self.results.windows[pairing] = window // 2

    def _try(
        self,
        pairing: Pairing,
        places: Places,
        measure: Callable[..., Measured],
        *arguments: float,
    ) -> Measured | None:
        """What was measured between a pairing; None, with a word about it, if it failed."""
        one, other = (self._site.node(kind, place) for kind, place in zip(pairing, places))
        try:
            return measure(one, other, *arguments)
        except (OSError, ArithmeticError) as error:
            name = measure.__name__.replace("_", " ")
            self._say(f"{name}, {pairing[0]} to {pairing[1]}: {str(error).splitlines()[0]}")
            return None
