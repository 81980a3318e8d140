"""QEMU as a board: its command line, its flash image, and a process that ends with us.

Owns how `boards/VIRT_RV32` is started. Never what runs on it: emulate.py's, and the tests'.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FIRMWARE = PROJECT / "build" / "qemu" / "firmware.elf"
QEMU = "qemu-system-riscv32"
FLASH_SIZE = 2 << 20  # as much as a board with 4 MB leaves for files
LOCALHOST = "127.0.0.1"
PR_SET_PDEATHSIG = 1  # Linux
STARTED = 10  # s until the emulator must listen


def command(
    serial: str,
    *,
    firmware: Path = FIRMWARE,
    flash: Path | None = None,
    network: str = "user",
    settings: dict[str, str] | None = None,
) -> list[str]:
    """The command line of QEMU.

    `serial`: a character device of QEMU, for the console. `flash`: the file behind the file system,
    made if it does not exist. `network`: `none`, `user` (QEMU's own, 10.0.2.15), `tap=NAME`, or what
    QEMU's -netdev takes. `settings`: what the board asks for by name: `heap` in bytes, `ip` as
    "address/prefix,gateway,DNS server", `wifi` as "SSID,password" of the access point in reach (without it the board
    has Ethernet). OSError if something is missing.
    """
    if shutil.which(QEMU) is None:
        raise OSError(f"{QEMU} is not installed: Debian's package is qemu-system-misc")
    if not firmware.exists():
        raise OSError(f"{firmware} is missing: run `make qemu` first")
    words = [QEMU, "-machine", "virt", "-bios", "none", "-display", "none", "-monitor", "none"]
    said = [f",arg={k}={v.replace(',', ',,')}" for k, v in (settings or {}).items()]
    words += ["-semihosting-config", "enable=on,target=native" + "".join(said)]
    words += ["-serial", serial, "-kernel", str(firmware)]
    words += ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-rng-device"]
    if flash is not None:
        provide_flash(flash)
        words += ["-drive", f"if=none,id=flash,format=raw,file={flash}"]
        words += ["-device", "virtio-blk-device,drive=flash"]
    if network != "none":
        words += [
            "-netdev",
            backend(network),
            "-device",
            f"virtio-net-device,netdev=en,mac={mac()}",
        ]
    return words


def backend(network: str) -> str:
    """What -netdev wants to hear."""
    kind, _, name = network.partition("=")
    if kind == "tap" and name:
        return f"tap,id=en,ifname={name},script=no,downscript=no"
    return f"{network},id=en"


def mac() -> str:
    """A MAC that no other emulated board on this machine has: locally administered, random."""
    return "52:54:" + ":".join(f"{octet:02x}" for octet in os.urandom(4))


def provide_flash(path: Path) -> None:
    """Make an empty flash, unless there is one. The board makes the file system."""
    if not path.exists():
        with path.open("wb") as file:
            file.truncate(FLASH_SIZE)


class Emulator:
    """A running board with its console on a TCP port: `url` is what mpremote connects to.

    A context; leaving it is a power cut.
    """

    def __init__(self, **options: object) -> None:
        """The options of `command`. OSError if the emulator does not start."""
        port = free_port()
        self.url = f"socket://{LOCALHOST}:{port}"
        words = command(f"tcp:{LOCALHOST}:{port},server=on,wait=on,nodelay=on", **options)  # type: ignore[arg-type]
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        self._wait(port)

    def _wait(self, port: int) -> None:
        """Until the emulator waits for us: it starts when somebody connects."""
        end = time.monotonic() + STARTED
        while time.monotonic() < end and self.process.poll() is None:
            if is_listening(port):
                return
            time.sleep(0.01)
        self.kill()
        assert self.process.stderr is not None
        words = self.process.stderr.read().decode(errors="replace").strip()
        raise OSError(f"the emulator did not start: {words or 'it listens to nobody'}")

    def kill(self) -> None:
        """Cut the power."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


def die_with_parent() -> None:
    """In the child: whoever kills us cuts the board's power."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """A TCP port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Whether somebody listens, without connecting: the emulator takes one connection."""
    wanted = f"{int.from_bytes(socket.inet_aton(LOCALHOST), 'little'):08X}:{port:04X}"
    with open("/proc/net/tcp") as table:
        return any(line.split()[1] == wanted and line.split()[3] == "0A" for line in table)
