"""Dictionaries: the `key=value` blobs of configs, requests and errors (protocol/06 §6.3).

Owns the escapes, the line rules and the numbers in hex.
Never knows which keys there are.
"""

_ESCAPES = ((b"\x00", b"\\0"), (b"\r", b"\\r"), (b"\n", b"\\n"), (b"=", b"\\e"))
_ESCAPED = {0x30: 0x00, 0x72: 0x0D, 0x6E: 0x0A, 0x65: 0x3D}  # 0 r n e; any other letter is itself


def parse(blob: bytes | memoryview) -> dict[str, bytes]:
    """All entries with their values unescaped; the first of equal keys wins. Never fails.

    Lines without `=` are not entries; a NUL ends the dictionary.
    """
    blob = bytes(blob)
    items: dict[str, bytes] = {}
    end = _find(blob, b"\x00", 0, len(blob))
    carriage_returns = b"\r" in blob
    offset = 0
    while offset < end:
        stop = _find(blob, b"\n", offset, end)
        if carriage_returns:
            stop = _find(blob, b"\r", offset, stop)
        equals = _find(blob, b"=", offset, stop)
        if equals < stop:
            key = _key(blob[offset:equals])
            if key and key not in items:
                items[key] = _unescape(blob, equals + 1, stop)
        offset = stop + 1
    return items


def encode(items: list[tuple[str, bytes]]) -> bytes:
    """The blob of these entries, in this order, without a final LF or NUL."""
    blob = bytearray()
    for key, value in items:
        if blob:
            blob.append(0x0A)
        blob += key.encode()
        blob.append(0x3D)
        blob += _escaped(value)
    return bytes(blob)


def hex16(number: int) -> bytes:
    """A number as 16 hex digits, with a minus sign before them if it is negative."""
    if number < 0:
        return f"-{-number:016x}".encode()
    return f"{number:016x}".encode()


def get_int(items: dict[str, bytes], key: str, default: int = 0) -> int:
    """The number in hex under `key`: digits up to the first other byte, at most 64 bits kept."""
    value = items.get(key)
    if value is None:
        return default
    negative = value[:1] == b"-"
    number = 0
    for i in range(1 if negative else 0, len(value)):
        digit = _digit(value[i])
        if digit < 0:
            break
        number = (number << 4 | digit) & 0xFFFFFFFFFFFFFFFF
    return -number if negative else number


def get_bool(items: dict[str, bytes], key: str) -> bool:
    """Whether the value under `key` begins with 1, t or T; False if there is none."""
    return items.get(key, b"")[:1] in (b"1", b"t", b"T")


def _find(blob: bytes, byte: bytes, start: int, end: int) -> int:
    """Where `byte` is in blob[start:end], or `end`."""
    found = blob.find(byte, start, end)
    return end if found < 0 else found


def _key(name: bytes) -> str:
    """The key as text, or nothing: a byte outside ASCII is in no key that anybody asks for."""
    for byte in name:
        if byte >= 0x80:
            return ""
    return name.decode()


def _unescape(blob: bytes, start: int, end: int) -> bytes:
    slash = blob.find(b"\\", start, end)
    if slash < 0:
        return blob[start:end]
    value = bytearray()
    while slash >= 0:
        if slash > start:
            value += blob[start:slash]
        if slash + 1 == end:  # a backslash protects neither the end of a line nor of the blob
            return bytes(value)
        letter = blob[slash + 1]
        value.append(_ESCAPED.get(letter, letter))
        start = slash + 2
        slash = blob.find(b"\\", start, end)
    value += blob[start:end]
    return bytes(value)


def _escaped(value: bytes | memoryview) -> bytes:
    value = bytes(value).replace(b"\\", b"\\\\")
    for raw, letter in _ESCAPES:
        value = value.replace(raw, letter)
    return value


def _digit(letter: int) -> int:
    if 0x30 <= letter <= 0x39:
        return letter - 0x30
    letter |= 0x20
    if 0x61 <= letter <= 0x66:
        return letter - 0x57
    return -1
