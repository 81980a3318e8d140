"""HELLO and its OK: who is there, with which version, and how we look from there (protocol/03 §3.5).

Owns the acceptance of strangers. A stranger's identity is proved by the 2 MiB hash where there is memory for it, and
otherwise by asking a root for it (protocol/11 §11.5); a known identity is never replaced.
"""

from _zerotier import armor, dearmor, hello_tail

from ..const import const
from ..identity import Identity
from ..wire import address
from ..wire import hello as layout
from ..wire.packet import CIPHER_POLY1305, FLAGS, PAYLOAD, SOURCE, write_header
from ..wire.verbs import ERROR_IDENTITY_COLLISION, VERB_HELLO
from .outcome import IGNORED, RECEIVED
from .packet import Packet

_MIN_PROTOCOL = const(4)
_MIN_SURFACE_PROTOCOL = const(5)  # older peers get port 0
_GATE_BUCKETS = const(64)


def _nobody(peer, now: int) -> None:
    """Until somebody wants to know."""


class Greeting:
    """Sends HELLO, answers HELLO, learns from OK(HELLO)."""

    def __init__(self, transport, surface) -> None:
        self._transport = transport
        self._surface = surface
        self._gate: dict[bytes, int] = {}  # source prefix -> last stranger
        self.has_memory = True  # until the identity hash says otherwise
        self.on_identity = _nobody  # called with (peer, now) when a peer has just become known
        transport.on_hello = self.receive
        transport.ok_verbs[VERB_HELLO] = self.receive_ok
        transport.verbs[VERB_HELLO] = self._receive_encrypted

    # --- outbound ---

    def send(self, peer, endpoint: bytes, now: int, direct: bool = True) -> None:
        """HELLO to a peer by this endpoint; not direct: the endpoint is a root's."""
        topology = self._transport.topology
        payload, tail = layout.encode_hello(
            now,
            self._transport.identity.to_bytes(),
            endpoint,
            topology.planet.id,
            topology.planet.timestamp,
        )
        packet = bytearray(PAYLOAD + len(payload))
        packet_id = self._transport.new_id(VERB_HELLO, endpoint)
        write_header(packet, packet_id, peer.address, self._transport.address, VERB_HELLO)
        packet[PAYLOAD:] = payload
        hello_tail(peer.key, packet, PAYLOAD + tail)
        armor(peer.key, packet, CIPHER_POLY1305)
        if direct:
            path = peer.path(endpoint)
            if path is not None:
                path.probed(now)
                path.last_hello = now
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
        self._answer(peer, packet, fields, now)
        return RECEIVED

    def _meet(self, view: memoryview, fields, endpoint: bytes, now: int):
        """The peer of a stranger's HELLO, or None if it must wait or is refused."""
        transport = self._transport
        if not self.has_memory:
            transport.wait_for_identity(view, fields.identity[:5], endpoint, now)
            return None
        if not self._pass_gate(endpoint, now):
            transport.counters.count("hello_gate")
            return None
        identity = Identity.from_bytes(fields.identity)
        if not dearmor(transport.identity.agree(identity), view):
            transport.counters.count("bad_mac")
            return None
        try:
            valid = identity.validate()
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
        if not self._pass_gate(endpoint, now):
            return
        identity = Identity.from_bytes(fields.identity)
        key = transport.identity.agree(identity)
        if not dearmor(key, view):
            transport.counters.count("bad_mac")
            return
        packet = Packet(view, identity.address, endpoint, view[PAYLOAD:])
        stranger = _Stranger(identity.address, key)
        transport.send_error(stranger, packet, ERROR_IDENTITY_COLLISION, b"", now)

    def _pass_gate(self, endpoint: bytes, now: int) -> bool:
        """One stranger per interval and IPv4 /24 or IPv6 /48 (protocol/04 §4.8)."""
        ip = address.ip(endpoint)
        prefix = ip[:3] if len(ip) == 4 else ip[:6]
        last = self._gate.get(prefix)
        if last is not None and now - last < self._transport.limits.hello_gate:
            return False
        if last is None and len(self._gate) >= _GATE_BUCKETS:
            self._gate.clear()
        self._gate[prefix] = now
        return True

    def _accept(self, peer, view: memoryview, fields, endpoint: bytes, now: int) -> None:
        packet = Packet(view, peer.address, endpoint, view[PAYLOAD:])
        self._answer(peer, packet, fields, now)
        self._transport.on_received(peer, packet, RECEIVED, now)
        self.on_identity(peer, now)

    def _answer(self, peer, packet: Packet, fields, now: int) -> None:
        if packet.hops == 0:
            self._surface.report(peer, packet.endpoint, fields.sent_to, now)
        peer.protocol = fields.protocol
        peer.version = (fields.major, fields.minor, fields.revision)
        seen_from = packet.endpoint
        if fields.protocol < _MIN_SURFACE_PROTOCOL:
            seen_from = address.with_port(seen_from, 0)
        worlds = []
        topology = self._transport.topology
        planet = topology.planet
        if fields.planet_id == planet.id and fields.planet_timestamp < planet.timestamp:
            worlds.append(topology.planet_bytes)
        body = layout.encode_ok_hello(fields.timestamp, seen_from, worlds)
        self._transport.send_ok(peer, packet, (body,), now)

    def receive_ok(self, peer, packet: Packet, in_re_id: bytes, body, now: int) -> int:
        """OK(HELLO): the peer's version, the round trip, and how we look from there."""
        fields = layout.parse_ok_hello(body)
        if fields.protocol < _MIN_PROTOCOL:
            return IGNORED
        peer.protocol = fields.protocol
        peer.version = (fields.major, fields.minor, fields.revision)
        peer.hellos_unanswered = 0
        if packet.hops == 0:
            self._surface.report(peer, packet.endpoint, fields.sent_to, now)
            packet.round_trip = now - fields.timestamp
        return RECEIVED


class _Stranger:
    """Enough of a peer to encrypt one ERROR for it."""

    def __init__(self, its_address: bytes, key: bytes) -> None:
        self.address = its_address
        self.key = key
