#!/usr/bin/env python3
"""Fuzzes the whole way in (inbound.c) with libFuzzer, under the address and undefined-behaviour sanitizers.

Owns how the target is built, twice: `narrow` as a 32-bit board compiles the core, `wide` as a PC
does; each gets half of the time. What is found lies in build/fuzz. Never writes to the repository
but with --grow.
Debian's tools: `tools/environment.py fuzzer`.

    python host_tests/fuzz/run.py [--seconds N] [--grow]
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "fuzz"
CORE = ROOT / "firmware" / "cmodule" / "core"
HERE = Path(__file__).resolve().parent
KEPT = HERE / "corpus"  # part of the repository
GROWN = OUT / "corpus"  # what was found since

SOURCES = (
    *("armor", "copy", "datapath", "hosts", "inbound", "judge", "lz4", "outbound", "poly1305"),
    *("reassembly", "records", "ring", "rules", "rules_compile", "rules_frame", "salsa20"),
    "tables",
)
FLAGS = (
    *("-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-DZT_DEBUG", f"-I{CORE}"),
    *("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"),
)
KINDS = {
    "narrow": ("-U__SIZEOF_INT128__", "-U__SSE2__", "-DZT_WORDS_BY_MEMCPY=0"),
    "wide": (),
}
LONGEST_INPUT = 16384  # bytes
SLOWEST_INPUT = 10  # s
LONGEST_KEPT = 200  # bytes; what --grow adds to the repository stays small
SECONDS = 20


def build(kind: str) -> Path:
    """The fuzzer of one kind."""
    program = OUT / kind
    sources = [HERE / "inbound.c", *(CORE / f"{name}.c" for name in SOURCES)]
    subprocess.run(
        ["clang", *FLAGS, *KINDS[kind], *map(str, sources), "-o", str(program)], check=True
    )
    return program


def fuzz(kind: str, seconds: int) -> None:
    """Run one kind for so long; ends the program with what was printed if something is found."""
    command = [
        str(build(kind)),
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={SLOWEST_INPUT}",
        f"-artifact_prefix={OUT}/{kind}-",
        str(GROWN),
        str(KEPT),
    ]
    result = subprocess.run(
        command,
        cwd=OUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = result.stdout.splitlines()
    if result.returncode != 0:
        print("\n".join(lines[-60:]))
        sys.exit(f"fuzz: {kind}: something was found; the input is build/fuzz/{kind}-*")
    print(f"{kind:7} {lines[-1]}")


def grow() -> None:
    """Add to the repository what is short and reaches something new; what corpus.py writes stays."""
    command = [str(build("narrow")), "-merge=1", f"-max_len={LONGEST_KEPT}", str(KEPT), str(GROWN)]
    quiet = subprocess.DEVNULL
    subprocess.run(command, cwd=OUT, check=True, stdout=quiet, stderr=quiet)
    sizes = [path.stat().st_size for path in KEPT.iterdir()]
    print(f"kept {len(sizes)} inputs, {sum(sizes)} bytes")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="fuzz the way of datagrams into the node")
    parser.add_argument(
        "--seconds", type=int, default=SECONDS, help=f"how long (default {SECONDS})"
    )
    parser.add_argument(
        "--grow", action="store_true", help="then add to the corpus in the repository"
    )
    arguments = parser.parse_args()
    GROWN.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1")
    for kind in KINDS:
        fuzz(kind, max(1, arguments.seconds // len(KINDS)))
    if arguments.grow:
        grow()


if __name__ == "__main__":
    main()
