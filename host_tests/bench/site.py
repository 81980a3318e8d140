"""Owns the site of the benchmarks: two places, in each of which a device and an unmodified libzt live side by side.
All four are members of one network of our controller, with direct paths. Their processes are read in /proc.
It starts and asks; it never measures.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zt.lab import Lab, Process

PROJECT = Path(__file__).resolve().parents[2]
BUILD = PROJECT / "build"
FOLDER = BUILD / "bench"
MICROPYTHON = BUILD / "desktop" / "micropython"
DEVICE_SCRIPT = Path(__file__).with_name("device_bench.py")
LIBZT_SOURCE = Path(__file__).with_name("libzt_bench.c")
LIBZT_PROGRAM = FOLDER / "libzt_bench"

POOL = "10.147.20.0/24"
SERVICES = ("root", "controller")
PLACES = ("west", "east")
DEVICE, LIBZT = "device", "libzt"
PORTS = {LIBZT: 9993, DEVICE: 9994}
START = 20.0  # seconds for a process to be up
CONFIGURED = 60.0  # seconds; libzt looks after its networks every 5 s
LOOK = 0.2  # seconds between two looks
CLEAR_PEAK = "5"  # to /proc/<pid>/clear_refs: VmHWM starts again from VmRSS


@dataclass
class Node:
    """One member. `kind` is DEVICE or LIBZT."""

    kind: str
    place: str
    process: Process
    address: str = ""
    ip: str = ""

    def clear_peak(self) -> None:
        """Forget how large the process once was."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text(CLEAR_PEAK)

    def memory(self) -> tuple[int, int]:
        """(resident now, most since `clear_peak`) in KiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        values = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
        return int(values["VmRSS"]), int(values["VmHWM"])

    def cpu_seconds(self) -> float:
        """The time of processors that all its threads have used."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def compile_libzt_program(compiler: str) -> None:
    """Makes build/bench/libzt_bench if its source is newer. OSError if that fails."""
    if LIBZT_PROGRAM.exists() and LIBZT_PROGRAM.stat().st_mtime > LIBZT_SOURCE.stat().st_mtime:
        return
    partial = LIBZT_PROGRAM.with_suffix(".part")
    # libzt finds the program's stand-ins for CPython by -rdynamic.
    command = [
        *compiler.split(),
        "-O2",
        "-rdynamic",
        "-o",
        str(partial),
        str(LIBZT_SOURCE),
        "-ldl",
    ]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise OSError(f"{LIBZT_SOURCE.name} did not compile (exit {done.returncode})")
    os.replace(partial, LIBZT_PROGRAM)


class Site:
    """Everything is started by `start`; the laboratory ends it."""

    def __init__(self, lab: Lab, libzt: tuple[Path, Path], micropython: Path, home: Path) -> None:
        self._lab = lab
        self._libzt = libzt
        self._micropython = micropython
        self._home = home  # a folder of this run alone
        self._nodes: dict[tuple[str, str], Node] = {}

    def node(self, kind: str, place: str) -> Node:
        """The member of that kind in a place."""
        return self._nodes[kind, place]

    def nodes(self) -> list[Node]:
        """All four members."""
        return list(self._nodes.values())

    def start(self) -> None:
        """Returns when every member has its address. OSError or TimeoutError say what did not happen."""
        for place in (*SERVICES, *PLACES):
            self._lab.add(place)
        self._make_world()
        created = self._controller("network", "create", "--name", "bench", "--pool", POOL)
        nwid = created["id"]
        self._start_service("root", "root", "--home", str(self._home / "root"))
        home = str(self._home / "controller")
        self._start_service("controller", "controller", "--home", home, "run")
        for place in PLACES:
            self._start_libzt(place)
            self._start_device(place)
        for node in self.nodes():
            node.address = node.process.wait("up", START)["address"]
            self._controller("member", "authorize", nwid, node.address)
            node.process.ask("join", nwid=nwid)
        for node in self.nodes():
            self._await_address(node, nwid)

    def _await_address(self, node: Node, nwid: str) -> None:
        deadline = time.monotonic() + CONFIGURED
        while not node.ip:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{node.kind} {node.place} got no address in {CONFIGURED:g} s")
            time.sleep(LOOK)
            node.ip = node.process.ask("network", nwid=nwid)["ip"]

    def _zt(self, *words: str) -> Any:
        argv = [sys.executable, "-m", "zt.cli", *words, "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.strip() or f"zt {words[0]} failed")
        return json.loads(done.stdout or "{}")

    def _controller(self, *words: str) -> Any:
        return self._zt("controller", "--home", str(self._home / "controller"), *words)

    def _make_world(self) -> None:
        for name in SERVICES:
            (self._home / name).mkdir(parents=True)
            self._zt("identity", "new", "--out", str(self._home / name / "identity.secret"))
        root = (self._home / "root" / "identity.public").read_text()
        endpoint = f"{self._lab.address('root')}/{PORTS[LIBZT]}"
        self._zt(
            *("world", "planet", "--root", f"{root}@{endpoint}"),
            *("--key", str(self._home / "world.key"), "--out", str(self._home / "planet")),
        )
        for name in SERVICES:
            shutil.copy(self._home / "planet", self._home / name / "planet")

    def _start_service(self, name: str, *words: str) -> None:
        options = ["--bind", self._lab.address(name), "--port", str(PORTS[LIBZT]), "--json"]
        argv = [sys.executable, "-m", "zt.cli", *words, *options]
        self._lab.start(name, argv).wait("ready", START)

    def _start_libzt(self, place: str) -> None:
        home = self._make_home(LIBZT, place)
        files = [LIBZT_PROGRAM, *self._libzt, home, self._home / "planet"]
        self._start(LIBZT, place, [*map(str, files), str(PORTS[LIBZT])])

    def _start_device(self, place: str) -> None:
        home = self._make_home(DEVICE, place)
        shutil.copy(self._home / "planet", home / "planet")
        argv = [str(self._micropython), str(DEVICE_SCRIPT), str(home), self._lab.address(place)]
        self._start(DEVICE, place, [*argv, str(PORTS[DEVICE])])

    def _make_home(self, kind: str, place: str) -> Path:
        home = self._home / f"{kind}_{place}"
        home.mkdir()
        return home

    def _start(self, kind: str, place: str, argv: list[str]) -> None:
        process = self._lab.start(place, argv, name=f"{kind}_{place}")
        self._nodes[kind, place] = Node(kind, place, process)
