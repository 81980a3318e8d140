"""Makes what a controller signs: configs with their credentials, and revocations.

Owns the content of a config (protocol/08 §8.3) and the signatures. Never decides who gets one.
"""

from os import urandom

import _zerotier

from .const import const
from .controller_grants import OWNERSHIP_ID, capabilities, tags
from .controller_records import MemberRecord, NetworkRecord
from .identity import Identity
from .wire import dictionary
from .wire.address import IPV4_SIZE, NIL, inet_raw
from .wire.bounds import u16_bytes
from .wire.chunk import Chunk, split
from .wire.config import (
    FLAG_BROADCAST,
    FLAG_NDP_EMULATION,
    NetworkConfig,
    encode_dns,
)
from .wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_MEMBERSHIP,
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
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

# The order in which the reference writes the keys (protocol/06 §6.6), and those of one member alone.
_ORDER = ("v", "nwid", "ts", "ctmd", "r", "id", "tt", "tl", "f", "ml", "t", "n", "mtu") + (
    "C",
    "CAP",
    "TAG",
    "COO",
    "S",
    "RT",
    "I",
    "R",
    "DNS",
    "ssov",
    "ssoe",
    "aurl",
    "aexpt",
)
_PERSONAL = ("id", "C", "CAP", "TAG", "COO", "I", "aurl", "aexpt")
_MAX_ADDRESSES = const(32)
_MAX_SPECIALISTS = const(256)


def sign_on_url(network: NetworkRecord, member: bytes) -> str:
    """Where the user of a member signs in (protocol/06 §6.6)."""
    url = network.sso_url.replace("{network}", network.nwid.hex())
    return url.replace("{member}", member.hex())


def sign_on_error(network: NetworkRecord, member: bytes) -> bytes:
    """What follows the network id in ERROR NETWORK_AUTHENTICATION_REQUIRED (protocol/03 §3.3)."""
    said = dictionary.encode(
        [("aV", dictionary.hex16(0)), ("aU", sign_on_url(network, member).encode())]
    )
    return u16_bytes(len(said)) + said


class Issuer:
    """Signs for one controller. `identity`: the controller's, with its secret.

    A config is made of lines that all members share, and of lines of one member, with its credentials.
    Both may be used again; a signature is what costs most (protocol/08 §8.3).
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        assert identity.secret is not None
        self._secret: bytes = identity.secret
        # Not what the file says of it: a signature with another one would give the secret away.
        self._public = _zerotier.public_key(self._secret)

    def shared(
        self, network: NetworkRecord, specialists: list[tuple[bytes, int]]
    ) -> dict[str, bytes]:
        """The lines, by their keys, that do not depend on the member."""
        config = NetworkConfig()
        config.nwid = network.nwid
        config.credential_max_delta = network.window
        config.revision = network.revision
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
        config.dns_raw = encode_dns(network.dns_domain, network.dns_servers)
        config.rules = network.rules
        config.sso_enabled = network.sso
        return _lines(config, [key for key in _ORDER if key not in _PERSONAL])

    def personal(
        self,
        network: NetworkRecord,
        member: MemberRecord,
        member_identity: Identity,
        ips: list[tuple[bytes, int]],
        understands_rules: bool,
        signed: dict[tuple, object],
        now: int,
    ) -> dict[str, bytes]:
        """The lines of one member. `ips`: (address, prefix bits), as assign() gave them.

        `signed`: its credentials, by what they say; those that it has already are used again, whatever
        time they bear, and new ones are added.

        A member that does not understand rules gets a single ACCEPT, and neither capabilities nor
        tags (protocol/06 §6.4).
        """
        config = NetworkConfig()
        config.member = member.address
        config.addresses = [inet_raw(ip, bits) for ip, bits in ips[:_MAX_ADDRESSES]]
        if understands_rules:
            config.capabilities = self._capabilities(network, member, signed, now)
            config.tags = self._tags(network, member, signed, now)
        else:
            config.rules = ACCEPT_ALL
        config.ownerships = self._ownerships(network, member, ips, signed, now)
        config.membership = self._membership(network, member_identity, signed, now)
        if network.sso and not member.sso_exempt:
            config.sso["aurl"] = sign_on_url(network, member.address).encode()
            config.sso["aexpt"] = dictionary.hex16(member.sso_expiry)
        keys = list(_PERSONAL)
        if not understands_rules:
            keys.append("R")
        return _lines(config, keys)

    def config(self, shared: dict[str, bytes], personal: dict[str, bytes], now: int) -> bytes:
        """The dictionary of a member, in the order of the reference."""
        lines = dict(shared)
        lines.update(personal)
        lines["ts"] = b"ts=" + dictionary.hex16(now)
        return b"\n".join([lines[key] for key in _ORDER if key in lines])

    def chunks(self, nwid: bytes, config: bytes) -> tuple[bytes, list[bytes]]:
        """(update id, the signed chunks in which a config travels) (protocol/08 §8.4)."""
        update_id = bytes(8)
        while update_id == bytes(8):
            update_id = urandom(8)
        chunks = split(nwid, config, update_id)
        for chunk in chunks:
            self._sign(chunk)
        return update_id, [chunk.encode() for chunk in chunks]

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
        signable.signature = self._signature(signable.signed_bytes())

    def _signature(self, message: bytes | memoryview) -> bytes:
        return _zerotier.sign(self._secret, message, self._public)

    def _membership(
        self, network: NetworkRecord, member_identity: Identity, signed: dict, now: int
    ) -> Membership:
        key = (CREDENTIAL_MEMBERSHIP, network.window)
        if key not in signed:
            membership = Membership.issue(
                now,
                network.window,
                network.nwid,
                member_identity.address,
                member_identity.fingerprint(),
            )
            membership.signer = self._identity.address
            self._sign(membership)
            signed[key] = membership
        return signed[key]

    def _ownerships(
        self,
        network: NetworkRecord,
        member: MemberRecord,
        ips: list[tuple[bytes, int]],
        signed: dict,
        now: int,
    ) -> list[Ownership]:
        if not ips:
            return []
        things = [
            thing(THING_IPV4 if len(ip) == IPV4_SIZE else THING_IPV6, ip)
            for ip, _ in ips[:MAX_THINGS]
        ]
        key = (CREDENTIAL_OWNERSHIP, b"".join(things))
        if key not in signed:
            ownership = Ownership(
                network.nwid, now, OWNERSHIP_ID, key[1], member.address, self._identity.address
            )
            self._sign(ownership)
            signed[key] = ownership
        return [signed[key]]

    def _capabilities(
        self, network: NetworkRecord, member: MemberRecord, signed: dict, now: int
    ) -> list[Capability]:
        """In the order of their ids."""
        made = []
        granted = capabilities(network, member)
        for id in sorted(granted):
            rules = granted[id]
            key = (CREDENTIAL_CAPABILITY, id, rules)
            if key not in signed:
                capability = Capability(network.nwid, now, id, count_rules(rules), rules)
                signature = self._signature(capability.signed_bytes())
                capability.custody = [(member.address, self._identity.address, signature)]
                signed[key] = capability
            made.append(signed[key])
        return made

    def _tags(
        self, network: NetworkRecord, member: MemberRecord, signed: dict, now: int
    ) -> list[Tag]:
        """In the order of their ids."""
        made = []
        granted = tags(network, member)
        for id in sorted(granted):
            key = (CREDENTIAL_TAG, id, granted[id])
            if key not in signed:
                tag = Tag(
                    network.nwid, now, id, granted[id], member.address, self._identity.address
                )
                self._sign(tag)
                signed[key] = tag
            made.append(signed[key])
        return made


def _lines(config: NetworkConfig, keys: list[str]) -> dict[str, bytes]:
    """The lines of a config that have these keys."""
    return {key: dictionary.encode([(key, value)]) for key, value in config.items() if key in keys}
