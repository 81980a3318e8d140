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
SCRIPTS = PROJECT / "host_tests" / "board" / "scripts"
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


def emulate(flash: Path, *words: str) -> list[str]:
    """The command line of a board with this flash."""
    argv = [sys.executable, "-m", "zt.cli", "emulate", "--firmware", str(FIRMWARE)]
    return [*argv, "--flash", str(flash), *words]


def write_files(flash: Path, files: dict[str, bytes]) -> None:
    """Put files into the flash of a board that is off."""
    lines = "".join(f"{name} {content.hex()}\n" for name, content in files.items())
    argv = emulate(flash, "--network", "none", str(SCRIPTS / "write_files.py"))
    subprocess.run(argv, input=lines + "\n", text=True, check=True, capture_output=True)


def power_on(lab: Lab, place: str, flash: Path, *words: str) -> Process:
    """Start the board of a place. It runs its main.py, whose JSON lines are the process's.

    `words`: more options of `zt emulate`, or a script with its arguments.
    """
    address = lab.address(place)
    network = ["--network", f"tap={TAP}"]
    if ":" not in address:  # IPv6 comes from a router
        gateway = address.rpartition(".")[0] + ".1"
        network += ["--ip", f"{address}/24,{gateway},{NO_SERVER}"]
    return lab.start(place, emulate(flash, *network, *words))
