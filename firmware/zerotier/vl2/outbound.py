"""The way of a frame from a local port to the network (protocol/07 §7.2).

Owns the decision to whom it goes. Groups are multicast's, verdicts the rules'.
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire import address as addresses
from ..wire.config import FLAG_NDP_EMULATION
from ..wire.verbs import VERB_EXT_FRAME, VERB_FRAME
from . import ethernet, neighbours

# Bytes that seven datagrams carry behind the fields of the longest kind of frame message: a bridged multicast. The
# reference cannot send more either, whatever a network's MTU says.
MAX_PAYLOAD = const(9869)
_NORMAL = const(0)  # flags of EXT_FRAME


class Outbound:
    """Frames of one network."""

    def __init__(self, network, transport: Transport) -> None:
        self._network = network
        self._transport = transport
        self._count = transport.counters.count

    def transmit(self, frame: memoryview, now: int) -> None:
        """Send an Ethernet frame of ours, or of a host that we bridge."""
        network = self._network
        if network.config is None:
            self._count("frame_without_config")
            return
        size = len(frame) - ethernet.HEADER
        if size <= 0 or size > network.mtu:
            self._count("frame_size_out")
            return
        source = bytes(frame[ethernet.SOURCE : ethernet.ETHERTYPE])
        is_own = source == network.mac
        if not is_own and not (network.bridges.are_we and network.bridges.may_be_bridged(source)):
            self._count("frame_foreign_source_out")
            return
        destination = bytes(frame[: ethernet.SOURCE])
        if ethernet.is_multicast(destination):
            self._to_group(frame, is_own, now)
        elif destination == network.mac:
            network.deliver(frame, now)
        elif ethernet.is_of_member(destination, network.nwid):
            self._to_member(destination, frame, is_own, now)
        elif network.bridges.others:
            self._to_bridges(destination, frame, now)
        else:
            self._count("frame_to_nobody")

    def _to_group(self, frame: memoryview, is_own: bool, now: int) -> None:
        network = self._network
        if network.config.flags & FLAG_NDP_EMULATION:
            answer = neighbours.answer(
                frame, network.addresses, network.nwid, self._transport.address
            )
            if answer is not None:
                network.deliver(memoryview(answer), now)
                return
        network.multicast.transmit(frame, is_own, now)

    def _to_member(self, mac: bytes, frame: memoryview, is_own: bool, now: int) -> None:
        network = self._network
        member = network.members.by_mac(mac)
        if member is None:
            address = ethernet.address_of(mac, network.nwid)
            if address is None or addresses.is_reserved(address):
                self._count("frame_to_nobody")
                return
            member = network.members.make(address, now)
        member.last_used = now
        if not network.rules.leaves_for(member, frame, now):
            return
        network.credentials.before_frame(member, now)
        if is_own:
            # Ethertype and payload follow each other in FRAME as in Ethernet.
            parts = (network.nwid, frame[ethernet.ETHERTYPE :])
            self._transport.send(member.address, VERB_FRAME, parts, now)
        else:
            self._ext_frame(member.address, frame, now)

    def _to_bridges(self, mac: bytes, frame: memoryview, now: int) -> None:
        """To a host behind a bridge: the one that it was heard from, or all that might know it."""
        network = self._network
        if not network.rules.leaves_for_many(frame, now):
            return
        for address in network.bridges.towards(mac, now):
            member = network.members.make(address, now)
            if network.rules.leaves_for_each(member, frame, now):
                network.credentials.before_frame(member, now)
                self._ext_frame(address, frame, now)

    def _ext_frame(self, address: bytes, frame: memoryview, now: int) -> None:
        head = self._network.nwid + bytes((_NORMAL,))
        self._transport.send(address, VERB_EXT_FRAME, (head, frame), now)
