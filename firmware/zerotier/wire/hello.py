"""HELLO and OK(HELLO): who a node is, what it speaks, where it was seen (protocol/03 §3.5).

Owns the two layouts and the version that we announce.
Never encrypts the tail and never judges an identity.
"""

from ..const import const
from . import address
from .bounds import need, raw, u8, u16, u16_bytes, u64, u64_bytes
from .identity import PUBLIC_SIZE
from .identity import parse as parse_identity

# 11: peers answer with cipher 1, never with AES-GMAC-SIV (protocol/02 §2.13, protocol/14 §14.4).
PROTOCOL_VERSION = const(11)
VERSION = (1, 4, 8)

_IDENTITY_OFFSET = const(13)
_SENT_TO_OFFSET = const(84)
_OK_SENT_TO_OFFSET = const(13)
_WORLD_FIELDS = const(16)
_MOON_ENTRY = const(17)
_MOON_TYPE = const(127)
# Nobody orbits so many: a longer list only costs the reader memory.
MAX_MOONS = const(64)


class Hello:
    """The clear part of a HELLO; `tail` is where its encrypted part begins, or the length."""

    def __init__(self) -> None:
        self.protocol = 0
        self.major = 0
        self.minor = 0
        self.revision = 0
        self.timestamp = 0
        self.identity = b""
        self.sent_to = address.NIL
        self.planet_id = bytes(8)
        self.planet_timestamp = 0
        self.tail = 0


class OkHello:
    """The answer: the responder's version, our surface address, newer worlds back to back."""

    def __init__(self) -> None:
        self.timestamp = 0
        self.protocol = 0
        self.major = 0
        self.minor = 0
        self.revision = 0
        self.sent_to = address.NIL
        self.worlds: bytes | memoryview = b""


def encode_hello(
    timestamp: int,
    identity: bytes,
    sent_to: bytes,
    planet_id: bytes,
    planet_timestamp: int,
    moons: tuple | list = (),
) -> tuple[bytes, int]:
    """(payload, offset of the tail in it) of a HELLO (protocol/03 §3.5).

    `identity`: 71 bytes. `moons`: pairs of 8-byte id and timestamp. The tail is in clear; the
    sender encrypts it before the MAC (protocol/02 §2.8).
    """
    if len(identity) != PUBLIC_SIZE:
        raise ValueError("an identity must be 71 bytes")
    if len(planet_id) != 8:
        raise ValueError("a world id must be 8 bytes")
    payload = bytearray(_version_bytes())
    payload += u64_bytes(timestamp)
    payload += identity
    payload += sent_to
    payload += planet_id
    payload += u64_bytes(planet_timestamp)
    tail = len(payload)
    payload += u16_bytes(len(moons))
    for moon_id, moon_timestamp in moons:
        payload.append(_MOON_TYPE)
        payload += moon_id
        payload += u64_bytes(moon_timestamp)
    return bytes(payload), tail


def parse_hello(payload: bytes | memoryview) -> Hello:
    """The clear part of a HELLO; old peers may end after the identity (protocol/03 §3.5)."""
    hello = Hello()
    need(payload, 0, _SENT_TO_OFFSET)
    hello.protocol = payload[0]
    hello.major = payload[1]
    hello.minor = payload[2]
    hello.revision = u16(payload, 3)
    hello.timestamp = u64(payload, 5)
    hello.identity, offset = parse_identity(payload, _IDENTITY_OFFSET)
    if offset < len(payload):
        hello.sent_to, offset = address.parse(payload, offset)
    if len(payload) - offset >= _WORLD_FIELDS:
        hello.planet_id = raw(payload, offset, 8)
        hello.planet_timestamp = u64(payload, offset + 8)
        offset += _WORLD_FIELDS
    hello.tail = offset
    return hello


def parse_moons(payload: bytes | memoryview, offset: int) -> list[tuple[bytes, int]]:
    """(id, timestamp) of each moon in the decrypted tail at `offset`; no tail is no moons."""
    moons: list[tuple[bytes, int]] = []
    if offset >= len(payload):
        return moons
    count = u16(payload, offset)
    offset += 2
    need(payload, offset, count * _MOON_ENTRY)
    for _ in range(count):
        if payload[offset] == _MOON_TYPE and len(moons) < MAX_MOONS:
            moons.append((raw(payload, offset + 1, 8), u64(payload, offset + 9)))
        offset += _MOON_ENTRY
    return moons


def encode_ok_hello(timestamp: int, sent_to: bytes, worlds: list[bytes] | tuple = ()) -> bytes:
    """What follows the in-re id of an OK(HELLO); `worlds` are serialized worlds."""
    joined = b"".join(worlds)
    return u64_bytes(timestamp) + _version_bytes() + sent_to + u16_bytes(len(joined)) + joined


def parse_ok_hello(body: bytes | memoryview) -> OkHello:
    """An OK(HELLO) from behind its in-re id; `worlds` is a view into `body` (protocol/03 §3.5)."""
    ok = OkHello()
    need(body, 0, _OK_SENT_TO_OFFSET)
    ok.timestamp = u64(body, 0)
    ok.protocol = u8(body, 8)
    ok.major = body[9]
    ok.minor = body[10]
    ok.revision = u16(body, 11)
    ok.sent_to, offset = address.parse(body, _OK_SENT_TO_OFFSET)
    # Before worlds travelled in OK(HELLO), it ended here.
    if offset < len(body):
        size = u16(body, offset)
        ok.worlds = body[offset + 2 : need(body, offset + 2, size)]
    return ok


def _version_bytes() -> bytes:
    major, minor, revision = VERSION
    return bytes((PROTOCOL_VERSION, major, minor)) + u16_bytes(revision)
