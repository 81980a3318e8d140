"""Tells members which credentials of others are void (protocol/08 §8.5).

Owns what is still to be told, and the pace. Never decides what is to be revoked.
"""

from .const import const
from .controller_config import Issuer
from .vl1.transport import Transport
from .wire.credentials import CREDENTIAL_MEMBERSHIP, encode_credentials
from .wire.verbs import VERB_NETWORK_CREDENTIALS

_INTERVAL = const(1050)  # ms; members take one such packet a second (protocol/03 §3.13)
_PER_PACKET = const(60)  # of 152 bytes each
_PER_MEMBER = const(8)  # that wait, on average


class Revoker:
    """Waiting revocations of all networks; memberships go before everything else."""

    def __init__(self, transport: Transport, issuer: Issuer) -> None:
        self._transport = transport
        self._issuer = issuer
        self._count = transport.counters.count
        self._waiting: dict[bytes, list[tuple[bytes, int, int, int]]] = {}  # by nwid
        self._next = 0
        self._bound = _PER_MEMBER * transport.limits.members

    def add(self, nwid: bytes, lost: list[tuple[bytes, int, int]], now: int) -> None:
        """Revoke (member, CREDENTIAL_*, id) as they were issued up to now."""
        waiting = self._waiting.setdefault(nwid, [])
        memberships = [item + (now,) for item in lost if item[1] == CREDENTIAL_MEMBERSHIP]
        others = [item + (now,) for item in lost if item[1] != CREDENTIAL_MEMBERSHIP]
        room = max(0, self._bound - len(waiting))
        if len(others) > room:
            self._count("controller_revocation_left_out", len(others) - room)
        self._waiting[nwid] = memberships + waiting + others[:room]

    def tick(self, listeners, now: int) -> int | None:
        """Tell some of it if it is time; when to call again, None if there is nothing to tell.

        `listeners(now)`: address -> ids of the networks on which it is worth telling it something.
        """
        if not self._waiting:
            return None
        if now >= self._next:
            self._next = now + _INTERVAL
            self._tell(self._take(), listeners(now), now)
        return self._next if self._waiting else None

    def _take(self) -> dict[bytes, list[tuple[bytes, bytes]]]:
        """The next of each network, signed: nwid -> (whom it is about, revocation)."""
        batch = {}
        for nwid in list(self._waiting):
            waiting = self._waiting[nwid]
            batch[nwid] = [
                (target, self._issuer.revocation(nwid, kind, id, target, threshold).encode())
                for target, kind, id, threshold in waiting[:_PER_PACKET]
            ]
            self._count("controller_revocation_sent", len(batch[nwid]))
            if len(waiting) > _PER_PACKET:
                self._waiting[nwid] = waiting[_PER_PACKET:]
            else:
                del self._waiting[nwid]
        return batch

    def _tell(
        self, batch: dict[bytes, list[tuple[bytes, bytes]]], listeners: dict, now: int
    ) -> None:
        """One packet to each member, whatever number of networks it is about.

        Nobody is told what it lost itself: it would pass it on to others, who for a second after that
        would take nothing else from it, not even what it still has.
        """
        for address, nwids in listeners.items():
            chosen = []
            for nwid in nwids:
                chosen += [made for target, made in batch.get(nwid, ()) if target != address]
            for start in range(0, len(chosen), _PER_PACKET):
                payload = encode_credentials(revocations=chosen[start : start + _PER_PACKET])
                self._transport.send(address, VERB_NETWORK_CREDENTIALS, (payload,), now)
