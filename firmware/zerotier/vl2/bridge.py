"""A local Ethernet joined to a network: a switch between it, the local port and the network.

Decides where a frame of that Ethernet, or for it, goes. Whether this node may bridge is the controller's decision
(protocol/07 §7.6), and asked for every frame. Never keeps where a host is: bridges.py does.

    ethernet.deliver(frame)    a frame for that Ethernet; borrowed, valid during the call only
    bridge.receive(frame)      a frame that was heard there, whosever it is
"""

from . import ethernet
from .bridges import HERE


class Bridge:
    """`port`: where frames for the joined Ethernet go."""

    def __init__(self, network, port, local, count) -> None:
        self._network = network
        self.port = port
        self._local = local
        self._count = count

    def receive(self, frame: bytes | memoryview, now: int) -> None:
        """A frame from the joined Ethernet: to the local port, to the network, or to both."""
        bridges = self._network.bridges
        if len(frame) <= ethernet.HEADER:
            self._count("frame_size_bridged")
            return
        if not bridges.are_we:
            self._count("bridge_not_allowed")
            return
        view = memoryview(frame)
        source = bytes(view[ethernet.SOURCE : ethernet.ETHERTYPE])
        if not bridges.may_be_bridged(source):
            self._count("bridge_source_refused")
            return
        bridges.learn(source, HERE, now)
        destination = bytes(view[: ethernet.SOURCE])
        if ethernet.is_multicast(destination):
            self._local.deliver(view)
        elif bridges.way(destination, now) == HERE:
            return  # both are on that Ethernet
        self._network.outbound.transmit(view, now)

    def deliver(self, frame: memoryview) -> None:
        """A frame from the network that the rules let through."""
        destination = bytes(frame[: ethernet.SOURCE])
        is_group = ethernet.is_multicast(destination)
        if is_group or destination == self._network.mac:
            self._local.deliver(frame)
        if is_group or destination != self._network.mac:
            self.port.deliver(frame)

    def takes(self, frame: memoryview, now: int) -> bool:
        """A frame from the local port. True if only the joined Ethernet needs it."""
        destination = bytes(frame[: ethernet.SOURCE])
        bridges = self._network.bridges
        if not bridges.are_we:
            return False
        if bridges.way(destination, now) == HERE:
            self.port.deliver(frame)
            return True
        if ethernet.is_multicast(destination):
            self.port.deliver(frame)
        return False
