"""Owns the site of the tests with a board: our root and controller, desktop devices, perhaps libzt, and a board.
It is the site of host_tests/interop, with other members and an open network.
It never asserts.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from host_tests.board import place
from host_tests.interop.site import PORT, SERVICES, START
from host_tests.interop.site import Site as InteropSite
from zt.lab import Lab, Process

BOARD = "board"
POOL = "10.147.21.0/24"
NO_LIBZT = (Path(), Path())


class Site(InteropSite):
    """`devices`: names of desktop devices."""

    def __init__(self, lab: Lab, folder: Path, devices: tuple[str, ...], libzt=NO_LIBZT) -> None:
        super().__init__(lab, folder, libzt)
        self.devices = devices
        self.flash = folder / "flash"

    def _make_world(self) -> None:
        for name in SERVICES:
            self.zt("identity", "new", "--out", str(self.home(name) / "identity.secret"))
        root = (self.home("root") / "identity.public").read_text()
        planet = self.folder / "planet"
        self.zt(
            *("world", "planet", "--root", f"{root}@{self.lab.address('root')}/{PORT}"),
            *("--key", str(self.folder / "world.key"), "--out", str(planet)),
        )
        for name in (*SERVICES, *self.devices):
            shutil.copy(planet, self.home(name) / "planet")

    def start(self) -> None:
        """Start everything but the board; the devices have joined."""
        for name in (*SERVICES, *self.devices, BOARD):
            self.home(name).mkdir()
            self.lab.add(name)
        place.connect(self.lab, BOARD)
        self._make_world()
        words = ("--name", BOARD, "--pool", POOL, "--rfc4193", "--public")
        self.nwid = self.controller("network", "create", *words)["id"]
        self._start_service("root", "root", "--home", str(self.home("root")))
        words = ("--home", str(self.home("controller")), "run")
        self._start_service("controller", "controller", *words)
        for name in self.devices:
            self._start_device(name)
        for name in self.devices:
            self.addresses[name] = self.nodes[name].wait("up", START)["address"]
        for name in self.devices:
            self.nodes[name].ask("ready", START, nwid=self.nwid, seconds=START)

    def start_libzt(self) -> None:
        """Start an unmodified node, in a place that is there."""
        self._start_libzt()

    def ip(self, device: str) -> str:
        """The virtual IPv4 address of a desktop device."""
        address: str = self.network(device)["addresses"][0]
        return address

    def provide_flash(self, **setup: Any) -> None:
        """A flash as if from the factory: identity, planet, main.py. `setup` is what main.py reads."""
        secret = self.home(BOARD) / "identity.secret"
        if not secret.exists():
            self.zt("identity", "new", "--out", str(secret))
        self.flash.unlink(missing_ok=True)
        place.write_files(
            self.flash,
            {
                "/zerotier.d/identity.secret": secret.read_bytes(),
                "/zerotier.d/planet": (self.folder / "planet").read_bytes(),
                "/main.py": (place.SCRIPTS / "main.py").read_bytes(),
                "/setup.json": json.dumps({"nwid": self.nwid, **setup}).encode(),
            },
        )

    def power_on(self, *words: str) -> Process:
        """Start the board."""
        self.nodes[BOARD] = place.power_on(self.lab, BOARD, self.flash, *words)
        return self.nodes[BOARD]

    def evaluate(self, expression: str, timeout: float = 30.0) -> Any:
        """What an expression gives on the board."""
        return self.nodes[BOARD].ask(expression, timeout)["result"]
