"""An authenticated packet, as the handlers get it.

Owns a view of one packet. Valid during the handler's call; `keep` makes it last.
"""

from ..wire.packet import DESTINATION, FLAGS, HOPS_MASK, ID, VERB, VERB_MASK


class Packet:
    """One authenticated, decrypted and decompressed packet."""

    def __init__(self, head, source: bytes, endpoint: bytes, payload: memoryview) -> None:
        self.id = bytes(head[ID:DESTINATION])
        self.source = source
        self.endpoint = endpoint  # the physical address that it came from
        self.hops: int = head[FLAGS] & HOPS_MASK
        self.verb: int = head[VERB] & VERB_MASK
        self.payload = payload  # from offset 28 on
        self.answers = False  # an OK that came from where the request was sent
        self.round_trip = -1  # ms, if the packet answers one that told the time

    def keep(self) -> None:
        """Copy the payload, so that the packet outlives the receive buffer."""
        self.payload = memoryview(bytes(self.payload))
