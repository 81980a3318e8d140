"""The multicast database of roots and controllers: who listens to which group (protocol/09 §9.1, 08 §8.1).

Owns the table of subscriptions. Whom it serves is decided by functions that a role adds; packets of anybody else
go to the handlers that were registered before (a member's own).
"""

from os import urandom

from .const import const
from .vl1.outcome import RECEIVED
from .wire import messages
from .wire.verbs import VERB_MULTICAST_GATHER, VERB_MULTICAST_LIKE

_LIFE = const(600000)  # ms after the last LIKE
_ANSWER_MEMBERS = const(256)  # keeps the answer within one datagram
_MAX_GROUPS = const(65536)
_MAX_GROUPS_EACH = const(1024)  # of one node


class GroupDatabase:
    """Subscriptions by (network, MAC, ADI)."""

    def __init__(self, transport) -> None:
        self._transport = transport
        self._groups: dict[tuple, dict[bytes, int]] = {}
        self._counts: dict[bytes, int] = {}  # subscriptions of each node
        self._deciders: list = []  # (address, nwid, now) -> bool
        self._next_like = transport.verbs.get(VERB_MULTICAST_LIKE)
        self._next_gather = transport.verbs.get(VERB_MULTICAST_GATHER)
        transport.verbs[VERB_MULTICAST_LIKE] = self.receive_like
        transport.verbs[VERB_MULTICAST_GATHER] = self.receive_gather

    def serve(self, decider) -> None:
        """Add a rule: `decider(address, nwid, now)` is True if that node is served for that network."""
        self._deciders.append(decider)

    def _serves(self, address: bytes, nwid: bytes, now: int) -> bool:
        for decider in self._deciders:
            if decider(address, nwid, now):
                return True
        return False

    def receive_like(self, peer, packet, now: int) -> int:
        """Remember the groups for ten minutes (protocol/03 §3.12)."""
        for nwid, mac, adi in messages.parse_multicast_like(packet.payload):
            if self._serves(peer.address, nwid, now):
                self._subscribe((nwid, mac, adi), peer.address, now)
        if self._next_like is not None:
            return self._next_like(peer, packet, now)
        return RECEIVED

    def _subscribe(self, group: tuple, address: bytes, now: int) -> None:
        members = self._groups.get(group)
        if members is None or address not in members:
            count = self._counts.get(address, 0)
            if len(self._groups) >= _MAX_GROUPS or count >= _MAX_GROUPS_EACH:
                self._transport.counters.count("groups_full")
                return
            self._counts[address] = count + 1
            if members is None:
                members = self._groups[group] = {}
        members[address] = now + _LIFE

    def receive_gather(self, peer, packet, now: int) -> int:
        """Answer with members of the group, never the asker (protocol/03 §3.16)."""
        request = messages.parse_multicast_gather(packet.payload)
        if not self._serves(peer.address, request.nwid, now):
            if self._next_gather is not None:
                return self._next_gather(peer, packet, now)
            return RECEIVED
        members = self._groups.get((request.nwid, request.mac, request.adi), {})
        listening = [address for address, until in members.items() if until > now]
        others = [address for address in listening if address != peer.address]
        limit = min(request.limit, _ANSWER_MEMBERS)
        if others and limit:
            if len(others) > limit:
                start = int.from_bytes(urandom(2), "big") % len(others)
                others = (others[start:] + others[:start])[:limit]
            body = messages.encode_ok_gather(
                request.nwid, request.mac, request.adi, len(listening), others
            )
            self._transport.send_ok(peer, packet, (body,), now)
        return RECEIVED

    def forget_expired(self, now: int) -> None:
        for group in list(self._groups):
            members = self._groups[group]
            for address in [a for a, until in members.items() if until <= now]:
                del members[address]
                self._counts[address] -= 1
                if not self._counts[address]:
                    del self._counts[address]
            if not members:
                del self._groups[group]
