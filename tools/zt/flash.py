"""`zt flash`: writes an image into an ESP32.

Owns the order, every check before the first byte is written, and the sentences for what is wrong; esptool writes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import board as boards
from .image import check

# esptool's own 115200 Bd takes two minutes for an image. A port that is the chip's own USB has no rate.
_BAUD = 460800
_TROUBLE = "error occurred: "  # in front of what esptool has to say


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "flash",
        help="write an image into an ESP32",
        description="Writes a firmware image, whole, into an ESP32, S3, C3 or C6. The board's files stay,"
        " unless --erase is given. An image for another chip, or too large for the board, is not written.",
    )
    parser.add_argument("--port", required=True, help="serial port")
    parser.add_argument(
        "--erase", action="store_true", help="erase everything first, also its identity"
    )
    parser.add_argument(
        "--baud", type=int, default=_BAUD, help="rate of the port in Bd (default: %(default)s)"
    )
    parser.add_argument("image", type=Path, help="firmware.bin of `make firmware` or of a release")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the image. OSError with esptool's reason if it does not succeed: then the same command goes on."""
    chip, offset = check(options.image.read_bytes(), str(options.image))
    reason = boards.why_not(options.port)
    if reason:
        raise OSError(f"{options.port}: {reason}")
    words = [sys.executable, "-m", "esptool", "--chip", chip, "--port", options.port]
    words += ["--baud", str(options.baud)]
    words += ["write-flash", *(["--erase-all"] if options.erase else [])]
    words += [hex(offset), str(options.image)]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise OSError(f"{options.port}: {_reason(done.stderr)}")


def _reason(errors: str) -> str:
    """The sentence in what esptool said at its end."""
    for line in errors.splitlines():
        if _TROUBLE in line:
            return line.partition(_TROUBLE)[2].strip()
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1] if lines else "esptool failed"
