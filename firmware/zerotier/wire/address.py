"""Addresses: ZeroTier addresses, network ids and physical endpoints, in bytes and as text.

Owns the InetAddress encoding (protocol/03 §3.1) and the scopes of IP addresses (protocol/04 §4.2).
Never decides whether an address may be used.
"""

from ..const import const
from .bounds import need, u8, u16, u16_bytes

ADDRESS_SIZE = const(5)
NWID_SIZE = const(8)
MAC_SIZE = const(6)

# The first byte of an InetAddress (protocol/03 §3.1).
INET_NIL = const(0)
INET_ETHERNET = const(1)
INET_BLUETOOTH = const(2)
INET_OTHER = const(3)
INET_IPV4 = const(4)
INET_IPV6 = const(6)

NIL = b"\x00"
IPV4_SIZE = const(4)
IPV6_SIZE = const(16)
_IPV4_TOTAL = const(7)
_IPV6_TOTAL = const(19)
_IGNORED_TOTAL = const(7)
_MAPPED = b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"

# Scopes, with the numbers used for ranking (protocol/04 §4.2).
SCOPE_NONE = const(0)
SCOPE_MULTICAST = const(1)
SCOPE_LOOPBACK = const(2)
SCOPE_PSEUDOPRIVATE = const(3)
SCOPE_GLOBAL = const(4)
SCOPE_LINK_LOCAL = const(5)
SCOPE_SHARED = const(6)
SCOPE_PRIVATE = const(7)

# First octets of the PSEUDOPRIVATE scope: /8 networks whose owners do not route them publicly.
_PSEUDOPRIVATE = b"\x06\x0b\x15\x16\x19\x1a\x1c\x1d\x1e\x33\x37\x38"


def inet(ip_text: str, port: int) -> bytes:
    """The endpoint of an IP address in text and a UDP port; ValueError if either is wrong."""
    return inet_raw(parse_ip(ip_text), port)


def inet_raw(ip_bytes: bytes, port: int) -> bytes:
    """The endpoint (7 or 19 bytes) of 4 or 16 IP bytes and a port (protocol/03 §3.1).

    An IPv4 address in IPv6 clothes (::ffff:a.b.c.d, from a dual-stack socket) becomes IPv4.
    """
    size = len(ip_bytes)
    if size == IPV6_SIZE and ip_bytes[:12] == _MAPPED:
        ip_bytes = ip_bytes[12:]
        size = IPV4_SIZE
    if size == IPV4_SIZE:
        return b"\x04" + bytes(ip_bytes) + u16_bytes(port)
    if size == IPV6_SIZE:
        return b"\x06" + bytes(ip_bytes) + u16_bytes(port)
    raise ValueError("an IP address must be 4 or 16 bytes")


def parse(buffer: bytes | memoryview, offset: int) -> tuple[bytes, int]:
    """(endpoint, next offset) of the InetAddress at `offset`; kinds without IP become NIL."""
    kind = u8(buffer, offset)
    if kind == INET_IPV4:
        end = need(buffer, offset, _IPV4_TOTAL)
        return bytes(buffer[offset:end]), end
    if kind == INET_IPV6:
        end = need(buffer, offset, _IPV6_TOTAL)
        return bytes(buffer[offset:end]), end
    if kind == INET_NIL:
        return NIL, offset + 1
    if kind in (INET_ETHERNET, INET_BLUETOOTH):
        return NIL, need(buffer, offset, _IGNORED_TOTAL)
    if kind == INET_OTHER:
        return NIL, need(buffer, offset, 3 + u16(buffer, offset + 1))
    raise ValueError("the address has an unknown type")


def ip(endpoint: bytes) -> bytes:
    """The 4 or 16 IP bytes; empty for NIL."""
    return endpoint[1:-2]


def port(endpoint: bytes) -> int:
    """The UDP port, or the prefix bits in a network config; 0 for NIL."""
    if len(endpoint) < _IPV4_TOTAL:
        return 0
    return endpoint[-2] << 8 | endpoint[-1]


def with_port(endpoint: bytes, port: int) -> bytes:
    """The same IP address with another port; NIL stays NIL."""
    if len(endpoint) < _IPV4_TOTAL:
        return NIL
    return endpoint[:-2] + u16_bytes(port)


def text(endpoint: bytes) -> str:
    """`10.0.0.1/9993` or `fd00::1/9993`; empty for NIL."""
    if len(endpoint) < _IPV4_TOTAL:
        return ""
    return f"{ip_text(endpoint[1:-2])}/{port(endpoint)}"


def from_text(text: str) -> bytes:
    """The endpoint written as `ip/port`; ValueError if it is not one."""
    words = text.split("/")
    if len(words) != 2 or not _is_decimal(words[1]):
        raise ValueError("an endpoint is written as IP/port, like 10.0.0.1/9993")
    return inet(words[0], int(words[1]))


def ip_text(ip_bytes: bytes) -> str:
    """`10.0.0.1`, or IPv6 with the longest run of zero groups shortened to `::`."""
    if len(ip_bytes) == IPV4_SIZE:
        return ".".join([str(octet) for octet in ip_bytes])
    if len(ip_bytes) != IPV6_SIZE:
        raise ValueError("an IP address must be 4 or 16 bytes")
    groups = [ip_bytes[i] << 8 | ip_bytes[i + 1] for i in range(0, IPV6_SIZE, 2)]
    best = 0
    length = 1  # a single zero group is written out
    start = 0
    while start < 8:
        end = start
        while end < 8 and groups[end] == 0:
            end += 1
        if end - start > length:
            best = start
            length = end - start
        start = end + 1
    words = [f"{group:x}" for group in groups]
    if length == 1:
        return ":".join(words)
    return ":".join(words[:best]) + "::" + ":".join(words[best + length :])


def parse_ip(text: str) -> bytes:
    """The 4 or 16 bytes of an IP address in text; ValueError if it is not one."""
    if ":" not in text:
        return _parse_ipv4(text)
    halves = text.split("::")
    if len(halves) > 2:
        raise ValueError(f"{text} is not an IP address")
    head = _parse_groups(halves[0], text, len(halves) == 1)
    if len(halves) == 1:
        if len(head) != IPV6_SIZE:
            raise ValueError(f"{text} is not an IP address")
        return head
    tail = _parse_groups(halves[1], text, True)
    gap = IPV6_SIZE - len(head) - len(tail)
    if gap < 2:
        raise ValueError(f"{text} is not an IP address")
    return head + bytes(gap) + tail


def _parse_ipv4(text: str) -> bytes:
    words = text.split(".")
    if len(words) != 4:
        raise ValueError(f"{text} is not an IP address")
    octets = bytearray(4)
    for i in range(4):
        if not _is_decimal(words[i]) or len(words[i]) > 3 or int(words[i]) > 255:
            raise ValueError(f"{text} is not an IP address")
        octets[i] = int(words[i])
    return bytes(octets)


def _parse_groups(half: str, text: str, may_end_in_ipv4: bool) -> bytes:
    groups = b""
    if not half:
        return groups
    words = half.split(":")
    for i in range(len(words)):
        word = words[i]
        if "." in word and may_end_in_ipv4 and i == len(words) - 1:
            groups += _parse_ipv4(word)
        elif 0 < len(word) <= 4 and is_hex(word):
            groups += int(word, 16).to_bytes(2, "big")
        else:
            raise ValueError(f"{text} is not an IP address")
    return groups


def _is_decimal(word: str) -> bool:
    return 0 < len(word) <= 5 and all("0" <= letter <= "9" for letter in word)


def is_hex(word: str) -> bool:
    """Whether every letter is a hex digit of either case."""
    return all(letter in "0123456789abcdefABCDEF" for letter in word)


def address_from_text(text: str) -> bytes:
    """The 5 bytes of a ZeroTier address (protocol/01 §1.2); ValueError unless 10 hex digits."""
    if len(text) != 2 * ADDRESS_SIZE or not is_hex(text):
        raise ValueError("a ZeroTier address must be 10 hex digits")
    return bytes.fromhex(text)


def nwid_from_text(text: str) -> bytes:
    """The 8 bytes of a network id (protocol/06 §6.1); ValueError unless 16 hex digits."""
    if len(text) != 2 * NWID_SIZE or not is_hex(text):
        raise ValueError("a network id must be 16 hex digits")
    return bytes.fromhex(text)


def is_reserved(address: bytes) -> bool:
    """Whether no node may have this address: 0000000000 and ff........ (protocol/01 §1.2)."""
    return address[0] == 0xFF or address == b"\x00\x00\x00\x00\x00"


def scope(endpoint: bytes) -> int:
    """One of SCOPE_* for the IP of an endpoint (protocol/04 §4.2); SCOPE_NONE for NIL."""
    size = len(endpoint)
    if size == _IPV4_TOTAL:
        return _scope_ipv4(endpoint[1], endpoint[2], endpoint[3])
    if size == _IPV6_TOTAL:
        return _scope_ipv6(endpoint[1:17])
    return SCOPE_NONE


def _scope_ipv4(a: int, b: int, c: int) -> int:
    if a == 0 or a == 255:
        return SCOPE_NONE
    if a == 127:
        return SCOPE_LOOPBACK
    if 224 <= a < 240:
        return SCOPE_MULTICAST
    if a >= 240 or a in _PSEUDOPRIVATE:
        return SCOPE_PSEUDOPRIVATE
    if a == 169 and b == 254:
        return SCOPE_LINK_LOCAL
    if (
        a == 10
        or (a == 100 and b & 0xC0 == 64)
        or (a == 172 and b & 0xF0 == 16)
        or (a == 192 and b == 168)
        or (a == 192 and b == 0 and c == 2)
        or (a == 198 and b & 0xFE == 18)
        or (a == 198 and b == 51 and c == 100)
        or (a == 203 and b == 0 and c == 113)
    ):
        return SCOPE_PRIVATE
    return SCOPE_GLOBAL


def _scope_ipv6(ip_bytes: bytes) -> int:
    if ip_bytes[0] == 0xFF:
        return SCOPE_MULTICAST
    if ip_bytes[0] & 0xFE == 0xFC:
        return SCOPE_PRIVATE
    if ip_bytes[0] == 0xFE and ip_bytes[1] & 0xC0 == 0x80:
        if ip_bytes[1:] == b"\x80" + bytes(13) + b"\x01":
            return SCOPE_LOOPBACK
        return SCOPE_LINK_LOCAL
    if ip_bytes[:12] == _MAPPED and ip_bytes[12] == 127:
        return SCOPE_LOOPBACK
    if ip_bytes[:15] == bytes(15):
        if ip_bytes[15] == 0:
            return SCOPE_NONE
        if ip_bytes[15] == 1:
            return SCOPE_LOOPBACK
    return SCOPE_GLOBAL
