"""Owns what the measurements must reach: the figures, their targets, and how they are shown.
It turns the rounds into one number a figure, and never measures.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from .rounds import (
    DEVICE_FIRST,
    DEVICES,
    LIBZT_ALONE,
    LIBZT_FIRST,
    PAIRINGS,
    Pairing,
    Results,
)
from .site import DEVICE, LIBZT

COMPARISONS = {">=": operator.ge, "<=": operator.le}
OF_LIBZT = "x of libzt to libzt"
TITLES = {
    LIBZT_ALONE: "libzt to libzt",
    DEVICES: "device to device",
    DEVICE_FIRST: "device to libzt",
    LIBZT_FIRST: "libzt to device",
}


@dataclass
class Figure:
    """One row. `value` is None where it could not be measured; `target` is a comparison and a number."""

    figure: str
    value: float | None
    unit: str
    target: str | None
    met: bool | None
    detail: str = ""


def judged(
    figure: str, value: float | None, unit: str, target: str | None, detail: str = ""
) -> Figure:
    """A figure that meets its target or not; what was not measured has not met it."""
    met = None
    if target is not None:
        sign, _, limit = target.partition(" ")
        met = value is not None and bool(COMPARISONS[sign](value, float(limit)))
    return Figure(figure, value, unit, target, met, detail)


def middle(values: Sequence[float | None]) -> float | None:
    """The median of what was measured."""
    measured = [value for value in values if value is not None]
    return median(measured) if measured else None


def ratio(ours: Sequence[float | None], theirs: Sequence[float | None]) -> float | None:
    """The median of the ratios of the rounds in which both were measured."""
    ratios = [one / other for one, other in zip(ours, theirs) if one and other]
    return round(median(ratios), 3) if ratios else None


def compared(
    name: str,
    target: str | None,
    values: dict[Pairing, list[float | None]],
    pairing: Pairing,
    unit: str,
) -> Figure:
    """A pairing beside libzt to libzt."""
    ours, theirs = values.get(pairing, []), values.get(LIBZT_ALONE, [])
    detail = f"{shown(middle(ours))} beside {shown(middle(theirs))} {unit}"
    return judged(f"{name}, {TITLES[pairing]}", ratio(ours, theirs), OF_LIBZT, target, detail)


def beside_best(values: dict[Pairing, list[float | None]], pairing: Pairing) -> Figure:
    """Our median beside libzt's best round: libzt loses packets in its own queues, and then waits."""
    rounds = [value for value in values.get(LIBZT_ALONE, []) if value is not None]
    ours = middle(values.get(pairing, []))
    best = max(rounds, default=None)
    value = round(ours / best, 3) if ours and best else None
    detail = f"{shown(ours)} beside {shown(best)} Mbit/s"
    name = f"TCP throughput beside libzt's best round, {TITLES[pairing]}"
    return judged(name, value, OF_LIBZT, None, detail)


def from_rounds(results: Results) -> list[Figure]:
    """The rows for which libzt is the measure."""
    figures = [
        compared("TCP throughput", ">= 1.0", results.tcp, pairing, "Mbit/s")
        for pairing in (DEVICES, DEVICE_FIRST, LIBZT_FIRST)
    ]
    figures += [beside_best(results.tcp, p) for p in (DEVICES, DEVICE_FIRST, LIBZT_FIRST)]
    figures += [
        compared("round trip of a UDP echo of 56 octets", "<= 1.0", results.round_trip, p, "us")
        for p in (DEVICE_FIRST, LIBZT_FIRST)
    ]
    figures.append(
        compared("round trip of a UDP echo of 56 octets", None, results.round_trip, DEVICES, "us")
    )
    figures.append(
        judged(
            "round trip of a ping of 56 octets, device to libzt",
            ratio(results.ping, results.round_trip.get(LIBZT_ALONE, [])),
            "x of libzt to libzt by UDP",
            "<= 1.0",
            f"{shown(middle(results.ping))} us",
        )
    )
    figures.append(resident(results))
    for pairing in (DEVICES, DEVICE_FIRST, LIBZT_FIRST):
        target = ">= 1.0" if pairing == DEVICES else None
        row = compared("60-octet UDP, none lost", target, results.rate, pairing, "datagrams/s")
        windows = results.windows.get(pairing), results.windows.get(LIBZT_ALONE)
        row.detail += f", windows {windows[0]} and {windows[1]}"
        figures.append(row)
    figures += [
        judged(
            f"processor time for TCP, {TITLES[pairing]}",
            ratio(results.cpu.get(pairing, []), results.cpu.get(LIBZT_ALONE, [])),
            OF_LIBZT,
            None,
            f"{shown(middle(results.cpu.get(pairing, [])))} s for 10^9 octets, both ends",
        )
        for pairing in PAIRINGS
    ]
    return figures


def resident(results: Results) -> Figure:
    """The most memory that a process had under TCP: ours, and the smallest that libzt fits in."""
    most = {kind: max(values, default=0) for kind, values in results.resident.items()}
    ours, theirs = most.get(DEVICE), most.get(LIBZT)
    value = round(ours / theirs, 3) if ours and theirs else None
    detail = f"{shown(ours)} beside {shown(theirs)} KiB, a C program with nothing but libzt"
    return judged("resident memory of a device", value, "x of libzt's process", "<= 0.25", detail)


def from_rv32(printed: str) -> list[Figure]:
    """The rows of host_tests/bench/rv32/run.py, which have this form already."""
    return [Figure(**row) for row in json.loads(printed)]


def from_heap(printed: str) -> list[Figure]:
    """The rows of heap_inside.py, one line each."""
    rows = [json.loads(line) for line in printed.splitlines()]
    detail = "words of 64 bits; a board has words of 32"
    return [judged(row["figure"], row["value"], "bytes", None, detail) for row in rows]


def shown(value: float | None) -> str:
    """A number in at most four digits before the point, or a dash."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> str:
    """The figures for a reader."""
    rows = [("figure", "value", "unit", "target", "met", "detail")]
    for row in figures:
        met = "" if row.met is None else "yes" if row.met else "NO"
        rows.append((row.figure, shown(row.value), row.unit, row.target or "", met, row.detail))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )


def write(figures: Sequence[Figure], path: Path) -> None:
    """build/bench/results.json."""
    path.write_text(json.dumps([asdict(row) for row in figures], indent=1) + "\n")
