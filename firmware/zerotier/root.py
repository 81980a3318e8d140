"""The root role: relays for everybody and introduces peers to each other (protocol/09).

Owns relaying, RENDEZVOUS, and what one client may cost. Never decrypts what it relays. A node has this role when the
planet or a moon names it.
"""

from .const import const
from .limits import RELAY_MAX_HOPS, RELAY_RATE, UNITE_INTERVAL, WHOIS_RATE
from .vl1.gate import Budgets, StrangerGate
from .wire import address as addresses
from .wire import messages
from .wire.packet import (
    DESTINATION,
    FLAGS,
    FRAGMENT_HOPS,
    FRAGMENT_INDICATOR,
    FRAGMENT_MARK,
    HOPS_MASK,
    SOURCE,
)
from .wire.verbs import VERB_RENDEZVOUS

_MAX_PAIRS = const(16384)
_HOUSEKEEPING = const(30000)
_MOVED_INTERVAL = const(1000)  # RENDEZVOUS for a pair whose endpoints have changed
_SENDERS = const(16384)
_BURST_SECONDS = const(2)
# A site that comes back after a power cut has hundreds of nodes behind one address, and all of them are strangers to a
# root that has lost its store. The identity hash of each takes about 11 ms of a PC's core.
_STRANGER_INTERVAL = const(25)  # ms, per place
_STRANGER_BURST = const(32)
_STRANGER_TOTAL = const(20)  # ms, in all


def _everybody(address: bytes, nwid: bytes, now: int) -> bool:
    return True


class Root:
    """Relays datagrams whose destination is somebody else."""

    def __init__(self, transport, groups) -> None:
        self._transport = transport
        self._groups = groups
        self._united: dict[bytes, tuple] = {}  # pair of addresses -> (last RENDEZVOUS, endpoints)
        self._senders = Budgets(1000 // RELAY_RATE, _BURST_SECONDS * RELAY_RATE, _SENDERS)
        transport.relay = self.relay
        groups.serve(_everybody)

    @staticmethod
    def open_gates(node) -> None:
        """Let a node that is a root take in more strangers than others, and remember all its clients."""
        node.greeting.gate = StrangerGate(_STRANGER_INTERVAL, _STRANGER_BURST, _STRANGER_TOTAL)
        node.directory.budgets = Budgets(
            1000 // WHOIS_RATE, _BURST_SECONDS * WHOIS_RATE, node.transport.limits.peers
        )
        node.memory.keeps_all = True

    def relay(self, datagram, endpoint: bytes, now: int) -> None:
        """Pass a head or a fragment on (protocol/04 §4.7); the hop count is the only thing that changes."""
        transport = self._transport
        is_head = datagram[FRAGMENT_MARK] != FRAGMENT_INDICATOR
        hops_at = FLAGS if is_head else FRAGMENT_HOPS
        hops = datagram[hops_at] & HOPS_MASK
        if hops >= RELAY_MAX_HOPS:
            transport.counters.count("relay_hops")
            return
        if not self._senders.take(endpoint, now):
            transport.counters.count("relay_rate")
            return
        datagram[hops_at] = datagram[hops_at] & ~HOPS_MASK | hops + 1
        source = bytes(datagram[SOURCE:FLAGS]) if is_head else b""
        destination = bytes(datagram[DESTINATION:SOURCE])
        peer = transport.topology.get(destination)
        upstream = transport.topology.best_root(now)
        path = peer.best_path(now) if peer is not None else None
        if path is None and upstream is None and peer is not None and peer.paths:
            path = peer.paths[-1]
        if path is not None:
            path.last_send = now
            transport.counters.count("relayed")
            transport.send_raw(datagram, path.endpoint)
            if is_head:
                self._introduce(source, peer, now)
            return
        if upstream is None or upstream.address == source or not upstream.paths:
            transport.counters.count("relay_unreachable")
            return
        transport.counters.count("relayed_to_root")
        transport.send_raw(datagram, upstream.paths[0].endpoint)

    def _introduce(self, source: bytes, peer, now: int) -> None:
        """RENDEZVOUS to both, at most once in 30 s per pair (protocol/04 §4.7.1)."""
        other = self._transport.topology.get(source)
        if other is None or other is peer:
            return
        pair = min(source, peer.address) + max(source, peer.address)
        common = _common_endpoints(other, peer, now)
        if common is None:
            return
        last = self._united.get(pair)
        if last is not None:
            # Whoever has moved cannot wait for thirty seconds.
            interval = UNITE_INTERVAL if set(last[1]) == set(common) else _MOVED_INTERVAL
            if now - last[0] < interval:
                return
        if len(self._united) >= _MAX_PAIRS:
            self._united.clear()
        self._united[pair] = (now, common)
        its_endpoint, peers_endpoint = common
        self._transport.send(
            peer.address,
            VERB_RENDEZVOUS,
            (messages.encode_rendezvous(other.address, its_endpoint),),
            now,
        )
        self._transport.send(
            other.address,
            VERB_RENDEZVOUS,
            (messages.encode_rendezvous(peer.address, peers_endpoint),),
            now,
        )

    def tick(self, now: int) -> int:
        self._groups.forget_expired(now)
        for pair in [p for p, last in self._united.items() if now - last[0] >= UNITE_INTERVAL]:
            del self._united[pair]
        return now + _HOUSEKEEPING


def _common_endpoints(one, other, now: int) -> tuple | None:
    """Endpoints of both in the closest scope and family that they share (protocol/04 §4.7.1), or None."""
    ours = _best_by_kind(one, now)
    theirs = _best_by_kind(other, now)
    shared = [kind for kind in ours if kind in theirs]
    if not shared:
        return None
    closest = max(shared)
    return ours[closest].endpoint, theirs[closest].endpoint


def _best_by_kind(peer, now: int) -> dict:
    """The best path for each (scope, size of its endpoint)."""
    best: dict = {}
    for path in peer.paths:
        if path.expired(now):
            continue
        kind = (addresses.scope(path.endpoint), len(path.endpoint))
        if kind not in best or path.quality(now) < best[kind].quality(now):
            best[kind] = path
    return best
