"""Multicast of one network: every copy of a frame is a packet of its own, to a known listener.

Owns gathering of listeners and the sending of copies (protocol/07 §7.3, §7.5). Never replicates
for others.
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire import messages
from ..wire.bounds import u16_bytes
from ..wire.config import FLAG_BROADCAST
from ..wire.verbs import VERB_MULTICAST_FRAME, VERB_MULTICAST_GATHER
from . import ethernet
from .group import Group, Waiting, choose

_GATHER_INTERVAL = const(60000)  # while somebody is known to listen
_GATHER_RETRY = const(1000)  # while nobody is
_ANSWERED_WITHIN = const(5000)  # a gather that is older brings no more listeners
_ANSWER_MEMBERS = const(64)  # addresses in an answer of ours, well within one datagram
_WHOIS_INTERVAL = const(1000)  # some listeners left without a word, and nobody knows them
_LOOK_AGAIN = const(100)  # while a listener's identity is being asked for
_MULTICAST_PAYLOAD = const(9875)  # bytes that seven datagrams carry besides the fields before them


class Multicast:
    """The groups that we send to, or heard of."""

    def __init__(self, network, transport: Transport) -> None:  # type: ignore[no-untyped-def]
        self._network = network
        self._transport = transport
        self._limits = transport.limits
        self._room: int = (
            transport.limits.queue // 4
        )  # each takes two places: credentials go first
        self._groups: dict[tuple[bytes, int], Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    # --- outbound ---

    def transmit(self, frame: memoryview, now: int) -> None:
        """Send a frame whose destination is a group or everybody."""
        config = self._network.config
        counters = self._transport.counters
        if self._network.multicast_limit == 0:
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
        if not self._network.rules.leaves_for_many(frame, now):
            return
        self._send(self._group(mac, adi, now), ethertype, payload, now)

    def _send(self, group: Group, ethertype: int, payload: memoryview, now: int) -> None:
        group.last_used = now
        group.expire(now)
        limit = min(self._network.multicast_limit, self._limits.group_members)
        listeners = group.listeners(now)
        missing = max(0, limit - len(listeners))
        if missing:
            self._gather(group, missing + 1, not listeners, now)
        frame = Waiting(ethertype, payload, limit, missing + 1, now)
        unknown = self._copies(group, frame, choose(listeners, limit), self._room, now)
        asked = missing > 0 and now - group.last_gather < _ANSWERED_WITHIN
        if unknown or asked or not listeners:
            frame.payload = bytes(payload)  # the port lent it only for now
            if not group.keep(frame, self._limits.multicast_queue):
                self._transport.counters.count("multicast_queue_overflow")
            self._transport.wake_at = min(self._transport.wake_at, now + _LOOK_AGAIN)

    def _copies(self, group: Group, frame: Waiting, to: list[bytes], room: int, now: int) -> bool:
        """One MULTICAST_FRAME to each; True if the frame must wait for some who are not known yet.

        `room`: how many of the unknown may wait in the transport's queue, which is quicker.
        """
        network = self._network
        packed = messages.encode_multicast_frame(
            network.nwid,
            0,
            frame.wanted,
            None,
            group.mac,
            group.adi,
            frame.ethertype,
            bytes(frame.payload),
        )
        original = None
        if not network.rules.accept_all:
            head = group.mac + network.mac + u16_bytes(frame.ethertype)
            original = memoryview(head + bytes(frame.payload))
        waits = False
        asks = now - group.last_whois >= _WHOIS_INTERVAL
        for address in to:
            if frame.copies <= 0:
                break
            if self._transport.topology.get(address) is None:
                if room <= 0:
                    waits = True
                    if asks:
                        group.last_whois = now
                        self._transport.whois(address, now)
                    continue
                room -= 1
            frame.sent.add(address)
            member = network.members.make(address, now)
            if original is not None and not network.rules.leaves_for_each(member, original, now):
                continue
            frame.copies -= 1
            network.credentials.before_frame(member, now)
            self._transport.send(address, VERB_MULTICAST_FRAME, (packed,), now)
        return waits

    def _flush(self, group: Group, room: int, now: int) -> bool:
        """Send what waits to those who have become known; True if somebody still is not."""
        group.expire(now)
        waits = False
        for frame in group.waiting:
            others = [other for other in group.listeners(now) if other not in frame.sent]
            if others and self._copies(group, frame, others, room, now):
                waits = True
        return waits

    def _gather(self, group: Group, wanted: int, nobody: bool, now: int) -> None:
        """Ask those who keep lists, unless that was done lately."""
        if now - group.last_gather < (_GATHER_RETRY if nobody else _GATHER_INTERVAL):
            return
        network = self._network
        sources = network.gather_sources(now)
        if sources:  # none while no root has answered: `tick` asks as soon as one has
            group.last_gather = now
        payload = messages.encode_multicast_gather(network.nwid, group.mac, group.adi, wanted)
        for address in sources:
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
        group = self._group(mac, adi, now)
        if group.add(address, self._limits.group_members, now) and group.waiting:
            self._flush(group, self._room, now)

    def gathered(self, answer: messages.Gathered, now: int) -> None:
        """Listeners of a group that we asked for."""
        group = self._groups.get((answer.mac, answer.adi))
        if group is None:
            self._transport.counters.count("gather_unasked")
            return
        for address in answer.members[: self._limits.group_members]:
            if address != self._transport.address:
                group.add(address, self._limits.group_members, now)
        self._flush(group, self._room, now)

    def unwanted(self, address: bytes, mac: bytes, adi: int) -> None:
        """A member said that it does not listen (ERROR UNWANTED_MULTICAST)."""
        group = self._groups.get((mac, adi))
        if group is not None:
            group.remove(address)

    def answer(self, request: messages.Gather, asker: bytes, now: int) -> bytes | None:
        """The body of OK(MULTICAST_GATHER), None if there is nothing to tell (03 §3.16)."""
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

    def tick(self, now: int) -> int:
        """Send what waits for listeners that became known; when to look again."""
        deadline = now + _ANSWERED_WITHIN
        for group in self._groups.values():
            if not group.waiting:
                continue
            if self._flush(group, 0, now):
                deadline = now + _LOOK_AGAIN
            elif group.waiting and not group.listeners(now):
                # Who joined a moment ago may announce itself seconds later.
                self._gather(group, group.waiting[0].wanted, True, now)
                again = max(group.last_gather + _GATHER_RETRY, now + _LOOK_AGAIN)
                deadline = min(deadline, again)
        return deadline
