"""Who is known: the table of peers and the roots of the planet.

Owns the bounded table and the planet. Never sends.
"""

from ..identity import Identity
from ..wire.world import World
from .peer import Peer


class Topology:
    """Peers by address. Roots and pinned peers stay, others leave when the table is full (LRU)."""

    def __init__(self, identity: Identity, planet: bytes, limit: int, counters, now: int) -> None:
        """`planet`: a serialized world (protocol/05 §5.1). ValueError if it is none."""
        self.identity = identity
        self._limit = limit
        self._counters = counters
        self._peers: dict[bytes, Peer] = {}
        self.is_root = False  # we are one of the planet's roots ourselves
        self._roots: list[Peer] = []
        self.planet, _ = World.parse(planet)
        self.planet_bytes = bytes(planet)
        for root in self.planet.roots:
            known = Identity.from_bytes(root.identity)
            if known == identity:
                self.is_root = True
                continue
            peer = self.add(known, now)
            peer.is_root = True
            peer.pinned = True
            peer.endpoints = list(root.endpoints)
            self._roots.append(peer)

    def get(self, address: bytes) -> Peer | None:
        return self._peers.get(address)

    def add(self, identity: Identity, now: int) -> Peer:
        """The peer of this identity; agrees on the key if it is new. A known identity is never replaced."""
        peer = self._peers.get(identity.address)
        if peer is not None:
            return peer
        if len(self._peers) >= self._limit:
            self._evict()
        peer = Peer(identity, self.identity.agree(identity))
        peer.last_receive = now
        peer.last_used = now
        self._peers[identity.address] = peer
        return peer

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
        for peer in self._peers.values():
            peer.drop_expired_paths(now)

    def peers(self) -> list[Peer]:
        return list(self._peers.values())

    def root_peers(self) -> list[Peer]:
        return self._roots

    def roots(self) -> list[bytes]:
        """The addresses of the roots, ourselves not among them."""
        return [peer.address for peer in self._roots]

    def best_root(self, now: int) -> Peer | None:
        """The root to relay through: the best path among roots that answer, else any that has one."""
        best = None
        lowest = 0
        for peer in self._roots:
            path = peer.best_path(now)
            if path is None:
                continue
            quality = path.quality(now)
            if best is None or quality < lowest:
                best = peer
                lowest = quality
        if best is None:
            for peer in self._roots:
                if peer.paths:
                    return peer
        return best
