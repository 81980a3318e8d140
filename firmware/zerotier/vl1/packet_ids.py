"""Packet ids that never repeat, also after a reboot or the restore of an old backup.

Owns the number in the store under `packet_epoch`. A repeated (id, destination, flags, length) under the static
key of two nodes would repeat keystream and one-time MAC keys (protocol/11 §11.10), so the rule is absolute:

    id = mix(epoch (24 bits, stored, +1 at each start) | random of this start (16 bits) | counter (24 bits))

The epoch keeps starts apart, the random part keeps a device apart from the backup it was restored from, and
`mix` is a bijection of 64 bits that spreads the counter over the whole id.
"""

from os import urandom

from ..const import const

KEY = "packet_epoch"
_EPOCH_BITS = const(24)
_COUNTER_BITS = const(24)
_ODD = 0x9E3779B97F4A7C15  # any odd number makes a bijection of 64 bits
_MASK64 = 0xFFFFFFFFFFFFFFFF


class PacketIds:
    """Source of packet ids. One flash write at the start and one per 16 million packets."""

    def __init__(self, store) -> None:
        self._store = store
        stored = store.get(KEY)
        if stored and len(stored) == 3:
            self._epoch = int.from_bytes(stored, "big")
        else:
            self._epoch = int.from_bytes(urandom(3), "big")
        self._next_epoch()

    def _next_epoch(self) -> None:
        self._base = int.from_bytes(self.reserve(), "big") << _COUNTER_BITS
        self._counter = 0

    def reserve(self) -> bytes:
        """Give an epoch away: the upper 5 bytes of 16 million ids, before `mix`, that are never made here."""
        self._epoch = (self._epoch + 1) & ((1 << _EPOCH_BITS) - 1)
        self._store.put(KEY, self._epoch.to_bytes(3, "big"))
        return self._epoch.to_bytes(3, "big") + urandom(2)

    def next(self) -> bytes:
        """The next id, 8 bytes."""
        if self._counter >> _COUNTER_BITS:
            self._next_epoch()
        unique = self._base | self._counter
        self._counter += 1
        return ((unique * _ODD) & _MASK64).to_bytes(8, "big")
