"""`zt flash`: writes an image into an ESP32.

Owns the choice of the offset and the sentences for what is wrong; esptool writes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

IMAGE_MAGIC = 0xE9
CHIP_ID = 12  # offset in the image header of the bootloader, with which an image begins
# chip id -> (esptool's name, where an image begins in flash)
CHIPS = {
    0x0000: ("esp32", 0x1000),
    0x0005: ("esp32c3", 0x0),
    0x0009: ("esp32s3", 0x0),
    0x000D: ("esp32c6", 0x0),
}
FLASH_SIZE = 4 << 20


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "flash",
        help="write an image into an ESP32",
        description="Writes a firmware image, whole, into an ESP32, S3, C3 or C6. The board's files stay,"
        " unless --erase is given.",
    )
    parser.add_argument("--port", required=True, help="serial port")
    parser.add_argument(
        "--erase", action="store_true", help="erase everything first, also its identity"
    )
    parser.add_argument("image", type=Path, help="firmware.bin of `make firmware` or of a release")
    parser.set_defaults(run=run)


def chip_of(image: bytes, name: str) -> tuple[str, int]:
    """The chip that an image is for, and where it goes. ValueError if it is no image, or too large."""
    if len(image) <= CHIP_ID + 1 or image[0] != IMAGE_MAGIC:
        raise ValueError(f"{name} is not an image for an ESP32")
    chip = CHIPS.get(int.from_bytes(image[CHIP_ID : CHIP_ID + 2], "little"))
    if chip is None:
        raise ValueError(f"{name} is for a chip that is not supported")
    if chip[1] + len(image) > FLASH_SIZE:
        raise ValueError(f"{name} is larger than the 4 MB of flash that a board has")
    return chip


def run(options: argparse.Namespace) -> int:
    """Write the image; esptool's exit status."""
    chip, offset = chip_of(options.image.read_bytes(), str(options.image))
    esptool = [sys.executable, "-m", "esptool", "--chip", chip, "--port", options.port]
    steps = [["erase-flash"]] if options.erase else []
    steps.append(["write-flash", hex(offset), str(options.image)])
    for step in steps:
        done = subprocess.run([*esptool, *step], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise OSError(f"{options.port}: {lines[-1].strip() if lines else 'esptool failed'}")
    return 0
