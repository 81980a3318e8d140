"""A board on a serial port, as the commands for boards see it: files, and what a piece of Python prints.

Owns the connection (mpremote's), and one sentence for everything that can be wrong with it.
"""

from __future__ import annotations

import ast
from typing import Any

from mpremote.transport import TransportError, TransportExecError  # type: ignore[import-untyped]
from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]

HOME = "/zerotier.d"
SETTINGS = f"{HOME}/board.json"
SECRET = f"{HOME}/identity.secret"
PUBLIC = f"{HOME}/identity.public"
PLANET = f"{HOME}/planet"
NETWORKS = f"{HOME}/networks.d"

_SOFT_RESET = 5  # s

_LIST = f"""
import os
def walk(folder):
    for name, kind, *_ in os.ilistdir(folder):
        path = folder + "/" + name
        if kind & 0x4000:
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
    from serial.tools.list_ports import comports  # type: ignore[import-untyped]

    return sorted(port.device for port in comports() if port.vid is not None)


class Board:
    """A context: the board is at the raw prompt meanwhile, and starts afresh at the end."""

    def __init__(self, port: str) -> None:
        self.port = port

    def __enter__(self) -> Board:
        """OSError if there is no board of ours at the port."""
        try:
            self._transport = SerialTransport(self.port)
        except (OSError, TransportError) as error:
            raise OSError(f"{self.port}: cannot be opened: {_words(error)}")
        try:
            self._transport.enter_raw_repl(soft_reset=False)
        except (OSError, TransportError):
            self._transport.close()
            raise OSError(f"{self.port}: nothing there answers like MicroPython")
        try:
            self.run("import _zerotier")
        except OSError:
            self._transport.close()
            raise OSError(
                f"{self.port}: this MicroPython is without MicroZT: flash an image first"
            )
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._transport.exit_raw_repl()
            self._transport.serial.write(b"\x04")  # a soft reset, and main.py
            self._transport.read_until(1, b"soft reboot\r\n", timeout=_SOFT_RESET)
        except (OSError, TransportError):
            pass  # it was unplugged
        finally:
            self._transport.close()

    def run(self, program: str, timeout: float = 10) -> str:
        """What a program prints. OSError with the last line of its traceback, or if the board is gone."""
        try:
            self._transport.exec_raw_no_follow(program)
            output, errors = self._transport.follow(timeout)
        except (OSError, TransportError, TransportExecError) as error:
            raise OSError(f"{self.port}: the connection was lost: {_words(error)}")
        if errors:
            raise OSError(
                f"{self.port}: {errors.decode(errors='replace').strip().splitlines()[-1]}"
            )
        text: str = output.decode()
        return text

    def value(self, expression: str) -> Any:
        """What an expression gives."""
        return self.value_of(f"print(repr({expression}))")

    def value_of(self, program: str) -> Any:
        """The Python value that a program prints."""
        return ast.literal_eval(self.run(program).strip())

    def restart(self) -> None:
        """A soft reset: boot.py runs, main.py does not."""
        try:
            self._transport.enter_raw_repl(soft_reset=True)
        except (OSError, TransportError) as error:
            raise OSError(f"{self.port}: did not start again: {_words(error)}")

    def files(self) -> list[str]:
        """The paths of the node's files."""
        found: list[str] = ast.literal_eval(self.run(_LIST))
        return found

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is none."""
        program = (
            "import binascii\ntry:\n with open(%r, 'rb') as f:\n  print(binascii.hexlify(f.read()).decode())\n"
            "except OSError:\n print('-')"
        )
        text = self.run(program % path).strip()
        return None if text == "-" else bytes.fromhex(text)

    def write(self, path: str, content: bytes) -> bool:
        """Replace a file, as a whole; False if it had this content already."""
        if self.read(path) == content:
            return False
        folders = [path[:i] for i, c in enumerate(path) if c == "/" and i]
        lines = ["import os, binascii"]
        lines += [f"try: os.mkdir({folder!r})\nexcept OSError: pass" for folder in folders]
        lines += [f"with open({path + '.new'!r}, 'wb') as f:"]
        for i in range(0, len(content), 256):
            lines.append(f"    f.write(binascii.unhexlify({content[i : i + 256].hex()!r}))")
        lines.append("    pass")
        lines.append(f"os.rename({path + '.new'!r}, {path!r})")
        self.run("\n".join(lines))
        return True

    def remove(self, path: str) -> None:
        self.run(f"import os\nos.remove({path!r})")


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
