"""Direct paths: learning, confirming, probing and keeping them (protocol/04 §4.2 to §4.5, §4.10).

Owns the rules by which a physical endpoint becomes a path, and the timers that keep paths alive. Until a path is
confirmed by an answer, packets go through a root.

    endpoint heard of --HELLO or ECHO--> answered by OK --> path --silent or probe failed--> root again
"""

from os import urandom

from ..const import const
from ..limits import (
    CONFIRM_INTERVAL,
    ECHO_GATE,
    HEARTBEAT,
    HELLO_RETRY,
    PEER_HELLO,
    PROBE_SILENCE,
    PROBE_TIMEOUT,
    PUSH_CUTOFF_COUNT,
    PUSH_CUTOFF_TIME,
    PUSH_INTERVAL_DIRECT,
    PUSH_INTERVAL_RELAYED,
    QUEUE_TIMEOUT,
    RENDEZVOUS_MEMORY,
    ROOT_KEEPALIVE,
)
from ..wire import address, messages
from ..wire.verbs import (
    VERB_ECHO,
    VERB_PUSH_DIRECT_PATHS,
    VERB_RENDEZVOUS,
)
from .outcome import IGNORED, RECEIVED, TRUSTED
from .packet import Packet
from .peer import ACTIVE_VERBS

_ECHO_PROTOCOL = const(5)  # older peers are probed by HELLO
_PROBES_PER_PUSH = const(8)
_PUSHED_PATHS = const(8)
_TIME_SIZE = const(8)  # our clock in the payload of an ECHO
_ROOT_RETRY_FIRST = const(1000)  # then 2 s, 4 s, and HELLO_RETRY for ever


# Scopes whose endpoints may be paths (protocol/04 §4.2).
_SCOPES = [
    address.SCOPE_PRIVATE,
    address.SCOPE_PSEUDOPRIVATE,
    address.SCOPE_SHARED,
    address.SCOPE_GLOBAL,
]
_LOOPBACK_SCOPES = [address.SCOPE_LOOPBACK]


def _not_managed(ip: bytes) -> bool:
    return False


class Paths:
    """Handlers and timers of direct paths. `loopback`: our own socket is bound to a loopback address."""

    def __init__(self, transport, greeting, surface, loopback: bool) -> None:
        self._transport = transport
        self._greeting = greeting
        self._surface = surface
        self._scopes = _LOOPBACK_SCOPES if loopback else _SCOPES
        self.local: list[bytes] = []  # our endpoints on local interfaces, given by the driver
        self.is_managed = _not_managed  # (ip) -> bool: inside a managed subnet of a joined network
        self._rendezvous: list[tuple] = []  # (expires, address, endpoint) before the identity
        transport.on_received = self.received
        transport.verbs[VERB_ECHO] = self.receive_echo
        transport.ok_verbs[VERB_ECHO] = self.receive_ok_echo
        transport.verbs[VERB_RENDEZVOUS] = self.receive_rendezvous
        transport.verbs[VERB_PUSH_DIRECT_PATHS] = self.receive_push

    # --- learning ---

    def acceptable(self, peer, endpoint: bytes) -> bool:
        """May this endpoint become a path of this peer (protocol/04 §4.2)?"""
        if len(endpoint) == 1 or address.port(endpoint) == 0:
            return False
        if address.scope(endpoint) not in self._scopes:
            return False
        ip = address.ip(endpoint)
        if ip[:4] == b"\x20\x01\x04\x70":
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
        if outcome == TRUSTED:
            peer.last_trust = now
        if packet.hops == 0:
            path = peer.path(packet.endpoint)
            if path is not None:
                path.heard(now)
            elif self.acceptable(peer, packet.endpoint):
                if packet.answers:
                    path = peer.learn(packet.endpoint, self._transport.limits.paths, now)
                    self._transport.counters.count("path_learned")
                    self._transport.flush(peer.address, now)
                else:
                    self.probe(peer, packet.endpoint, now, False)
            if path is not None and 0 <= packet.round_trip < QUEUE_TIMEOUT:
                path.measured(packet.round_trip)
        self._offer(peer, packet.endpoint, packet.hops != 0, now)

    def heard_from(self, peer, endpoint: bytes, now: int) -> None:
        """An authenticated packet came directly from an endpoint that is no path: ask whether it is one."""
        if peer.path(endpoint) is None and self.acceptable(peer, endpoint):
            self.probe(peer, endpoint, now, False)

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

    def probe(self, peer, endpoint: bytes, now: int, may_echo: bool = True) -> None:
        """Ask for an answer from an endpoint; at most once a second for each."""
        if not peer.may_try(endpoint, CONFIRM_INTERVAL, now):
            return
        if may_echo and peer.protocol >= _ECHO_PROTOCOL:
            self._echo(peer, endpoint, now)
        else:
            self._greeting.send(peer, endpoint, now)

    def _probe_path(self, peer, path, now: int) -> None:
        """Probe a path that is already one: HELLO once a minute, ECHO in between."""
        if now - path.last_hello >= PEER_HELLO or peer.protocol < _ECHO_PROTOCOL:
            self._greeting.send(peer, path.endpoint, now)
        else:
            self._echo(peer, path.endpoint, now)
            path.probed(now)

    def _echo(self, peer, endpoint: bytes, now: int) -> None:
        parts = (now.to_bytes(_TIME_SIZE, "big"),)
        self._transport.send_via(peer, endpoint, VERB_ECHO, parts, now)

    # --- verbs ---

    def receive_echo(self, peer, packet: Packet, now: int) -> int:
        if now - peer.last_echo < ECHO_GATE:
            self._transport.counters.count("echo_gate")
            return IGNORED
        peer.last_echo = now
        self._transport.send_ok(peer, packet, (packet.payload,), now)
        return RECEIVED

    def receive_ok_echo(self, peer, packet: Packet, in_re_id: bytes, body, now: int) -> int:
        if len(body) == _TIME_SIZE:
            packet.round_trip = now - int.from_bytes(bytes(body), "big")
        return RECEIVED

    def receive_rendezvous(self, peer, packet: Packet, now: int) -> int:
        """A root tells where a peer is (protocol/03 §3.8)."""
        if not peer.is_root:
            self._transport.counters.count("rendezvous_not_from_root")
            return IGNORED
        other, endpoint = messages.parse_rendezvous(packet.payload)
        known = self._transport.topology.get(other)
        if known is not None:
            self._rendezvous_with(known, endpoint, now)
        else:
            if len(self._rendezvous) >= self._transport.limits.queue:
                self._rendezvous.pop(0)
            self._rendezvous.append((now + RENDEZVOUS_MEMORY, other, endpoint))
        return RECEIVED

    def identity_known(self, peer, now: int) -> None:
        """A RENDEZVOUS may have overtaken the identity (protocol/15 §15.5)."""
        kept = []
        for entry in self._rendezvous:
            if entry[1] == peer.address:
                self._rendezvous_with(peer, entry[2], now)
            elif entry[0] > now:
                kept.append(entry)
        self._rendezvous = kept

    def _rendezvous_with(self, peer, endpoint: bytes, now: int) -> None:
        if self.acceptable(peer, endpoint):
            self._transport.send_raw(urandom(4), endpoint)  # opens our NAT
            self.probe(peer, endpoint, now)

    def receive_push(self, peer, packet: Packet, now: int) -> int:
        """Endpoints that a peer believes to be its own (protocol/03 §3.18)."""
        if now - peer.push_time <= PUSH_CUTOFF_TIME:
            peer.push_count += 1
        else:
            peer.push_count = 0
        peer.push_time = now
        if peer.push_count >= PUSH_CUTOFF_COUNT:
            self._transport.counters.count("push_gate")
            return IGNORED
        probed = 0
        for flags, endpoint in messages.parse_push_direct_paths(packet.payload):
            if flags & messages.PUSH_FORGET or peer.path(endpoint) is not None:
                continue
            if probed < _PROBES_PER_PUSH and self.acceptable(peer, endpoint):
                self.probe(peer, endpoint, now)
                probed += 1
        return RECEIVED

    def push(self, peer, endpoint: bytes, now: int) -> None:
        """Tell a trusted peer our own endpoints, by the path on which its packet came."""
        ours = []
        for candidate in self.local + self._surface.endpoints(now):
            if candidate not in ours and address.scope(candidate) in self._scopes:
                ours.append(candidate)
        if ours:
            parts = (messages.encode_push_direct_paths(ours[:_PUSHED_PATHS]),)
            self._transport.send_via(peer, endpoint, VERB_PUSH_DIRECT_PATHS, parts, now)

    # --- keeping alive ---

    def tick(self, now: int) -> int:
        """Keep roots and active peers reachable; the time of the next call that is needed."""
        deadline = now + HELLO_RETRY
        best = self._transport.topology.best_root(now)
        for root in self._transport.topology.root_peers():
            deadline = min(deadline, self._tick_root(root, root is best, now))
        for peer in self._transport.topology.peers():
            if peer.paths and not peer.is_root and peer.active(now):
                deadline = min(deadline, self._tick_peer(peer, now))
        return max(deadline, now + 1)

    def _tick_root(self, root, is_best: bool, now: int) -> int:
        path = root.best_path(now)
        if path is None:
            wait = min(_ROOT_RETRY_FIRST << min(root.hellos_unanswered, 3), HELLO_RETRY)
            if now - root.last_hello >= wait:
                root.last_hello = now
                root.hellos_unanswered += 1
                for endpoint in root.endpoints:
                    if self.acceptable(root, endpoint):
                        self._greeting.send(root, endpoint, now)
                return now + wait
            return root.last_hello + wait
        root.last_hello = path.last_hello
        if path.probe_since:
            return path.probe_since + PROBE_TIMEOUT
        interval = ROOT_KEEPALIVE if is_best else 5 * ROOT_KEEPALIVE
        due = path.last_receive + interval
        if now >= due:
            self._probe_path(root, path, now)
            return now + PROBE_TIMEOUT
        return due

    def _tick_peer(self, peer, now: int) -> int:
        deadline = now + HELLO_RETRY
        for path in peer.paths:
            if path.expired(now):
                continue
            if path.probe_since:
                # Unanswered: traffic moves to the root at PROBE_TIMEOUT, and we go on asking.
                due = path.last_send + PROBE_TIMEOUT
                if path.failed(now):
                    due = path.last_send + HEARTBEAT
            else:
                due = path.last_receive + HEARTBEAT
                if path.last_send > path.last_receive:
                    due = path.last_receive + PROBE_SILENCE
            if now >= due:
                self._probe_path(peer, path, now)
                due = now + PROBE_TIMEOUT
            deadline = min(deadline, due)
        return deadline

    def online(self, now: int) -> bool:
        """True if a root was heard lately: proved, not assumed."""
        if self._transport.topology.is_root:
            return True
        limit = 2 * ROOT_KEEPALIVE + PROBE_TIMEOUT
        for root in self._transport.topology.root_peers():
            if root.paths and now - root.last_receive < limit:
                return True
        return False
