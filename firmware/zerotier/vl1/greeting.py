"""HELLO and its OK: who is there, with which version, and how we look from there (protocol/03 §3.5).

Owns the acceptance of strangers. A stranger's identity is proved by the 2 MiB hash where there is memory for it, and
otherwise by asking a root for it (protocol/11 §11.5); a known identity is never replaced. Worlds travel here, but
which are believed is worlds.py's.
"""

from _zerotier import armor, dearmor, hello_tail

from ..const import const
from ..identity import Identity
from ..wire import address
from ..wire import hello as layout
from ..wire.packet import CIPHER_POLY1305, FLAGS, PAYLOAD, SOURCE, write_header
from ..wire.verbs import ERROR_IDENTITY_COLLISION, VERB_HELLO
from .gate import StrangerGate
from .outcome import IGNORED, RECEIVED
from .packet import Packet
from .surface import MOVED, SAME

_MIN_PROTOCOL = const(4)
_MIN_SURFACE_PROTOCOL = const(5)  # older peers get port 0
_GATE_BURST = const(2)
_GATE_TOTAL = const(100)  # ms between strangers, wherever they are


def _nobody(peer, now: int) -> None:
    """Until somebody wants to know."""


def _nothing_moved(scope: int, size: int, now: int) -> None:
    """Until somebody wants to know."""


def _not_told(peer, endpoint: bytes, ours: bytes, now: int) -> None:
    """Until somebody wants to know."""


class Greeting:
    """Sends HELLO, answers HELLO, learns from OK(HELLO)."""

    def __init__(self, transport, worlds, surface, prediction) -> None:
        self._transport = transport
        self._worlds = worlds
        self._surface = surface
        self._prediction = prediction
        self.gate = StrangerGate(transport.limits.hello_gate, _GATE_BURST, _GATE_TOTAL)
        self.has_memory = True  # until the identity hash says otherwise
        self.validate = (
            Identity.validate
        )  # a simulation of a thousand nodes knows its own identities
        self.on_identity = _nobody  # called with (peer, now) when a peer has just become known
        self.on_moved = _nothing_moved  # (scope, size of endpoint, now): a root sees us elsewhere
        self.on_seen_moved = _not_told  # (peer, its endpoint, ours, now): it sees us after a move
        self.on_remapped = _nobody  # (root, now): it sees us at another port or IP
        transport.on_hello = self.receive
        transport.ok_verbs[VERB_HELLO] = self.receive_ok
        transport.verbs[VERB_HELLO] = self._receive_encrypted

    # --- outbound ---

    def send(self, peer, endpoint: bytes, now: int) -> None:
        """HELLO to a peer by this endpoint, which may be a root's that relays it."""
        planet = self._worlds.planet
        payload, tail = layout.encode_hello(
            now,
            self._transport.identity.to_bytes(),
            endpoint,
            planet.id,
            planet.timestamp,
            self._worlds.in_hello(),
        )
        packet = bytearray(PAYLOAD + len(payload))
        packet_id = self._transport.new_id(VERB_HELLO, endpoint)
        write_header(packet, packet_id, peer.address, self._transport.address, VERB_HELLO)
        packet[PAYLOAD:] = payload
        hello_tail(peer.key, packet, PAYLOAD + tail)
        armor(peer.key, packet, CIPHER_POLY1305)
        path = peer.path(endpoint)
        if path is not None:
            path.probed(now)
            path.last_hello = now
        self._prediction.opened(endpoint, now)
        self._transport.send_raw(packet, endpoint)

    # --- inbound ---

    def receive(self, packet, endpoint: bytes, now: int) -> None:
        """A HELLO in the clear; authenticated here, since its sender may be a stranger."""
        view = memoryview(packet)
        fields = layout.parse_hello(view[PAYLOAD:])
        source = bytes(packet[SOURCE:FLAGS])
        if fields.protocol < _MIN_PROTOCOL or fields.identity[:5] != source:
            self._transport.counters.count("hello_refused")
            return
        peer = self._transport.topology.get(source)
        if peer is None:
            peer = self._meet(view, fields, endpoint, now)
            if peer is None:
                return
        elif peer.identity.to_bytes() != fields.identity:
            self._collision(view, fields, endpoint, now)
            return
        elif not dearmor(peer.key, view):
            self._transport.counters.count("bad_mac")
            return
        self._accept(peer, view, fields, endpoint, now)

    def _receive_encrypted(self, peer, packet: Packet, now: int) -> int:
        """A HELLO from a known peer under cipher 1 (protocol/02 §2.8): answered; its tail is not needed."""
        fields = layout.parse_hello(packet.payload)
        if peer.identity.to_bytes() != fields.identity:
            self._transport.counters.count("hello_refused")
            return IGNORED
        self._answer(peer, packet, fields, [], now)
        return RECEIVED

    def _meet(self, view: memoryview, fields, endpoint: bytes, now: int):
        """The peer of a stranger's HELLO, or None if it must wait or is refused."""
        transport = self._transport
        if not self.has_memory:
            transport.wait_for_identity(view, fields.identity[:5], endpoint, now)
            return None
        if not self.gate.passes(endpoint, now):
            transport.counters.count("hello_gate")
            return None
        identity = Identity.from_bytes(fields.identity)
        if not dearmor(transport.identity.agree(identity), view):
            transport.counters.count("bad_mac")
            return None
        try:
            valid = self.validate(identity)
        except MemoryError:
            self.has_memory = False
            transport.wait_for_identity(view, identity.address, endpoint, now)
            return None
        if not valid:
            transport.counters.count("invalid_identity")
            return None
        return transport.topology.add(identity, now)

    def _collision(self, view: memoryview, fields, endpoint: bytes, now: int) -> None:
        """Somebody else under a known address: told so if the HELLO is authentic, never believed."""
        transport = self._transport
        transport.counters.count("identity_collision")
        if not self.gate.passes(endpoint, now):
            return
        identity = Identity.from_bytes(fields.identity)
        key = transport.identity.agree(identity)
        if not dearmor(key, view):
            transport.counters.count("bad_mac")
            return
        packet = Packet(view, identity.address, endpoint, view[PAYLOAD:])
        stranger = _Stranger(identity.address, key)
        transport.send_error(stranger, packet, ERROR_IDENTITY_COLLISION, b"", now)

    def _accept(self, peer, view: memoryview, fields, endpoint: bytes, now: int) -> None:
        packet = Packet(view, peer.address, endpoint, view[PAYLOAD:])
        if peer.is_left and packet.hops == 0:
            return  # our OK would make it believe again that it can reach us
        moons = []
        if PAYLOAD + fields.tail < len(view):
            hello_tail(peer.key, view, PAYLOAD + fields.tail)
            moons = layout.parse_moons(packet.payload, fields.tail)
        self._answer(peer, packet, fields, moons, now)
        self._transport.on_received(peer, packet, RECEIVED, now)
        self.on_identity(peer, now)

    def _answer(self, peer, packet: Packet, fields, moons: list, now: int) -> None:
        self._report(peer, packet, fields.sent_to, now)
        peer.speaks(fields.protocol, (fields.major, fields.minor, fields.revision))
        seen_from = packet.endpoint
        if fields.protocol < _MIN_SURFACE_PROTOCOL:
            seen_from = address.with_port(seen_from, 0)
        worlds = self._worlds.newer(fields.planet_id, fields.planet_timestamp, moons)
        body = layout.encode_ok_hello(fields.timestamp, seen_from, worlds)
        self._transport.send_ok(peer, packet, (body,), now)

    def receive_ok(self, peer, packet: Packet, in_re_id: bytes, body, now: int) -> int:
        """OK(HELLO): the peer's version, the round trip, how we look from there, and newer worlds."""
        fields = layout.parse_ok_hello(body)
        if fields.protocol < _MIN_PROTOCOL:
            return IGNORED
        peer.speaks(fields.protocol, (fields.major, fields.minor, fields.revision))
        peer.hellos_unanswered = 0
        if packet.hops == 0:
            self._prediction.seen(packet.endpoint, fields.sent_to, now)
            packet.round_trip = now - fields.timestamp
            if peer.moved_at:
                self.on_seen_moved(peer, packet.endpoint, fields.sent_to, now)
        self._report(peer, packet, fields.sent_to, now)
        self._worlds.receive(peer, fields.worlds, now)
        return RECEIVED

    def _report(self, peer, packet: Packet, ours: bytes, now: int) -> None:
        """Where a peer sees us; in a HELLO, where it sent to. Relayed ones say nothing."""
        if packet.hops:
            return
        change = self._surface.report(peer, packet.endpoint, ours, now)
        if change == MOVED:
            self.on_moved(address.scope(ours), len(ours), now)
        if change != SAME:
            self.on_remapped(peer, now)


class _Stranger:
    """Enough of a peer to encrypt one ERROR for it."""

    def __init__(self, its_address: bytes, key: bytes) -> None:
        self.address = its_address
        self.key = key
