"""The joined networks of a node, and the way of VL2's messages to them.

Owns the table of networks and the handlers of configs, credentials and group lists. Never handles
a frame: `inbound` does.
"""

from ..const import const
from ..vl1.outcome import HOLD, IGNORED, RECEIVED, TRUSTED
from ..vl1.packet import Packet
from ..vl1.peer import Peer
from ..vl1.transport import Transport
from ..wire import messages
from ..wire.address import NWID_SIZE
from ..wire.chunk import Chunk
from ..wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
    REVOCATION_FAST_PROPAGATE,
    Revocation,
    encode_credentials,
    parse_credentials,
)
from ..wire.verbs import (
    ERROR_NEED_MEMBERSHIP_CERTIFICATE,
    ERROR_UNWANTED_MULTICAST,
    VERB_EXT_FRAME,
    VERB_FRAME,
    VERB_MULTICAST_FRAME,
    VERB_MULTICAST_GATHER,
    VERB_MULTICAST_LIKE,
    VERB_NETWORK_CONFIG,
    VERB_NETWORK_CONFIG_REQUEST,
    VERB_NETWORK_CREDENTIALS,
)
from .config_exchange import sign_on_url
from .inbound import Inbound
from .network import Network
from .permissions import Permissions
from .relaying import Relaying
from .saved import Saved
from .status import AUTHENTICATION_REQUIRED, FROM_ERROR

_IDLE = const(60000)


class Networks:
    """The networks that a node has joined. Registers VL2's verbs with the transport."""

    def __init__(self, transport: Transport, store) -> None:
        self._transport = transport
        self._store = store
        self._count = transport.counters.count
        self._networks: dict[bytes, Network] = {}
        self._hostname = ""
        Inbound(self._networks, transport)
        transport.relay = Relaying(self._networks, transport).relay
        transport.network_relay = self.relay_to
        transport.verbs[VERB_NETWORK_CONFIG] = self.receive_config
        transport.verbs[VERB_NETWORK_CREDENTIALS] = self.receive_credentials
        transport.verbs[VERB_MULTICAST_LIKE] = self.receive_like
        transport.verbs[VERB_MULTICAST_GATHER] = self.receive_gather
        transport.ok_verbs[VERB_NETWORK_CONFIG_REQUEST] = self.receive_ok_config
        transport.ok_verbs[VERB_MULTICAST_GATHER] = self.receive_ok_gather
        transport.ok_verbs[VERB_MULTICAST_FRAME] = self.receive_ok_multicast_frame
        transport.error_verbs[VERB_NETWORK_CONFIG_REQUEST] = self.receive_config_error
        for verb in (VERB_FRAME, VERB_EXT_FRAME, VERB_MULTICAST_FRAME):
            transport.error_verbs[verb] = self.receive_frame_error

    # --- what the driver calls ---

    def join(self, nwid: bytes, port, now: int) -> Network:
        """Join a network with this port; its config of the last time is used at once.

        ValueError for a wrong id or a network that is joined; OSError if there are too many.
        """
        if len(nwid) != NWID_SIZE:
            raise ValueError("a network id must be %d bytes" % NWID_SIZE)
        if nwid in self._networks:
            raise ValueError("network %s is joined already" % nwid.hex())
        if len(self._networks) >= self._transport.limits.networks:
            raise OSError("this node can join no more than %d networks" % len(self._networks))
        saved = Saved(self._store, nwid, self._transport.counters)
        permissions = Permissions(self._store, nwid)
        network = Network(nwid, port, self._transport, saved, permissions, now)
        self._networks[nwid] = network
        network.set_hostname(self._hostname, now)
        return network

    def set_hostname(self, hostname: str, now: int) -> None:
        """The name of this node on all networks, now and later (mdns.py); empty: none."""
        for network in self._networks.values():
            network.set_hostname(hostname, now)
        self._hostname = hostname

    def leave(self, nwid: bytes, now: int) -> None:
        """Leave a network and forget all about it. No error if it is not joined."""
        network = self._networks.pop(nwid, None)
        if network is not None:
            network.close()
        Saved(self._store, nwid, self._transport.counters).delete()
        Permissions(self._store, nwid).delete()

    def close(self, now: int) -> None:
        """Close all ports: the node stops. The networks stay in the store, to be joined again."""
        for network in self.all():
            network.close()
        self._networks.clear()

    def get(self, nwid: bytes) -> Network | None:
        return self._networks.get(nwid)

    def all(self) -> list[Network]:
        return list(self._networks.values())

    def contains(self, ip: bytes) -> bool:
        """True if this IP (4 or 16 bytes) is inside a managed subnet.

        ZeroTier's own packets must not go there, or they would travel inside themselves
        (protocol/07 §7.10).
        """
        for network in self._networks.values():
            if network.contains(ip):
                return True
        return False

    def relay_to(self, peer: Peer, now: int) -> Peer | None:
        """The relay of a network that we share with this peer, if one is in reach (14 §14.3)."""
        for network in self._networks.values():
            if network.config is None or network.members.get(peer.address) is None:
                continue
            for address in network.relays():
                relay = self._transport.topology.get(address)
                path = relay.best_path(now) if relay is not None else None
                if relay is not peer and path is not None and path.dependable(now):
                    return relay
        return None

    def tick(self, now: int) -> int:
        """Run the timers of all networks; the time of the next call that is needed."""
        deadline = now + _IDLE
        for network in self.all():
            deadline = min(deadline, network.tick(now))
        return deadline

    def early(self, now: int) -> bool:
        """A packet has to go out through the best root; True if one of ours took its place."""
        for network in self.all():
            if network.early(now):
                return True
        return False

    # --- configuration ---

    def receive_config(self, peer: Peer, packet: Packet, now: int) -> int:
        """NETWORK_CONFIG: the controller sends a new config unasked (protocol/03 §3.15)."""
        return self._config_chunk(packet.payload, None, peer, packet, now)

    def receive_ok_config(
        self, peer: Peer, packet: Packet, in_re_id: bytes, body: memoryview, now: int
    ) -> int:
        """OK(NETWORK_CONFIG_REQUEST)."""
        return self._config_chunk(body, in_re_id, peer, packet, now)

    def _config_chunk(
        self, body: memoryview, in_re_id: bytes | None, peer: Peer, packet: Packet, now: int
    ) -> int:
        chunk = Chunk.parse(body)
        network = self._networks.get(chunk.nwid)
        if network is None:
            self._count("config_unknown_network")
            return RECEIVED
        try:
            accepted = network.exchange.receive(chunk, peer.address, packet.id, in_re_id, now)
        except ValueError as error:
            self._count("config_refused")
            if peer.address == network.exchange.controller:
                network.unusable(str(error))
            return RECEIVED
        if accepted is not None:
            network.accept(accepted, now)
        return RECEIVED

    def receive_config_error(
        self, peer: Peer, packet: Packet, in_re_id: bytes, code: int, extra: memoryview, now: int
    ) -> int:
        """ERROR in reply to a request: the controller refuses (protocol/03 §3.3)."""
        network = self._networks.get(messages.parse_error_network(extra))
        status = FROM_ERROR.get(code)
        if (
            network is None
            or status is None
            or peer.address != network.exchange.controller
            or not network.exchange.waits_for(in_re_id)
        ):
            self._count("config_error_ignored")
            return RECEIVED
        where = sign_on_url(extra) if status == AUTHENTICATION_REQUIRED else ""
        network.refuse(status, now, where)
        return RECEIVED

    # --- credentials ---

    def receive_credentials(self, peer: Peer, packet: Packet, now: int) -> int:
        """NETWORK_CREDENTIALS: the controller's signature counts, not the sender (03 §3.13)."""
        credentials = parse_credentials(packet.payload)
        outcome = RECEIVED
        for com in credentials.memberships:
            network = self._network_of(com)
            if network is None:
                continue
            verdict = network.members.offer(com, peer.address, now)
            if verdict == HOLD:
                return HOLD
            if verdict == TRUSTED:
                outcome = TRUSTED
                self._transport.retry(com.issued_to, now)
        for kind, items in (
            (CREDENTIAL_CAPABILITY, credentials.capabilities),
            (CREDENTIAL_TAG, credentials.tags),
            (CREDENTIAL_OWNERSHIP, credentials.ownerships),
        ):
            for item in items:
                network = self._network_of(item)
                if network is not None and (
                    network.members.show(kind, item, peer.address, now) == HOLD
                ):
                    return HOLD
        for revocation in credentials.revocations:
            network = self._network_of(revocation)
            if network is None:
                continue
            verdict = network.members.revoke(revocation, peer.address, now)
            if verdict == HOLD:
                return HOLD
            if verdict == TRUSTED:
                outcome = TRUSTED
                self._gossip(network, revocation, peer.address, now)
        if credentials.malformed:
            self._count("credentials_malformed")
            return IGNORED
        return outcome

    def _network_of(self, credential) -> Network | None:
        network = self._networks.get(credential.nwid)
        if network is None:
            self._count("credential_other_network")
        return network

    def _gossip(self, network: Network, revocation: Revocation, sender: bytes, now: int) -> None:
        """Pass a revocation on to members that the controller may not reach (06 §6.9).

        Not one of what we held ourselves: they take one such packet a second from us, and that one
        has to be the credentials that are left to us.
        """
        if not revocation.flags & REVOCATION_FAST_PROPAGATE:
            return
        if revocation.target == self._transport.address:
            return
        payload = encode_credentials((), (), (), (revocation,), ())
        for member in network.members.admitted():
            if member.address not in (sender, revocation.signer, revocation.target):
                self._transport.send(member.address, VERB_NETWORK_CREDENTIALS, (payload,), now)

    def receive_frame_error(
        self, peer: Peer, packet: Packet, in_re_id: bytes, code: int, extra: memoryview, now: int
    ) -> int:
        """ERROR in reply to a frame: the member lacks our credentials, or does not listen."""
        network = self._networks.get(messages.parse_error_network(extra))
        if network is None:
            return RECEIVED
        if code == ERROR_NEED_MEMBERSHIP_CERTIFICATE:
            member = network.members.get(peer.address)
            if member is None:
                self._count("credentials_asked_by_stranger")
            else:
                network.credentials.asked(member, now)
        elif code == ERROR_UNWANTED_MULTICAST and network.members.admit(peer.address, now):
            _, mac, adi = messages.parse_unwanted_multicast(extra)
            network.multicast.unwanted(peer.address, mac, adi)
        return RECEIVED

    # --- multicast groups ---

    def receive_like(self, peer: Peer, packet: Packet, now: int) -> int:
        """MULTICAST_LIKE: groups that a member listens to (protocol/03 §3.12)."""
        outcome = RECEIVED
        if peer.address == self._transport.address:
            return RECEIVED  # meant for the role beside us
        waits = False
        for nwid, mac, adi in messages.parse_multicast_like(packet.payload):
            network = self._networks.get(nwid)
            if network is None:
                continue
            if network.members.admit(peer.address, now) is None:
                waits = network.config is not None
                continue
            outcome = TRUSTED
            network.multicast.liked(peer.address, mac, adi, now)
        if waits and outcome == RECEIVED:
            # Its credentials often come right behind, and it says this once a minute only.
            self._count("like_not_admitted")
            return HOLD
        return outcome

    def receive_gather(self, peer: Peer, packet: Packet, now: int) -> int:
        """MULTICAST_GATHER: a member asks who listens (protocol/03 §3.16)."""
        request = messages.parse_multicast_gather(packet.payload)
        network = self._networks.get(request.nwid)
        if network is None:
            return RECEIVED
        if network.members.admit(peer.address, now) is None:
            self._count("gather_not_admitted")
            return RECEIVED
        body = network.multicast.answer(request, peer.address, now)
        if body is not None:
            self._transport.send_ok(peer, packet, (body,), now)
        return TRUSTED

    def receive_ok_gather(
        self, peer: Peer, packet: Packet, in_re_id: bytes, body: memoryview, now: int
    ) -> int:
        """OK(MULTICAST_GATHER): listeners that we asked for."""
        return self._gathered(messages.parse_ok_gather(body), True, now)

    def receive_ok_multicast_frame(
        self, peer: Peer, packet: Packet, in_re_id: bytes, body: memoryview, now: int
    ) -> int:
        """OK(MULTICAST_FRAME): a receiver of a frame of ours tells of other listeners."""
        return self._gathered(messages.parse_ok_multicast_frame(body), False, now)

    def _gathered(self, answer: messages.Gathered, is_asked: bool, now: int) -> int:
        network = self._networks.get(answer.nwid)
        if network is None:
            return RECEIVED
        network.multicast.gathered(answer, is_asked, now)
        return RECEIVED
