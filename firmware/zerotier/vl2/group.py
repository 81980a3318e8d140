"""A multicast group that we send to: who listens, and the frames that wait for more listeners.

Owns a bounded list of listeners and a bounded queue. Never sends.
"""

from os import urandom

from ..const import const
from ..limits import QUEUE_TIMEOUT
from ..wire.address import MAC_SIZE
from ..wire.bounds import u32_bytes

_LIFE = const(600000)  # ms after a listener was last mentioned (protocol/07 §7.5)


def key_of(mac: bytes, adi: int) -> bytes:
    """What a group is found by: one object, where a tuple of the two would be three."""
    return mac + u32_bytes(adi)


class Waiting:
    """A frame on its way to listeners, of whom some may not be known yet."""

    def __init__(self, ethertype: int, payload: bytes | memoryview, now: int) -> None:
        self.ethertype = ethertype
        self.payload = payload
        self.source: bytes | None = None  # the MAC of who sent it, if that is not us
        self.copies = 0  # how many more may be sent
        self.wanted = 1  # listeners that a receiver may tell us of
        self.expires = now + QUEUE_TIMEOUT
        self.sent: set[bytes] = set()  # who has it


class Group:
    """One (MAC, ADI) of one network."""

    # Of the class until they are set: in an object each of them costs 8 bytes of heap, and most never change.
    waiting: "tuple[Waiting, ...]" = ()
    last_used = 0  # we sent to it; 0 if others only told us of it
    last_gather = 0
    last_whois = 0  # identities of listeners were asked for

    def __init__(self, mac: bytes, adi: int) -> None:
        self.key = key_of(mac, adi)
        self._listeners: dict[bytes, int] = {}  # address -> until when

    @property
    def mac(self) -> bytes:
        return self.key[:MAC_SIZE]

    @property
    def adi(self) -> int:
        return int.from_bytes(self.key[MAC_SIZE:], "big")

    def __repr__(self) -> str:
        return "<Group %s %08x, %d listeners>" % (self.mac.hex(), self.adi, len(self._listeners))

    def add(self, address: bytes, bound: int, now: int) -> bool:
        """Remember a listener; True if it is a new one. Beyond `bound` the oldest leaves."""
        is_new = address not in self._listeners
        if is_new and len(self._listeners) >= bound:
            oldest = min(self._listeners, key=lambda other: self._listeners[other])
            del self._listeners[oldest]
        self._listeners[address] = now + _LIFE
        return is_new

    def remove(self, address: bytes) -> None:
        self._listeners.pop(address, None)

    def listeners(self, now: int) -> list[bytes]:
        """The addresses of those who still listen."""
        old = [address for address, until in self._listeners.items() if until <= now]
        for address in old:
            del self._listeners[address]
        return list(self._listeners)

    def keep(self, waiting: Waiting, bound: int) -> bool:
        """Queue a frame; False if an older one had to leave for it."""
        full = len(self.waiting) >= bound
        self.waiting = (self.waiting[1:] if full else self.waiting) + (waiting,)
        return not full

    def expire(self, now: int) -> None:
        """Drop frames that have waited long enough; they went to those who were known."""
        while self.waiting and (self.waiting[0].expires <= now or self.waiting[0].copies <= 0):
            self.waiting = self.waiting[1:]


def choose(addresses: list[bytes], count: int) -> list[bytes]:
    """At most `count` of them, beginning anywhere, so that no listener is always left out."""
    if len(addresses) <= count:
        return addresses
    start = int.from_bytes(urandom(2), "big") % len(addresses)
    return (addresses[start:] + addresses[:start])[:count]
