"""Packets to and from peers: the way of every packet, from datagram to handler and back.

Owns authentication, the verb tables, routing and the two bounded queues (packets that wait for an identity or
for credentials). Never knows what a verb means: the handlers do.

    receive -> classify -> reassemble -> authenticate -> decompress -> verb table -> handler -> outcome
    send    -> peer or WHOIS and queue -> path or root -> armor -> fragments -> wire
"""

from _zerotier import armor, dearmor, lz4_decompress

from ..const import const
from ..limits import BEACON_GATE, PROBE_SILENCE, QUEUE_TIMEOUT, STALE_PATH, WHOIS_RETRY
from ..wire import messages
from ..wire.address import NIL
from ..wire.packet import (
    BEACON_SIZE,
    CIPHER_MASK,
    CIPHER_SALSA,
    COMPRESSED,
    DEFAULT_MTU,
    DESTINATION,
    FLAG_EXTENDED,
    FLAG_FRAGMENTED,
    FLAGS,
    FRAGMENT_INDICATOR,
    FRAGMENT_MARK,
    ID,
    JUNK_SIZE,
    MAX_FRAGMENTS,
    MAX_PACKET,
    MAX_PAYLOAD,
    MIN_PACKET,
    PAYLOAD,
    SOURCE,
    VERB,
    VERB_MASK,
    fragment,
    fragment_count,
    is_detour,
    write_header,
)
from ..wire.verbs import (
    VERB_ECHO,
    VERB_ERROR,
    VERB_EXT_FRAME,
    VERB_HELLO,
    VERB_MULTICAST_FRAME,
    VERB_MULTICAST_GATHER,
    VERB_NETWORK_CONFIG_REQUEST,
    VERB_NOP,
    VERB_OK,
    VERB_WHOIS,
)
from .outcome import HOLD, IGNORED, RECEIVED
from .packet import Packet
from .peer import ACTIVE_VERBS, Peer
from .reassembly import Reassembly

_IDLE = const(60000)  # nothing waits
_OUT_SIZE = const(512)  # of the send buffer; few packets are larger

# Only these are answered by OK; remembering others would push the ids of these out of the ring.
_ANSWERED_ONCE = (VERB_HELLO, VERB_WHOIS, VERB_ECHO)
_ANSWERED_OFTEN = (
    VERB_EXT_FRAME,
    VERB_NETWORK_CONFIG_REQUEST,
    VERB_MULTICAST_GATHER,
    VERB_MULTICAST_FRAME,
)


def _not_wired(*arguments) -> None:
    raise NotImplementedError("the node wires this")


def _no_relay(peer: Peer, now: int) -> Peer | None:
    return None


def _short(packet_id: bytes) -> int:
    """30 bits of an id: they need no memory of their own, and are enough to know an answer by, whose MAC is right."""
    return packet_id[0] << 22 | packet_id[1] << 14 | packet_id[2] << 6 | packet_id[3] >> 2


class _Waiting:
    """A packet in a queue: until when, whose, and what is needed to go on."""

    def __init__(self, expires: int, address: bytes, what: tuple) -> None:
        self.expires = expires
        self.address = address
        self.what = what


class Transport:
    """Sends and receives packets of one node. `wire.send(datagram, endpoint)` borrows the datagram."""

    def __init__(self, topology, ids, wire, counters, limits) -> None:
        self.topology = topology
        self.identity = topology.identity
        self.address: bytes = topology.identity.address
        self.counters = counters
        self.limits = limits
        self.verbs: dict = {}  # verb -> handler(peer, packet, now) -> outcome
        self.ok_verbs: dict = {}  # in-re verb -> handler(peer, packet, in_re_id, body, now)
        self.error_verbs: dict = {}  # -> handler(peer, packet, in_re_id, code, extra, now)
        self.on_hello = _not_wired  # handler(raw packet, endpoint, now) for HELLOs in the clear
        self.on_received = (
            _not_wired  # handler(peer, packet, outcome, now), after each accepted packet
        )
        self.relay = self._drop_foreign  # handler(datagram, endpoint, now), set by a root
        self.network_relay = _no_relay  # (peer, now) -> a relay other than the roots, or None
        self.on_watch = _not_wired  # (peer, now): the peer has timers from now on
        self.on_detour = (
            _not_wired  # (id, endpoint, now): a datagram of ours came back from a root
        )
        self.open_extended = _not_wired  # (peer, packet) -> HELLO in the clear, or None
        # Like `send`, with a TTL that does not reach the other side, if the driver can do that.
        self.send_near = getattr(wire, "send_near", wire.send)
        self._ids = ids
        self._wire = wire
        self._reassembly = Reassembly(limits.reassembly, counters)
        self._out = bytearray(_OUT_SIZE)
        self._expected: dict[int, bytes] = {}  # id of a request, shortened -> where it was sent
        self._expected_ring: list[int] = [-1] * limits.expected
        self._expected_next = 0
        self._unsent: list[_Waiting] = []  # for peers that we do not know or cannot reach
        self._unopened: list[_Waiting] = []  # from peers that we do not know
        self._held: list[_Waiting] = []  # opened, but the handler said HOLD
        self._held_retry = 0
        self._last_beacon = 0
        self.wake_at = 0  # when `tick` is needed; lowered by whatever begins to wait
        self._to_ourselves: list[bytearray] = []
        self._ourselves = Peer(self.identity, b"")  # in no table: it has neither paths nor timers
        self._whois: dict[bytes, int] = {}  # address -> last request
        self.verbs[VERB_OK] = self._handle_ok
        self.verbs[VERB_ERROR] = self._handle_error

    # --- inbound ---

    def receive(self, datagram, endpoint: bytes, now: int) -> None:
        """Take a datagram (protocol/02 §2.3). It is decrypted in place. Raises ValueError if malformed."""
        length = len(datagram)
        if length <= JUNK_SIZE:
            if length == BEACON_SIZE:
                self._answer_beacon(datagram, endpoint, now)
            else:
                self.counters.count("junk")
            return
        is_fragment = datagram[FRAGMENT_MARK] == FRAGMENT_INDICATOR
        if not is_fragment and length < MIN_PACKET:
            self.counters.count("truncated")
            return
        if bytes(datagram[DESTINATION:SOURCE]) != self.address:
            self.relay(datagram, endpoint, now)
            return
        packet = datagram
        if is_detour(datagram):
            self.on_detour(bytes(datagram[ID:DESTINATION]), endpoint, now)
            return
        if is_fragment:
            packet = self._reassembly.add_fragment(datagram, now)
        elif datagram[FLAGS] & FLAG_FRAGMENTED:
            packet = self._reassembly.add_head(datagram, now)
        if packet is not None:
            self.open(packet, endpoint, now)

    def _answer_beacon(self, datagram, endpoint: bytes, now: int) -> None:
        """LAN discovery of old nodes: a known peer's beacon is answered with NOP (protocol/04 §4.10)."""
        self.counters.count("beacons")
        peer = self.topology.get(bytes(datagram[DESTINATION:BEACON_SIZE]))
        if peer is not None and now - self._last_beacon >= BEACON_GATE:
            self._last_beacon = now
            self.send_via(peer, endpoint, VERB_NOP, (), now)

    def _drop_foreign(self, datagram, endpoint: bytes, now: int) -> None:
        """Only roots relay."""
        self.counters.count("not_for_us")

    def open(self, packet, endpoint: bytes, now: int) -> None:
        """Authenticate a whole packet, and handle it."""
        if len(packet) > MAX_PACKET:
            self.counters.count("oversized_packet")
            return
        source = bytes(packet[SOURCE:FLAGS])
        if source == self.address:
            self.counters.count("own_packet")
            return
        is_extended = packet[FLAGS] & (CIPHER_MASK | FLAG_EXTENDED) == FLAG_EXTENDED
        is_clear = not packet[FLAGS] & CIPHER_MASK and not is_extended
        if is_clear and packet[VERB] & VERB_MASK == VERB_HELLO:
            self.on_hello(packet, endpoint, now)
            return
        peer = self.topology.get(source)
        if peer is None:
            self.wait_for_identity(packet, source, endpoint, now)
            return
        if is_extended:
            hello = self.open_extended(peer, packet, now)
            if hello is not None:
                self.on_hello(hello, endpoint, now)
            return
        view = memoryview(packet)
        if not dearmor(peer.key, view):
            self.counters.count("bad_mac")
            return
        self.handle(peer, self.unpack(view, source, endpoint), now)

    def unpack(self, packet: memoryview, source: bytes, endpoint: bytes) -> Packet:
        """An authenticated packet, decompressed if need be (protocol/02 §2.10)."""
        payload = packet[PAYLOAD:]
        if packet[VERB] & COMPRESSED and len(payload):
            plain = bytearray(MAX_PAYLOAD)
            payload = memoryview(plain)[: lz4_decompress(payload, plain)]
        return Packet(packet, source, endpoint, payload)

    def handle(self, peer, packet: Packet, now: int) -> None:
        """Give an authenticated packet to its handler and act on the outcome."""
        handler = self.verbs.get(packet.verb)
        outcome = RECEIVED
        if handler is not None:
            outcome = handler(peer, packet, now)
        if outcome == HOLD:
            packet.keep()
            waiting = _Waiting(now + QUEUE_TIMEOUT, peer.address, (packet,))
            self._enqueue(self._held, waiting, "held_overflow")
            self._held_retry = now + WHOIS_RETRY
        elif outcome != IGNORED:
            self.on_received(peer, packet, outcome, now)

    def _handle_ok(self, peer, packet: Packet, now: int) -> int:
        verb, in_re_id, body = messages.parse_ok(packet.payload)
        request = _short(in_re_id)
        asked = self._expected.get(request)
        if asked is None:
            self.counters.count("unexpected_ok")
            return IGNORED
        packet.answers = asked == packet.endpoint
        if verb in _ANSWERED_ONCE:
            del self._expected[request]
        handler = self.ok_verbs.get(verb)
        if handler is None:
            return RECEIVED
        return handler(peer, packet, in_re_id, body, now)

    def _handle_error(self, peer, packet: Packet, now: int) -> int:
        verb, in_re_id, code, extra = messages.parse_error(packet.payload)
        handler = self.error_verbs.get(verb)
        if handler is None:
            return RECEIVED
        return handler(peer, packet, in_re_id, code, extra, now)

    # --- outbound ---

    def send(self, address: bytes, verb: int, parts: tuple, now: int) -> bytes | None:
        """Send to a peer, directly or through a root. The packet's id, or None when it had to be queued."""
        if address == self.address:
            return self._send_to_ourselves(verb, parts, now)
        peer = self.topology.get(address)
        if peer is None:
            self._wait_to_send(address, verb, parts, now)
            self.whois(address, now)
            return None
        if verb in ACTIVE_VERBS:
            peer.last_active = now
            if not peer.is_watched:
                self.on_watch(peer, now)
        endpoint = self.route(peer, now)
        if endpoint is None:
            self._wait_to_send(address, verb, parts, now)
            return None
        return self.send_via(peer, endpoint, verb, parts, now)

    def route(self, peer, now: int) -> bytes | None:
        """The endpoint to send a packet of this peer to, now (protocol/04 §4.7); None if there is no way."""
        peer.last_used = now
        path = self._path_to(peer, now)
        if path is None:
            return None
        if path.last_send <= path.last_receive:
            # An answer is expected; if none comes, the path is probed.
            peer.due = min(peer.due, now + PROBE_SILENCE)
            self.wake_at = min(self.wake_at, now + PROBE_SILENCE)
        path.last_send = now
        return path.endpoint

    def endpoint_of(self, peer, now: int) -> bytes | None:
        """What `route` would say, without sending anything."""
        path = self._path_to(peer, now)
        return path.endpoint if path is not None else None

    def _path_to(self, peer, now: int):
        """A direct path that is likely to work, else a root's, else a direct one that is not."""
        path = peer.best_path(now)
        if peer.is_root and not peer.is_left:
            return path or (peer.paths[-1] if peer.paths else None)
        if path is not None and path.dependable(now):
            return path
        relay = self.network_relay(peer, now)
        if relay is not None:
            return relay.best_path(now)
        if peer.relay is not None and now - peer.relay_heard < STALE_PATH and peer.relay.is_root:
            # Its NAT has just let something out to that root, and may have forgotten the others.
            way = peer.relay.best_path(now)
            if way is not None:
                return way
        root = self.topology.best_root(now)
        if root is not None:
            way = root.best_path(now)
            if way is not None:
                return way
        if path is not None:
            return path
        if root is not None and root.paths:
            return root.paths[0]
        return peer.paths[-1] if peer.paths else None

    def send_via(
        self, peer, endpoint: bytes, verb: int, parts: tuple, now: int, whole: bool = False
    ) -> bytes:
        """Send to a peer by a given endpoint; the packet's id. `whole`: never fragmented."""
        if peer.address == self.address:
            return self._send_to_ourselves(verb, parts, now)
        length = PAYLOAD
        for part in parts:
            length += len(part)
        total = 1 if whole else fragment_count(length, DEFAULT_MTU)
        if total > MAX_FRAGMENTS or length > MAX_PACKET:
            raise ValueError("%d bytes are more than a packet can carry" % length)
        packet = memoryview(self._out if length <= _OUT_SIZE else bytearray(length))[:length]
        packet_id = self.new_id(verb, endpoint)
        write_header(packet, packet_id, peer.address, self.address, verb)
        end = PAYLOAD
        for part in parts:
            packet[end : end + len(part)] = part
            end += len(part)
        if total > 1:
            packet[FLAGS] = FLAG_FRAGMENTED
        armor(peer.key, packet, CIPHER_SALSA)
        if total == 1:
            self._wire.send(packet, endpoint)
            return packet_id
        self._wire.send(packet[:DEFAULT_MTU], endpoint)
        for number in range(1, total):
            self._wire.send(fragment(packet, number, total, DEFAULT_MTU), endpoint)
        return packet_id

    def _send_to_ourselves(self, verb: int, parts: tuple, now: int) -> bytes:
        """One role of this node talks to another, as if it were a peer; `tick` delivers."""
        payload = b"".join([bytes(part) for part in parts])
        packet = bytearray(PAYLOAD + len(payload))
        packet_id = self.new_id(verb, NIL)
        write_header(packet, packet_id, self.address, self.address, verb)
        packet[PAYLOAD:] = payload
        if len(self._to_ourselves) >= self.limits.queue:
            self._to_ourselves.pop(0)
            self.counters.count("own_overflow")
        self._to_ourselves.append(packet)
        self.wake_at = min(self.wake_at, now)
        return packet_id

    def _hear_ourselves(self, now: int) -> None:
        """Handlers may answer at once, so this goes on until nothing is left."""
        while self._to_ourselves:
            packet = memoryview(self._to_ourselves.pop(0))
            handler = self.verbs.get(packet[VERB] & VERB_MASK)
            if handler is not None:
                try:
                    handler(
                        self._ourselves, Packet(packet, self.address, NIL, packet[PAYLOAD:]), now
                    )
                except ValueError:
                    self.counters.count("malformed")

    def new_id(self, verb: int, endpoint: bytes) -> bytes:
        """A fresh packet id; remembered if an OK may name it (protocol/02 §2.11)."""
        packet_id = self._ids.next()
        if verb in _ANSWERED_ONCE or verb in _ANSWERED_OFTEN:
            self._expected.pop(self._expected_ring[self._expected_next], None)
            request = self._expected_ring[self._expected_next] = _short(packet_id)
            self._expected_next = (self._expected_next + 1) % len(self._expected_ring)
            self._expected[request] = endpoint
        return packet_id

    def send_raw(self, datagram, endpoint: bytes) -> None:
        """Send a datagram as it is: a HELLO, or one that we relay."""
        self._wire.send(datagram, endpoint)

    def send_ok(self, peer, packet: Packet, body: tuple, now: int) -> None:
        """OK on the path on which the packet came (protocol/03 §3.2)."""
        parts = (messages.ok_header(packet.verb, packet.id),) + body
        self.send_via(peer, packet.endpoint, VERB_OK, parts, now, True)

    def send_error(self, peer, packet: Packet, code: int, extra: bytes, now: int) -> None:
        """ERROR on the path on which the packet came."""
        parts = (messages.encode_error(packet.verb, packet.id, code, extra),)
        self.send_via(peer, packet.endpoint, VERB_ERROR, parts, now)

    # --- waiting ---

    def whois(self, address: bytes, now: int) -> None:
        """Ask the best root who this is; repeated by `tick` while something waits for the answer."""
        last = self._whois.get(address, 0)
        if now - last < WHOIS_RETRY or self.topology.get(address) is not None:
            return
        root = self.topology.best_root(now)
        if root is None:
            return
        if len(self._whois) >= self.limits.queue:
            self._whois.clear()
        self._whois[address] = now
        self.send(root.address, VERB_WHOIS, (address,), now)

    def wait_for_identity(self, packet, source: bytes, endpoint: bytes, now: int) -> None:
        """Keep a packet of an unknown sender until its identity is known."""
        waiting = _Waiting(now + QUEUE_TIMEOUT, source, (bytearray(packet), endpoint))
        self._enqueue(self._unopened, waiting, "unknown_sender_overflow")
        self.whois(source, now)

    def _wait_to_send(self, address: bytes, verb: int, parts: tuple, now: int) -> None:
        kept = b"".join([bytes(part) for part in parts])
        waiting = _Waiting(now + QUEUE_TIMEOUT, address, (verb, kept))
        self._enqueue(self._unsent, waiting, "unsent_overflow")

    def _enqueue(self, queue: list, waiting: _Waiting, reason: str) -> None:
        if len(queue) >= self.limits.queue:
            queue.pop(0)
            self.counters.count(reason)
        queue.append(waiting)
        self.wake_at = min(self.wake_at, waiting.expires - QUEUE_TIMEOUT + WHOIS_RETRY)

    def identity_known(self, address: bytes, now: int) -> None:
        """A peer has just become known: send and open what waited for it."""
        self._whois.pop(address, None)
        for waiting in self._take(self._unopened, address):
            packet, endpoint = waiting.what
            try:
                self.open(packet, endpoint, now)
            except ValueError:
                self.counters.count("malformed")
        self.retry(address, now)
        self.flush(address, now)

    def flush(self, address: bytes, now: int) -> None:
        """Send what waited for this peer."""
        for waiting in self._take(self._unsent, address):
            verb, kept = waiting.what
            self.send(address, verb, (kept,), now)

    def retry(self, address: bytes, now: int) -> None:
        """Give packets held for this peer to their handlers again."""
        peer = self.topology.get(address)
        for waiting in self._take(self._held, address):
            packet = waiting.what[0]
            try:
                outcome = self.verbs[packet.verb](peer, packet, now)
            except ValueError:
                self.counters.count("malformed")
                continue
            if outcome == HOLD:
                self._held.append(waiting)
            elif outcome != IGNORED:
                self.on_received(peer, packet, outcome, now)

    def _take(self, queue: list, address: bytes) -> list:
        taken = [waiting for waiting in queue if waiting.address == address]
        for waiting in taken:
            queue.remove(waiting)
        return taken

    def tick(self, now: int) -> int:
        """Expire and repeat; the time of the next call that is needed."""
        if self._to_ourselves:
            self._hear_ourselves(now)
            self.wake_at = now + 1  # what was heard may have changed what is due
            if not (self._unsent or self._unopened or self._held):
                return self.wake_at
        self.wake_at = now + _IDLE
        if not (self._unsent or self._unopened or self._held):
            return self.wake_at
        self._expire(self._unsent, "unsent_timeout", now)
        self._expire(self._unopened, "unknown_sender_timeout", now)
        self._expire(self._held, "held_timeout", now)
        for waiting in self._unsent + self._unopened:
            if self.topology.get(waiting.address) is None:
                self.whois(waiting.address, now)
        for waiting in list(self._unsent):
            peer = self.topology.get(waiting.address)
            if peer is not None and self.route(peer, now) is not None:
                self.flush(waiting.address, now)
        if self._held and now >= self._held_retry:
            self._held_retry = now + WHOIS_RETRY
            for address in {waiting.address for waiting in self._held}:
                if self.topology.get(address) is not None:
                    self.retry(address, now)
        if self._unsent or self._unopened or self._held:
            self.wake_at = now + WHOIS_RETRY
        return self.wake_at

    def _expire(self, queue: list, reason: str, now: int) -> None:
        while queue and queue[0].expires <= now:
            queue.pop(0)
            self.counters.count(reason)
