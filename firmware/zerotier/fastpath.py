"""Keeps the C datapath in step with the node: frames pass in C, and Python hears of the rest.

Owns which peers and members the datapath knows (protocol knowledge stays in vl1 and vl2). Python decides and fills
the tables; C moves. Whatever C cannot judge comes back through its ring:

    PACKET  authenticated, but not a frame that C may deliver     -> the verb's handler
    RAW     not authenticated: HELLO, unknown sender, relaying    -> Transport
    FRAME   from a local port, for somebody whom C may not send to -> Network.transmit
    BRIDGED from an Ethernet that is joined to a network, likewise  -> Bridge.receive
    PATH    a known peer was heard at an endpoint that is no path  -> Paths

A member is offloaded when a frame of it or for it has passed through Python, and stays until it is the least recently
used one in a full table.
"""

from .const import const
from .vl1.outcome import TRUSTED
from .vl2 import ethernet
from .wire.packet import DESTINATION, FLAGS, SOURCE, is_detour
from .wire.verbs import VERB_EXT_FRAME, VERB_FRAME

PACKET = const(1)
RAW = const(2)
FRAME = const(3)
PATH = const(4)
BRIDGED = const(5)

ADMITTED = const(1)
OPEN = const(2)

SYNC_INTERVAL = const(250)  # ms between two looks at the datapath's clocks while frames pass
_IDLE_INTERVAL = const(1000)  # the same while none do
_BATCH = const(32)  # records that one pump handles
_NWID_SIZE = const(8)


class _Offloaded:
    """What the datapath was told of one peer."""

    def __init__(self, peer) -> None:
        self.peer = peer
        self.route: tuple | None = None  # (confirmed endpoints, where to send)
        self.flags: dict[bytes, int] = {}  # by network id
        self.holdings: dict[bytes, object] = {}  # likewise; for the rules
        self.last_in = 0
        self.last_out = 0
        self.paths: list = []  # in the order in which C knows them


class _Hosts:
    """What the datapath knows of the hosts behind the bridges of one network (vl2/bridges.py)."""

    def __init__(self, datapath, nwid: bytes, ourselves: bytes) -> None:
        self._datapath = datapath
        self._nwid = nwid
        self._ourselves = ourselves

    def put(self, mac: bytes, way: bytes, now: int) -> None:
        self._datapath.set_host(self._nwid, mac, way or self._ourselves, now)

    def clear(self) -> None:
        self._datapath.forget_hosts(self._nwid)


class Fastpath:
    """One datapath in front of one node. `bound`: how many peers the datapath has room for."""

    def __init__(self, node, datapath, bound: int) -> None:
        self._node = node
        self._datapath = datapath
        self._bound = bound
        self._peers: dict[bytes, _Offloaded] = {}
        self._rules: dict[
            bytes, object
        ] = {}  # the RuleSet of each network, as the datapath knows it
        # A datapath that cannot judge leaves networks with rules to Python.
        self._judges = hasattr(datapath, "set_rules")
        self._next_sync = 0
        self._is_busy = False  # frames passed between the last two looks
        self._is_more = False  # the ring holds more than was handled
        self._on_received = node.transport.on_received
        node.transport.on_received = self._received
        datapath.set_ids(node.ids.reserve())

    # --- ports ---

    def add_network(self, network, port) -> None:
        """A network got its config: frames of its members may pass to `port`. OSError if the table is full."""
        self._datapath.add_network(network.nwid, network.mac, network.largest, port)
        self._rules[network.nwid] = None
        self._give_rules(network.nwid)
        network.bridges.fast = _Hosts(self._datapath, network.nwid, self._node.identity.address)
        self.join_ethernet(network)

    def join_ethernet(self, network) -> None:
        """Another Ethernet is joined to the network, or none: if C can reach it, C bridges it."""
        ethernet = network.bridge.port if network.bridge is not None else None
        self._datapath.join_ethernet(network.nwid, getattr(ethernet, "tap", None))

    def remove_network(self, nwid: bytes) -> None:
        """The network was left."""
        self._datapath.remove_network(nwid)
        for offloaded in self._peers.values():
            offloaded.flags.pop(nwid, None)
            offloaded.holdings.pop(nwid, None)
        self._rules.pop(nwid, None)

    # --- what the driver calls ---

    def pump(self, now: int) -> None:
        """Handle what C has handed back, and run what is due."""
        is_news = self._drain(now)
        if self._node.deadline() <= now:
            self._sync(now)  # timers go by when frames passed
            self._node.tick(now)
            is_news = True
        if is_news or now >= self._next_sync:
            self._sync(now)

    def deadline(self) -> int:
        """When `pump` is due, if nothing comes in between."""
        if self._is_more:
            return 0
        if not self._peers:
            return self._node.deadline()
        return min(self._node.deadline(), self._next_sync)

    # --- what C hands back ---

    def _drain(self, now: int) -> bool:
        """Handle what is in the ring, but no more than a batch: a flood must not keep the program from its turn.

        True if there was anything.
        """
        self._is_more = False
        for count in range(_BATCH):
            record = self._datapath.next()
            if record is None:
                return count > 0
            kind, octets, origin = record
            try:
                self._handle(kind, octets, origin, now)
            except ValueError:
                self._node.counters.count("malformed")
            except MemoryError:
                self._node.counters.count("no_memory")
        self._is_more = True
        return True

    def _handle(self, kind: int, octets, origin: bytes, now: int) -> None:
        node = self._node
        transport = node.transport
        if kind == FRAME:
            network = node.networks.get(origin)
            if network is not None:
                network.transmit(octets, now)
                self._offload_receiver(network, octets, now)
        elif kind == BRIDGED:
            network = node.networks.get(origin)
            if network is not None and network.bridge is not None:
                network.bridge.receive(octets, now)
                self._offload_receiver(network, octets, now)
        elif kind == PACKET:
            source = bytes(octets[SOURCE:FLAGS])
            peer = transport.topology.get(source)
            if peer is None:
                transport.counters.count("peer_gone")
                return
            transport.handle(peer, transport.unpack(octets, source, origin), now)
        elif kind == PATH:
            peer = transport.topology.get(bytes(octets))
            if peer is not None:
                node.paths.heard_from(peer, origin, now)
        elif bytes(octets[DESTINATION:SOURCE]) == transport.address and not is_detour(octets):
            transport.open(octets, origin, now)
        else:
            transport.receive(octets, origin, now)

    def _received(self, peer, packet, outcome: int, now: int) -> None:
        """A packet passed through Python. If it was a member's frame, the next ones need not."""
        self._on_received(peer, packet, outcome, now)
        if outcome == TRUSTED and (packet.verb == VERB_FRAME or packet.verb == VERB_EXT_FRAME):
            network = self._node.networks.get(bytes(packet.payload[:_NWID_SIZE]))
            if network is not None:
                self._offload(network, peer.address, now)

    # --- the tables ---

    def _offload_receiver(self, network, frame: memoryview, now: int) -> None:
        """The same for whom a frame was for, or who bridges for it."""
        mac = bytes(frame[: ethernet.SOURCE])
        if ethernet.is_multicast(mac):
            return
        address = ethernet.address_of(mac, network.nwid) or network.bridges.way(mac, now)
        if address:
            self._offload(network, address, now)

    def _offload(self, network, address: bytes, now: int) -> None:
        """Let the datapath handle this member's frames, as far as it may."""
        peer = self._node.topology.get(address)
        if peer is None or network.members.get(address) is None:
            return
        offloaded = self._peers.get(address)
        if offloaded is None:
            if len(self._peers) >= self._bound:
                self._evict()
            self._datapath.set_peer(address, peer.key)
            offloaded = self._peers[address] = _Offloaded(peer)
            offloaded.last_in = offloaded.last_out = now
        offloaded.flags.setdefault(network.nwid, 0)
        self._sync_peer(offloaded, now)

    def _evict(self) -> None:
        oldest = None
        for offloaded in self._peers.values():
            if oldest is None or max(offloaded.last_in, offloaded.last_out) < max(
                oldest.last_in, oldest.last_out
            ):
                oldest = offloaded
        if oldest is not None:
            self._remove(oldest.peer.address)

    def _remove(self, address: bytes) -> None:
        del self._peers[address]
        self._datapath.remove_peer(address)

    def _sync(self, now: int) -> None:
        """Bring both sides to the same state: what C heard and sent, and what C may do from now on."""
        self._is_busy = False
        if self._datapath.ids_low():
            self._datapath.set_ids(self._node.ids.reserve())
        for nwid in self._rules:
            self._give_rules(nwid)
        for address in list(self._peers):
            offloaded = self._peers[address]
            if self._node.topology.get(address) is not offloaded.peer:
                self._remove(address)
            else:
                self._sync_peer(offloaded, now)
        self._next_sync = now + (SYNC_INTERVAL if self._is_busy else _IDLE_INTERVAL)

    def _sync_peer(self, offloaded: _Offloaded, now: int) -> None:
        self._take_times(offloaded, now)
        self._give_route(offloaded, now)
        for nwid in list(offloaded.flags):
            self._give_flags(offloaded, nwid, now)

    def _take_times(self, offloaded: _Offloaded, now: int) -> None:
        """What the datapath heard and sent counts as if it had passed through Python."""
        peer = offloaded.peer
        last_in, last_out, heard = self._datapath.peer_state(peer.address)
        for path, last_receive in zip(offloaded.paths, heard):
            if last_receive > path.last_receive:
                path.heard(last_receive)
        self._is_busy = (
            self._is_busy or last_in > offloaded.last_in or last_out > offloaded.last_out
        )
        if last_out > offloaded.last_out:
            offloaded.last_out = last_out
            peer.last_active = peer.last_used = last_out
            path = peer.best_path(now)
            if path is not None:
                path.last_send = max(path.last_send, last_out)
        if last_in > offloaded.last_in:
            offloaded.last_in = last_in
            peer.last_receive = peer.last_active = peer.last_trust = last_in
            self._node.paths.offer(peer, now)
            for nwid in offloaded.flags:
                network = self._node.networks.get(nwid)
                member = network.members.get(peer.address) if network is not None else None
                if member is not None:
                    member.last_used = last_in
                    network.subscriptions.tell(member, now)

    def _give_route(self, offloaded: _Offloaded, now: int) -> None:
        peer = offloaded.peer
        endpoints = tuple([path.endpoint for path in peer.paths])
        route = (endpoints, self._node.transport.endpoint_of(peer, now))
        if route != offloaded.route:
            offloaded.route = route
            offloaded.paths = list(peer.paths)
            self._datapath.set_paths(peer.address, endpoints, route[1])

    def _give_rules(self, nwid: bytes) -> None:
        """A network's rules changed: none of its frames may pass by the old ones."""
        network = self._node.networks.get(nwid)
        if network is None or self._rules[nwid] is network.rules.compiled:
            return
        self._rules[nwid] = network.rules.compiled
        if self._judges:
            self._datapath.set_rules(nwid, network.rules.compiled)
        elif not network.rules.accept_all:
            for address, offloaded in self._peers.items():
                if offloaded.flags.get(nwid):
                    offloaded.flags[nwid] = 0
                    self._datapath.set_member(nwid, address, 0)

    def _give_holdings(self, offloaded: _Offloaded, network, member) -> None:
        """What the member has shown us since, or what rules had verified."""
        if not self._judges or network.rules.accept_all or member is None:
            return
        holdings = network.members.holdings(member)
        if holdings is not offloaded.holdings.get(network.nwid):
            offloaded.holdings[network.nwid] = holdings
            self._datapath.set_holdings(network.nwid, member.address, holdings)

    def _give_flags(self, offloaded: _Offloaded, nwid: bytes, now: int) -> None:
        network = self._node.networks.get(nwid)
        member = None
        if network is not None:
            member = network.members.get(offloaded.peer.address)
            self._give_holdings(offloaded, network, member)
        flags = 0
        if member is not None and (self._judges or network.rules.accept_all):
            if member.allowed:
                flags |= ADMITTED
            if not network.credentials.is_due(member, now):
                flags |= OPEN
        if flags != offloaded.flags[nwid]:
            offloaded.flags[nwid] = flags
            self._datapath.set_member(nwid, offloaded.peer.address, flags)
