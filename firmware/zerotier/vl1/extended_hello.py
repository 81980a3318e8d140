"""The encrypted HELLO of protocol 13, which we open and never send (protocol/14 §14.2).

Owns its format and how many of them a peer may make us open: each costs a key agreement.
"""

import _zerotier

from ..const import const
from ..wire.packet import MAC, MIN_PACKET

_EPHEMERAL = const(32)
_COUNTER_START = const(12)  # bytes of the packet in front of the block counter
_INTERVAL = const(200)  # ms between two of one peer


class ExtendedHello:
    """Opens encrypted HELLOs of known peers."""

    def __init__(self, transport) -> None:
        self._transport = transport
        transport.open_extended = self.open

    def open(self, peer, packet, now: int) -> bytearray | None:
        """The HELLO in the clear, still to be authenticated, or None if it is not looked at."""
        count = self._transport.counters.count
        if len(packet) < MIN_PACKET + _EPHEMERAL or not hasattr(_zerotier, "aes256_ctr"):
            count("extended_refused")
            return None
        if now - peer.last_encrypted_hello < _INTERVAL:
            count("extended_gate")
            return None
        peer.last_encrypted_hello = now
        return open_extended(packet, self._transport.identity.secret)


def open_extended(packet, secret: bytes) -> bytearray:
    """Decrypt everything behind the flags; the flag stays, since the MAC covers it."""
    hello = bytearray(packet[:-_EPHEMERAL])
    ephemeral = bytes(packet[-_EPHEMERAL:])
    key = _zerotier.agree(secret, ephemeral + bytes(_EPHEMERAL))[:32]
    body = memoryview(hello)[MAC:]
    _zerotier.aes256_ctr(key, bytes(hello[:_COUNTER_START]) + bytes(4), body)
    return hello
