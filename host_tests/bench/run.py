"""`make bench`: what the datapath must reach, measured beside libzt and in instructions of a 32-bit core.

    python -m host_tests.bench.run [--rounds N] [--seconds S]

Prints a table, draws build/bench/results.png and writes build/bench/results.json. Owns the order of a run.
Exit status 0 if every figure could be measured, whether it reaches its target or not.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from zt.lab import Lab, Namespaces

from . import controller, figures, plot
from .rounds import Results, Rounds
from .site import FOLDER, MICROPYTHON, PROJECT, Site, compile_libzt_program

RV32_RUNNER = Path(__file__).parent / "rv32" / "run.py"
RV32_TOOLS = ("riscv64-unknown-elf-gcc", "qemu-system-riscv32")
RV32_SECONDS = 600
HEAP_SCRIPT = "host_tests/bench/heap_inside.py"
HEAP_SECONDS = 120
ROUNDS, SECONDS = 7, 2.0
METHOD = """
Beside libzt: medians of the ratios of alternating rounds in the same namespaces. libzt runs in a C program that calls
it directly, the device in MicroPython. libzt has no raw sockets, so round trips are those of a UDP echo between
blocking sockets, for every pairing alike; the ping is ICMP, answered by libzt's stack, beside libzt's UDP echo.
Datagrams: the sender keeps a window of them on the way, which the receiver acknowledges in quarters. Each pairing has
the window with which it is fastest without loss; where one is lost, the window is halved and the round repeated."""


def say(text: str) -> None:
    """Progress, apart from the results."""
    print(f"  {text}", file=sys.stderr, flush=True)


def libzt_tool() -> ModuleType:
    """tools/libzt.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("libzt_tool", PROJECT / "tools" / "libzt.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_rounds(rounds: int, seconds: float, micropython: Path) -> Results:
    """Everything that is measured beside libzt. OSError says why that is impossible here."""
    if not micropython.exists():
        raise OSError(f"{micropython} is missing: run `make`")
    tool = libzt_tool()
    libzt = tool.prepare()
    compile_libzt_program(tool.compiler())
    with (
        tempfile.TemporaryDirectory(dir=FOLDER) as home,
        Lab(Namespaces(), FOLDER / "log") as lab,
    ):
        site = Site(lab, libzt, micropython, Path(home))
        say("starting a root, a controller, two devices and two libzt nodes")
        site.start()
        measuring = Rounds(site, seconds, say)
        say("finding paths, and the window of each pairing")
        measuring.prepare()
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            measuring.run(number)
    return measuring.results


def run_rv32() -> list[figures.Figure]:
    """The instruction counts. OSError says why there are none."""
    for tool in RV32_TOOLS:
        if shutil.which(tool) is None:
            raise OSError(f"{tool} is missing, which `make qemu` installs")
    argv = [sys.executable, str(RV32_RUNNER), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=RV32_SECONDS, check=False)
    if done.returncode:
        raise OSError(" ".join(done.stderr.split("\n")[:2]))
    return figures.from_rv32(done.stdout)


def run_heap(micropython: Path) -> list[figures.Figure]:
    """What MicroPython's heap holds of a network and its members. OSError says why there is no figure."""
    if not micropython.exists():
        raise OSError(f"{micropython} is missing: run `make`")
    argv = [str(micropython), "-X", "heapsize=16M", HEAP_SCRIPT]
    done = subprocess.run(
        argv, cwd=PROJECT, capture_output=True, text=True, timeout=HEAP_SECONDS, check=False
    )
    if done.returncode:
        raise OSError((done.stdout + done.stderr).strip().split("\n")[-1])
    return figures.from_heap(done.stdout)


def main() -> int:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(prog="make bench", description=str(__doc__).split("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="alternating rounds")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of one transfer")
    parser.add_argument("--micropython", type=Path, default=MICROPYTHON, help="the desktop build")
    parser.add_argument(
        "--only",
        choices=("libzt", "rv32", "controller"),
        help="a part: beside libzt, counted, or a controller",
    )
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    instructions: list[figures.Figure] = []
    heap: list[figures.Figure] = []
    results = Results()
    failures: list[str] = []
    if options.only in (None, "rv32"):
        try:
            instructions = run_rv32()
        except (OSError, subprocess.TimeoutExpired, ValueError) as error:
            failures.append(f"Instructions were not counted: {error}.")
        try:
            heap = run_heap(options.micropython)
        except (OSError, subprocess.TimeoutExpired, ValueError) as error:
            failures.append(f"The heap was not measured: {error}.")
    roles: list[figures.Figure] = []
    if options.only in (None, "controller"):
        say(f"a controller with {controller.MEMBERS} members")
        try:
            roles = controller.run(controller.MEMBERS)
        except (OSError, subprocess.TimeoutExpired, ValueError) as error:
            failures.append(f"The controller was not measured: {error}.")
    if options.only in (None, "libzt"):
        try:
            results = run_rounds(options.rounds, options.seconds, options.micropython)
        except OSError as error:
            failures.append(f"Nothing was measured beside libzt: {error}.")
    found = instructions + heap + roles
    if options.only in (None, "libzt"):
        found += figures.from_rounds(results)
    plot.draw(results, instructions, FOLDER / "results.png")
    figures.write(found, FOLDER / "results.json")
    print(figures.table(found))
    print(METHOD)
    for failure in failures:
        print(f"\n{failure}")
    print(f"\nIn {FOLDER.relative_to(PROJECT)}: results.json, results.png")
    return 1 if failures or any(row.value is None for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
