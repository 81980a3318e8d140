"""The root role: relays for everybody and introduces peers to each other (protocol/09).

Owns relaying and RENDEZVOUS. Never decrypts what it relays. A node has this role when the planet names it.
"""

from .const import const
from .limits import RELAY_MAX_HOPS, UNITE_INTERVAL
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


def _everybody(address: bytes, nwid: bytes, now: int) -> bool:
    return True


class Root:
    """Relays datagrams whose destination is somebody else."""

    def __init__(self, transport, groups) -> None:
        self._transport = transport
        self._groups = groups
        self._united: dict[bytes, int] = {}  # unordered pair of addresses -> last RENDEZVOUS
        transport.relay = self.relay
        groups.serve(_everybody)

    def relay(self, datagram, endpoint: bytes, now: int) -> None:
        """Pass a head or a fragment on (protocol/04 §4.7); the hop count is the only thing that changes."""
        transport = self._transport
        is_head = datagram[FRAGMENT_MARK] != FRAGMENT_INDICATOR
        hops_at = FLAGS if is_head else FRAGMENT_HOPS
        hops = datagram[hops_at] & HOPS_MASK
        if hops >= RELAY_MAX_HOPS:
            transport.counters.count("relay_hops")
            return
        datagram[hops_at] = datagram[hops_at] & ~HOPS_MASK | hops + 1
        source = bytes(datagram[SOURCE:FLAGS]) if is_head else b""
        destination = bytes(datagram[DESTINATION:SOURCE])
        peer = transport.topology.get(destination)
        path = peer.best_path(now) if peer is not None else None
        if path is None and peer is not None and peer.paths:
            path = peer.paths[-1]
        if path is not None:
            path.last_send = now
            transport.counters.count("relayed")
            transport.send_raw(datagram, path.endpoint)
            if is_head:
                self._introduce(source, peer, now)
            return
        upstream = transport.topology.best_root(now)
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
        last = self._united.get(pair)
        if last is not None and now - last < UNITE_INTERVAL:
            return
        common = _common_endpoints(other, peer, now)
        if common is None:
            return
        if len(self._united) >= _MAX_PAIRS:
            self._united.clear()
        self._united[pair] = now
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
        for pair in [p for p, last in self._united.items() if now - last >= UNITE_INTERVAL]:
            del self._united[pair]
        return now + _HOUSEKEEPING


def _common_endpoints(one, other, now: int) -> tuple | None:
    """Endpoints of both in the closest scope and family that they share, or None."""
    best = None
    closest = -1
    for path in one.paths:
        for candidate in other.paths:
            if len(path.endpoint) != len(candidate.endpoint):
                continue
            scope = addresses.scope(path.endpoint)
            if scope != addresses.scope(candidate.endpoint):
                continue
            rank = 2 * scope + (len(path.endpoint) > 7)
            if rank > closest and not path.expired(now) and not candidate.expired(now):
                best = (path.endpoint, candidate.endpoint)
                closest = rank
    return best
