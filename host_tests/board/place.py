"""Emulated boards in a laboratory of namespaces.

Owns how a board's Ethernet gets into a place, and how its first state gets into its flash. Never what it does there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from zt.lab import Lab, Process

PROJECT = Path(__file__).resolve().parents[2]
FIRMWARE = PROJECT / "build" / "qemu" / "firmware.elf"
WRITER = PROJECT / "host_tests" / "board" / "scripts" / "write_files.py"
INTERFACE = "eth0"  # the end of the place's cable (tools/zt/lab/namespaces.py)
TAP = "tap0"
NO_SERVER = "0.0.0.0"


def connect(lab: Lab, place: str) -> None:
    """Give the place's cable to the board: from now on its address is the board's."""
    for words in (
        "ip link add br0 type bridge",
        f"ip tuntap add dev {TAP} mode tap",
        f"ip addr flush dev {INTERFACE}",
        f"ip link set {INTERFACE} master br0",
        f"ip link set {TAP} master br0",
        f"ip link set {TAP} up",
        "ip link set br0 up",
    ):
        argv = lab.underlay.command(place, words.split())
        subprocess.run(argv, check=True, capture_output=True)


def write_files(flash: Path, files: dict[str, bytes]) -> None:
    """Put files into the flash of a board that is off."""
    lines = "".join(f"{name} {content.hex()}\n" for name, content in files.items())
    argv = [sys.executable, "-m", "zt.cli", "emulate", "--firmware", str(FIRMWARE)]
    argv += ["--flash", str(flash), "--network", "none", str(WRITER)]
    subprocess.run(argv, input=lines + "\n", text=True, check=True, capture_output=True)


def start(lab: Lab, place: str, flash: Path, script: Path, *arguments: str, **options) -> Process:
    """Run a script on the board of a place; its JSON lines are the process's."""
    address = lab.address(place)
    gateway = address.rpartition(".")[0] + ".1"
    argv = [sys.executable, "-m", "zt.cli", "emulate", "--firmware", str(FIRMWARE)]
    argv += ["--flash", str(flash), "--network", f"tap={TAP}"]
    argv += ["--ip", f"{address}/24,{gateway},{NO_SERVER}", str(script), *arguments]
    return lab.start(place, argv, **options)
