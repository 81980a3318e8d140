"""A reader of classic pcap files of Ethernet frames with UDP over IPv4 or IPv6 in them.

Owns the file layout and the headers down to UDP.
Never joins IP fragments and never looks into a datagram.
"""

import struct
from collections.abc import Iterator

from zerotier.wire import address

_MAGIC_MICROSECONDS = 0xA1B2C3D4
_MAGIC_NANOSECONDS = 0xA1B23C4D
_MICROSECONDS = 1_000_000
_NANOSECONDS = 1_000_000_000
_ETHERNET = 1
_GLOBAL_HEADER = 24
_RECORD_HEADER = 16
_ETHERTYPE_IPV4 = 0x0800
_ETHERTYPE_IPV6 = 0x86DD
_IPV6_HEADER = 40
_UDP = 17
_UDP_HEADER = 8


def datagrams(path: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(source endpoint, destination endpoint, datagram) of every UDP datagram, in file order."""
    for _, source, destination, datagram in timed_datagrams(path):
        yield source, destination, datagram


def timed_datagrams(path: str) -> Iterator[tuple[float, bytes, bytes, bytes]]:
    """The same, each with the seconds since the epoch at which it was seen in front."""
    with open(path, "rb") as file:
        blob = file.read()
    order = _byte_order(blob)
    (magic,) = struct.unpack_from(order + "I", blob)
    ticks = _NANOSECONDS if magic == _MAGIC_NANOSECONDS else _MICROSECONDS
    (link_type,) = struct.unpack_from(order + "I", blob, 20)
    if link_type != _ETHERNET:
        raise ValueError(f"{path} is not a capture of Ethernet frames")
    offset = _GLOBAL_HEADER
    while offset < len(blob):
        second, fraction, captured, original = struct.unpack_from(order + "IIII", blob, offset)
        if captured != original:
            raise ValueError(f"{path} has frames that were cut off")
        offset += _RECORD_HEADER
        datagram = _udp(blob[offset : offset + captured])
        if datagram:
            yield second + fraction / ticks, *datagram
        offset += captured


def _byte_order(blob: bytes) -> str:
    for order in "<>":
        (magic,) = struct.unpack_from(order + "I", blob)
        if magic in (_MAGIC_MICROSECONDS, _MAGIC_NANOSECONDS):
            return order
    raise ValueError("not a pcap file")


def _udp(frame: bytes) -> tuple[bytes, bytes, bytes] | None:
    (ethertype,) = struct.unpack_from(">H", frame, 12)
    packet = frame[14:]
    if ethertype == _ETHERTYPE_IPV4 and packet[9] == _UDP:
        total = int.from_bytes(packet[2:4], "big")
        segment = packet[(packet[0] & 0x0F) * 4 : total]
        source, destination = packet[12:16], packet[16:20]
    elif ethertype == _ETHERTYPE_IPV6 and packet[6] == _UDP:
        segment = packet[_IPV6_HEADER:]
        source, destination = packet[8:24], packet[24:40]
    else:
        return None
    source_port, destination_port, length = struct.unpack_from(">HHH", segment)
    return (
        address.inet_raw(source, source_port),
        address.inet_raw(destination, destination_port),
        segment[_UDP_HEADER:length],
    )
