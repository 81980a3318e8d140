"""A board on a serial port, as the commands for boards see it: files, and what a piece of Python prints.

Owns the connection (mpremote's), and one sentence for everything that can be wrong with it.
"""

from __future__ import annotations

import ast
import errno
import struct
import termios
import time
from typing import Any

import serial  # type: ignore[import-untyped]
from mpremote.transport import TransportError  # type: ignore[import-untyped]
from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]
from serial.tools.list_ports import comports  # type: ignore[import-untyped]

HOME = "/zerotier.d"
SETTINGS = f"{HOME}/board.json"
SECRET = f"{HOME}/identity.secret"
PUBLIC = f"{HOME}/identity.public"
PLANET = f"{HOME}/planet"
NETWORKS = f"{HOME}/networks.d"

_INTERRUPT = b"\r\x03"
_RAW_PROMPT = b"\r\x01"
_FRIENDLY_PROMPT = b"\r\x02"
_SOFT_RESET = b"\x04"
_IS_RAW = b"raw REPL; CTRL-B to exit\r\n"
_IS_RESET = b"soft reboot\r\n"
_ANSWER = 3  # s without a single character
_TRIES = 2  # the first interrupt may only end boot.py
_START = 10  # s for boot.py
_PIECE = 256  # bytes of a file in one line of Python

# All that a connection which is no more can raise, in pyserial and mpremote.
_LOST = (OSError, TransportError, struct.error, termios.error)

_REASONS = {
    errno.ENOENT: "there is no such port: is the board plugged in?",
    errno.EACCES: "you may not use this port: become a member of its group (dialout)",
    errno.EAGAIN: "another program uses this port",
    errno.EBUSY: "another program uses this port",
    errno.ENOTTY: "is no serial port",
}

# In the last line of a traceback of a board.
_FAULTS = {
    "ENOSPC": "the board's file system is full",
    "OSError: 28\n": "the board's file system is full",
    "EROFS": "the board's file system can only be read",
    "OSError: 30\n": "the board's file system can only be read",
    "MemoryError": "the board has no memory left: reset it and try again",
}

_MAKE = "try: os.mkdir({!r})\nexcept OSError as e:\n if e.errno != 17: raise"  # EEXIST

_LIST = f"""
import os
def walk(folder):
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            walk(path)
        else:
            found.append(path)
found = []
try:
    walk({HOME!r})
except OSError:
    pass
print(found)
"""


def ports() -> list[str]:
    """The serial ports on this machine that may be boards."""
    return sorted(port.device for port in comports() if port.vid is not None)


class Board:
    """A context: the board is at the raw prompt meanwhile, and starts afresh at the end."""

    def __init__(self, port: str) -> None:
        self.port = port

    def __enter__(self) -> Board:
        """OSError if there is no board of ours at the port."""
        try:
            self._transport = SerialTransport(self.port, timeout=_ANSWER)
        except (OSError, TransportError, ValueError):
            raise OSError(f"{self.port}: {why_not(self.port) or 'was not ready: try again'}")
        try:
            self._transport.serial.write_timeout = _ANSWER
            self._enter(_INTERRUPT + _RAW_PROMPT, _ANSWER, _TRIES)
            self.run("import _zerotier")
        except OSError as error:
            self._close()
            if "ImportError" in str(error):
                error = OSError(
                    f"{self.port}: this MicroPython is without MicroZT: flash an image first"
                )
            raise error
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._transport.serial.write(_FRIENDLY_PROMPT + _SOFT_RESET)
            self._await(_IS_RESET, _ANSWER)
        except _LOST:
            pass  # it was unplugged
        finally:
            self._close()

    def _close(self) -> None:
        try:
            self._transport.close()
        except _LOST:
            pass  # it was unplugged

    def _enter(self, keys: bytes, seconds: float, tries: int) -> None:
        """To the raw prompt, by these keys. OSError if nothing there answers like MicroPython."""
        try:
            for _ in range(tries):
                self._transport.serial.reset_input_buffer()
                self._transport.serial.write(keys)
                if self._await(_IS_RAW, seconds):
                    return
        except _LOST:
            pass
        raise OSError(f"{self.port}: nothing there answers like MicroPython")

    def _await(self, ending: bytes, seconds: float) -> bool:
        """Read up to `ending`, whatever else is said before; False if it did not come."""
        end = time.monotonic() + seconds
        heard = b""
        while not heard.endswith(ending):
            octet = self._transport.serial.read(1)
            if not octet or time.monotonic() > end:
                return False
            heard = heard[1 - len(ending) :] + octet
        return True

    def run(self, program: str, timeout: float = 10) -> str:
        """What a program prints. OSError with the last line of its traceback, or if the board is gone."""
        try:
            self._transport.exec_raw_no_follow(program)
            output, errors = self._transport.follow(timeout)
        except _LOST:
            raise OSError(
                f"{self.port}: the connection was lost: the same command goes on where it ended"
            )
        if errors:
            raise OSError(f"{self.port}: {_in_words(errors.decode(errors='replace'))}")
        text: str = output.decode(errors="replace")
        return text

    def value(self, expression: str) -> Any:
        """What an expression gives."""
        return self.value_of(f"print(repr({expression}))")

    def value_of(self, program: str) -> Any:
        """The Python value that a program prints last."""
        lines = self.run(program, _START).strip().splitlines()
        try:
            return ast.literal_eval(lines[-1] if lines else "")
        except (ValueError, SyntaxError):
            raise OSError(f"{self.port}: the board answers what nobody asked: {lines[-1:]}")

    def restart(self) -> None:
        """A soft reset: boot.py runs, main.py does not."""
        self._enter(_SOFT_RESET, _START, 1)

    def files(self) -> list[str]:
        """The paths of the node's files."""
        found: list[str] = self.value_of(_LIST)
        return found

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is none."""
        program = (
            "import binascii\ntry:\n with open(%r, 'rb') as f:\n  print(binascii.hexlify(f.read()).decode())\n"
            "except OSError:\n print('-')"
        )
        text = self.run(program % path).strip()
        try:
            return None if text == "-" else bytes.fromhex(text)
        except ValueError:
            raise OSError(f"{self.port}: {path} cannot be read: the board prints in between")

    def write(self, path: str, content: bytes) -> bool:
        """Replace a file, as a whole; False if it had this content already."""
        if self.read(path) == content:
            return False
        folders = [path[:i] for i, c in enumerate(path) if c == "/" and i]
        lines = ["import os, binascii"]
        lines += [_MAKE.format(folder) for folder in folders]
        new = path + ".new"
        lines += ["try:", f" with open({new!r}, 'wb') as f:"]
        for i in range(0, len(content), _PIECE):
            lines.append(f"  f.write(binascii.unhexlify({content[i : i + _PIECE].hex()!r}))")
        lines.append("  pass")
        lines.append(f" os.rename({new!r}, {path!r})")
        lines.append(
            f"except OSError as e:\n try: os.remove({new!r})\n except OSError: pass\n raise e"
        )
        self.run("\n".join(lines))
        return True

    def remove(self, path: str) -> None:
        self.run(f"import os\nos.remove({path!r})")


def _in_words(traceback: str) -> str:
    """The last line of a traceback, or what it means."""
    last = (traceback.strip().splitlines() or ["an error without a word"])[-1]
    for mark, words in _FAULTS.items():
        if mark in last + "\n":
            return words
    return last


def why_not(port: str) -> str:
    """Why a port cannot be opened, in words; empty if it can."""
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        return _REASONS.get(number or 0, f"cannot be opened: {error}")
    return ""
