"""Relaying for the members of a network whose controller made us its relay (protocol/14 §14.3).

Owns whose datagrams are passed on. Never opens them. A root relays for everybody (root.py).

Where they go is not asked: older members show nothing of themselves to a relay, and a root has a path to whom we have
none.
"""

from ..const import const
from ..limits import RELAY_MAX_HOPS, RELAY_RATE
from ..vl1.gate import Budgets
from ..vl1.path import Path
from ..vl1.transport import Transport
from ..wire.config import ROLE_RELAY
from ..wire.packet import (
    DESTINATION,
    FLAGS,
    FRAGMENT_HOPS,
    FRAGMENT_INDICATOR,
    FRAGMENT_MARK,
    HOPS_MASK,
    SOURCE,
)
from .network import Network

_BURST_SECONDS = const(2)
_SENDERS = const(64)


class Relaying:
    """Takes the datagrams that are for somebody else. `networks`: joined networks by their id."""

    def __init__(self, networks: dict[bytes, Network], transport: Transport) -> None:
        self._networks = networks
        self._transport = transport
        self._count = transport.counters.count
        self._senders = Budgets(1000 // RELAY_RATE, _BURST_SECONDS * RELAY_RATE, _SENDERS)
        self._heads: dict[bytes, bytes] = {}  # endpoint -> the member whose heads came from there

    def relay(self, datagram: bytearray | memoryview, endpoint: bytes, now: int) -> None:
        """Pass a head or a fragment on; the hop count is the only thing that changes."""
        ours = self._transport.address
        networks = [n for n in self._networks.values() if n.is_specialist(ours, ROLE_RELAY)]
        if not networks:
            self._count("not_for_us")
            return
        is_head = datagram[FRAGMENT_MARK] != FRAGMENT_INDICATOR
        if is_head:
            source: bytes | None = bytes(datagram[SOURCE:FLAGS])
            if len(self._heads) >= _SENDERS:
                self._heads.clear()
            self._heads[endpoint] = source  # type: ignore[assignment]
        else:
            source = self._heads.get(endpoint)  # a fragment does not say whose it is
        if source is None or not _is_member(networks, source):
            self._count("relay_not_member")
            return
        hops_at = FLAGS if is_head else FRAGMENT_HOPS
        hops = datagram[hops_at] & HOPS_MASK
        if hops >= RELAY_MAX_HOPS:
            self._count("relay_hops")
            return
        if not self._senders.take(endpoint, now):
            self._count("relay_rate")
            return
        path = self._path_to(bytes(datagram[DESTINATION:SOURCE]), now)
        if path is None:
            self._count("relay_unreachable")
            return
        datagram[hops_at] = datagram[hops_at] & ~HOPS_MASK | hops + 1
        path.last_send = now
        self._count("relayed")
        self._transport.send_raw(datagram, path.endpoint)

    def _path_to(self, destination: bytes, now: int) -> Path | None:
        """The path of a peer; of a root, if there is none."""
        for peer in (
            self._transport.topology.get(destination),
            self._transport.topology.best_root(now),
        ):
            path = peer.best_path(now) if peer is not None else None
            if path is not None:
                return path
        return None


def _is_member(networks: list[Network], address: bytes) -> bool:
    for network in networks:
        member = network.members.get(address)
        if member is not None and member.allowed:
            return True
    return False
