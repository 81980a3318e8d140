"""The desk at which emulated boards are provisioned: each at the end of a serial cable, and a network that they reach.

Owns cables (a pty in front of the board's console), Wi-Fi that is in the air, and a root and controller on loopback,
which the boards reach as 10.0.2.2, by QEMU's own network. It never asserts.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from host_tests.board.place import FIRMWARE, PROJECT
from zt.board import Board
from zt.emulator import LOCALHOST, Emulator, free_port

SSID = "home"
PASSWORD = "correct-horse-battery"  # noqa: S105  # of an emulated access point
HOST = "10.0.2.2"  # the machine that emulates, as QEMU's user network shows it
PIECE = 1024


class Cable:
    """A serial cable between `path`, a terminal device, and the console of a board. It can be pulled out."""

    def __init__(self, url: str) -> None:
        host, _, number = url.removeprefix("socket://").rpartition(":")
        self._board = socket.create_connection((host, int(number)))
        self.plug_in()

    def plug_in(self) -> None:
        """A new device at this end of the cable."""
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._left: int | None = None
        self._is_cut = False
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def cut_after(self, octets: int) -> None:
        """Pull it out when so many more octets went to the board."""
        self._left = octets

    def wait_until_cut(self) -> bool:
        self._thread.join(30)
        return self._is_cut

    def close(self) -> None:
        self._left = 0
        self._thread.join()
        self._board.close()

    def _carry(self) -> None:
        while self._left != 0:
            ready, _, _ = select.select([self._master, self._board], [], [], 0.05)
            if self._board in ready:
                os.write(self._master, self._board.recv(PIECE))
            if self._master in ready:
                piece = os.read(self._master, PIECE)[: self._left]
                self._board.sendall(piece)
                if self._left is not None:
                    self._left -= len(piece)
        self._is_cut = True
        os.close(self._slave)
        os.close(self._master)


@contextlib.contextmanager
def board(folder: Path, network: str = "user", **settings: str) -> Iterator[Cable]:
    """A board with its flash in a folder, and the cable to it; `settings` as in zt.emulator.command."""
    options: dict[str, Any] = {"flash": folder / "flash", "settings": settings}
    with Emulator(firmware=FIRMWARE, network=network, **options) as emulator:
        cable = Cable(emulator.url)
        try:
            yield cable
        finally:
            cable.close()


@contextlib.contextmanager
def terminal() -> Iterator[tuple[int, str]]:
    """A serial port with something else than a board at its end: (its descriptor, the port's name)."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(slave)
        os.close(master)


def zt(*words: str, status: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `zt` that ends with this status."""
    argv = [sys.executable, "-m", "zt.cli", *words]
    done = subprocess.run(
        argv,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def refused(*words: str, **env: str) -> str:
    """Run a command that must fail; the one sentence that it says."""
    errors = zt(*words, status=1, **env).stderr
    assert errors.startswith("zt: ") and errors.count("\n") == 1, errors
    return errors[len("zt: ") : -1]


def provision(port: str, *words: str, **env: str) -> dict[str, Any]:
    """Provision a board; the command's JSON."""
    answer: dict[str, Any] = json.loads(
        zt("provision", "--port", port, "--json", *words, **env).stdout
    )
    return answer


def inside(port: str, expression: str, *imports: str) -> Any:
    """What an expression gives on a board, at its prompt; the board starts afresh afterwards."""
    with Board(port) as board:
        lines = [f"import {name}" for name in imports]
        return board.value_of("\n".join([*lines, f"print(repr({expression}))"]))


def files(port: str) -> dict[str, tuple[int, bytes | None]]:
    """When each file of the node was written, and what is in it."""
    with Board(port) as board:
        times = board.value_of(f"import os\nprint([os.stat(p)[8] for p in {board.files()!r}])")
        return {p: (t, board.read(p)) for p, t in zip(board.files(), times, strict=True)}


class Authority:
    """A root that is a controller too, with a public and a private network. A context."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "authority"
        self.planet = folder / "planet"
        self._port = free_port()

    def __enter__(self) -> Authority:
        home = str(self.home)
        zt("identity", "new", "--out", f"{home}/identity.secret")
        public = (self.home / "identity.public").read_text()
        words = ("--root", f"{public}@{HOST}/{self._port}", "--key", str(self.home / "key"))
        zt("world", "planet", *words, "--out", str(self.planet))
        (self.home / "planet").write_bytes(self.planet.read_bytes())
        self.public = self._create("--pool", "10.147.30.0/24", "--public")
        self.private = self._create("--pool", "10.147.31.0/24", "--private")
        self.unknown = self.public[:10] + ("%06x" % (int(self.public[10:], 16) ^ 0xFFFF))
        where = ("--bind", LOCALHOST, "--port", str(self._port), "--json")
        argv = [sys.executable, "-m", "zt.cli", "controller", "--home", home, "run", *where]
        self._process = subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()  # ready
        threading.Thread(target=self._process.stdout.read, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _create(self, *words: str) -> str:
        created = self.controller("network", "create", *words)
        nwid: str = created["id"]
        return nwid

    def controller(self, *words: str) -> Any:
        """A command of the controller; its JSON."""
        done = zt("controller", "--home", str(self.home), *words, "--json")
        return json.loads(done.stdout or "{}")

    def words(self, nwid: str, timeout: float = 20) -> tuple[str, ...]:
        """The options with which a board finds a network of ours."""
        return ("--planet", str(self.planet), "--network", nwid, "--timeout", str(timeout))
