"""Config chunks: the signed pieces in which a network config travels (protocol/03 §3.15).

Owns their layout and the cut of a dictionary into pieces.
Never checks a signature and never puts pieces together.
"""

from ..const import const
from .bounds import need, raw, u16, u16_bytes, u32, u32_bytes

FLAG_FAST_PROPAGATE = const(0x01)

# Largest piece that a packet holds beside its other fields (protocol/06 §6.5).
MAX_PIECE = const(9740)
# Dictionaries of this size or larger are refused by the reference.
CAPACITY = const(484520)

_SIGNATURE_SIZE = const(96)
_SIGNATURE_TYPE = const(1)


class Chunk:
    """One piece of a dictionary. `signature` is None in the legacy form, which nothing signs.

    `update_id`: 8 bytes, the same in all pieces of one config; empty in the legacy form, where the
    id of the packet takes its place. `piece` is a view when the chunk was parsed from one.
    """

    def __init__(
        self,
        nwid: bytes,
        piece: bytes | memoryview,
        update_id: bytes,
        total: int,
        index: int,
        flags: int = 0,
        signature: bytes | None = None,
    ) -> None:
        self.nwid = nwid
        self.piece = piece
        self.update_id = update_id
        self.total = total
        self.index = index
        self.flags = flags
        self.signature = signature
        self._signed: bytes | memoryview | None = None

    @classmethod
    def parse(
        cls, buffer: bytes | memoryview, offset: int = 0, capacity: int = CAPACITY
    ) -> "Chunk":
        """The chunk at `offset`, which is the last thing in its packet.

        ValueError if it does not fit its dictionary, or its dictionary not `capacity` (06 §6.5).
        """
        nwid = raw(buffer, offset, 8)
        size = u16(buffer, offset + 8)
        end = need(buffer, offset + 10, size)
        piece = buffer[offset + 10 : end]
        if end == len(buffer):
            if size >= capacity:
                raise ValueError("the network config is too large")
            return cls(nwid, piece, b"", size, 0)
        signed_end = need(buffer, end, 17)
        total = u32(buffer, end + 9)
        index = u32(buffer, end + 13)
        if index + size > total:
            raise ValueError("the chunk lies outside its network config")
        if total >= capacity:
            raise ValueError("the network config is too large")
        need(buffer, signed_end, 3 + _SIGNATURE_SIZE)
        signature_size = u16(buffer, signed_end + 1)
        if buffer[signed_end] != _SIGNATURE_TYPE or signature_size != _SIGNATURE_SIZE:
            raise ValueError("the chunk has an unknown kind of signature")
        update_id = raw(buffer, end + 1, 8)
        signature = raw(buffer, signed_end + 3, _SIGNATURE_SIZE)
        chunk = cls(nwid, piece, update_id, total, index, buffer[end], signature)
        chunk._signed = buffer[offset:signed_end]
        return chunk

    @property
    def id(self) -> bytes:
        """8 bytes that tell a chunk from others of its update (protocol/06 §6.5)."""
        if self.signature is None:
            return bytes(8)
        return bytes([self.signature[i] ^ self.signature[8 + i] for i in range(8)])

    def signed_bytes(self) -> bytes | memoryview:
        """What the controller signs; of a parsed chunk a view of its packet, not a copy."""
        if self._signed is not None:
            return self._signed
        head = self.nwid + u16_bytes(len(self.piece)) + bytes(self.piece)
        tail = bytes((self.flags,)) + self.update_id + u32_bytes(self.total)
        return head + tail + u32_bytes(self.index)

    def encode(self) -> bytes:
        """The wire form; the legacy form if there is no signature."""
        if self.signature is None:
            return self.nwid + u16_bytes(len(self.piece)) + bytes(self.piece)
        if len(self.signature) != _SIGNATURE_SIZE:
            raise ValueError("the signature must be 96 bytes")
        return bytes(self.signed_bytes()) + b"\x01\x00\x60" + self.signature


def split(nwid: bytes, dictionary: bytes, update_id: bytes) -> list[Chunk]:
    """The unsigned chunks of a dictionary: the controller signs each and sends it by itself."""
    total = len(dictionary)
    chunks = []
    for index in range(0, total, MAX_PIECE):
        chunk = Chunk(nwid, dictionary[index : index + MAX_PIECE], update_id, total, index)
        chunk._signed = chunk.signed_bytes()  # once: it is signed, and then sent
        chunks.append(chunk)
    return chunks
