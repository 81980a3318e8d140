"""Owns the site of the tests with a board: our root and controller, desktop devices, perhaps libzt, and a board.
Which of them run is said by the fixtures.
It never asserts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from host_tests.board import place
from host_tests.interop.plain_site import NO_LIBZT, PlainSite
from zt.lab import Lab, Process

BOARD = "board"


class Site(PlainSite):
    """`devices`: names of desktop devices."""

    def __init__(self, lab: Lab, folder: Path, devices: tuple[str, ...], libzt=NO_LIBZT) -> None:
        super().__init__(lab, folder, devices, libzt)
        self.flash = folder / "flash"

    def start(self) -> None:
        """Start everything but the board."""
        self.home(BOARD).mkdir()
        super().start()
        self.lab.add(BOARD)
        place.connect(self.lab, BOARD)

    def start_libzt(self) -> None:
        """Start an unmodified node, in a place that is there."""
        self._start_libzt()

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

    def power_off(self) -> None:
        """Cut the board's power, if it is on."""
        if BOARD in self.nodes:
            self.nodes.pop(BOARD).kill()

    def power_on(self, *words: str) -> Process:
        """Start the board."""
        self.nodes[BOARD] = place.power_on(self.lab, BOARD, self.flash, *words)
        return self.nodes[BOARD]

    def evaluate(self, expression: str, timeout: float = 30.0) -> Any:
        """What an expression gives on the board."""
        return self.nodes[BOARD].ask(expression, timeout)["result"]
