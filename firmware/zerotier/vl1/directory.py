"""WHOIS: asking roots who an address is, and answering (protocol/03 §3.7).

Owns the exchange of identities. Believes roots only.
"""

from ..identity import Identity
from ..limits import WHOIS_GATE
from ..wire import messages
from ..wire.verbs import VERB_WHOIS
from .outcome import IGNORED, RECEIVED
from .packet import Packet


def _nobody(peer, now: int) -> None:
    """Until somebody wants to know."""


class Directory:
    """Handlers of WHOIS and OK(WHOIS)."""

    def __init__(self, transport) -> None:
        self._transport = transport
        self.budgets = (
            None  # a root's: how much each peer may look up, instead of the gate of others
        )
        self.on_identity = _nobody  # called with (peer, now) when a peer has just become known
        transport.verbs[VERB_WHOIS] = self.receive
        transport.ok_verbs[VERB_WHOIS] = self.receive_ok

    def receive(self, peer, packet: Packet, now: int) -> int:
        """Answer with the identities that we know; a root also asks the other roots for the rest."""
        topology = self._transport.topology
        if self.budgets is None:
            if now - peer.last_whois < WHOIS_GATE:
                self._transport.counters.count("whois_gate")
                return IGNORED
            peer.last_whois = now
        found = []
        for wanted in messages.parse_whois(packet.payload):
            if self.budgets is not None and not self.budgets.take(peer.address, now):
                self._transport.counters.count("whois_rate")
                break
            if wanted == self._transport.address:
                found.append(self._transport.identity.to_bytes())
                continue
            known = topology.get(wanted)
            if known is not None:
                found.append(known.identity.to_bytes())
            elif topology.is_root:
                self._transport.whois(wanted, now)
        if found:
            self._transport.send_ok(peer, packet, tuple(found), now)
        return RECEIVED

    def receive_ok(self, peer, packet: Packet, in_re_id: bytes, body, now: int) -> int:
        """Identities from a root; from anybody else they are ignored."""
        if not peer.is_root:
            self._transport.counters.count("whois_not_from_root")
            return RECEIVED
        for encoded in messages.parse_identities(body):
            identity = Identity.from_bytes(encoded)
            if identity.address == self._transport.address:
                continue
            found = self._transport.topology.add(identity, now)
            self.on_identity(found, now)
        return RECEIVED
