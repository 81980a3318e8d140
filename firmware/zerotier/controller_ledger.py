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
from .wire.credentials import CREDENTIAL_OWNERSHIP

_FOLDER = "controller.d/issued/"
_SPARE = const(64)  # lines that may be out of date before the file is written anew


class Ledger:
    """`given`: address -> grants (controller_grants.py). `void`: (target, kind, id) -> threshold, ms.

    Read from the store at once; what cannot be read is as if it had never been. A store that cannot
    be written is counted; once it can be again, all of it is.
    """

    def __init__(self, store: FileStore, nwid: bytes, counters: Counters, now: int) -> None:
        self.given: dict[bytes, str] = {}
        self.void: dict[tuple[bytes, int, int], int] = {}
        self._store = store
        self._key = f"{_FOLDER}{nwid.hex()}.json"
        self._count = counters.count
        self._latest: dict[bytes, int] = {}  # target -> highest threshold
        self._lines = 0  # in the file
        self._is_behind = False  # the file: a line could not be written, or only its beginning
        self._now = now
        self._load()

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
        self._now = threshold
        self._append(_line(address, kept, lost, threshold))

    def _revoked(self, address: bytes, lost: list, threshold: int) -> None:
        for kind, id in lost:
            self.void[(address, kind, id)] = threshold
            self._latest[address] = max(self._latest.get(address, 0), threshold)

    def _load(self) -> None:
        lines = (self._store.get(self._key) or b"").split(b"\n")
        for line in lines[:-1]:  # behind the last LF is nothing, or a line that was cut off
            try:
                address, kept, lost, threshold = _parse(line)
            except (ValueError, TypeError):
                self._count("controller_damaged_ledger")
                continue
            if kept:
                self.given[address] = json.dumps(kept)
            else:
                self.given.pop(address, None)
            self._revoked(address, lost, threshold)
        self._forget()
        self._lines = len(lines) - 1
        if lines[-1] or self._lines > len(self.given) + len(self.void) + _SPARE:
            self._rewrite()

    def _forget(self) -> None:
        """What is void for longer than any window counts nowhere any more."""
        for key in list(self.void):
            if self.void[key] + MAX_WINDOW < self._now:
                del self.void[key]

    def _limit(self) -> int:
        """How many lines the file of a running controller may have."""
        return 2 * (len(self.given) + len(self.void)) + _SPARE

    def _rewrite(self) -> None:
        """One line for each member and each void credential."""
        self._forget()
        lines = [
            _line(address, NOTHING, [(kind, id)], threshold)
            for (address, kind, id), threshold in self.void.items()
        ]
        lines += [_line(address, grants) for address, grants in self.given.items()]
        try:
            self._store.put(self._key, "".join(lines).encode())
            self._lines = len(lines)
            self._is_behind = False
        except OSError:
            self._is_behind = True
            self._count("controller_unwritable_ledger")

    def _append(self, line: str) -> None:
        """Keep one more line, which says what `given` and `void` say already."""
        if self._is_behind or self._lines >= self._limit():
            self._rewrite()
            return
        try:
            self._store.append(self._key, line.encode())
            self._lines += 1
        except OSError:
            self._is_behind = True
            self._count("controller_unwritable_ledger")


def _line(
    address: bytes, grants: str, lost: list[tuple[int, int]] | tuple = (), threshold: int = 0
) -> str:
    return '["%s", %s, %s, %d]\n' % (address.hex(), grants, json.dumps(list(lost)), threshold)


def _parse(line: bytes) -> tuple[bytes, list, list, int]:
    """What `_line` was made of. ValueError or TypeError if it is none."""
    text, kept, lost, threshold = json.loads(line.decode())
    numbers = [threshold]
    for kind, id, content in kept:
        numbers += [kind, id]
        if kind == CREDENTIAL_OWNERSHIP and not isinstance(content, list):
            raise ValueError("addresses are a list")
    for kind, id in lost:
        numbers += [kind, id]
    if not all(isinstance(number, int) for number in numbers):
        raise ValueError("kinds, ids and times are numbers")
    return address_from_text(text), kept, lost, threshold
