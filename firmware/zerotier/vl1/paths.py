"""Direct paths: how a physical endpoint becomes a path of a peer (protocol/04 §4.2, §4.3).

Owns the rules of learning and confirming, and ECHO. Until a path is confirmed by an answer, packets go through a
root. When paths are probed, kept and given up is keepalive.py's.

    endpoint heard of --HELLO or ECHO--> answered by OK from there --> path
"""

from ..const import const
from ..limits import (
    CONFIRM_INTERVAL,
    ECHO_GATE,
    PEER_HELLO,
    PROBE_SILENCE,
    PUSH_INTERVAL_DIRECT,
    PUSH_INTERVAL_RELAYED,
    QUEUE_TIMEOUT,
    ROOT_HELLO,
)
from ..wire import address
from ..wire.bounds import u64
from ..wire.verbs import VERB_ECHO
from .outcome import IGNORED, RECEIVED, TRUSTED
from .packet import Packet
from .peer import ACTIVE_VERBS

_ECHO_PROTOCOL = const(5)  # older peers are probed by HELLO
_TIME_SIZE = const(8)  # our clock in the payload of an ECHO
_RELAYED_HINT = const(500)  # ms without a direct packet after which a relayed one says something
_ECHOED = b"e"  # marks the tries that are answers to ECHO

# Scopes whose endpoints may be paths (protocol/04 §4.2).
_SCOPES = (
    address.SCOPE_PRIVATE,
    address.SCOPE_PSEUDOPRIVATE,
    address.SCOPE_SHARED,
    address.SCOPE_GLOBAL,
)
_LOOPBACK_SCOPES = (address.SCOPE_LOOPBACK,)
_TUNNEL_BROKER = b"\x20\x01\x04\x70"


def _not_managed(ip: bytes) -> bool:
    return False


def _not_wired(*arguments) -> None:
    raise NotImplementedError("the node wires this")


class Paths:
    """Learns paths. `loopback`: our own socket is bound to a loopback address."""

    def __init__(self, transport, greeting, prediction, loopback: bool) -> None:
        self._transport = transport
        self._greeting = greeting
        self._prediction = prediction
        self.scopes = _LOOPBACK_SCOPES if loopback else _SCOPES
        self.local: list[bytes] = []  # our endpoints on local interfaces, given by the driver
        self.is_managed = _not_managed  # (ip) -> bool: inside a managed subnet of a joined network
        self.push = _not_wired  # (peer, endpoint, now): tell a peer our endpoints
        transport.on_received = self.received
        transport.verbs[VERB_ECHO] = self.receive_echo
        transport.ok_verbs[VERB_ECHO] = self.receive_ok_echo

    def acceptable(self, peer, endpoint: bytes) -> bool:
        """May this endpoint become a path of this peer (protocol/04 §4.2)?"""
        if len(endpoint) == 1 or address.port(endpoint) == 0 or endpoint in self.local:
            return False
        if address.scope(endpoint) not in self.scopes:
            return False
        ip = address.ip(endpoint)
        if ip[:4] == _TUNNEL_BROKER:
            return False
        if peer.is_root and peer.endpoints:
            if ip not in [address.ip(stable) for stable in peer.endpoints]:
                return False
        return not self.is_managed(ip)

    def received(self, peer, packet: Packet, outcome: int, now: int) -> None:
        """After each accepted packet (protocol/04 §4.3)."""
        peer.last_receive = now
        if packet.verb in ACTIVE_VERBS:
            peer.last_active = now
            if not peer.is_watched:
                self._transport.on_watch(peer, now)
        if outcome == TRUSTED:
            peer.last_trust = now
        if packet.hops == 0:
            path = peer.path(packet.endpoint)
            if path is not None:
                path.heard(now)
                self._heard_elsewhere(peer, path, now)
            elif peer.is_left:
                pass  # it would believe again that it can reach us
            elif self.acceptable(peer, packet.endpoint):
                if packet.answers:
                    path = self._learn(peer, packet.endpoint, now)
                else:
                    self._confirm(peer, packet.endpoint, now)
            if path is not None and 0 <= packet.round_trip < QUEUE_TIMEOUT:
                path.measured(packet.round_trip)
        else:
            self._relayed(peer, packet.endpoint, now)
        self._offer(peer, packet.endpoint, packet.hops != 0, now)

    def _learn(self, peer, endpoint: bytes, now: int):
        """A path is confirmed. If there are others, the peer may have moved: they have to prove that it has not."""
        for path in peer.paths:
            path.is_doubted = True
            self.challenge(peer, path, now)
        path = peer.learn(endpoint, self._transport.limits.paths, now)
        self._transport.counters.count("path_learned")
        self._transport.flush(peer.address, now)
        self._transport.on_watch(peer, now)
        return path

    def _heard_elsewhere(self, peer, heard, now: int) -> None:
        """A peer with several paths may have lost the one that we would send on: it cannot tell."""
        best = peer.best_path(now)
        if best is not heard and best is not None and now - best.last_receive >= PROBE_SILENCE:
            self.challenge(peer, best, now)
            self._transport.on_watch(peer, now)

    def _relayed(self, peer, endpoint: bytes, now: int) -> None:
        """The peer sends through a root: perhaps it cannot reach us directly any more, nor we it."""
        for root in self._transport.topology.root_peers():
            if root.path(endpoint) is not None:
                peer.relay = root
                peer.relay_heard = now
        path = peer.best_path(now)
        if path is None or not path.dependable(now):
            return
        if path.probe_since or now - path.last_receive >= _RELAYED_HINT:
            self.challenge(peer, path, now)
            self._transport.on_watch(peer, now)

    def challenge(self, peer, path, now: int) -> None:
        """Ask on a path that may be dead for an answer, and wait for it less long."""
        if not path.is_challenged:
            path.is_challenged = True
            if not path.probe_since:
                self.probe_path(peer, path, now)

    def heard_from(self, peer, endpoint: bytes, now: int) -> None:
        """An authenticated packet came directly from an endpoint that is no path: ask whether it is one."""
        if peer.path(endpoint) is None and self.acceptable(peer, endpoint):
            self._confirm(peer, endpoint, now)

    def _confirm(self, peer, endpoint: bytes, now: int) -> None:
        """Ask whether this peer really is at that endpoint."""
        if peer.may_try(endpoint, CONFIRM_INTERVAL, now):
            self.ask(peer, endpoint, now, False)
            peer.candidates.repeat(endpoint, now)
            self._transport.on_watch(peer, now)

    def offer(self, peer, now: int) -> None:
        """Frames came from a peer; tell it our endpoints if it is time."""
        endpoint = self._transport.endpoint_of(peer, now)
        if endpoint is not None:
            self._offer(peer, endpoint, peer.best_path(now) is None, now)

    def _offer(self, peer, endpoint: bytes, is_relayed: bool, now: int) -> None:
        interval = PUSH_INTERVAL_RELAYED if is_relayed else PUSH_INTERVAL_DIRECT
        if peer.trusted(now) and now - peer.last_push >= interval:
            peer.last_push = now
            self.push(peer, endpoint, now)

    # --- asking ---

    def ask(self, peer, endpoint: bytes, now: int, may_echo: bool = True) -> None:
        """Send what must be answered: ECHO, or HELLO if the peer may not know ECHO."""
        if may_echo and peer.protocol >= _ECHO_PROTOCOL:
            self._echo(peer, endpoint, now)
        else:
            self._greeting.send(peer, endpoint, now)

    def probe_path(self, peer, path, now: int) -> None:
        """Probe a path that is already one: HELLO now and then, ECHO in between."""
        interval = ROOT_HELLO if peer.is_root else PEER_HELLO
        if now - path.last_hello >= interval or peer.protocol < _ECHO_PROTOCOL:
            self._greeting.send(peer, path.endpoint, now)
        else:
            self._echo(peer, path.endpoint, now)
            path.probed(now)

    def _echo(self, peer, endpoint: bytes, now: int) -> None:
        self._prediction.opened(endpoint, now)
        parts = (now.to_bytes(_TIME_SIZE, "big"),)
        self._transport.send_via(peer, endpoint, VERB_ECHO, parts, now)

    def receive_echo(self, peer, packet: Packet, now: int) -> int:
        """Answer, at most six times a second for each path."""
        if peer.is_left and packet.hops == 0:
            return RECEIVED
        if not peer.may_try(_ECHOED + packet.endpoint, ECHO_GATE, now):
            self._transport.counters.count("echo_gate")
            return IGNORED
        self._transport.send_ok(peer, packet, (packet.payload,), now)
        return RECEIVED

    def receive_ok_echo(self, peer, packet: Packet, in_re_id: bytes, body, now: int) -> int:
        """The round trip, if the ECHO was one of ours with our clock in it."""
        if len(body) == _TIME_SIZE:
            packet.round_trip = now - u64(body, 0)
        return RECEIVED
