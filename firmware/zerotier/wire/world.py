"""Worlds: the signed root sets, planet and moons (protocol/05).

Owns their layout and the bytes that their signature covers.
Never decides whether a world is accepted.
"""

from ..const import const
from . import address
from .bounds import need, raw, u8, u16, u64, u64_bytes
from .earth import EARTH as EARTH
from .identity import parse as parse_identity

KIND_NULL = const(0)
KIND_PLANET = const(1)
KIND_MOON = const(127)

MAX_ROOTS = const(4)
MAX_ENDPOINTS = const(32)

_KEY_SIZE = const(64)
_SIGNATURE_SIZE = const(96)
_SIGNATURE_OFFSET = const(81)
_ROOTS_OFFSET = const(177)
_BEFORE = b"\x7f" * 8
_BEHIND = b"\xf7" * 8


class Root:
    """One root: its public identity (71 bytes) and the endpoints where it always is."""

    def __init__(self, identity: bytes, endpoints: list[bytes]) -> None:
        self.identity = identity
        self.endpoints = endpoints

    @property
    def address(self) -> bytes:
        """The root's ZeroTier address."""
        return self.identity[:5]


class World:
    """A planet or a moon. `id` is 8 bytes, `update_key` 64, `signature` 96, `timestamp` ms."""

    def __init__(
        self,
        kind: int,
        id: bytes,
        timestamp: int,
        update_key: bytes,
        signature: bytes,
        roots: list[Root],
    ) -> None:
        self.kind = kind
        self.id = id
        self.timestamp = timestamp
        self.update_key = update_key
        self.signature = signature
        self.roots = roots

    @classmethod
    def parse(cls, buffer: bytes | memoryview, offset: int = 0) -> "tuple[World, int]":
        """(world, next offset) of the world at `offset` (protocol/05 §5.1).

        The dictionary behind a moon is stepped over and forgotten; nobody writes one.
        """
        need(buffer, offset, _ROOTS_OFFSET + 1)
        kind = buffer[offset]
        if kind not in (KIND_PLANET, KIND_MOON, KIND_NULL):
            raise ValueError("the world is neither a planet nor a moon")
        id = raw(buffer, offset + 1, 8)
        timestamp = u64(buffer, offset + 9)
        update_key = raw(buffer, offset + 17, _KEY_SIZE)
        signature = raw(buffer, offset + _SIGNATURE_OFFSET, _SIGNATURE_SIZE)
        count = buffer[offset + _ROOTS_OFFSET]
        if count > MAX_ROOTS:
            raise ValueError("the world has more than 4 roots")
        offset += _ROOTS_OFFSET + 1
        roots = []
        for _ in range(count):
            root, offset = _parse_root(buffer, offset)
            roots.append(root)
        if kind == KIND_MOON:
            offset = need(buffer, offset + 2, u16(buffer, offset))
        return cls(kind, id, timestamp, update_key, signature, roots), offset

    def encode(self) -> bytes:
        """The serialized world, as in a file and in OK(HELLO)."""
        return self._body(self.signature)

    def signed_bytes(self) -> bytes:
        """What the holder of the previous world's update key signs (protocol/05 §5.2)."""
        return _BEFORE + self._body(b"") + _BEHIND

    def _body(self, signature: bytes) -> bytes:
        body = bytearray((self.kind,))
        body += self.id
        body += u64_bytes(self.timestamp)
        body += self.update_key
        body += signature
        body.append(len(self.roots))
        for root in self.roots:
            body += root.identity
            body.append(len(root.endpoints))
            for endpoint in root.endpoints:
                body += endpoint
        if self.kind == KIND_MOON:
            body += b"\x00\x00"  # the dictionary, always written empty
        return bytes(body)


def parse_worlds(buffer: bytes | memoryview) -> "tuple[list[World], bool]":
    """(worlds, whether all could be read) of worlds back to back, as in OK(HELLO).

    Worlds before a broken one count, nothing behind it does (protocol/05 §5.1).
    """
    worlds: list[World] = []
    offset = 0
    while offset < len(buffer):
        try:
            world, offset = World.parse(buffer, offset)
        except ValueError:
            return worlds, False
        worlds.append(world)
    return worlds, True


def _parse_root(buffer: bytes | memoryview, offset: int) -> tuple[Root, int]:
    identity, offset = parse_identity(buffer, offset)
    count = u8(buffer, offset)
    if count > MAX_ENDPOINTS:
        raise ValueError("the root has more than 32 endpoints")
    offset += 1
    endpoints = []
    for _ in range(count):
        endpoint, offset = address.parse(buffer, offset)
        endpoints.append(endpoint)
    return Root(identity, endpoints), offset
