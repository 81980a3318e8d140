"""`zt emulate`: boots the emulated board, to its prompt or to run a script on it.

Owns the command, and that a script's input and output are ours. The machine is emulator.py's.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from .emulator import FIRMWARE, Emulator, command

_END = b"\x04"  # ends the output, then the errors, of a script at the raw prompt
_CONTROL_C = b"\x03"
_PIECE = 256


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "emulate",
        help="boot the emulated board: to its prompt, or to run a script",
        description="Boots the firmware of `make qemu` in QEMU. With a script, runs it on the board, with our"
        " input and output as its own, and ends with it. Without one, shows the prompt (Ctrl-A X ends it).",
    )
    parser.add_argument("script", nargs="?", type=Path, help="a Python file, run on the board")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what it finds in sys.argv")
    parser.add_argument("--firmware", type=Path, default=FIRMWARE, help="default: build/qemu's")
    parser.add_argument(
        "--flash",
        type=Path,
        metavar="FILE",
        help="keep the board's files in this (default: nowhere)",
    )
    parser.add_argument(
        "--network", default="user", help="user, none, tap=NAME or what -netdev takes"
    )
    parser.add_argument("--ip", metavar="IP/BITS,GATEWAY,DNS", help="the board's own address")
    parser.add_argument(
        "--wifi",
        metavar="SSID,PASSWORD",
        help="a Wi-Fi in reach of the board (default: Ethernet)",
    )
    parser.add_argument(
        "--heap", type=int, metavar="BYTES", help="Python's heap (default: 112 KiB)"
    )
    parser.add_argument(
        "--psram", action="store_true", help="a board with 16 MB of PSRAM for malloc"
    )
    parser.add_argument(
        "--mount", type=Path, metavar="FOLDER", help="the board's current folder, to read"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the board until its script or its user ends it; 1 if the script failed."""
    settings = {}
    if options.ip:
        settings["ip"] = options.ip
    if options.wifi:
        settings["wifi"] = options.wifi
    if options.heap:
        settings["heap"] = str(options.heap)
    if options.psram:
        settings["psram"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        machine: dict[str, Any] = {
            "firmware": options.firmware,
            "flash": options.flash or Path(folder) / "flash",
            "network": options.network,
            "settings": settings,
        }
        if options.script is None:
            words = command("mon:stdio" if sys.stdin.isatty() else "stdio", **machine)
            if options.flash:
                os.execvp(words[0], words)  # whoever ends us cuts the board's power
            return os.spawnvp(os.P_WAIT, words[0], words)
        source = options.script.read_bytes()
        with Emulator(**machine) as emulator:
            return run_script(
                emulator.url, source, [str(options.script), *options.arguments], options.mount
            )


def run_script(url: str, source: bytes, argv: list[str], mount: Path | None) -> int:
    """Run a program at the raw prompt; its output goes to ours, and our input to it."""
    from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]

    transport = SerialTransport(url)
    transport.enter_raw_repl(soft_reset=False)
    if mount is not None:
        folder = str(mount.resolve())
        transport.exec(
            f"import os, vfs, hostfs; vfs.mount(hostfs.HostFolder({folder!r}), '/host')"
        )
        transport.exec("os.chdir('/host')")
    transport.exec(f"import sys; sys.argv.clear(); sys.argv.extend({argv!r})")
    transport.exec_raw_no_follow(source)
    threading.Thread(target=_forward_input, args=(transport,), daemon=True).start()
    while True:
        try:
            _copy(transport, sys.stdout.buffer)
            return 1 if _copy(transport, sys.stderr.buffer) else 0
        except KeyboardInterrupt:
            transport.serial.write(_CONTROL_C)


def _copy(transport: Any, output: Any) -> int:
    """Copy until the end mark; how many bytes."""
    count = 0
    while True:
        octet = transport.serial.read(1)
        if octet in (_END, b""):
            return count
        output.write(octet)
        count += 1
        if octet == b"\n":
            output.flush()


def _forward_input(transport: Any) -> None:
    while True:
        piece = os.read(sys.stdin.fileno(), _PIECE)
        if not piece:
            return
        transport.serial.write(piece)
