"""How commands print: JSON for scripts, aligned columns for people.

Owns the form. Never decides what is printed.
"""

import argparse
import datetime
import json
from collections.abc import Sequence


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Give a command `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def print_json(value: object) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2))


def print_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Names and values, one a line."""
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        print(f"{name + ':':{width + 2}}{value}".rstrip())


def print_table(heading: tuple[str, ...], rows: list[tuple]) -> None:
    """Aligned columns below a heading."""
    lines = [heading, *[tuple(str(cell) for cell in row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    for line in lines:
        cells = [f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)]
        print("  ".join(cells).rstrip())


def time_text(milliseconds: int) -> str:
    """A time since the epoch, for people."""
    try:
        moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
