"""Prefixes of IP addresses: which addresses lie in one, and how it is written.

Owns the arithmetic only; an address is its 4 or 16 bytes.
"""

from ..wire import address


def covers(prefix: bytes, bits: int, ip: bytes) -> bool:
    """True if `ip` is of the same family and has the same first `bits` bits."""
    if len(prefix) != len(ip):
        return False
    whole = bits >> 3
    if prefix[:whole] != ip[:whole]:
        return False
    rest = bits & 7
    return rest == 0 or (prefix[whole] ^ ip[whole]) >> (8 - rest) == 0


def network_of(ip: bytes, bits: int) -> bytes:
    """The address with everything behind the first `bits` bits cleared."""
    shift = 8 * len(ip) - bits
    return (int.from_bytes(ip, "big") >> shift << shift).to_bytes(len(ip), "big")


def parse_prefix(text: str) -> tuple[bytes, int]:
    """ "10.0.0.0/8" -> (address, bits). ValueError if it is none."""
    ip_text, slash, bits_text = text.partition("/")
    ip = address.parse_ip(ip_text)
    if not slash or not bits_text.isdigit() or int(bits_text) > 8 * len(ip):
        raise ValueError("%s is not an address with a prefix length, like 10.0.0.0/8" % text)
    return ip, int(bits_text)


def prefix_text(ip: bytes, bits: int) -> str:
    """ "10.0.0.0/8"."""
    return "%s/%d" % (address.ip_text(ip), bits)
