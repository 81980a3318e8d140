"""`zt provision`: gives a board its identity, its Wi-Fi and its networks, and waits until it is in them.

Owns what is written, and that a second run changes nothing. The connection is board.py's, the trial of the Wi-Fi
wifi.py's.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from zerotier.identity import Identity
from zerotier.vl2.status import ACCESS_DENIED, NOT_FOUND
from zerotier.wire import address as addresses
from zerotier.wire.world import KIND_PLANET, World

from . import board as boards
from . import files, wifi
from .output import add_json_option
from .progress import Progress

_LOOK = 0.5  # s
_NO_CONFIG = b"\n"  # joined, and not answered yet
_HAS_NODE = "import zerotier\nprint(hasattr(zerotier, 'node'))"
_START = """
import zerotier
if not hasattr(zerotier, 'node'):
    zerotier.node = zerotier.ZeroTier()
node = zerotier.node
"""
_LOOK_AT = """
net = node.join(%r)
print((net.status(), net.reason(), net.ifconfig()[0], net.ipconfig('addr6'), net.isconnected(), node.isconnected()))
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "provision",
        help="give a board its identity, its Wi-Fi and its networks",
        description="Writes what a board needs, waits until it is in its networks and prints its address."
        " Whatever is there already is kept, so it can be run again. The identity is made here, because"
        " most boards have no memory for it.",
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", action="append", help="serial port; may be given several times")
    where.add_argument("--all", action="store_true", help="all boards that are plugged in")
    parser.add_argument("--network", metavar="NWID", action="append", default=[], type=_network)
    parser.add_argument(
        "--wifi",
        metavar="SSID",
        help=f"the password is asked for, or in the variable {wifi.PASSWORD}",
    )
    parser.add_argument("--planet", metavar="FILE", help="a planet of your own")
    parser.add_argument(
        "--new-identity", action="store_true", help="replace the board's identity by a new one"
    )
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="write only: neither try the Wi-Fi nor wait for the networks",
    )
    parser.add_argument(
        "--timeout", type=float, default=60, help="s to wait (default: %(default)s)"
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def _network(text: str) -> str:
    try:
        return addresses.nwid_from_text(text).hex()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error))


def run(options: argparse.Namespace) -> int:
    """Provision every board, all at once; 1 if one of them failed."""
    ports = boards.ports() if options.all else list(dict.fromkeys(options.port))
    if not ports:
        raise OSError("no board is plugged in")
    planet = _planet(options.planet) if options.planet else None
    settings = wifi.ask(options.wifi) if options.wifi is not None else None
    progress = Progress(ports)
    stop = threading.Event()

    def one(port: str) -> bool:
        try:
            answer = Provision(port, options, settings, planet, progress, stop).run()
        except (OSError, ValueError) as error:
            progress.finish(port, f"zt: {error}", sys.stderr)
            return False
        progress.finish(port, json.dumps(answer) if options.json else line(answer), sys.stdout)
        return True

    with ThreadPoolExecutor(len(ports)) as pool:
        try:
            return 0 if all(list(pool.map(one, ports))) else 1
        except KeyboardInterrupt:
            stop.set()  # each ends after its step and starts its board afresh
            raise


def _planet(path: str) -> bytes:
    """The content of a planet file. ValueError if it is none: no board gets it then."""
    content = files.read(path)
    try:
        world, _ = World.parse(content)
    except ValueError as error:
        raise ValueError(f"{path} is not a planet: {error}")
    if world.kind != KIND_PLANET:
        raise ValueError(f"{path} is not a planet but a moon")
    return content


def _is_as_new(present: bytes | None, offered: bytes) -> bool:
    """Whether a board's planet is the offered one, or a newer edition of it that it got from a root."""
    try:
        ours, _ = World.parse(present or b"")
    except ValueError:
        return False
    world, _ = World.parse(offered)
    return ours.id == world.id and ours.timestamp >= world.timestamp


def line(answer: dict[str, Any]) -> str:
    """One board in one line."""
    ips = ", ".join(f"{n['ip']} in {n['id']}" for n in answer["networks"])
    changed = ", ".join(answer["changed"]) or "nothing"
    return f"{answer['port']}: {answer['address']} {ips} (changed: {changed})".replace("  ", " ")


class Provision:
    """One board. `settings`: its Wi-Fi; None leaves that as it is, and so does None for `planet`.

    `stop` ends the waiting.
    """

    def __init__(
        self,
        port: str,
        options: argparse.Namespace,
        settings: dict[str, str] | None,
        planet: bytes | None,
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        self._port = port
        self._options = options
        self._settings = settings
        self._planet = planet
        self._progress = progress
        self._stop = stop

    def run(self) -> dict[str, Any]:
        """Write what is missing or different, and wait. OSError says what went wrong."""
        self._tell("connecting")
        with boards.Board(self._port) as board:
            self._refuse_broken_identity(board)
            self._try_wifi(board)
            self._tell("writing")
            changed = self._write(board)
            if changed or not board.value_of(_HAS_NODE):  # our interrupt may have ended boot.py
                board.restart()
            board.run(_START, 30)
            address = board.value("node.address")
            networks = [] if self._options.no_wait else self._options.network
            found = [self._wait(board, address, nwid) for nwid in networks]
        return {"port": self._port, "changed": changed, "address": address, "networks": found}

    def _tell(self, state: str) -> None:
        self._progress.tell(self._port, state)

    def _refuse_broken_identity(self, board: boards.Board) -> None:
        """One that cannot be read is not replaced unasked: it may be all that is left of an address."""
        secret = board.read(boards.SECRET)
        if secret is None or self._options.new_identity:
            return
        try:
            is_whole = Identity.from_text(secret.decode()).secret is not None
        except ValueError:
            is_whole = False
        if not is_whole:
            raise OSError(
                f"{self._port}: the board's identity is damaged: `zt restore` brings it back from a backup,"
                " --new-identity gives it up"
            )

    def _try_wifi(self, board: boards.Board) -> None:
        settings = self._settings
        if settings and not self._options.no_wait and not wifi.is_written(board, settings):
            self._tell(f"trying Wi-Fi {settings['ssid']}")
            wifi.try_out(board, settings, self._options.timeout, self._stop)

    def _write(self, board: boards.Board) -> list[str]:
        """Names of what was written."""
        changed = []
        settings = self._settings
        if settings is None and board.read(boards.SETTINGS) is None:
            settings = {}  # for boot.py, which starts the node of a board that has this file
        if settings is not None and board.write(boards.SETTINGS, wifi.encode(settings)):
            changed.append("Wi-Fi" if settings else "boot")
        planet = self._planet
        if planet is not None and not _is_as_new(board.read(boards.PLANET), planet):
            board.write(boards.PLANET, planet)
            changed.append("planet")
        for nwid in self._options.network:
            path = f"{boards.NETWORKS}/{nwid}.conf"
            if board.read(path) is None:
                board.write(path, _NO_CONFIG)
                changed.append(nwid)
        # The identity last: without it the node does not start.
        if self._options.new_identity or board.read(boards.SECRET) is None:
            identity = Identity.generate()
            board.write(boards.PUBLIC, identity.to_text().encode())
            board.write(boards.SECRET, identity.to_text(True).encode())
            changed.append("identity")
        return changed

    def _wait(self, board: boards.Board, address: str, nwid: str) -> dict[str, str]:
        """Until the board has an address in the network. OSError with the reason if it gets none."""
        end = time.monotonic() + self._options.timeout
        self._tell(f"network {nwid}: joining")
        while True:
            status, reason, ip, ip6, is_connected, is_online = board.value_of(_LOOK_AT % nwid)
            if is_connected:
                return {"id": nwid, "ip": ip if ip != "0.0.0.0" or not ip6 else ip6[0][0]}
            if status == ACCESS_DENIED:
                reason = f"{reason} ({address})"  # it may be authorised while we wait
            elif not is_online:
                reason = "no root answers: is its network connected to the Internet?"
            elif not reason:
                reason = "the controller has assigned no address yet"
            if status == NOT_FOUND:
                board.run(f"node.leave({nwid!r})")  # or it would ask for it for ever
            if status < 0 and status != ACCESS_DENIED:
                raise OSError(f"{self._port}: network {nwid}: {reason}")
            if time.monotonic() >= end:
                seconds = f"not joined after {self._options.timeout:g} s"
                raise OSError(f"{self._port}: network {nwid}: {seconds}: {reason}")
            self._tell(f"network {nwid}: {reason}")
            if self._stop.wait(_LOOK):
                raise OSError(f"{self._port}: interrupted")
