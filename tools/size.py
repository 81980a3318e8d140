#!/usr/bin/env python3
"""What MicroZT costs a board, against its budgets: prints a table and writes build/size.json.

Owns the budgets, and the sizes that the linker's map of the emulated board tells. What only a running board can
tell is measured by host_tests/board/test_budgets.py, which leaves it in build/board.json.

    python3 tools/size.py [--json]
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

BUILD = Path(__file__).resolve().parent.parent / "build"
MAP = BUILD / "qemu" / "firmware.map"
MEASURED = BUILD / "board.json"
RESULT = BUILD / "size.json"

KB = 1024
SECTION = re.compile(r"^ (\.[\w.$*-]+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", re.M)
WRITABLE = (".bss", ".sbss", ".data", ".sdata", "COMMON")
OURS = ("/cmodule/", "/libsodium/")
# lwIP's own, compiled from our folder with one change (firmware/cmodule/lwip/nd6.c).
NOT_OURS = ("/nd6.o",)
FROZEN = "/zerotier.o"  # our Python (tools/freeze)
NAMES = BUILD / "qemu" / "genhdr" / "qstr"  # of each file of C
NAMES_FROZEN = "__zerotier.c.qstr"
NAMES_C = "cmodule__"
NAME = re.compile(r"^Q\((\w+)\)", re.M)


def sections(text: str) -> list[tuple[str, int, str]]:
    """(name, bytes, object) of everything that the linker kept."""
    text = text[text.index("Linker script and memory map") :]
    text = re.sub(
        r"^( \.\S+)\n\s+", r"\1 ", text, flags=re.M
    )  # long names have a line of their own
    return [
        (name, int(size, 16), path)
        for name, address, size, path in SECTION.findall(text)
        if int(address, 16)
    ]


def linked(text: str) -> Counter[str]:
    """Bytes of flash by part, and of static RAM, that MicroZT added to the image."""
    sizes: Counter[str] = Counter()
    for name, size, path in sections(text):
        is_ours = any(part in path for part in OURS) and not path.endswith(NOT_OURS)
        if path.endswith(FROZEN):
            sizes["ram" if name.startswith(WRITABLE) else "python"] += size
        elif name.startswith(WRITABLE):
            sizes["ram"] += size if is_ours else 0
        elif is_ours:
            sizes["libsodium" if "sodium/" in path else "c"] += size
    sizes["python"] += sum(interned(name) for name in names_of_ours())
    return sizes


def names_of_ours() -> set[str]:
    """The names that MicroPython has interned for nobody else: those of our Python, and of the C module."""
    ours: set[str] = set()
    others: set[str] = set()
    for file in NAMES.glob("*.qstr"):
        is_ours = file.name.endswith(NAMES_FROZEN) or NAMES_C in file.name
        (ours if is_ours else others).update(NAME.findall(file.read_text()))
    return ours - others


def interned(name: str) -> int:
    """Bytes of flash: the text with its final NUL, aligned; a pointer, a hash and a length."""
    return (len(name) + 1 + 3) // 4 * 4 + 4 + 2 + 1


def figure(name: str, value: float, unit: str, target: float) -> dict[str, Any]:
    return {"figure": name, "value": value, "unit": unit, "target": target, "met": value <= target}


def figures(sizes: Counter[str], measured: dict[str, Any]) -> list[dict[str, Any]]:
    """The budgets of a board without PSRAM."""
    flash = sizes["libsodium"] + sizes["c"] + sizes["python"]
    rows = [figure("flash added by MicroZT", round(flash / KB, 1), "KB", 180)]
    if measured:
        ram = sizes["ram"] + measured["malloc_bytes"]
        later = abs(measured["heap_day_bytes"] - measured["heap_bytes"])
        rows += [
            figure("RAM outside of Python's heap", round(ram / KB, 1), "KB", 40),
            figure("Python's heap, 8 peers", round(measured["heap_bytes"] / KB, 1), "KB", 40),
            figure("the same 24 hours later, difference", round(later / KB, 1), "KB", 1),
            figure("power on to joined", measured["first_joined_ms"] / 1000, "s", 2),
            figure(
                "the same with stored state, to the first answer",
                measured["second_answered_ms"] / 1000,
                "s",
                0.5,
            ),
        ]
    return rows


def main() -> int:
    """Print and write what is known; 1 if the image is missing."""
    if not MAP.exists():
        print("size: build/qemu/firmware.map is missing: run `make qemu`", file=sys.stderr)
        return 1
    sizes = linked(MAP.read_text())
    measured = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    rows = figures(sizes, measured)
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")
    if "--json" in sys.argv[1:]:
        print(json.dumps(rows))
        return 0
    for row in rows:
        verdict = "met" if row["met"] else "MISSED"
        print(
            f"  {row['figure']:50}{row['value']:>8} {row['unit']:3} of {row['target']:>4}  {verdict}"
        )
    parts = ("libsodium", "c", "python")
    print("  flash: " + ", ".join(f"{name} {sizes[name] / KB:.1f} KB" for name in parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
