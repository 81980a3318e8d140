"""Opens captured datagrams: puts fragments together, authenticates, decrypts and decompresses.

Owns the keys of all nodes of one capture. Opens ciphers 0 and 1; `dearmor` is there to be replaced by
who can do more. Never reads a payload beyond the tail of a HELLO.
"""

import _zerotier

from zerotier.counters import Counters
from zerotier.identity import Identity
from zerotier.vl1.reassembly import Reassembly
from zerotier.wire import packet as layout
from zerotier.wire.verbs import VERB_COMPRESSED, VERB_HELLO, VERB_MASK

# Nothing: a datagram that opens NATs, or a fragment while others are missing.
JUNK = "junk"
INCOMPLETE = "incomplete"
_TAIL_IPV4 = 135
_TAIL_IPV6 = 147
_TAIL_NIL = 129
_SENT_TO = 112


class Opener:
    """Opens what the nodes of a capture sent to each other."""

    def __init__(self, identities: dict[str, str]) -> None:
        self._identities = {}
        for text in identities.values():
            identity = Identity.from_text(text)
            self._identities[identity.address] = identity
        self._keys: dict[bytes, bytes] = {}
        self._reassemblies: dict[str, Reassembly] = {}
        self._buffer = bytearray(layout.MAX_PAYLOAD)
        self.counters = Counters()

    def open(self, datagram: bytes, link: str) -> tuple:
        """(verb, payload) with the tail of a HELLO in clear, or (JUNK or INCOMPLETE, b"").

        `link` names the physical source and destination: a relayed packet is a packet of its own.
        Fails if the packet is not authentic.
        """
        if len(datagram) <= layout.JUNK_SIZE:
            return JUNK, b""
        packet = self._whole(datagram, link)
        if packet is None:
            return INCOMPLETE, b""
        key = self.key(bytes(packet[13:18]), bytes(packet[8:13]))
        assert self.dearmor(key, packet), "the packet is not authentic"
        verb = packet[layout.VERB]
        if verb & VERB_MASK == VERB_HELLO:
            tail = {4: _TAIL_IPV4, 6: _TAIL_IPV6, 0: _TAIL_NIL}[packet[_SENT_TO]]
            if tail < len(packet):
                _zerotier.hello_tail(key, packet, tail)
        if verb & VERB_COMPRESSED:
            size = _zerotier.lz4_decompress(packet[layout.PAYLOAD :], self._buffer)
            return verb & VERB_MASK, bytes(self._buffer[:size])
        return verb & VERB_MASK, bytes(packet[layout.PAYLOAD :])

    def dearmor(self, key: bytes, packet: bytearray) -> bool:
        """Authenticate and decrypt in place; `key` is the agreed key of 48 bytes."""
        return _zerotier.dearmor(key, packet)

    def key(self, source: bytes, destination: bytes) -> bytes:
        """The agreed key of two nodes of the capture."""
        pair = source + destination
        if pair not in self._keys:
            key = self._identities[source].agree(self._identities[destination])
            self._keys[pair] = self._keys[destination + source] = key
        return self._keys[pair]

    def _whole(self, datagram: bytes, link: str) -> bytearray | None:
        if link not in self._reassemblies:
            self._reassemblies[link] = Reassembly(4, self.counters)
        reassembly = self._reassemblies[link]
        if datagram[layout.FRAGMENT_MARK] == layout.FRAGMENT_INDICATOR:
            return reassembly.add_fragment(datagram, 0)
        if datagram[layout.FLAGS] & layout.FLAG_FRAGMENTED:
            return reassembly.add_head(datagram, 0)
        return bytearray(datagram)
