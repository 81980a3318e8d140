"""UDP in IP in Ethernet, as far as a node needs it for itself.

Owns the headers and the checksums. Never fragments and never reads fragments or options.
"""

from ..const import const
from . import ethernet

_IPV4 = const(0x0800)
_IPV6 = const(0x86DD)
_UDP = const(17)
_IP4_HEADER = const(20)
_IP6_HEADER = const(40)
_UDP_HEADER = const(8)
_HOPS = const(255)  # as RFC 6762 §11 wants it


class Datagram:
    """A UDP datagram: `source` 4 or 16 bytes, `payload` a view of the frame."""

    def __init__(self, source: bytes, ports: memoryview, payload: memoryview) -> None:
        self.source = source
        self.port_from = ports[0] << 8 | ports[1]
        self.port_to = ports[2] << 8 | ports[3]
        self.payload = payload


def udp4(frame: memoryview) -> Datagram | None:
    """The datagram in an Ethernet frame, if it is a whole UDP datagram over IPv4."""
    packet = frame[ethernet.HEADER :]
    if _ethertype(frame) != _IPV4 or len(packet) < _IP4_HEADER or packet[9] != _UDP:
        return None
    header = (packet[0] & 0x0F) * 4
    total = packet[2] << 8 | packet[3]
    fragment = (packet[6] & 0x3F) << 8 | packet[7]
    if header < _IP4_HEADER or fragment or not header + _UDP_HEADER <= total <= len(packet):
        return None
    return Datagram(bytes(packet[12:16]), packet[header:], packet[header + _UDP_HEADER : total])


def udp6(frame: memoryview) -> Datagram | None:
    """The same over IPv6, without extension headers."""
    packet = frame[ethernet.HEADER :]
    if _ethertype(frame) != _IPV6 or len(packet) < _IP6_HEADER + _UDP_HEADER or packet[6] != _UDP:
        return None
    total = _IP6_HEADER + (packet[4] << 8 | packet[5])
    if not _IP6_HEADER + _UDP_HEADER <= total <= len(packet):
        return None
    return Datagram(
        bytes(packet[8:24]), packet[_IP6_HEADER:], packet[_IP6_HEADER + _UDP_HEADER : total]
    )


def ip_udp(source: bytes, port_from: int, to: bytes, port_to: int, payload: bytes) -> bytes:
    """An IP packet, of the version of the addresses, with a UDP datagram."""
    length = (_UDP_HEADER + len(payload)).to_bytes(2, "big")
    ports = port_from.to_bytes(2, "big") + port_to.to_bytes(2, "big")
    pseudo = source + to + bytes((0, _UDP)) + length
    checksum = internet_checksum(pseudo + ports + length + b"\x00\x00" + payload)
    udp = ports + length + (b"\xff\xff" if checksum == b"\x00\x00" else checksum) + payload
    if len(source) == 16:
        return b"\x60\x00\x00\x00" + length + bytes((_UDP, _HOPS)) + source + to + udp
    total = (_IP4_HEADER + len(udp)).to_bytes(2, "big")
    head = b"\x45\x00" + total + b"\x00\x00\x40\x00" + bytes((_HOPS, _UDP))
    return head + internet_checksum(head + b"\x00\x00" + source + to) + source + to + udp


def internet_checksum(octets: bytes) -> bytes:
    """The checksum of IP, UDP and ICMPv6 (RFC 1071)."""
    total = 0
    for index in range(0, len(octets) - 1, 2):
        total += octets[index] << 8 | octets[index + 1]
    if len(octets) & 1:
        total += octets[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (total ^ 0xFFFF).to_bytes(2, "big")


def _ethertype(frame: memoryview) -> int:
    return frame[ethernet.ETHERTYPE] << 8 | frame[ethernet.ETHERTYPE + 1]
