"""Networks without a controller: the config follows from the network id (protocol/06 §6.10).

Owns the two kinds of such ids. Everybody who knows the id is a member.
"""

from ..const import const
from ..wire import address
from ..wire.bounds import u16_bytes
from ..wire.config import DEFAULT_MTU, FLAG_NDP_EMULATION, NetworkConfig
from .addresses import SIXPLANE_BITS, sixplane

_FIRST_OCTET = const(0xFF)
_HUB_KIND = const(0x01)  # the last octet of an id of the second kind
_MAX_DELTA = const(7200000)
_MULTICAST_LIMIT = const(1024)  # of the second kind; the first has no multicast
_IPV4_BITS = const(8)
_NO_SPECIALIST_ROLE = const(0)

# Everything but IPv6 is dropped; ICMPv6, and UDP and TCP to the ports, pass; so does whatever does not open a TCP
# connection. A rule is a type with its NOT (0x80) and OR (0x40) bits, a length, a value (protocol/07 §7.7).
_DROP = b"\x00\x00"
_ACCEPT = b"\x01\x00"
_NOT_IPV6 = b"\xa5\x02\x86\xdd"
_ICMPV6 = b"\x24\x01\x3a"
_UDP = b"\x24\x01\x11"
_OR_TCP = b"\x64\x01\x06"
_PORTS = b"\x28\x04"
_TCP_SYN = b"\x29\x08\x00\x00\x00\x00\x00\x00\x00\x02"
_NOT_TCP_SYN = b"\xa9\x08\x00\x00\x00\x00\x00\x00\x00\x02"
_TCP_ACK = b"\x29\x08\x00\x00\x00\x00\x00\x00\x00\x10"


def is_ad_hoc(nwid: bytes) -> bool:
    """True if the network has no controller."""
    return nwid[0] == _FIRST_OCTET


def config_of(nwid: bytes, member: bytes, now: int) -> NetworkConfig:
    """The config of such a network for this member. ValueError, in one sentence, if the id means none."""
    config = NetworkConfig()
    config.nwid = nwid
    config.member = member
    config.timestamp = now
    config.revision = 1
    config.credential_max_delta = _MAX_DELTA
    config.public = True
    config.flags = FLAG_NDP_EMULATION
    config.mtu = DEFAULT_MTU
    config.addresses = [address.inet_raw(sixplane(nwid, member), SIXPLANE_BITS)]
    if nwid[5:] == b"\x00\x00\x00":
        _open_ports(config, nwid)
    elif nwid[7] == _HUB_KIND:
        _open_subnet(config, nwid, member)
    else:
        raise ValueError("%s is not the id of an ad-hoc network" % nwid.hex())
    return config


def _open_ports(config: NetworkConfig, nwid: bytes) -> None:
    """ffSSSSEEEE000000: IPv6 only, ports SSSS to EEEE."""
    start, end = nwid[1] << 8 | nwid[2], nwid[3] << 8 | nwid[4]
    if end < start:
        raise ValueError("the last port of the ad-hoc network is lower than its first")
    config.name = "adhoc-%04x-%04x" % (start, end)
    config.rules = (
        (_NOT_IPV6 + _DROP)
        + (_ICMPV6 + _ACCEPT)
        + (_UDP + _OR_TCP + _PORTS + u16_bytes(start) + u16_bytes(end) + _ACCEPT)
        + (_NOT_TCP_SYN + _ACCEPT)
        + (_TCP_SYN + _TCP_ACK + _ACCEPT)
        + _DROP
    )


def _open_subnet(config: NetworkConfig, nwid: bytes, member: bytes) -> None:
    """ffAAhhhhhhhhhh01: IPv4 AA.x.y.z/8 besides IPv6, everything passes."""
    config.name = "adhoc-%d.0.0.0" % nwid[1]
    config.multicast_limit = _MULTICAST_LIMIT
    config.addresses.append(address.inet_raw(nwid[1:2] + member[2:], _IPV4_BITS))
    config.rules = _ACCEPT
    hub = nwid[2:7]
    if hub != bytes(address.ADDRESS_SIZE):
        config.specialists = [(hub, _NO_SPECIALIST_ROLE)]
