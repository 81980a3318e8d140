"""Checked reads from a buffer: the only way in which the wire layer touches received bytes.

Owns the rule that a field past the end is a ValueError, on both Pythons (protocol/03 §3.2).
Never interprets what it reads.
"""


def need(buffer: bytes | memoryview, offset: int, size: int) -> int:
    """The offset behind `size` bytes at `offset`; ValueError if the buffer ends before it."""
    end = offset + size
    if offset < 0 or end > len(buffer):
        raise ValueError("the message ends inside a field")
    return end


def u8(buffer: bytes | memoryview, offset: int) -> int:
    """One byte."""
    need(buffer, offset, 1)
    return buffer[offset]


def u16(buffer: bytes | memoryview, offset: int) -> int:
    """Two bytes, big-endian."""
    need(buffer, offset, 2)
    return buffer[offset] << 8 | buffer[offset + 1]


def u32(buffer: bytes | memoryview, offset: int) -> int:
    """Four bytes, big-endian."""
    return int.from_bytes(buffer[offset : need(buffer, offset, 4)], "big")


def u64(buffer: bytes | memoryview, offset: int) -> int:
    """Eight bytes, big-endian and unsigned."""
    end = need(buffer, offset, 8)
    # Whatever its value, MicroPython keeps a number of eight bytes on the heap.
    if buffer[offset : offset + 4] == b"\x00\x00\x00\x00":
        offset += 4
    return int.from_bytes(buffer[offset:end], "big")


def raw(buffer: bytes | memoryview, offset: int, size: int) -> bytes:
    """A copy of `size` bytes, which outlives the borrowed packet buffer."""
    return bytes(buffer[offset : need(buffer, offset, size)])


def u16_bytes(number: int) -> bytes:
    """Two bytes, big-endian; ValueError if the number does not fit."""
    if not 0 <= number < 0x10000:
        raise ValueError("the number must fit 16 bits")
    return number.to_bytes(2, "big")


def u32_bytes(number: int) -> bytes:
    """Four bytes, big-endian; ValueError if the number does not fit."""
    if not 0 <= number < 0x100000000:
        raise ValueError("the number must fit 32 bits")
    return number.to_bytes(4, "big")


def u64_bytes(number: int) -> bytes:
    """Eight bytes, big-endian; ValueError if the number does not fit."""
    if not 0 <= number < 0x10000000000000000:
        raise ValueError("the number must fit 64 bits")
    return number.to_bytes(8, "big")
