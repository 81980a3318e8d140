"""Tells members which credentials of others are void (protocol/08 §8.5).

Owns who has been told what, and the pace. Never decides what is void.

Each member is told all that is void and could still count: at once if it listens, else when it asks again.
"""

from .const import const
from .controller_config import Issuer
from .vl1.transport import Transport
from .wire.credentials import CREDENTIAL_MEMBERSHIP, encode_credentials
from .wire.verbs import VERB_NETWORK_CREDENTIALS

_INTERVAL = const(1050)  # ms; members take one such packet a second (protocol/03 §3.13)
_PER_PACKET = const(60)  # of 152 bytes each
_PER_MEMBER = const(8)  # that are remembered, on average
_AT_ONCE = const(64)  # packets, then others want to be served


class _Notice:
    def __init__(self, target: bytes, kind: int, id: int, threshold: int) -> None:
        self.target = target
        self.kind = kind
        self.id = id
        self.threshold = threshold
        self.encoded = b""  # signed when it is first needed


class _Board:
    """What is void in one network, and how much of it each member has read.

    Memberships have a list of their own: they are told before everything else.
    """

    def __init__(self) -> None:
        self.lists: tuple[list[_Notice], list[_Notice]] = ([], [])  # memberships, others
        self.readers: dict[bytes, list[int]] = {}  # address -> how much of each list

    def unread(self, address: bytes) -> bool:
        read = self.readers.get(address)
        if read is None:
            return False
        return read[0] < len(self.lists[0]) or read[1] < len(self.lists[1])

    def prune(self, before: int) -> None:
        """Forget what was void before that time."""
        for which in (0, 1):
            notices = self.lists[which]
            gone = 0
            while gone < len(notices) and notices[gone].threshold < before:
                gone += 1
            if gone:
                del notices[:gone]
                for read in self.readers.values():
                    read[which] = max(0, read[which] - gone)


class Revoker:
    """Notices of all networks, and their readers."""

    def __init__(self, transport: Transport, issuer: Issuer) -> None:
        self._transport = transport
        self._issuer = issuer
        self._count = transport.counters.count
        self._boards: dict[bytes, _Board] = {}  # by nwid
        self._ready: dict[bytes, bool] = {}  # who can be told something now
        self._told: list[tuple[int, bytes]] = []  # (when it can be told more, who), in that order
        self._rests: dict[bytes, bool] = {}  # who is in that list
        self._bound = _PER_MEMBER * transport.limits.members

    def hear(self, nwid: bytes, address: bytes) -> None:
        """This member of a network listens: it is told what it does not know yet."""
        board = self._board(nwid)
        if address not in board.readers:
            board.readers[address] = [0, 0]
        self._wake(board, address)

    def forget(self, nwid: bytes, address: bytes) -> None:
        """It does not listen any more. When it does again, it begins at the beginning."""
        if nwid in self._boards:
            self._boards[nwid].readers.pop(address, None)

    def keep(self, listeners) -> None:
        """Forget whoever is not among these (nwid, address)."""
        for nwid, board in self._boards.items():
            for address in list(board.readers):
                if (nwid, address) not in listeners:
                    del board.readers[address]

    def close(self, nwid: bytes) -> None:
        """Nobody listens on this network any more."""
        self._boards.pop(nwid, None)

    def add(self, nwid: bytes, void: list[tuple[bytes, int, int, int]]) -> None:
        """(target, CREDENTIAL_*, id, threshold): worthless as far as they were issued up to then."""
        board = self._board(nwid)
        memberships, others = board.lists
        left_out = 0
        outcasts: dict[bytes, int] = {}
        for target, kind, id, threshold in void:
            if kind == CREDENTIAL_MEMBERSHIP:
                memberships.append(_Notice(target, kind, id, threshold))
                outcasts[target] = threshold
            elif len(others) < self._bound:
                others.append(_Notice(target, kind, id, threshold))
            else:
                left_out += 1
        if left_out:
            self._count("controller_revocation_left_out", left_out)
        for notice in others if outcasts else ():
            # Told after the membership, an earlier threshold would bring that back (protocol/06 §6.9).
            threshold = outcasts.get(notice.target, 0)
            if notice.threshold < threshold:
                notice.threshold = threshold
                notice.encoded = b""
        for address in board.readers:
            self._wake(board, address)

    def prune(self, nwid: bytes, before: int) -> None:
        """What was void before that time counts nowhere any more."""
        if nwid in self._boards:
            self._boards[nwid].prune(before)

    def tick(self, now: int) -> int | None:
        """Tell some of it; when to call again, None if there is nothing to tell."""
        while self._told and self._told[0][0] <= now:
            address = self._told.pop(0)[1]
            del self._rests[address]
            for board in self._boards.values():
                self._wake(board, address)
        for address in list(self._ready)[:_AT_ONCE]:
            del self._ready[address]
            self._tell(address, now)
        if self._ready:
            return now + 1
        return self._told[0][0] if self._told else None

    def _board(self, nwid: bytes) -> _Board:
        board = self._boards.get(nwid)
        if board is None:
            board = self._boards[nwid] = _Board()
        return board

    def _wake(self, board: _Board, address: bytes) -> None:
        if address not in self._rests and board.unread(address):
            self._ready[address] = True

    def _tell(self, address: bytes, now: int) -> None:
        """One packet, whatever number of networks it is about.

        Nobody is told what it lost itself: it would pass it on to others, who for a second after that
        would take nothing else from it, not even what it still has.
        """
        chosen: list[bytes] = []
        for which in (0, 1):
            for nwid, board in self._boards.items():
                read = board.readers.get(address)
                notices = board.lists[which]
                while read is not None and read[which] < len(notices):
                    if len(chosen) == _PER_PACKET:
                        break
                    notice = notices[read[which]]
                    read[which] += 1
                    if notice.target != address:
                        chosen.append(self._signed(nwid, notice))
        if chosen:
            payload = encode_credentials(revocations=chosen)
            self._transport.send(address, VERB_NETWORK_CREDENTIALS, (payload,), now)
            self._rests[address] = True
            self._told.append((now + _INTERVAL, address))

    def _signed(self, nwid: bytes, notice: _Notice) -> bytes:
        if not notice.encoded:
            notice.encoded = self._issuer.revocation(
                nwid, notice.kind, notice.id, notice.target, notice.threshold
            ).encode()
        return notice.encoded
