"""Owns a site without libzt: our root and controller, desktop devices, and an open network that they have joined.
It never asserts.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from host_tests.interop.site import PORT, SERVICES, START, Site
from zt.lab import Lab

NO_LIBZT = (Path(), Path())
POOL = "10.147.21.0/24"
NAME = "plain"


class PlainSite(Site):
    """`devices`: their names."""

    def __init__(self, lab: Lab, folder: Path, devices: tuple[str, ...], libzt=NO_LIBZT) -> None:
        super().__init__(lab, folder, libzt)
        self.devices = devices

    def start(self) -> None:
        """Make places, planet and network; start everything."""
        for name in (*SERVICES, *self.devices):
            self.home(name).mkdir()
            self.lab.add(name)
        self.start_services()
        self.start_devices()

    def start_services(self) -> None:
        """With a new planet and network; every node has its place and its home."""
        self._make_world()
        words = ("--name", NAME, "--pool", POOL, "--rfc4193", "--public")
        self.nwid = self.controller("network", "create", *words)["id"]
        self._start_service("root", "root", "--home", str(self.home("root")))
        words = ("--home", str(self.home("controller")), "run")
        self._start_service("controller", "controller", *words)

    def start_devices(self) -> None:
        """All of them at once; they join."""
        for name in self.devices:
            self._start_device(name)
        for name in self.devices:
            self.addresses[name] = self.nodes[name].wait("up", START)["address"]
        for name in self.devices:
            self.nodes[name].ask("ready", START, nwid=self.nwid, seconds=START)

    def ip(self, device: str) -> str:
        """The virtual IPv4 address of a desktop device."""
        address: str = self.network(device)["addresses"][0]
        return address

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
