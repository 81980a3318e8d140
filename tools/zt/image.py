"""A firmware image for an ESP32: bootloader, partition table and application, as they will lie in the flash.

Owns the checks that need no board: whole, for a chip that we support, and not larger than its partition.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_MAGIC = 0xE9  # of the bootloader, with which an image begins, and of an application
_CHIP_ID = 12  # offset in both headers
_HEADER = 24  # bytes
_TABLE = 0x8000  # where ESP-IDF puts the partition table into the flash
_TABLE_SIZE = 0xC00
_ENTRY = struct.Struct("<2sBBII16sI")  # magic, type, subtype, offset, size, label, flags
_ENTRY_MAGIC = b"\xaa\x50"
_APPLICATION = 0
# chip id -> (esptool's name, where an image begins in flash)
_CHIPS = {
    0x0000: ("esp32", 0x1000),
    0x0005: ("esp32c3", 0x0),
    0x0009: ("esp32s3", 0x0),
    0x000D: ("esp32c6", 0x0),
}


class Image(NamedTuple):
    """`chip`: esptool's name of it. `offset`: where the image goes in the flash."""

    chip: str
    offset: int


def check(content: bytes, name: str) -> Image:
    """What an image is for. ValueError if it is none, or not one that can run."""
    chip_id = _chip_id(content, 0)
    if chip_id is None:
        raise ValueError(f"{name} is not an image for an ESP32")
    if chip_id not in _CHIPS:
        raise ValueError(f"{name} is for a chip that is not supported")
    image = Image(*_CHIPS[chip_id])
    applications = _applications(content[_TABLE - image.offset :][:_TABLE_SIZE])
    if not applications:
        raise ValueError(
            f"{name} is not a whole image, from the bootloader on: take the file firmware.bin"
        )
    start, size = applications[0]
    if _chip_id(content, start - image.offset) != chip_id:
        raise ValueError(
            f"{name} has no application for {image.chip} where it should be: is it cut off?"
        )
    length = len(content) + image.offset - start
    if length > size:
        raise ValueError(
            f"{name} is too large: its application has {length} bytes, the partition for it {size}"
        )
    return image


def _chip_id(content: bytes, offset: int) -> int | None:
    """The chip of the program at an offset; None if there is none."""
    header = content[offset : offset + _HEADER]
    if len(header) < _HEADER or header[0] != _MAGIC:
        return None
    return int.from_bytes(header[_CHIP_ID : _CHIP_ID + 2], "little")


def _applications(table: bytes) -> list[tuple[int, int]]:
    """Offset and size of the partitions for applications."""
    found = []
    for at in range(0, len(table) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, _, offset, size, _, _ = _ENTRY.unpack_from(table, at)
        if magic != _ENTRY_MAGIC:
            break
        if kind == _APPLICATION:
            found.append((offset, size))
    return sorted(found)
