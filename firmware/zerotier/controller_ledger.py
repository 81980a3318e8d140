"""What the members of one network were given last, and what of it is void: kept over restarts.

Owns the file `controller.d/issued/<nwid>.json`, a line of JSON for each event. Never decides what is void.

A line is written before the member gets a config, and before others are told that something is void. So
whenever a controller is killed, its successor finds what the records, which may have changed in the
meantime, no longer allow (protocol/08 §8.5).
"""

import json

from .const import const
from .controller_grants import NOTHING
from .controller_records import MAX_WINDOW
from .counters import Counters
from .store import FileStore
from .wire.address import address_from_text

_FOLDER = "controller.d/issued/"
_SPARE = const(64)  # lines that may be out of date before the file is written anew


class Ledger:
    """`given`: address -> grants (controller_grants.py). `void`: (target, kind, id) -> threshold, ms.

    Read from the store at once; what cannot be read is as if it had never been. A store that cannot
    be written is counted, and costs the memory of it.
    """

    def __init__(self, store: FileStore, nwid: bytes, counters: Counters, now: int) -> None:
        self.given: dict[bytes, str] = {}
        self.void: dict[tuple[bytes, int, int], int] = {}
        self._store = store
        self._key = f"{_FOLDER}{nwid.hex()}.json"
        self._count = counters.count
        self._latest: dict[bytes, int] = {}  # target -> highest threshold
        self._load(now)

    def issue_from(self, address: bytes) -> int:
        """The earliest time that a credential of this member may bear, or it would be void at once."""
        return self._latest.get(address, -1) + 1

    def note(self, address: bytes, grants: str) -> None:
        """A member is about to get a config with these."""
        if self.given.get(address) != grants:
            self.given[address] = grants
            self._append(_line(address, grants))

    def withdraw(
        self, address: bytes, kept: str, lost: list[tuple[int, int]], threshold: int
    ) -> None:
        """A member has only `kept` left of what it was given; the (kind, id) in `lost` are void up to a time."""
        if kept == NOTHING:
            self.given.pop(address, None)
        else:
            self.given[address] = kept
        self._revoked(address, lost, threshold)
        self._append(_line(address, kept, lost, threshold))

    def _revoked(self, address: bytes, lost: list, threshold: int) -> None:
        for kind, id in lost:
            self.void[(address, kind, id)] = threshold
            self._latest[address] = max(self._latest.get(address, 0), threshold)

    def _load(self, now: int) -> None:
        lines = (self._store.get(self._key) or b"").split(b"\n")
        for line in lines[:-1]:  # behind the last LF is nothing, or a line that was cut off
            try:
                text, kept, lost, threshold = json.loads(line.decode())
                address = address_from_text(text)
                if kept:
                    self.given[address] = json.dumps(kept)
                else:
                    self.given.pop(address, None)
                self._revoked(address, lost, threshold)
            except (ValueError, TypeError):
                self._count("controller_damaged_ledger")
        for key in list(self.void):
            if self.void[key] + MAX_WINDOW < now:  # nothing from before that counts anywhere
                del self.void[key]
        if lines[-1] or len(lines) > len(self.given) + len(self.void) + _SPARE:
            self._rewrite()

    def _rewrite(self) -> None:
        """One line for each member and each void credential."""
        lines = [
            _line(address, NOTHING, [(kind, id)], threshold)
            for (address, kind, id), threshold in self.void.items()
        ]
        lines += [_line(address, grants) for address, grants in self.given.items()]
        try:
            self._store.put(self._key, "".join(lines).encode())
        except OSError:
            self._count("controller_unwritable_ledger")

    def _append(self, line: str) -> None:
        try:
            self._store.append(self._key, line.encode())
        except OSError:
            self._count("controller_unwritable_ledger")


def _line(
    address: bytes, grants: str, lost: list[tuple[int, int]] | tuple = (), threshold: int = 0
) -> str:
    return '["%s", %s, %s, %d]\n' % (address.hex(), grants, json.dumps(list(lost)), threshold)
