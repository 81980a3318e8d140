"""Makes what a controller signs: configs with their credentials, and revocations.

Owns the content of a config (protocol/08 §8.3) and the signatures. Never decides who gets one.
"""

from os import urandom

from .const import const
from .controller_grants import OWNERSHIP_ID, capabilities, tags
from .controller_records import MemberRecord, NetworkRecord
from .identity import Identity
from .wire.address import IPV4_SIZE, NIL, inet_raw
from .wire.chunk import Chunk, split
from .wire.config import (
    FLAG_BROADCAST,
    FLAG_NDP_EMULATION,
    NetworkConfig,
    encode_dns,
)
from .wire.credentials import (
    MAX_THINGS,
    REVOCATION_FAST_PROPAGATE,
    THING_IPV4,
    THING_IPV6,
    Capability,
    Membership,
    Ownership,
    Revocation,
    Tag,
    thing,
)
from .wire.rules import ACCEPT_ALL, count_rules

_MAX_ADDRESSES = const(32)
_MAX_SPECIALISTS = const(256)


class Issuer:
    """Signs for one controller. `identity`: the controller's, with its secret."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def config(
        self,
        network: NetworkRecord,
        member: MemberRecord,
        member_identity: Identity,
        ips: list[tuple[bytes, int]],
        specialists: list[tuple[bytes, int]],
        understands_rules: bool,
        now: int,
    ) -> bytes:
        """The config dictionary of a member. `ips`: (address, prefix bits), as assign() gave them.

        A member that does not understand rules gets a single ACCEPT, and neither capabilities nor
        tags (protocol/06 §6.4).
        """
        config = NetworkConfig()
        config.nwid = network.nwid
        config.timestamp = now
        config.credential_max_delta = network.window
        config.revision = network.revision
        config.member = member.address
        if network.broadcast:
            config.flags |= FLAG_BROADCAST
        if network.assign_rfc4193 or network.assign_6plane:
            config.flags |= FLAG_NDP_EMULATION
        config.multicast_limit = network.multicast_limit
        config.public = not network.private
        config.name = network.name
        config.mtu = network.mtu
        config.specialists = specialists[:_MAX_SPECIALISTS]
        config.routes = [
            (
                inet_raw(route.target, route.bits),
                NIL if route.via is None else inet_raw(route.via, 0),
                route.flags,
                route.metric,
            )
            for route in network.routes
        ]
        config.addresses = [inet_raw(ip, bits) for ip, bits in ips[:_MAX_ADDRESSES]]
        config.dns_raw = encode_dns(network.dns_domain, network.dns_servers)
        config.rules = ACCEPT_ALL
        if understands_rules:
            config.rules = network.rules
            config.capabilities = self._capabilities(network, member, now)
            config.tags = self._tags(network, member, now)
        config.ownerships = self._ownerships(network, member, ips, now)
        config.membership = self._membership(network, member_identity, now)
        return config.encode()

    def chunks(self, nwid: bytes, config: bytes) -> list[bytes]:
        """The signed chunks in which a config travels (protocol/08 §8.4)."""
        update_id = bytes(8)
        while update_id == bytes(8):
            update_id = urandom(8)
        chunks = split(nwid, config, update_id)
        for chunk in chunks:
            self._sign(chunk)
        return [chunk.encode() for chunk in chunks]

    def revocation(
        self, nwid: bytes, kind: int, id: int, target: bytes, threshold: int
    ) -> Revocation:
        """Makes a credential of `target` worthless in all forms up to that time (protocol/08 §8.5).

        `kind`: CREDENTIAL_*; `id`: 0 for memberships.
        """
        revocation = Revocation(
            int.from_bytes(urandom(4), "big"),
            nwid,
            id,
            threshold,
            REVOCATION_FAST_PROPAGATE,
            target,
            self._identity.address,
            kind,
        )
        self._sign(revocation)
        return revocation

    def _sign(self, signable: Membership | Ownership | Tag | Revocation | Chunk) -> None:
        signable.signature = self._identity.sign(bytes(signable.signed_bytes()))

    def _membership(
        self, network: NetworkRecord, member_identity: Identity, now: int
    ) -> Membership:
        membership = Membership.issue(
            now,
            network.window,
            network.nwid,
            member_identity.address,
            member_identity.fingerprint(),
        )
        membership.signer = self._identity.address
        self._sign(membership)
        return membership

    def _ownerships(
        self, network: NetworkRecord, member: MemberRecord, ips: list[tuple[bytes, int]], now: int
    ) -> list[Ownership]:
        if not ips:
            return []
        things = [
            thing(THING_IPV4 if len(ip) == IPV4_SIZE else THING_IPV6, ip)
            for ip, _ in ips[:MAX_THINGS]
        ]
        ownership = Ownership(
            network.nwid,
            now,
            OWNERSHIP_ID,
            b"".join(things),
            member.address,
            self._identity.address,
        )
        self._sign(ownership)
        return [ownership]

    def _capabilities(
        self, network: NetworkRecord, member: MemberRecord, now: int
    ) -> list[Capability]:
        """In the order of their ids."""
        made = []
        granted = capabilities(network, member)
        for id in sorted(granted):
            rules = granted[id]
            capability = Capability(network.nwid, now, id, count_rules(rules), rules)
            signature = self._identity.sign(capability.signed_bytes())
            capability.custody = [(member.address, self._identity.address, signature)]
            made.append(capability)
        return made

    def _tags(self, network: NetworkRecord, member: MemberRecord, now: int) -> list[Tag]:
        """In the order of their ids."""
        made = []
        granted = tags(network, member)
        for id in sorted(granted):
            tag = Tag(network.nwid, now, id, granted[id], member.address, self._identity.address)
            self._sign(tag)
            made.append(tag)
        return made
