"""Who signed a credential, and whether.

Owns the question whose key counts: the network's controller, or the chain of custody that begins
with it (protocol/06 §6.8). Never keeps a credential and never decides when one is worth checking.
"""

from ..identity import Identity
from ..vl1.outcome import HOLD, RECEIVED, TRUSTED
from ..vl1.transport import Transport
from ..wire.address import ADDRESS_SIZE
from ..wire.credentials import Capability, Membership, Ownership, Revocation, Tag


class Signatures:
    """The signatures that count on one network."""

    def __init__(self, nwid: bytes, transport: Transport) -> None:
        self.controller = nwid[:ADDRESS_SIZE]
        self._transport = transport

    def names_controller(
        self, credential: "Membership | Tag | Ownership | Capability | Revocation"
    ) -> bool:
        """True if it claims to come from the controller; costs nothing to ask."""
        if isinstance(credential, Capability):
            return len(credential.custody) > 0 and credential.custody[0][1] == self.controller
        return credential.signer == self.controller

    def are_known(
        self, credential: "Membership | Tag | Ownership | Capability | Revocation", now: int
    ) -> bool:
        """True if the identities of all signers are; those that are not are asked for."""
        if isinstance(credential, Capability):
            signers = [giver for _, giver, _ in credential.custody]
        else:
            signers = [credential.signer]
        unknown = [signer for signer in signers if self._identity(signer, now) is None]
        return not unknown

    def verdict(
        self, credential: "Membership | Tag | Ownership | Capability | Revocation", now: int
    ) -> int:
        """Of one that names the controller: TRUSTED if the signatures are right, RECEIVED if not, HOLD while an
        identity is missing. Costs an Ed25519 verification for each signature.
        """
        if isinstance(credential, Capability):
            return self._custody(credential, now)
        return self._check(credential.signer, credential.signed_bytes(), credential.signature, now)

    def _custody(self, capability: Capability, now: int) -> int:
        """Every link is signed by who gave it on, and begins where the one before it ended."""
        giver = self.controller
        signed = capability.signed_bytes()
        for receiver, sender, signature in capability.custody:
            if sender != giver:
                return RECEIVED
            verdict = self._check(sender, signed, signature, now)
            if verdict != TRUSTED:
                return verdict
            giver = receiver
        return TRUSTED

    def _check(self, signer: bytes, message: bytes, signature: bytes, now: int) -> int:
        identity = self._identity(signer, now)
        if identity is None:
            return HOLD
        self._transport.counters.count("signatures_checked")
        return TRUSTED if identity.verify(message, signature) else RECEIVED

    def _identity(self, address: bytes, now: int) -> Identity | None:
        if address == self._transport.identity.address:
            return self._transport.identity
        peer = self._transport.topology.get(address)
        if peer is None:
            self._transport.whois(address, now)
            return None
        return peer.identity
