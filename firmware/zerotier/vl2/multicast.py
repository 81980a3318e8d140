"""Multicast of one network: every copy of a frame is a packet of its own, to a known listener.

Owns gathering of listeners and the sending of copies (protocol/07 §7.3, §7.5), our own ones and
those that we replicate.
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire import messages
from ..wire.bounds import u16_bytes
from ..wire.config import FLAG_BROADCAST, ROLE_ANCHOR, ROLE_REPLICATOR
from ..wire.verbs import VERB_MULTICAST_FRAME, VERB_MULTICAST_GATHER
from . import ethernet
from .group import Group, Waiting, choose, key_of
from .pace import Pace

_GATHER_INTERVAL = const(60000)  # while somebody is known to listen
_GATHER_RETRY = const(1000)  # while nobody is
_ANSWERED_WITHIN = const(5000)  # a gather that is older brings no more listeners
_ANSWER_MEMBERS = const(64)  # addresses in an answer of ours, well within one datagram
_WHOIS_INTERVAL = const(1000)  # some listeners left without a word, and nobody knows them
_LOOK_AGAIN = const(100)  # while a listener's identity is being asked for
_MAX_BRIDGES = const(32)


class Multicast:
    """The groups that we send to, or heard of."""

    def __init__(self, network, transport: Transport) -> None:
        self._network = network
        self._transport = transport
        self._limits = transport.limits
        self._room: int = (
            transport.limits.queue // 4
        )  # each takes two places: credentials go first
        self._groups: dict[bytes, Group] = {}  # by their keys
        self._telling = Pace(_GATHER_INTERVAL, transport.limits.members)

    def __len__(self) -> int:
        return len(self._groups)

    # --- outbound ---

    def transmit(self, frame: memoryview, is_own: bool, now: int) -> None:
        """Send a frame whose destination is a group or everybody; `is_own`: not a bridged host's."""
        network = self._network
        count = self._transport.counters.count
        if network.multicast_limit == 0:
            count("multicast_disabled")
            return
        mac = bytes(frame[: ethernet.SOURCE])
        source = None if is_own else bytes(frame[ethernet.SOURCE : ethernet.ETHERTYPE])
        ethertype = frame[ethernet.ETHERTYPE] << 8 | frame[ethernet.ETHERTYPE + 1]
        payload = frame[ethernet.HEADER :]
        adi = 0
        if mac == ethernet.BROADCAST:
            target = ethernet.arp_target(ethertype, payload)
            if target is not None:
                adi = target
            elif not network.config.flags & FLAG_BROADCAST:
                count("broadcast_disabled")
                return
        if not is_own:
            network.subscriptions.bridged(mac, adi, now)
        if not network.rules.leaves_for_many(frame, now):
            return
        if not self._by_replicator(mac, adi, ethertype, payload, now):
            waiting = Waiting(ethertype, payload, now)
            waiting.source = source
            self._send(self._group(mac, adi, now), waiting, now)

    def replicate(
        self, frame: messages.MulticastFrame, sender: bytes, mac: bytes, now: int
    ) -> None:
        """A member asked us, a replicator, to send its frame to the whole group; `mac`: its source."""
        waiting = Waiting(frame.ethertype, bytes(frame.payload), now)
        waiting.source = mac
        waiting.sent.add(sender)
        self._send(self._group(frame.destination, frame.adi, now), waiting, now)

    def _by_replicator(
        self, mac: bytes, adi: int, ethertype: int, payload: memoryview, now: int
    ) -> bool:
        """Leave the copies to a replicator of the network, if it has one in reach."""
        network = self._network
        best = None
        if network.bridges.are_we or network.is_specialist(
            self._transport.address, ROLE_REPLICATOR
        ):
            return False
        for address in network.config.specialists_with(ROLE_REPLICATOR):
            peer = self._transport.topology.get(address)
            path = peer.best_path(now) if peer is not None else None
            if path is not None and (best is None or path.quality(now) < best[0]):
                best = (path.quality(now), address)
        if best is None:
            return False
        packed = messages.encode_multicast_frame(
            network.nwid,
            messages.MULTICAST_REPLICATE,
            0,
            network.mac,
            mac,
            adi,
            ethertype,
            bytes(payload),
        )
        network.credentials.before_frame(network.members.make(best[1], now), now)
        self._transport.send(best[1], VERB_MULTICAST_FRAME, (packed,), now)
        return True

    def _send(self, group: Group, frame: Waiting, now: int) -> None:
        group.last_used = now
        group.expire(now)
        bridges = [b for b in self._network.bridges.others if b not in frame.sent]
        listeners = [other for other in group.listeners(now) if other not in frame.sent]
        limit = min(self._network.multicast_limit, self._limits.group_members)
        missing = max(0, limit - len(listeners))
        if missing:
            self._gather(group, missing + 1, not listeners, now)
        frame.wanted = missing + 1
        payload = frame.payload
        # Bridges get it first, whoever listens behind them, and do not count (protocol/14 §14.1).
        frame.copies = len(bridges)
        unknown = self._copies(group, frame, choose(bridges, _MAX_BRIDGES), self._room, now)
        frame.copies = limit
        others = [other for other in listeners if other not in bridges]
        unknown = self._copies(group, frame, choose(others, limit), self._room, now) or unknown
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
        if not to:
            return False
        network = self._network
        packed = messages.encode_multicast_frame(
            network.nwid,
            0,
            frame.wanted,
            frame.source,
            group.mac,
            group.adi,
            frame.ethertype,
            bytes(frame.payload),
        )
        original = None
        if not network.rules.accept_all:
            head = group.mac + (frame.source or network.mac) + u16_bytes(frame.ethertype)
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
            if network.is_specialist(address, ROLE_ANCHOR | ROLE_REPLICATOR):
                network.credentials.before_frame(network.members.make(address, now), now)
            self._transport.send(address, VERB_MULTICAST_GATHER, (payload,), now)

    def _group(self, mac: bytes, adi: int, now: int) -> Group:
        group = self._groups.get(key_of(mac, adi))
        if group is None:
            if len(self._groups) >= self._limits.groups:
                self._evict()
            group = Group(mac, adi)
            self._groups[group.key] = group
        return group

    def _evict(self) -> None:
        oldest = None
        for group in self._groups.values():
            if oldest is None or group.last_used < oldest.last_used:
                oldest = group
        if oldest is not None:
            del self._groups[oldest.key]
            self._transport.counters.count("group_evicted")

    # --- what others tell ---

    def liked(self, address: bytes, mac: bytes, adi: int, now: int) -> None:
        """A member said that it listens. What others say never pushes out a group that we use."""
        if key_of(mac, adi) not in self._groups and len(self._groups) >= self._limits.groups:
            self._transport.counters.count("groups_full")
            return
        group = self._group(mac, adi, now)
        if group.add(address, self._limits.group_members, now) and group.waiting:
            self._flush(group, self._room, now)

    def gathered(self, answer: messages.Gathered, is_asked: bool, now: int) -> None:
        """Listeners of a group; `is_asked`: by a MULTICAST_GATHER of ours, which has few answers."""
        group = self._groups.get(key_of(answer.mac, answer.adi))
        if group is None:
            self._transport.counters.count("gather_unasked")
            return
        for address in answer.members[: self._limits.group_members]:
            if address != self._transport.address:
                address = self._transport.topology.shared(address)
                group.add(address, self._limits.group_members, now)
        self._flush(group, self._room if is_asked else 0, now)

    def unwanted(self, address: bytes, mac: bytes, adi: int) -> None:
        """A member said that it does not listen (ERROR UNWANTED_MULTICAST)."""
        group = self._groups.get(key_of(mac, adi))
        if group is not None:
            group.remove(address)

    def answer(self, request: messages.Gather, asker: bytes, now: int) -> bytes | None:
        """The body of OK(MULTICAST_GATHER), None if there is nothing to tell (03 §3.16)."""
        total, told = self._listeners(request.mac, request.adi, request.limit, asker, now)
        if not told:
            return None
        return messages.encode_ok_gather(request.nwid, request.mac, request.adi, total, told)

    def tell_listeners(
        self, frame: messages.MulticastFrame, sender: bytes, now: int
    ) -> bytes | None:
        """The body of OK(MULTICAST_FRAME), if its sender wants to know of more listeners."""
        mac, adi = frame.destination, frame.adi
        if key_of(mac, adi) not in self._groups or not self._telling.allows(sender, now):
            return None
        total, told = self._listeners(mac, adi, frame.gather_limit, sender, now)
        if not told:
            return None
        return messages.encode_ok_multicast_frame(frame.nwid, mac, adi, total, told)

    def _listeners(
        self, mac: bytes, adi: int, limit: int, asker: bytes, now: int
    ) -> tuple[int, list[bytes]]:
        """(how many there are, some of them); the asker does not hear of itself."""
        known: list[bytes] = []
        if self._network.subscriptions.includes(mac, adi, now):
            known.append(self._transport.address)
        group = self._groups.get(key_of(mac, adi))
        if group is not None:
            known += group.listeners(now)
        others = [address for address in known if address != asker]
        return len(known), choose(others, min(limit, _ANSWER_MEMBERS))

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
