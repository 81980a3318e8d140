"""Fragments back into packets (protocol/02 §2.5).

Owns a bounded number of slots. Never authenticates: that happens on the whole packet.
"""

from ..const import const
from ..limits import QUEUE_TIMEOUT
from ..wire.packet import (
    DESTINATION,
    FRAGMENT_COUNTS,
    FRAGMENT_DATA,
    ID,
    MAX_FRAGMENTS,
    MAX_PACKET,
)

_MIN_FRAGMENTS = const(2)


class _Slot:
    def __init__(self) -> None:
        self.id = b""
        self.clear()

    def clear(self) -> None:
        self.parts: list[bytes | None] = [None] * MAX_FRAGMENTS
        self.total = 0  # unknown while only the head was seen
        self.since = 0


class Reassembly:
    """Collects heads and fragments in any order; gives out the packet when it is whole."""

    def __init__(self, slots: int, counters) -> None:
        self._slots = [_Slot() for _ in range(slots)]
        self._next = 0
        self._counters = counters

    def add_head(self, datagram, now: int) -> bytearray | None:
        """Take a head whose flag F is set."""
        return self._add(bytes(datagram[ID:DESTINATION]), 0, 0, bytes(datagram), now)

    def add_fragment(self, datagram, now: int) -> bytearray | None:
        """Take a fragment of at least 17 bytes. The whole packet, or None while something is missing."""
        counts = datagram[FRAGMENT_COUNTS]
        total = counts >> 4
        number = counts & 0x0F
        if not _MIN_FRAGMENTS <= total <= MAX_FRAGMENTS or not 1 <= number < total:
            self._counters.count("malformed_fragment")
            return None
        piece = bytes(datagram[FRAGMENT_DATA:])
        return self._add(bytes(datagram[ID:DESTINATION]), number, total, piece, now)

    def _add(
        self, packet_id: bytes, number: int, total: int, piece: bytes, now: int
    ) -> bytearray | None:
        slot = self._find(packet_id, now)
        if slot.parts[number] is not None:
            self._counters.count("duplicate_fragment")
            return None
        slot.parts[number] = piece
        if total:
            slot.total = total
        if not slot.total or None in slot.parts[: slot.total]:
            return None
        packet = bytearray()
        for part in slot.parts[: slot.total]:
            packet.extend(part or b"")
        slot.id = b""
        slot.clear()
        if len(packet) > MAX_PACKET:
            self._counters.count("oversized_packet")
            return None
        return packet

    def _find(self, packet_id: bytes, now: int) -> _Slot:
        for slot in self._slots:
            if slot.id == packet_id and now - slot.since < QUEUE_TIMEOUT:
                return slot
        slot = self._slots[self._next]
        self._next = (self._next + 1) % len(self._slots)
        if slot.id:
            self._counters.count("reassembly_incomplete")
        slot.clear()
        slot.id = packet_id
        slot.since = now
        return slot
