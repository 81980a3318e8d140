"""Multicast of one network: every copy of a frame is a packet of its own, to a known listener.

Owns gathering of listeners and the sending of copies (protocol/07 §7.3, §7.5). Never replicates for
others.
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire import messages
from ..wire.config import FLAG_BROADCAST
from ..wire.verbs import VERB_MULTICAST_FRAME, VERB_MULTICAST_GATHER
from . import ethernet
from .group import Group, Waiting, choose

_GATHER_INTERVAL = const(60000)  # while somebody is known to listen
_GATHER_RETRY = const(1000)  # while nobody is
_ANSWERED_WITHIN = const(5000)  # a gather that is older brings no more listeners
_ANSWER_MEMBERS = const(64)  # addresses in an answer of ours, well within one datagram
_MULTICAST_PAYLOAD = const(9965)  # bytes that fit a packet beside the fields before them


class Multicast:
    """The groups that we send to, or heard of."""

    def __init__(self, network, transport: Transport) -> None:
        self._network = network
        self._transport = transport
        self._limits = transport.limits
        self._groups: dict[tuple[bytes, int], Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    # --- outbound ---

    def transmit(self, frame: memoryview, now: int) -> None:
        """Send a frame whose destination is a group or everybody."""
        config = self._network.config
        counters = self._transport.counters
        if config.multicast_limit == 0:
            counters.count("multicast_disabled")
            return
        if len(frame) > ethernet.HEADER + _MULTICAST_PAYLOAD:
            counters.count("frame_too_big")
            return
        mac = bytes(frame[: ethernet.SOURCE])
        ethertype = frame[ethernet.ETHERTYPE] << 8 | frame[ethernet.ETHERTYPE + 1]
        payload = frame[ethernet.HEADER :]
        adi = 0
        if mac == ethernet.BROADCAST:
            target = ethernet.arp_target(ethertype, payload)
            if target is not None:
                adi = target
            elif not config.flags & FLAG_BROADCAST:
                counters.count("broadcast_disabled")
                return
        self._send(self._group(mac, adi, now), ethertype, payload, now)

    def _send(self, group: Group, ethertype: int, payload: memoryview, now: int) -> None:
        group.last_used = now
        group.expire(now)
        limit = min(self._network.config.multicast_limit, self._limits.group_members)
        listeners = group.listeners(now)
        missing = limit - len(listeners)
        if missing <= 0:
            self._copies(group, ethertype, payload, choose(listeners, limit), 1, now)
            return
        self._gather(group, missing + 1, not listeners, now)
        self._copies(group, ethertype, payload, listeners, missing + 1, now)
        if now - group.last_gather < _ANSWERED_WITHIN:
            waiting = Waiting(ethertype, bytes(payload), missing, now)
            waiting.sent.update(listeners)
            if not group.keep(waiting, self._limits.multicast_queue):
                self._transport.counters.count("multicast_queue_overflow")

    def _copies(
        self,
        group: Group,
        ethertype: int,
        payload: bytes | memoryview,
        to: list,
        wanted: int,
        now: int,
    ) -> None:
        """One MULTICAST_FRAME to each; `wanted`: listeners that a receiver may tell us of."""
        if not to:
            return
        network = self._network
        packed = messages.encode_multicast_frame(
            network.nwid, 0, wanted, None, group.mac, group.adi, ethertype, bytes(payload)
        )
        for address in to:
            network.credentials.before_frame(network.members.make(address, now), now)
            self._transport.send(address, VERB_MULTICAST_FRAME, (packed,), now)

    def _gather(self, group: Group, wanted: int, nobody: bool, now: int) -> None:
        """Ask those who keep lists, unless that was done lately."""
        if now - group.last_gather < (_GATHER_RETRY if nobody else _GATHER_INTERVAL):
            return
        group.last_gather = now
        network = self._network
        payload = messages.encode_multicast_gather(network.nwid, group.mac, group.adi, wanted)
        for address in network.gather_sources(now):
            self._transport.send(address, VERB_MULTICAST_GATHER, (payload,), now)

    def _group(self, mac: bytes, adi: int, now: int) -> Group:
        group = self._groups.get((mac, adi))
        if group is None:
            if len(self._groups) >= self._limits.groups:
                self._evict()
            group = Group(mac, adi)
            self._groups[(mac, adi)] = group
        return group

    def _evict(self) -> None:
        oldest = None
        for group in self._groups.values():
            if oldest is None or group.last_used < oldest.last_used:
                oldest = group
        if oldest is not None:
            del self._groups[(oldest.mac, oldest.adi)]
            self._transport.counters.count("group_evicted")

    # --- what others tell ---

    def liked(self, address: bytes, mac: bytes, adi: int, now: int) -> None:
        """A member said that it listens. What others say never pushes out a group that we use."""
        if (mac, adi) not in self._groups and len(self._groups) >= self._limits.groups:
            self._transport.counters.count("groups_full")
            return
        self._learn(self._group(mac, adi, now), address, now)

    def gathered(self, answer: messages.Gathered, now: int) -> None:
        """Listeners of a group that we asked for."""
        group = self._groups.get((answer.mac, answer.adi))
        if group is None:
            self._transport.counters.count("gather_unasked")
            return
        for address in answer.members[: self._limits.group_members]:
            if address != self._transport.address:
                self._learn(group, address, now)

    def unwanted(self, address: bytes, mac: bytes, adi: int) -> None:
        """A member said that it does not listen (ERROR UNWANTED_MULTICAST)."""
        group = self._groups.get((mac, adi))
        if group is not None:
            group.remove(address)

    def _learn(self, group: Group, address: bytes, now: int) -> None:
        if not group.add(address, self._limits.group_members, now) or not group.waiting:
            return
        group.expire(now)
        for waiting in group.waiting:
            if waiting.copies > 0 and address not in waiting.sent:
                waiting.copies -= 1
                waiting.sent.add(address)
                self._copies(group, waiting.ethertype, waiting.payload, [address], 1, now)

    def answer(self, request: messages.Gather, asker: bytes, now: int) -> bytes | None:
        """The body of OK(MULTICAST_GATHER), None if there is nothing to tell (protocol/03 §3.16)."""
        known: list[bytes] = []
        if self._network.subscriptions.includes(request.mac, request.adi):
            known.append(self._transport.address)
        group = self._groups.get((request.mac, request.adi))
        if group is not None:
            known += group.listeners(now)
        others = [address for address in known if address != asker]
        if not others or request.limit == 0:
            return None
        told = choose(others, min(request.limit, _ANSWER_MEMBERS))
        return messages.encode_ok_gather(request.nwid, request.mac, request.adi, len(known), told)

    def tick(self, now: int) -> None:
        """Give the memory of frames that waited in vain back."""
        for group in self._groups.values():
            group.expire(now)
