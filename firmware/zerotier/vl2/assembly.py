"""A network's configuration, put together from the chunks in which the controller sends it.

Owns the bounds and the proof that no byte is missing (protocol/06 §6.5). Never verifies signatures
and never reads the dictionary.
"""

from ..const import const

_UPDATES = const(2)  # the controller often answers twice, with two update ids (protocol/08 §8.4)


class Assembly:
    """Chunks of at most two updates of one network, the newest two."""

    def __init__(self, max_bytes: int, max_chunks: int) -> None:
        self._max_bytes = max_bytes
        self._max_chunks = max_chunks
        self._updates: list[_Update] = []

    def add(
        self, update_id: bytes, total: int, index: int, piece: bytes | memoryview
    ) -> bytes | None:
        """Take a chunk; the whole dictionary if this one completed it, else None.

        `total` and `index` are bytes. Raises ValueError for a chunk that contradicts its update,
        and for a configuration that is larger than the limit.
        """
        if total > self._max_bytes:
            raise ValueError("the configuration is larger than this node accepts")
        end = index + len(piece)
        if len(piece) == 0 or end > total:
            raise ValueError("a configuration chunk lies outside of its configuration")
        if len(piece) == total:
            return bytes(piece)
        update = self._update(update_id, total)
        if not update.add(index, end, piece, self._max_chunks):
            return None
        self._updates.remove(update)
        return bytes(update.buffer)

    def clear(self) -> None:
        """Give the memory of incomplete updates back."""
        self._updates.clear()

    def _update(self, update_id: bytes, total: int) -> "_Update":
        for update in self._updates:
            if update.id == update_id:
                if len(update.buffer) != total:
                    raise ValueError("configuration chunks disagree about the total length")
                return update
        if len(self._updates) == _UPDATES:
            self._updates.pop(0)
        update = _Update(update_id, total)
        self._updates.append(update)
        return update


class _Update:
    """One configuration, partly received."""

    def __init__(self, update_id: bytes, total: int) -> None:
        self.id = update_id
        try:
            self.buffer = bytearray(total)
        except MemoryError:
            raise ValueError("the configuration does not fit into memory")  # noqa: B904
        self._missing = total
        self._pieces: list[tuple[int, int]] = []

    def add(self, start: int, end: int, piece: bytes | memoryview, max_chunks: int) -> bool:
        """True if nothing is missing any more. A chunk that came before is ignored.

        The reference only adds up lengths, so that overlapping chunks would leave holes.
        """
        for other_start, other_end in self._pieces:
            if start == other_start and end == other_end:
                return False
            if start < other_end and other_start < end:
                raise ValueError("configuration chunks overlap")
        if len(self._pieces) == max_chunks:
            raise ValueError("the configuration comes in too many chunks")
        self._pieces.append((start, end))
        self.buffer[start:end] = piece
        self._missing -= end - start
        return self._missing == 0
