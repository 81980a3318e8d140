"""Owns the site of the interoperability tests: our root and controller, a libzt node, two devices.
Each is a process in a network namespace of its own; alice and libzt cannot reach each other directly.
It never asserts: it starts, asks and counts, with the commands that a user has.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TypeVar

import pytest

from host_tests.interop.unmodified import Unmodified
from zt.lab import Lab, Namespaces, Process

PROJECT = Path(__file__).resolve().parents[2]
MICROPYTHON = PROJECT / "build" / "desktop" / "micropython"
DEVICE = PROJECT / "tools" / "zt" / "lab" / "device_node.py"

PORT = 9993
NAME = "interop"
POOL = "10.147.20.0/24"
SERVICES = ("root", "controller")
LIBZT = "libzt"
RELAYED = "alice"  # between her and libzt is a firewall
DIRECT = "bob"
DEVICES = (RELAYED, DIRECT)
MEMBERS = (LIBZT, *DEVICES)

START = 20.0  # seconds for a process to be up
LOOK = 0.1  # seconds between two looks
CONFIGURED = 30.0  # seconds; libzt looks after its networks every 5 s
REACHED = 20  # tries, one a second; libzt announces its address to the network every 5 s
ECHO_PORTS = {4: 7, 6: 1007}  # libzt does not bind one port for both versions

RUNNING: list[Site] = []  # those with libzt

Found = TypeVar("Found")
Place = TypeVar("Place", bound="Site")


def until(look: Callable[[], Found | None], seconds: float, what: str) -> Found:
    """What `look` returns as soon as it is something. TimeoutError if that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {seconds:g} s")
        time.sleep(LOOK)


class Site:
    """Everything is started by `start`; the laboratory ends it. `folder`: homes and capture."""

    def __init__(self, lab: Lab, folder: Path, libzt: tuple[Path, Path]) -> None:
        self.lab = lab
        self.folder = folder
        self.nodes: dict[str, Process | Unmodified] = {}
        self.addresses: dict[str, str] = {}
        self._libzt = libzt

    def start(self) -> None:
        """Makes the planet and a private network, and starts all nodes; none has joined yet."""
        for name in (*SERVICES, *MEMBERS):
            self.home(name).mkdir()
            self.lab.add(name)
        self.lab.watch(self.folder / "capture.pcap")
        self.lab.block(RELAYED, LIBZT)
        self._make_world()
        created = self.controller("network", "create", "--name", NAME, "--pool", POOL, "--rfc4193")
        self.nwid = created["id"]
        self._start_service("root", "root", "--home", str(self.home("root")))
        self._start_service(
            "controller", "controller", "--home", str(self.home("controller")), "run"
        )
        self._start_libzt()
        for name in DEVICES:
            self._start_device(name)
        for name in MEMBERS:
            self.addresses[name] = self.nodes[name].wait("up", START)["address"]

    def home(self, name: str) -> Path:
        """The folder of a node."""
        return self.folder / name

    def zt(self, *words: str) -> Any:
        """Runs a command of `zt` and returns the JSON that it prints. OSError if it fails."""
        argv = [sys.executable, "-m", "zt.cli", *words, "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.strip() or f"zt {words[0]} failed")
        return json.loads(done.stdout or "{}")

    def controller(self, *words: str) -> Any:
        """Runs `zt controller` on the controller's folder."""
        return self.zt("controller", "--home", str(self.home("controller")), *words)

    def member(self, name: str) -> dict[str, Any] | None:
        """The controller's record of a member; None while it has not asked."""
        members = self.controller("member", "list", self.nwid)
        return next((m for m in members if m["id"] == self.addresses[name]), None)

    def counters(self, service: str) -> dict[str, int]:
        """The counters of our root or controller, which tell them when they get SIGUSR1."""
        os.kill(self.nodes[service].pid, signal.SIGUSR1)
        counters: dict[str, int] = self.nodes[service].wait("statistics")["counters"]
        return counters

    def network(self, name: str) -> dict[str, Any]:
        """How a member sees the network."""
        return self.nodes[name].ask("network", nwid=self.nwid)

    def has_direct_path(self, device: str, other: str) -> bool:
        """Whether one of our devices says that it reaches a member directly."""
        peers = self.nodes[device].ask("peers")["peers"]
        return any(p["direct"] for p in peers if p["address"] == self.addresses[other])

    def _make_world(self) -> None:
        for name in SERVICES:
            self.zt("identity", "new", "--out", str(self.home(name) / "identity.secret"))
        root = (self.home("root") / "identity.public").read_text()
        planet = self.folder / "planet"
        self.zt(
            *("world", "planet", "--root", f"{root}@{self.lab.address('root')}/{PORT}"),
            *("--key", str(self.folder / "world.key"), "--out", str(planet)),
        )
        for name in (*SERVICES, *DEVICES):
            shutil.copy(planet, self.home(name) / "planet")

    def _start_service(self, name: str, *words: str) -> None:
        options = ["--bind", self.lab.address(name), "--port", str(PORT), "--json"]
        argv = [sys.executable, "-m", "zt.cli", *words, *options]
        self.nodes[name] = self.lab.start(name, argv)
        self.nodes[name].wait("ready", START)

    def reach(self, ip: str, device: str, libzt_ip: str) -> None:
        """Echoes of UDP come back from both, a device and libzt. OSError if they do not."""
        for one, target in ((device, libzt_ip), (LIBZT, ip)):
            self.nodes[one].ask(
                "udp_exchange", REACHED + 5, ip=target, port=ECHO_PORTS[4], size=20, tries=REACHED
            )

    def revive(self) -> None:
        """Another libzt takes the place of one that ended: same home, same networks, reached as before.

        A network that does not let it in, or does not let an echo through, is left as it is.
        """
        self.nodes[LIBZT].revive()
        for nwid in self.nodes[LIBZT].networks:
            with contextlib.suppress(OSError):
                ip = until(lambda n=nwid: self._ip(LIBZT, n), CONFIGURED, "address of libzt")
                for device in DEVICES:
                    own = self._ip(device, nwid)
                    if own is not None:
                        self.reach(own, device, ip)

    def _ip(self, name: str, nwid: str) -> str | None:
        found = self.nodes[name].ask("network", nwid=nwid)["addresses"]
        return next((ip for ip in found if ":" not in ip), None)

    def _start_libzt(self) -> None:
        files = [*self._libzt, self.home(LIBZT), self._libzt_planet()]
        argv = [sys.executable, "-m", "host_tests.interop.libzt_node", *map(str, files)]
        env = {"PYTHONPATH": str(PROJECT)}

        def start(number: int) -> Process:
            name = LIBZT if number == 1 else f"{LIBZT}-{number}"
            return self.lab.start(LIBZT, argv, name=name, env=env)

        self.nodes[LIBZT] = Unmodified(start)

    def _libzt_planet(self) -> Path:
        return self.folder / "planet"

    def _start_device(self, name: str) -> None:
        argv = [str(MICROPYTHON), str(DEVICE), str(self.home(name)), self.lab.address(name)]
        self.nodes[name] = self.lab.start(name, [*argv, str(PORT)])


class Way:
    """Counts the datagrams by which two nodes talk from now on: directly, and by way of the root."""

    def __init__(self, lab: Lab, one: str, other: str) -> None:
        self._lab = lab
        self._ends = ((one, other), (other, one))
        self._before = self._count()

    def direct(self) -> int:
        """Datagrams that one sent and the other got, in the direction that had fewer."""
        return min(self._growth(ends) for ends in self._ends)

    def any_direct(self) -> bool:
        """Whether a single datagram went directly, in any direction."""
        return any(self._growth(ends) for ends in self._ends)

    def relayed(self) -> int:
        """Datagrams to the root and from it, on the leg and in the direction that had fewest."""
        return min(self._growth(leg) for ends in self._ends for leg in legs(ends))

    def _growth(self, ends: tuple[str, str]) -> int:
        return self._count()[ends] - self._before[ends]

    def _count(self) -> dict[tuple[str, str], int]:
        pairs = [pair for ends in self._ends for pair in (ends, *legs(ends))]
        return {pair: self._lab.passed(*pair) for pair in pairs}


def legs(ends: tuple[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two legs of the way through the root."""
    return (ends[0], "root"), ("root", ends[1])


def why_not() -> str | None:
    """The reason, in words, why the site is impossible on this machine; None if it is possible."""
    reason = Namespaces.why_not()
    if reason is None and not MICROPYTHON.exists():
        reason = f"{MICROPYTHON.relative_to(PROJECT)} is missing: run `make`"
    return reason


def tool() -> ModuleType:
    """tools/libzt.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("libzt_tool", PROJECT / "tools" / "libzt.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def impossible(reason: str) -> NoReturn:
    """Skips, or fails where these tests must run."""
    if os.environ.get("CI"):
        pytest.fail(f"with CI set, these tests must run, but {reason}", pytrace=False)
    pytest.skip(reason)


@contextlib.contextmanager
def running(kind: type[Place], folder: Path) -> Iterator[Place]:
    """A site with libzt, started, whose logs, homes and capture are in `folder`; where it cannot be, the test ends."""
    reason = why_not()
    if reason is not None:
        impossible(reason)
    try:
        libzt = tool().prepare()
    except OSError as error:
        impossible(str(error))
    with Lab(Namespaces(), folder / "log") as lab:
        # pytest would take the exit that the laboratory makes of SIGTERM for one failed test.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        site = kind(lab, folder, libzt)
        site.start()
        RUNNING.append(site)
        try:
            yield site
        finally:
            RUNNING.remove(site)
