"""The addresses that a network manages on our port: which are applied, and what they contain.

Owns the choice, and the IPv6 addresses that follow from a member's address (protocol/06 §6.11).
Never touches a network interface.
"""

from ..const import const
from ..wire import address
from .permissions import Permissions
from .subnet import covers

RFC4193_BITS = const(88)
SIXPLANE_BITS = const(40)
_SIXPLANE_HOST = b"\x00\x00\x00\x00\x00\x01"


def rfc4193(nwid: bytes, member: bytes) -> bytes:
    """The IPv6 address of a member under RFC 4193."""
    return rfc4193_prefix(nwid) + member


def rfc4193_prefix(nwid: bytes) -> bytes:
    """The first RFC4193_BITS of it."""
    return b"\xfd" + nwid + b"\x99\x93"


def sixplane(nwid: bytes, member: bytes) -> bytes:
    """The 6PLANE IPv6 address of a member, who owns the whole /80 around it."""
    return sixplane_prefix(nwid) + member + _SIXPLANE_HOST


def sixplane_prefix(nwid: bytes) -> bytes:
    """The first SIXPLANE_BITS of it."""
    return b"\xfc" + bytes([nwid[i] ^ nwid[i + 4] for i in range(4)])


def applied(assigned: list[bytes], permissions: Permissions) -> list[bytes]:
    """Those of the assigned addresses that the port gets; an endpoint's port is its prefix length."""
    chosen = []
    for endpoint in assigned:
        ip, bits = address.ip(endpoint), address.port(endpoint)
        if 0 < bits <= 8 * len(ip) and permissions.allow(ip, 8 * len(ip)):
            chosen.append(endpoint)
    return chosen


def own_prefixes(nwid: bytes, member: bytes, assigned: list[bytes]) -> bytes:
    """The IPv6 prefixes in which a member owns what is made from its address, packed as RuleSet
    takes them: only those in which the network gave us the address of our own (protocol/06 §6.11,
    07 §7.8).
    """
    ours = [address.ip(endpoint) for endpoint in assigned]
    packed = b""
    for whole, prefix in (
        (sixplane(nwid, member), sixplane_prefix(nwid)),
        (rfc4193(nwid, member), rfc4193_prefix(nwid)),
    ):
        if whole in ours:
            packed += bytes((len(prefix),)) + prefix
    return packed


def contains(endpoint: bytes, ip: bytes) -> bool:
    """True if `ip` (4 or 16 bytes) lies in the subnet of this assigned address."""
    return covers(address.ip(endpoint), address.port(endpoint), ip)
