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
