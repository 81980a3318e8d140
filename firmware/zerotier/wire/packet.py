"""Layout of packets and fragments (protocol/02 §2.1 to §2.5).

Owns the header's offsets and the cut into fragments. Never encrypts and never looks at a payload.
"""

from ..const import const

# Offsets in a packet head.
ID = const(0)
DESTINATION = const(8)
SOURCE = const(13)
FLAGS = const(18)
MAC = const(19)
VERB = const(27)
PAYLOAD = const(28)

MIN_PACKET = const(28)
MAX_PACKET = const(10024)
BEACON_SIZE = const(13)
JUNK_SIZE = const(16)  # shorter datagrams only open NATs (§2.3)

# Byte 18: E F CCC HHH
# With cipher 0: an encrypted HELLO (protocol/14 §14.2). We never send it.
FLAG_EXTENDED = const(0x80)
FLAG_FRAGMENTED = const(0x40)
CIPHER_MASK = const(0x38)
CIPHER_SHIFT = const(3)
HOPS_MASK = const(0x07)

CIPHER_POLY1305 = const(0)  # MAC only, for HELLO
CIPHER_SALSA = const(1)  # Salsa20/12 and Poly1305

# Byte 27
COMPRESSED = const(0x80)
VERB_MASK = const(0x1F)
MAX_PAYLOAD = const(9996)  # MAX_PACKET - PAYLOAD

# Offsets in a fragment.
FRAGMENT_MARK = const(13)  # 0xff where a head has the first byte of its source address
FRAGMENT_COUNTS = const(14)
FRAGMENT_HOPS = const(15)
FRAGMENT_DATA = const(16)
FRAGMENT_INDICATOR = const(0xFF)
MAX_FRAGMENTS = const(7)

DEFAULT_MTU = const(1432)  # UDP payload

# A datagram to ourselves by way of a root (vl1/standby.py): a valid fragment, but shorter than any that is not the last
# of its packet. Nothing but its id is looked at.
DETOUR_SIZE = const(20)
_DETOUR_COUNTS = const(0x71)  # the first of seven


def write_header(packet, packet_id: bytes, destination: bytes, source: bytes, verb: int) -> None:
    """Fill the first 28 bytes of `packet`; flags, cipher and hops are 0, the MAC is left alone."""
    packet[ID:DESTINATION] = packet_id
    packet[DESTINATION:SOURCE] = destination
    packet[SOURCE:FLAGS] = source
    packet[FLAGS] = 0
    packet[VERB] = verb


def fragment_count(length: int, mtu: int) -> int:
    """How many datagrams a packet of `length` bytes needs, its head included."""
    if length <= mtu:
        return 1
    return 1 + (length - mtu + mtu - FRAGMENT_DATA - 1) // (mtu - FRAGMENT_DATA)


def fragment(packet, number: int, total: int, mtu: int) -> bytearray:
    """Datagram `number` (1 .. total - 1) of an armored packet; number 0, the head, is packet[:mtu]."""
    start = mtu + (number - 1) * (mtu - FRAGMENT_DATA)
    piece = packet[start : start + mtu - FRAGMENT_DATA]
    datagram = bytearray(FRAGMENT_DATA + len(piece))
    datagram[ID:FRAGMENT_MARK] = packet[ID:SOURCE]
    datagram[FRAGMENT_MARK] = FRAGMENT_INDICATOR
    datagram[FRAGMENT_COUNTS] = total << 4 | number
    datagram[FRAGMENT_DATA:] = piece
    return datagram


def detour(detour_id: bytes, address: bytes) -> bytes:
    """A datagram that roots pass on to `address`; `detour_id`: 8 bytes by which it is known again."""
    head = detour_id + address + bytes((FRAGMENT_INDICATOR, _DETOUR_COUNTS, 0))
    return head + bytes(DETOUR_SIZE - len(head))


def is_detour(datagram) -> bool:
    """Whether a datagram for us is one that we sent ourselves."""
    return (
        len(datagram) == DETOUR_SIZE
        and datagram[FRAGMENT_MARK] == FRAGMENT_INDICATOR
        and datagram[FRAGMENT_COUNTS] == _DETOUR_COUNTS
    )
