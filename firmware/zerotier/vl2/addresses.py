"""The addresses that a network manages on our port: which are applied, and what they contain.

Owns the policy of protocol/07 §7.10 for static addresses. Never touches a network interface.
"""

from ..wire import address

_REFUSED = (
    address.SCOPE_NONE,
    address.SCOPE_MULTICAST,
    address.SCOPE_LOOPBACK,
    address.SCOPE_LINK_LOCAL,
)


def applied(assigned: list[bytes], allow_global: bool) -> list[bytes]:
    """Those of the assigned addresses that the port gets; an endpoint's port is its prefix length.

    A controller could take over traffic to a public address by assigning it, so these need
    permission.
    """
    chosen = []
    for endpoint in assigned:
        scope = address.scope(endpoint)
        if scope in _REFUSED or (scope == address.SCOPE_GLOBAL and not allow_global):
            continue
        if 0 < address.port(endpoint) <= 8 * len(address.ip(endpoint)):
            chosen.append(endpoint)
    return chosen


def own_prefixes(nwid: bytes, member: bytes, assigned: list[bytes]) -> bytes:
    """The IPv6 prefixes in which every member of a network owns addresses by their form, packed as
    RuleSet takes them: only those in which the network gave us the address of our own
    (protocol/06 §6.11, 07 §7.8).
    """
    mixed = bytes([nwid[i] ^ nwid[i + 4] for i in range(4)])
    sixplane = b"\xfc" + mixed
    rfc4193 = b"\xfd" + nwid + b"\x99\x93"
    ours = [address.ip(endpoint) for endpoint in assigned]
    packed = b""
    if sixplane + member + b"\x00\x00\x00\x00\x00\x01" in ours:
        packed += bytes((len(sixplane),)) + sixplane
    if rfc4193 + member in ours:
        packed += bytes((len(rfc4193),)) + rfc4193
    return packed


def contains(endpoint: bytes, ip: bytes) -> bool:
    """True if `ip` (4 or 16 bytes) lies in the subnet of this assigned address."""
    own = address.ip(endpoint)
    if len(own) != len(ip):
        return False
    bits = address.port(endpoint)
    whole = bits >> 3
    if own[:whole] != ip[:whole]:
        return False
    rest = bits & 7
    return rest == 0 or (own[whole] ^ ip[whole]) >> (8 - rest) == 0
