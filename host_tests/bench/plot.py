"""Owns the picture of a run: every round of every pairing as a point, the medians as bars.
It never computes a figure of the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from .figures import TITLES, Figure
from .rounds import PAIRINGS, Pairing, Results
from .site import DEVICE, LIBZT

WIDTH, HEIGHT = 13, 7  # inches
DOTS = 110  # an inch
COLOURS = ("#8c8c8c", "#0a6ebd", "#2a9d8f", "#e9a23b")


def draw(results: Results, instructions: Sequence[Figure], path: Path) -> None:
    """Writes a PNG. What was not measured leaves its chart empty."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    charts: list[tuple[str, dict[Pairing, list[float | None]]]] = [
        ("TCP, Mbit/s (more is better)", results.tcp),
        ("UDP echo of 56 octets, us (less is better)", results.round_trip),
        ("60-octet UDP, datagrams/s, none lost (more is better)", results.rate),
        ("processor time of both ends, s for 10^9 octets of TCP (less is better)", results.cpu),
    ]
    picture = pyplot.figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    for place, (title, values) in zip((1, 2, 4, 5), charts):
        axes = picture.add_subplot(2, 3, place)
        for index, pairing in enumerate(PAIRINGS):
            measured = [value for value in values.get(pairing, []) if value is not None]
            if measured:
                axes.bar(index, median(measured), color=COLOURS[index])
                axes.scatter([index] * len(measured), measured, color="black", s=8, zorder=3)
        axes.set_xticks(
            range(len(PAIRINGS)), [TITLES[p].replace(" to ", "\nto ") for p in PAIRINGS]
        )
        axes.set_title(title, fontsize=9)
    axes = picture.add_subplot(2, 3, 3)
    for index, kind in enumerate((LIBZT, DEVICE)):
        axes.bar(index, max(results.resident.get(kind, [0])) / 1024, color=COLOURS[index])
    axes.set_xticks(range(2), [LIBZT, DEVICE])
    axes.set_title("resident memory under TCP, MiB (less is better)", fontsize=9)
    draw_instructions(picture.add_subplot(2, 3, 6), [row for row in instructions if row.target])
    picture.savefig(path, dpi=DOTS)
    pyplot.close(picture)


def draw_instructions(axes: Any, rows: Sequence[Figure]) -> None:
    """The counts of the 32-bit core, as parts of what they may be."""
    for index, row in enumerate(rows):
        limit = float(str(row.target).split()[1])
        axes.barh(index, (row.value or 0) / limit, color=COLOURS[1 if row.met else 3])
    axes.set_yticks(range(len(rows)), [row.figure for row in rows], fontsize=7)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_title("instructions on RV32, parts of the target (less is better)", fontsize=9)
