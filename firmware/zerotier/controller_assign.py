"""Which IP addresses a member of a network gets (protocol/06 §6.11 and protocol/08 §8.3).

Owns the choice. Never writes it down: the caller keeps what is new.
"""

from os import urandom

from .const import const
from .controller_records import MemberRecord, NetworkRecord
from .vl2.addresses import RFC4193_BITS, SIXPLANE_BITS, rfc4193, sixplane
from .wire.address import IPV4_SIZE, IPV6_SIZE

_TRIES = const(1000)  # per pool
_HALF_MASK = const(0xFFFFFFFFFFFFFFFF)
_ADDRESS_SPACE = const(0xFFFFFFFFFF)  # of node addresses
_LAST_OCTET = const(0xFF)


def assign(
    network: NetworkRecord, member: MemberRecord, uses
) -> tuple[list[tuple[bytes, int]], list[bytes]]:
    """All addresses of a member, in the order of its config: ([(ip, prefix bits)], new ones).

    `uses(ip, address)`: whether another member than this one has that IP. The new ones are at the end
    of the first list too, and the caller adds them to the member's record.
    """
    recorded = _recorded(network, member)
    sizes = [len(ip) for ip, _ in recorded]
    automatic = not member.no_auto_assign
    new: list[tuple[bytes, int]] = []
    if automatic and network.assign_ipv6 and IPV6_SIZE not in sizes:
        new += _from_pools(network, member, uses, IPV6_SIZE)
    if automatic and network.assign_ipv4 and IPV4_SIZE not in sizes:
        new += _from_pools(network, member, uses, IPV4_SIZE)
    return _derived(network, member) + recorded + new, [ip for ip, _ in new]


def held(network: NetworkRecord, member: MemberRecord) -> list[tuple[bytes, int]]:
    """The addresses that a member has without being given a new one: (ip, prefix bits)."""
    return _derived(network, member) + _recorded(network, member)


def _derived(network: NetworkRecord, member: MemberRecord) -> list[tuple[bytes, int]]:
    """Those that follow from its address."""
    derived: list[tuple[bytes, int]] = []
    if not member.no_auto_assign and network.assign_rfc4193:
        derived.append((rfc4193(network.nwid, member.address), RFC4193_BITS))
    if not member.no_auto_assign and network.assign_6plane:
        derived.append((sixplane(network.nwid, member.address), SIXPLANE_BITS))
    return derived


def _recorded(network: NetworkRecord, member: MemberRecord) -> list[tuple[bytes, int]]:
    """Those of its record to which a route leads."""
    recorded = []
    for ip in member.ips:
        bits = _longest_route(network, ip)
        if bits is not None:
            recorded.append((ip, bits))
    return recorded


def _longest_route(network: NetworkRecord, ip: bytes) -> int | None:
    """The prefix bits of the narrowest route that contains `ip`."""
    bits = [route.bits for route in network.routes if route.contains(ip)]
    return max(bits) if bits else None


def _from_pools(
    network: NetworkRecord, member: MemberRecord, uses, size: int
) -> list[tuple[bytes, int]]:
    """At most one address: from the first pool of this family that has one."""
    pick = _pick_ipv4 if size == IPV4_SIZE else _pick_ipv6
    for first, last in network.pools:
        if len(first) == size:
            start, end = int.from_bytes(first, "big"), int.from_bytes(last, "big")
            found = pick(network, member, uses, start, end)
            if found is not None:
                return [found]
    return []


def _pick_ipv4(
    network: NetworkRecord, member: MemberRecord, uses, start: int, end: int
) -> tuple[bytes, int] | None:
    """Upwards from a place that the node's address names: a member mostly gets the same again.

    The last address of a pool is left out unless it is the only one, as in the reference.
    """
    low = int.from_bytes(member.address[1:], "big")
    for step in range(min(_TRIES, end - start + 1)):
        number = start + ((low + step) % (end - start) if end > start else 0)
        if number & _LAST_OCTET == _LAST_OCTET:
            continue
        ip = number.to_bytes(IPV4_SIZE, "big")
        bits = _first_ipv4_route(network, ip)
        if bits is not None and not uses(ip, member.address):
            return ip, bits
    return None


def _first_ipv4_route(network: NetworkRecord, ip: bytes) -> int | None:
    for route in network.routes:
        if route.bits > 0 and route.contains(ip):
            return route.bits
    return None


def _pick_ipv6(
    network: NetworkRecord, member: MemberRecord, uses, start: int, end: int
) -> tuple[bytes, int] | None:
    """First the pool's start plus the node's address, if there is room for it; then at random."""
    high, low = start >> 64, start & _HALF_MASK
    for step in range(_TRIES):
        if step == 0 and (end - start) & _HALF_MASK >= _ADDRESS_SPACE:
            number = high << 64 | (low + int.from_bytes(member.address, "big")) & _HALF_MASK
        else:
            number = _random_part(high, end >> 64) << 64 | _random_part(low, end & _HALF_MASK)
        ip = number.to_bytes(IPV6_SIZE, "big")
        bits = _last_ipv6_route(network, ip)
        if bits is not None and not uses(ip, member.address):
            return ip, bits
    return None


def _random_part(start: int, end: int) -> int:
    """Half of an IPv6 address, from `start` on and below `end`."""
    if end <= start:
        return start
    return start + int.from_bytes(urandom(8), "big") % (end - start)


def _last_ipv6_route(network: NetworkRecord, ip: bytes) -> int | None:
    """The prefix bits of the last route without gateway that contains `ip`."""
    found = None
    for route in network.routes:
        if route.via is None and route.contains(ip):
            found = route.bits
    return found
