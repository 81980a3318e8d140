"""`zt provision`: gives a board its identity, its Wi-Fi and its networks, and waits until it is in them.

Owns what is written, and that a second run changes nothing. The connection is board.py's.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import time
from typing import Any

from zerotier.identity import Identity
from zerotier.wire import address as addresses

from . import board as boards
from . import files
from .output import add_json_option

_OK = 1
_PASSWORD = "ZT_WIFI_PASSWORD"  # noqa: S105  # the name of a variable
_LOOK = 0.5  # s
_START = """
import zerotier
node = getattr(zerotier, 'node', None) or zerotier.ZeroTier()
zerotier.node = node
"""
_LOOK_AT = """
net = node.join(%r)
print((net.status(), net.reason(), net.ifconfig()[0], net.isconnected(), node.isconnected()))
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
        "--wifi", metavar="SSID", help=f"the password is asked for, or in {_PASSWORD}"
    )
    parser.add_argument("--planet", metavar="FILE", help="a planet of your own")
    parser.add_argument(
        "--new-identity", action="store_true", help="replace the board's identity by a new one"
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
    """Provision every board; 1 if one of them failed."""
    ports = boards.ports() if options.all else options.port
    if not ports:
        raise OSError("no board is plugged in")
    settings = wifi_settings(options.wifi)
    planet = files.read(options.planet) if options.planet else None
    failed = 0
    for port in ports:
        try:
            answer = provision(port, options, settings, planet)
        except (OSError, ValueError) as error:
            failed += 1
            print(f"zt: {error}", file=sys.stderr)
            continue
        if options.json:
            print(json.dumps(answer), flush=True)
        else:
            ips = ", ".join(f"{n['ip']} in {n['id']}" for n in answer["networks"])
            changed = ", ".join(answer["changed"]) or "nothing"
            print(f"{port}: {answer['address']} {ips} (changed: {changed})".replace("  ", " "))
    return 1 if failed else 0


def wifi_settings(ssid: str | None) -> dict[str, str] | None:
    """What the board's boot.py reads; None: leave it as it is."""
    if ssid is None:
        return None
    key = os.environ.get(_PASSWORD)
    if key is None:
        key = getpass.getpass(f"Password of {ssid}: ")
    return {"ssid": ssid, "key": key}


def provision(
    port: str,
    options: argparse.Namespace,
    settings: dict[str, str] | None,
    planet: bytes | None,
) -> dict[str, Any]:
    """Write what is missing or different, and wait. OSError says what went wrong."""
    with boards.Board(port) as board:
        changed = []
        if provide_identity(board, options.new_identity):
            changed.append("identity")
        # An empty file makes boot.py start the node, also on a board without Wi-Fi.
        if settings is None and board.read(boards.SETTINGS) is None:
            settings = {}
        if settings is not None:
            content = json.dumps(settings).encode()
            if board.write(boards.SETTINGS, content):
                changed.append("Wi-Fi" if settings else "boot")
        if planet is not None and board.write(boards.PLANET, planet):
            changed.append("planet")
        for nwid in options.network:
            path = f"{boards.NETWORKS}/{nwid}.conf"
            if board.read(path) is None:
                board.write(path, b"\n")
                changed.append(nwid)
        if changed:
            board.restart()
        board.run(_START, 30)
        answer: dict[str, Any] = {"port": port, "changed": changed}
        answer["address"] = board.value("node.address")
        answer["networks"] = [wait_for(board, nwid, options.timeout) for nwid in options.network]
        return answer


def provide_identity(board: boards.Board, is_new: bool) -> bool:
    """True if the board got one. One that is there is replaced only if `is_new`."""
    if not is_new and board.read(boards.SECRET) is not None:
        return False
    identity = Identity.generate()
    board.write(boards.SECRET, identity.to_text(True).encode())
    board.write(boards.PUBLIC, identity.to_text().encode())
    return True


def wait_for(board: boards.Board, nwid: str, seconds: float) -> dict[str, str]:
    """Until the board has an address in the network. OSError with the reason if it gets none."""
    end = time.monotonic() + seconds
    while True:
        status, reason, ip, is_connected, is_online = board.value_of(_LOOK_AT % nwid)
        if is_connected:
            return {"id": nwid, "ip": ip}
        if status < 0:
            raise OSError(f"{board.port}: network {nwid}: {reason}")
        if time.monotonic() >= end:
            why = reason if is_online else "no root answers; is the Wi-Fi right?"
            raise OSError(f"{board.port}: network {nwid}: not joined after {seconds:g} s: {why}")
        time.sleep(_LOOK)
