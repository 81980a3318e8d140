"""Ethernet as a member of a network sees it: whose MAC is whose, and which group a frame is for.

Owns the derivation of MACs from addresses and the reading of Ethernet headers. Never sends and
keeps no state.
"""

from ..const import const

HEADER = const(14)  # destination MAC, source MAC, ethertype
SOURCE = const(6)  # offsets in a frame
ETHERTYPE = const(12)

ETHERTYPE_ARP = const(0x0806)
ETHERTYPE_IPV6 = const(0x86DD)

BROADCAST = b"\xff\xff\xff\xff\xff\xff"
ALL_NODES_IPV4 = b"\x01\x00\x5e\x00\x00\x01"  # 224.0.0.1
ALL_NODES_IPV6 = b"\x33\x33\x00\x00\x00\x01"  # ff02::1
_SOLICITED_NODE = b"\x33\x33\xff"  # and the last three bytes of the IPv6 address

_MULTICAST_BIT = const(0x01)
_LOCAL_BIT = const(0x02)
_UNICAST_MASK = const(0xFE)
# 52:54:00 belongs to virtual machines; a network whose id ends so gets another first octet.
_TAKEN_OCTET = const(0x52)
_OTHER_OCTET = const(0x32)

_ARP_SIZE = const(28)
_ARP_IPV4 = b"\x08\x00\x06\x04\x00\x01"  # protocol, sizes, request: bytes 2 to 7
_ARP_TARGET = const(24)


def first_octet(nwid: bytes) -> int:
    """The first octet of every member's MAC on this network (protocol/06 §6.2)."""
    octet = nwid[7] & _UNICAST_MASK | _LOCAL_BIT
    return _OTHER_OCTET if octet == _TAKEN_OCTET else octet


def mac_of(address: bytes, nwid: bytes) -> bytes:
    """The MAC of the member with this 5-byte address (protocol/06 §6.2)."""
    mac = bytearray(6)
    mac[0] = first_octet(nwid)
    for index in range(5):
        mac[index + 1] = address[index] ^ nwid[6 - index]
    return bytes(mac)


def address_of(mac: bytes, nwid: bytes) -> bytes | None:
    """The address of the member with this MAC; None if it is no member's MAC."""
    if mac[0] != first_octet(nwid):
        return None
    address = bytearray(5)
    for index in range(5):
        address[index] = mac[index + 1] ^ nwid[6 - index]
    return bytes(address)


def is_of_member(mac: bytes, nwid: bytes) -> bool:
    """True if the MAC has the form that the MACs of this network's members have."""
    return mac[0] == first_octet(nwid)


def is_multicast(mac: bytes) -> bool:
    """True for groups, the broadcast address included."""
    return mac[0] & _MULTICAST_BIT != 0


def solicited_node(ip: bytes) -> bytes:
    """The group in which neighbours look for this 16-byte IPv6 address."""
    return _SOLICITED_NODE + ip[13:16]


def solicited_node_of_mac(mac: bytes) -> bytes:
    """The same for the link-local address that is made from this MAC."""
    return _SOLICITED_NODE + mac[3:]


def link_local(mac: bytes) -> bytes:
    """The IPv6 address that a stack makes for itself from its MAC (RFC 4291)."""
    identifier = bytes((mac[0] ^ _LOCAL_BIT,)) + mac[1:3] + b"\xff\xfe" + mac[3:]
    return b"\xfe\x80" + bytes(6) + identifier


def arp_target(ethertype: int, payload: memoryview) -> int | None:
    """The IPv4 address that an ARP request asks for, as an integer; None if it is no such request.

    Requests go to the group of that address instead of to everybody (protocol/07 §7.3).
    """
    if ethertype != ETHERTYPE_ARP or len(payload) < _ARP_SIZE or payload[2:8] != _ARP_IPV4:
        return None
    return int.from_bytes(payload[_ARP_TARGET:_ARP_SIZE], "big")
