"""Frames from other members, and the gate that they pass before they reach the local port.

Owns the handlers of FRAME, EXT_FRAME and MULTICAST_FRAME (protocol/03 §3.9, §3.10, §3.17). Never
decides who is a member.
"""

from ..const import const
from ..vl1.outcome import HOLD, IGNORED, RECEIVED, TRUSTED
from ..vl1.packet import Packet
from ..vl1.peer import Peer
from ..vl1.transport import Transport
from ..wire import messages
from ..wire.config import ROLE_REPLICATOR
from ..wire.credentials import Membership
from ..wire.verbs import (
    ERROR_NEED_MEMBERSHIP_CERTIFICATE,
    VERB_EXT_FRAME,
    VERB_FRAME,
    VERB_MULTICAST_FRAME,
)
from . import ethernet
from .members import Member
from .network import Network
from .pace import Pace
from .rules import DROP, SUPER_ACCEPT, WAIT

_NO_MAC = bytes(6)
_ASK_INTERVAL = const(1000)  # ERRORs that ask a member for its credentials, per network


class Inbound:
    """Handlers of the three verbs that carry frames. `networks`: joined networks by their id."""

    def __init__(self, networks: dict[bytes, Network], transport: Transport) -> None:
        self._networks = networks
        self._transport = transport
        self._count = transport.counters.count
        self._asking = Pace(_ASK_INTERVAL, transport.limits.networks * transport.limits.members)
        transport.verbs[VERB_FRAME] = self.receive_frame
        transport.verbs[VERB_EXT_FRAME] = self.receive_ext_frame
        transport.verbs[VERB_MULTICAST_FRAME] = self.receive_multicast_frame

    def receive_frame(self, peer: Peer, packet: Packet, now: int) -> int:
        """A frame from the sender's own MAC to ours."""
        nwid, ethertype, payload = messages.parse_frame(packet.payload)
        network = self._networks.get(nwid)
        if network is None:
            self._count("frame_unknown_network")
            return RECEIVED
        member = network.members.admit(peer.address, now)
        if member is None:
            return self._ask(network, peer, packet, now)
        network.subscriptions.tell(member, now)
        frame = network.compose(network.mac, member.mac, ethertype, payload)
        if len(payload) == 0 or frame is None:
            return TRUSTED
        verdict = network.rules.arrives_from(member, frame, now)
        if verdict == WAIT:
            return HOLD
        if verdict != DROP:
            network.deliver(frame, now)
        return TRUSTED

    def receive_ext_frame(self, peer: Peer, packet: Packet, now: int) -> int:
        """A frame with its MACs: from a bridge, or a copy that a rule made."""
        frame = messages.parse_ext_frame(packet.payload)
        network = self._networks.get(frame.nwid)
        if network is None:
            self._count("frame_unknown_network")
            return RECEIVED
        member = self._admit(network, frame.com, peer, now)
        if member is None:
            return self._ask(network, peer, packet, now)
        network.subscriptions.tell(member, now)
        if len(frame.payload):
            outcome = self._take_ext_frame(network, member, frame, now)
            if outcome != TRUSTED:
                return outcome
        if frame.flags & messages.EXT_FRAME_ACKNOWLEDGE:
            self._transport.send_ok(peer, packet, (frame.nwid,), now)
        return TRUSTED

    def _take_ext_frame(
        self, network: Network, member: Member, frame: messages.ExtFrame, now: int
    ) -> int:
        """Deliver it if rules and MACs allow. TRUSTED, if it is to be acknowledged whatever they say.

        A rule that sends a frame to us for inspection overrides the MACs (protocol/03 §3.10).
        """
        if frame.source == network.mac or frame.source == _NO_MAC:
            return self._spoofed(network, frame.source)
        ethernet_frame = network.compose(
            frame.destination, frame.source, frame.ethertype, frame.payload
        )
        if ethernet_frame is None:
            return TRUSTED
        verdict = network.rules.arrives_from(member, ethernet_frame, now)
        if verdict == WAIT:
            return HOLD
        if verdict == DROP:
            return TRUSTED
        if verdict != SUPER_ACCEPT:
            if frame.source != member.mac and not network.bridges.hears(
                frame.source, member.address, now
            ):
                return self._spoofed(network, frame.source)
            if not self._is_for_us(network, frame.destination):
                self._count("frame_not_for_us")
                return TRUSTED
        network.deliver(ethernet_frame, now)
        return TRUSTED

    def _is_for_us(self, network: Network, destination: bytes) -> bool:
        """Or for somebody behind us, if we are a bridge."""
        if ethernet.is_multicast(destination):
            return network.multicast_limit != 0
        if destination == network.mac:
            return True
        return network.bridges.are_we and network.bridges.may_be_bridged(destination)

    def receive_multicast_frame(self, peer: Peer, packet: Packet, now: int) -> int:
        """A frame to a group. That we are told of it is enough; we need not have subscribed."""
        frame = messages.parse_multicast_frame(packet.payload)
        network = self._networks.get(frame.nwid)
        if network is None:
            self._count("frame_unknown_network")
            return IGNORED
        member = self._admit(network, frame.com, peer, now)
        if member is None:
            return self._ask(network, peer, packet, now)
        network.subscriptions.tell(member, now)
        if network.multicast_limit == 0:
            self._count("multicast_disabled")
            return TRUSTED
        if not len(frame.payload):
            return TRUSTED
        if not ethernet.is_multicast(frame.destination):
            self._count("frame_not_multicast")
            return TRUSTED
        outcome = self._take_multicast_frame(network, member, frame, now)
        if outcome == TRUSTED and frame.gather_limit:
            body = network.multicast.tell_listeners(frame, member.address, now)
            if body is not None:
                self._transport.send_ok(peer, packet, (body,), now)
        return outcome

    def _take_multicast_frame(
        self, network: Network, member: Member, frame: messages.MulticastFrame, now: int
    ) -> int:
        source = frame.source or member.mac
        if source != member.mac and not self._may_speak_for(network, member, source, now):
            return self._spoofed(network, source)
        ethernet_frame = network.compose(frame.destination, source, frame.ethertype, frame.payload)
        if ethernet_frame is None:
            return TRUSTED
        verdict = network.rules.arrives_from(member, ethernet_frame, now)
        if verdict == WAIT:
            return HOLD
        if verdict == DROP:
            return TRUSTED
        if frame.flags & messages.MULTICAST_REPLICATE:
            if network.is_specialist(self._transport.address, ROLE_REPLICATOR):
                network.multicast.replicate(frame, member.address, source, now)
            else:
                self._count("multicast_replicate_refused")
        network.deliver(ethernet_frame, now)
        return TRUSTED

    def _may_speak_for(self, network: Network, member: Member, source: bytes, now: int) -> bool:
        """A bridge for the hosts behind it, a replicator for other members; nobody for us."""
        if source == network.mac:
            return False
        if ethernet.is_of_member(source, network.nwid):
            return network.is_specialist(member.address, ROLE_REPLICATOR)
        return network.bridges.hears(source, member.address, now)

    def _admit(self, network: Network, com: bytes | None, peer: Peer, now: int) -> Member | None:
        """The member, with the certificate that came with its frame, if one did."""
        if com is not None:
            membership, _ = Membership.parse(com)
            if membership.nwid == network.nwid:
                network.members.offer(membership, peer.address, now)
            else:
                self._count("credential_other_network")
        return network.members.admit(peer.address, now)

    def _ask(self, network: Network, peer: Peer, packet: Packet, now: int) -> int:
        """Keep the packet; ask for credentials once a second, however many packets wait."""
        self._count("frame_not_admitted")
        config = network.config
        if config is not None and self._asking.allows(network.nwid + peer.address, now):
            self._transport.send_error(
                peer, packet, ERROR_NEED_MEMBERSHIP_CERTIFICATE, network.nwid, now
            )
        return HOLD

    def _spoofed(self, network: Network, source: bytes) -> int:
        """A source MAC that is not the sender's: that of a bridged host, or a lie."""
        self._count("frame_own_source" if source == network.mac else "frame_foreign_source_in")
        return RECEIVED
