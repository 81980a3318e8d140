"""Lists of network rules as bytes: where each rule ends, and which lists are broken.

Owns the length of every rule type (protocol/07 §7.7).
Never evaluates a rule and never names one.
"""

from ..const import const
from .bounds import need, u8

MAX_RULES = const(1024)  # base rules of a network
MAX_CAPABILITY_RULES = const(64)

_TYPE_MASK = const(0x3F)
_UNKNOWN = const(0xFF)

# Value bytes of the types 0 .. 6 and 24 .. 51; all others are unknown.
_ACTION_LENGTHS = b"\x00\x00\x0e\x0e\x0e\x00\x00"
_MATCH_LENGTHS = (
    b"\x05\x05\x02\x01\x01\x06\x06\x05\x05\x11\x11\x03\x01\x02"
    b"\x03\x04\x04\x08\x04\x04\x08\x08\x08\x08\x08\x08\x08\x13"
)
_FIRST_KNOWN_MATCH = const(24)


def value_length(first_byte: int) -> int:
    """Value bytes of a rule whose first byte is this; -1 if the type is unknown."""
    kind = first_byte & _TYPE_MASK
    if kind < len(_ACTION_LENGTHS):
        return _ACTION_LENGTHS[kind]
    if 0 <= kind - _FIRST_KNOWN_MATCH < len(_MATCH_LENGTHS):
        return _MATCH_LENGTHS[kind - _FIRST_KNOWN_MATCH]
    return -1


def base_end(rules: bytes | memoryview, limit: int = MAX_RULES) -> int:
    """Where the first `limit` rules of a config's `R` end; ValueError if a field is cut off.

    A last rule whose announced length runs past the end counts, as long as its fields are there.
    """
    offset = 0
    size = len(rules)
    while offset < size and limit > 0:
        announced = u8(rules, offset + 1)
        need(rules, offset + 2, max(0, value_length(rules[offset])))
        offset += 2 + announced
        limit -= 1
    return min(offset, size)


def parse_counted(buffer: bytes | memoryview, offset: int, count: int) -> tuple[bytes, int]:
    """(rules as a signature covers them, next offset) of exactly `count` rules of a capability.

    The signed form is written anew: an unknown type keeps its place but loses its value, and a
    known one has its usual length, whatever length was announced (protocol/06 §6.8).
    """
    start = offset
    usual = True
    for _ in range(count):
        length = value_length(u8(buffer, offset))
        announced = u8(buffer, offset + 1)
        need(buffer, offset + 2, length if length > announced else announced)
        usual = usual and length == announced
        offset += 2 + announced
    if usual:
        return bytes(buffer[start:offset]), offset
    rules = bytearray()
    position = start
    for _ in range(count):
        length = max(0, value_length(buffer[position]))
        rules.append(buffer[position])
        rules.append(length)
        rules += buffer[position + 2 : position + 2 + length]
        position += 2 + buffer[position + 1]
    return bytes(rules), offset
