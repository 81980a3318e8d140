"""Through NATs: who tells whom where it may be reached, and the tries that follow (protocol/04 §4.4, §4.10).

Owns RENDEZVOUS and PUSH_DIRECT_PATHS, both ways, and the candidates of peers that we have no path to. Nothing that
anybody claims here is a path before it has answered.
"""

from os import urandom

from ..const import const
from ..limits import (
    IDLE_RENDEZVOUS,
    PUSH_CUTOFF_COUNT,
    PUSH_CUTOFF_TIME,
    RENDEZVOUS_MEMORY,
)
from ..wire import address, messages
from ..wire.verbs import VERB_PUSH_DIRECT_PATHS, VERB_RENDEZVOUS
from .candidates import NEVER
from .outcome import IGNORED, RECEIVED
from .packet import Packet

_CANDIDATES_PER_PUSH = const(8)
_PUSHED_PATHS = const(8)
_JUNK_SIZE = const(4)
_REDIRECT_LIMIT = const(10000)  # ms after a move
_MOST_REDIRECTS = const(32)


class Traversal:
    """Handlers of RENDEZVOUS and PUSH_DIRECT_PATHS."""

    def __init__(self, transport, greeting, paths, surface, prediction) -> None:
        self._transport = transport
        self._paths = paths
        self._surface = surface
        self._prediction = prediction
        self._mapped: list[bytes] = []  # endpoints that a router forwards to us
        self._early: list[
            tuple
        ] = []  # RENDEZVOUS before the identity: (expires, address, endpoint)
        paths.push = self.push
        greeting.on_seen_moved = self.seen_moved
        transport.verbs[VERB_RENDEZVOUS] = self.receive_rendezvous
        transport.verbs[VERB_PUSH_DIRECT_PATHS] = self.receive_push

    # --- what others tell us ---

    def receive_rendezvous(self, peer, packet: Packet, now: int) -> int:
        """A root tells where a peer is (protocol/03 §3.8)."""
        if not peer.is_root:
            self._transport.counters.count("rendezvous_not_from_root")
            return IGNORED
        other, endpoint = messages.parse_rendezvous(packet.payload)
        known = self._transport.topology.get(other)
        if known is not None:
            self._meet(known, endpoint, now)
        else:
            if len(self._early) >= self._transport.limits.queue:
                self._early.pop(0)
            self._early.append((now + RENDEZVOUS_MEMORY, other, endpoint))
        return RECEIVED

    def identity_known(self, peer, now: int) -> None:
        """A RENDEZVOUS may have overtaken the identity (protocol/15 §15.5)."""
        kept = []
        for entry in self._early:
            if entry[1] == peer.address:
                self._meet(peer, entry[2], now)
            elif entry[0] > now:
                kept.append(entry)
        self._early = kept

    def _meet(self, peer, endpoint: bytes, now: int) -> None:
        if peer.is_left or peer.path(endpoint) is not None:
            return
        if not self._paths.acceptable(peer, endpoint):
            return
        if not peer.active(now) and peer.last_rendezvous:
            # A config now and then is not worth a path, and the root tells us again and again.
            if now - peer.last_rendezvous < IDLE_RENDEZVOUS:
                return
        peer.last_rendezvous = now
        guesses = self._prediction.endpoints(endpoint, now)
        if guesses:
            # First: what is sent to the endpoint uses the port up that the guess is about.
            self._send_push(peer, self._transport.route(peer, now), guesses, now)
            self._transport.counters.count("ports_predicted")
        self._prediction.opened(endpoint, now)
        self._transport.send_near(
            urandom(_JUNK_SIZE), endpoint
        )  # opens our NAT, and dies on the way
        peer.candidates.add(endpoint, now)
        self._transport.on_watch(peer, now)

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
        added = 0
        for flags, endpoint in messages.parse_push_direct_paths(packet.payload):
            if flags & messages.PUSH_FORGET or peer.path(endpoint) is not None:
                continue
            if added < _CANDIDATES_PER_PUSH and self._paths.acceptable(peer, endpoint):
                peer.candidates.add(endpoint, now)
                added += 1
        if added:
            self._transport.on_watch(peer, now)
        return RECEIVED

    # --- what we tell others ---

    def mapped(self, endpoints: list[bytes]) -> None:
        """A router has been asked to forward these endpoints to us."""
        self._mapped = endpoints

    def push(self, peer, endpoint: bytes, now: int) -> None:
        """Tell a trusted peer our own endpoints, by the path on which its packet came."""
        ours = []
        for candidate in self._paths.local + self._mapped + self._surface.endpoints(now):
            if candidate not in ours and address.scope(candidate) in self._paths.scopes:
                ours.append(candidate)
        if ours:
            self._send_push(peer, endpoint, ours[:_PUSHED_PATHS], now)

    def _send_push(self, peer, endpoint: bytes | None, ours: list[bytes], now: int) -> None:
        if endpoint is not None:
            parts = (messages.encode_push_direct_paths(ours),)
            self._transport.send_via(peer, endpoint, VERB_PUSH_DIRECT_PATHS, parts, now)

    def seen_moved(self, peer, endpoint: bytes, ours: bytes, now: int) -> None:
        """A reference node sees us where we have moved to: make it send there, and nowhere else, from now on.

        The redirect of protocol/04 §4.9 raises a path's priority above that of the path on which it came, so it has to
        be repeated as often as we have moved before.
        """
        if now - peer.moved_at < _REDIRECT_LIMIT and address.port(ours):
            again = [ours] * min(peer.moves, _MOST_REDIRECTS)  # in one packet: few are listened to
            payload = messages.encode_push_direct_paths(again, messages.PUSH_REDIRECT)
            self._transport.send_via(peer, endpoint, VERB_PUSH_DIRECT_PATHS, (payload,), now)
            peer.last_push = (
                now + PUSH_CUTOFF_TIME
            )  # or the next redirect may be one push too many
        peer.moved_at = 0

    # --- trying ---

    def try_candidates(self, peer, now: int) -> int:
        """Try what is due; when to come again. Without a path to a peer that matters, this goes on for ever."""
        if not len(peer.candidates):
            return NEVER
        path = peer.best_path(now)
        is_hurried = peer.active(now) and (path is None or not path.is_proved)
        for endpoint in peer.candidates.due(is_hurried, now):
            if self._paths.acceptable(peer, endpoint):
                self._paths.ask(peer, endpoint, now)
            else:
                peer.candidates.remove(endpoint)
        return peer.candidates.next(is_hurried)
