"""A local Ethernet joined to a network: a switch between it, the local port and the network.

Owns which hosts are on that Ethernet. Whether this node may bridge is the controller's decision
(protocol/07 §7.6), and asked for every frame.

    ethernet.deliver(frame)    a frame for that Ethernet; borrowed, valid during the call only
    bridge.receive(frame)      a frame that was heard there, whosever it is
"""

from . import ethernet


class Bridge:
    """`port`: where frames for the joined Ethernet go. `bound`: hosts that are remembered."""

    def __init__(self, network, port, local, bound: int, count) -> None:
        self._network = network
        self._port = port
        self._local = local
        self._bound = bound
        self._count = count
        self._hosts: dict[bytes, int] = {}  # MAC -> when it was last heard

    def receive(self, frame: bytes | memoryview, now: int) -> None:
        """A frame from the joined Ethernet: to the local port, to the network, or to both."""
        network = self._network
        if len(frame) <= ethernet.HEADER:
            self._count("frame_size_bridged")
            return
        if not network.bridges.are_we:
            self._count("bridge_not_allowed")
            return
        view = memoryview(frame)
        source = bytes(view[ethernet.SOURCE : ethernet.ETHERTYPE])
        if not network.bridges.may_be_bridged(source):
            self._count("bridge_source_refused")
            return
        self._learn(source, now)
        destination = bytes(view[: ethernet.SOURCE])
        if ethernet.is_multicast(destination):
            self._local.deliver(view)
        elif destination in self._hosts:
            return  # both are on that Ethernet
        network.outbound.transmit(view, now)

    def _learn(self, mac: bytes, now: int) -> None:
        if mac not in self._hosts and len(self._hosts) >= self._bound:
            del self._hosts[min(self._hosts, key=lambda host: self._hosts[host])]
            self._count("bridged_host_evicted")
        self._hosts[mac] = now

    def deliver(self, frame: memoryview) -> None:
        """A frame from the network that the rules let through."""
        destination = bytes(frame[: ethernet.SOURCE])
        is_group = ethernet.is_multicast(destination)
        if is_group or destination == self._network.mac:
            self._local.deliver(frame)
        if is_group or destination != self._network.mac:
            self._port.deliver(frame)

    def takes(self, frame: memoryview) -> bool:
        """A frame from the local port. True if only the joined Ethernet needs it."""
        destination = bytes(frame[: ethernet.SOURCE])
        if not self._network.bridges.are_we:
            return False
        if destination in self._hosts:
            self._port.deliver(frame)
            return True
        if ethernet.is_multicast(destination):
            self._port.deliver(frame)
        return False
