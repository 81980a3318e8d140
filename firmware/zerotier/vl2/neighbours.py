"""IPv6 neighbours whose MAC follows from their address: solicitations are answered without asking them.

Owns the forged neighbour advertisement (protocol/07 §7.4). Never sends: the answer goes to the local
port, and nothing to the network.
"""

from ..const import const
from ..wire import address
from . import ethernet
from .addresses import RFC4193_BITS, SIXPLANE_BITS, rfc4193_prefix, sixplane_prefix
from .packets import internet_checksum

_SOLICITATION_SIZE = const(64)  # IPv6 header, ICMPv6 header, target
_NEXT_HEADER = const(6)
_ICMP6 = const(58)
_TYPE = const(40)
_SOLICITATION = const(135)
_ADVERTISEMENT = const(136)
_TARGET = const(48)
_FLAGS = b"\x60\x00\x00\x00"  # solicited, override
_TARGET_MAC = b"\x02\x01"  # option: link-layer address of the target, one unit of 8 bytes
_HEADER = b"\x60\x00\x00\x00\x00\x20\x3a\xff"  # of IPv6: 32 bytes of ICMPv6, hop limit 255
_PSEUDO_TAIL = b"\x00\x00\x00\x20\x00\x00\x00\x3a"


def solicited(frame: memoryview) -> bytes | None:
    """The 16-byte address that a neighbour solicitation asks for; None if the frame is none."""
    payload = frame[ethernet.HEADER :]
    if (
        frame[ethernet.ETHERTYPE] << 8 | frame[ethernet.ETHERTYPE + 1] != ethernet.ETHERTYPE_IPV6
        or len(payload) < _SOLICITATION_SIZE
        or payload[_NEXT_HEADER] != _ICMP6
        or payload[_TYPE] != _SOLICITATION
    ):
        return None
    return bytes(payload[_TARGET:_SOLICITATION_SIZE])


def owner(target: bytes, own: list[bytes], nwid: bytes) -> tuple[bytes, bytes] | None:
    """(the member to whom the address belongs by its form, our address in the same scheme), or None.

    `own`: our addresses as endpoints. Only schemes in which we have an address ourselves count.
    """
    for endpoint in own:
        ip, bits = address.ip(endpoint), address.port(endpoint)
        for prefix, length in (
            (rfc4193_prefix(nwid), RFC4193_BITS),
            (sixplane_prefix(nwid), SIXPLANE_BITS),
        ):
            at = len(prefix)
            if bits == length and ip[:at] == prefix and target[:at] == prefix:
                return target[at : at + address.ADDRESS_SIZE], ip
    return None


def answer(frame: memoryview, own: list[bytes], nwid: bytes, ourselves: bytes) -> bytes | None:
    """The frame that answers a solicitation; None if others have to be asked."""
    target = solicited(frame)
    if target is None:
        return None
    found = owner(target, own, nwid)
    if found is None:
        return None
    member, own_ip = found
    if member == ourselves or address.is_reserved(member):
        return None
    mac = ethernet.mac_of(member, nwid)
    solicitor = bytes(frame[ethernet.SOURCE : ethernet.ETHERTYPE])
    body = _FLAGS + target + _TARGET_MAC + mac
    head = bytes((_ADVERTISEMENT, 0))
    checksum = internet_checksum(target + own_ip + _PSEUDO_TAIL + head + b"\x00\x00" + body)
    packet = _HEADER + target + own_ip + head + checksum + body
    return solicitor + mac + b"\x86\xdd" + packet
