"""Who is known: the table of peers, and which of them are roots.

Owns the bounded table. Which worlds there are is worlds.py's. Never sends.
"""

from ..identity import Identity
from .peer import Peer


class Topology:
    """Peers by address. Roots and pinned peers stay, others leave when the table is full (LRU)."""

    def __init__(self, identity: Identity, limit: int, counters) -> None:
        self.identity = identity
        self.keys = None  # a memory of shared keys: get(identity) -> 48 bytes or None
        self._limit = limit
        self._counters = counters
        self._peers: dict[bytes, Peer] = {}
        self.is_root = False  # a world names us as one of its roots
        self._roots: list[Peer] = []

    def get(self, address: bytes) -> Peer | None:
        return self._peers.get(address)

    def shared(self, address: bytes) -> bytes:
        """This address, if there is such a peer as the object that the peer has: equal ones would each take memory."""
        peer = self._peers.get(address)
        return address if peer is None else peer.address

    def add(self, identity: Identity, now: int) -> Peer:
        """The peer of this identity; agrees on the key if it is new. A known identity is never replaced."""
        peer = self._peers.get(identity.address)
        if peer is not None:
            return peer
        if len(self._peers) >= self._limit:
            self._evict()
        key = self.keys.get(identity) if self.keys is not None else None
        peer = Peer(identity, key or self.identity.agree(identity))
        peer.last_receive = now
        peer.last_used = now
        self._peers[identity.address] = peer
        return peer

    def set_roots(self, worlds: list, now: int) -> None:
        """The roots of these worlds, and no others, are roots from now on; the planet comes first."""
        for peer in self._roots:
            peer.is_root = peer.is_moon = peer.is_left = peer.pinned = False
            peer.endpoints = ()
        self._roots = []
        self.is_root = False
        for index, world in enumerate(worlds):
            for root in world.roots:
                self._add_root(root, index > 0, now)

    def _add_root(self, root, is_moon: bool, now: int) -> None:
        known = Identity.from_bytes(root.identity)
        if known == self.identity:
            self.is_root = True
            return
        peer = self.add(known, now)
        if peer.identity != known:
            self._counters.count("root_identity_differs")
            return
        if not peer.is_root:
            peer.is_root = peer.pinned = True
            peer.is_moon = is_moon
            self._roots.append(peer)
        for endpoint in root.endpoints:
            if endpoint not in peer.endpoints:
                peer.endpoints += (endpoint,)

    def _evict(self) -> None:
        oldest = None
        for peer in self._peers.values():
            if not peer.pinned and (oldest is None or peer.last_used < oldest.last_used):
                oldest = peer
        if oldest is not None:
            del self._peers[oldest.address]
            self._counters.count("peer_evicted")

    def forget_silent(self, now: int) -> None:
        """Drop peers that have not been heard for PEER_EXPIRATION (protocol/04 §4.5)."""
        silent = [p for p in self._peers.values() if not p.pinned and p.silent(now)]
        for peer in silent:
            del self._peers[peer.address]

    def peers(self) -> list[Peer]:
        return list(self._peers.values())

    def root_peers(self) -> list[Peer]:
        return self._roots

    def roots(self) -> list[bytes]:
        """The addresses of the roots, ourselves not among them."""
        return [peer.address for peer in self._roots]

    def best_root(self, now: int) -> Peer | None:
        """The root to relay through: the nearest of those that answer, else any that has a path (protocol/04 §4.7)."""
        best = None
        lowest = 0
        for peer in self._roots:
            path = peer.best_path(now)
            if path is None:
                continue
            cost = path.distance(now - peer.last_receive)
            if best is None or cost < lowest:
                best = peer
                lowest = cost
        if best is None:
            for peer in self._roots:
                if peer.paths:
                    return peer
        return best
