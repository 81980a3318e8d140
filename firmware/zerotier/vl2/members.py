"""The other members of one network, and the gate: who of them may talk to us.

Owns the certificates of membership (COM) of others, when their credentials are verified, and the
verdict on each member (protocol/06 §6.9). Never sends a packet, except to ask who a signer is.
"""

from _zerotier import Holdings

from ..const import const
from ..vl1.outcome import HOLD, IGNORED, RECEIVED, TRUSTED
from ..vl1.transport import Transport
from ..wire.config import NetworkConfig
from ..wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_MEMBERSHIP,
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
    Capability,
    Membership,
    Ownership,
    Revocation,
    Tag,
)
from . import ethernet
from .credentials_held import NAMES, HeldCredentials
from .pace import Pace
from .revocations import Revocations
from .signatures import Signatures

_FINGERPRINT = const(32)  # bytes of the fingerprint that a COM holds
_VERIFY_INTERVAL = const(1000)  # signatures that one peer may make us check (protocol/04 §4.8)
_REVOKE_INTERVAL = const(100)  # the same of revocations, which several may pass on in one moment
_ASKED_PER_INTERVAL = const(8)  # credentials of one member that rules may make us check


class Member:
    """What is remembered of one other member. Times are ms; 0 means never."""

    # Of the class until they are set: in an object each of them costs 8 bytes of heap, and most never change.
    held: HeldCredentials | None = None  # the rest; None: it has shown nothing
    last_liked = 0  # our MULTICAST_LIKEs were sent to it
    last_push = 0  # our credentials were sent to it
    pushed_edition = 0  # which edition of them
    pushed_timestamp = 0  # of the COM among them
    asked_since = 0  # rules made us check its credentials
    asked = 0  # so often since then

    def __init__(self, address: bytes, nwid: bytes) -> None:
        self.address = address
        self.mac = ethernet.mac_of(address, nwid)
        self.com: Membership | None = None  # its verified COM
        self.allowed = False  # the gate's verdict; False also means: not judged yet
        self.last_used = 0

    def __repr__(self) -> str:
        return "<Member %s%s>" % (self.address.hex(), "" if self.allowed else " not admitted")


class Members:
    """A bounded table of members (LRU). `own` is our config, None before there is one."""

    def __init__(self, nwid: bytes, transport: Transport) -> None:
        self.nwid = nwid
        self._transport = transport
        self._signatures = Signatures(nwid, transport)
        self._bound: int = transport.limits.members
        self._members: dict[bytes, Member] = {}
        self._revoked = Revocations(2 * self._bound)
        self._held_bounds = {
            CREDENTIAL_CAPABILITY: transport.limits.held_capabilities,
            CREDENTIAL_TAG: transport.limits.held_tags,
            CREDENTIAL_OWNERSHIP: transport.limits.held_ownerships,
        }
        self._verifying = Pace(_VERIFY_INTERVAL, self._bound)
        self._revoking = Pace(_REVOKE_INTERVAL, self._bound)
        self.own: NetworkConfig | None = None

    def __len__(self) -> int:
        return len(self._members)

    def get(self, address: bytes) -> Member | None:
        return self._members.get(address)

    def by_mac(self, mac: bytes) -> Member | None:
        address = ethernet.address_of(mac, self.nwid)
        return None if address is None else self._members.get(address)

    def admitted(self) -> list[Member]:
        """The members whose last verdict was favourable."""
        return [member for member in self._members.values() if member.allowed]

    def make(self, address: bytes, now: int) -> Member:
        """The record of a member; a new one may take the place of the least recently used."""
        member = self._members.get(address)
        if member is None:
            if len(self._members) >= self._bound:
                self._evict()
            address = self._transport.topology.shared(address)
            member = self._members[address] = Member(address, self.nwid)
        member.last_used = now
        return member

    def set_own(self, config: NetworkConfig) -> None:
        """Our config changed: those who were admitted are judged anew."""
        self.own = config
        for member in self._members.values():
            member.allowed = member.allowed and (config.public or self._agree(config, member))

    # --- the gate ---

    def admit(self, address: bytes, now: int) -> Member | None:
        """The member, if it may talk to us on this network now; else None."""
        member = self._members.get(address)
        if member is not None and member.allowed:
            member.last_used = now
            return member
        return self._judge(address, member, now)

    def _judge(self, address: bytes, member: Member | None, now: int) -> Member | None:
        own = self.own
        if own is None:
            return None
        if own.public:
            member = self.make(address, now)
        elif member is None or not self._agree(own, member):
            return None
        member.allowed = True
        member.last_used = now
        return member

    def _agree(self, own: NetworkConfig, member: Member) -> bool:
        peer = self._transport.topology.get(member.address)
        if peer is None or member.com is None or own.membership is None:
            return False
        fingerprint = peer.identity.fingerprint()[:_FINGERPRINT]
        return own.membership.agrees_with(member.com, fingerprint)

    # --- credentials of others ---

    def offer(self, com: Membership, sender: bytes, now: int) -> int:
        """Take a COM, whosever it is. TRUSTED if it is (or was) accepted, RECEIVED if refused,
        HOLD if the controller's identity has to be asked for first.
        """
        own = self.own
        if own is None:
            return HOLD
        if own.public or own.membership is None:
            return RECEIVED  # nobody needs one
        held = self._members.get(com.issued_to)
        if held is not None and held.com is not None:
            if com.timestamp < held.com.timestamp:
                return self._refuse("com_older")
            same = com.timestamp == held.com.timestamp
            if same or (held.allowed and _suffices(own, held.com)):
                # Not verified, so it proves nothing about whoever else sent it.
                return TRUSTED if held.allowed and sender == held.address else RECEIVED
        if com.timestamp <= self._revoked.threshold(CREDENTIAL_MEMBERSHIP, 0, com.issued_to):
            return self._refuse("com_revoked")
        verdict = self._verify(com, sender, "com_refused", self._verifying, now)
        if verdict != TRUSTED:
            return verdict
        member = self.make(com.issued_to, now)
        # Nobody reads its signature again, and the rest of it is known under other names.
        com.signature = b""
        com.signer = self._signatures.controller
        com.nwid = self.nwid
        com.issued_to = member.address
        member.com = com
        member.allowed = False  # to be judged
        return TRUSTED

    def show(
        self, kind: int, credential: Tag | Capability | Ownership, sender: bytes, now: int
    ) -> int:
        """Take a credential of CREDENTIAL_* `kind`, whosever it is: RECEIVED, or HOLD as above.

        What a member shows of itself is not verified before a rule asks for it; it can only deceive
        itself. What others show of it is verified at once.
        """
        own = self.own
        if own is None:
            return HOLD
        name = NAMES[kind]
        member = self._holder(credential.issued_to, sender, own, now)
        if member is None:
            return self._refuse("credential_of_stranger")
        if credential.timestamp <= self._revoked.threshold(
            kind, credential.id, credential.issued_to
        ):
            return self._refuse(name + "_revoked")
        if not self._signatures.names_controller(credential):
            return self._refuse(name + "_refused")
        if member.held is None:
            member.held = HeldCredentials(self._held_bounds)
        objection = member.held.objection(kind, credential)
        if objection is not None:
            return self._refuse(name + "_" + objection) if objection else RECEIVED
        if sender == credential.issued_to:
            member.held.show(kind, credential)
            return RECEIVED
        verdict = self._verify(credential, sender, name + "_refused", self._verifying, now)
        if verdict == TRUSTED:
            member.held.trust(kind, credential)
        return HOLD if verdict == HOLD else RECEIVED

    def _holder(
        self, address: bytes, sender: bytes, own: NetworkConfig, now: int
    ) -> Member | None:
        """The member whose credential this is; strangers get no record by showing one."""
        member = self._members.get(address)
        if own.public:
            return self.make(address, now) if member is None and sender == address else member
        return None if member is None or member.com is None else member

    def holdings(self, member: Member) -> Holdings | None:
        """What a member holds, in the form that rules take; None if nothing is known."""
        if member.held is None or self.own is None:
            return None
        return member.held.holdings(self.own)

    def settle(self, member: Member, kind: int, id: int, now: int) -> int:
        """Verify the credential on which a frame depends: TRUSTED if the rules may be asked again,
        HOLD while a signer is not known, IGNORED if this member makes us do that too often.
        """
        held = member.held
        credential = None if held is None else held.candidate(kind, id)
        if held is None or credential is None:
            return IGNORED
        if now - member.asked_since >= _VERIFY_INTERVAL:
            member.asked_since = now
            member.asked = 0
        if member.asked >= _ASKED_PER_INTERVAL:
            self._refuse("credentials_gate")
            return IGNORED
        verdict = self._signatures.verdict(credential, now)
        if verdict == HOLD:
            return HOLD
        member.asked += 1
        if verdict == TRUSTED:
            held.trust(kind, credential)
        else:
            held.refuse(kind, id)
            self._refuse(NAMES[kind] + "_refused")
        return TRUSTED

    def revoke(self, revocation: Revocation, sender: bytes, now: int) -> int:
        """Take a revocation: TRUSTED if it is new, RECEIVED if old or refused, HOLD as above."""
        if self.own is None:
            return HOLD
        kind, id, target = revocation.kind, revocation.credential_id, revocation.target
        if kind == CREDENTIAL_MEMBERSHIP:
            id = 0
        elif kind not in NAMES:
            return self._refuse("revocation_refused")
        if revocation.threshold <= self._revoked.threshold(kind, id, target):
            return RECEIVED
        verdict = self._verify(revocation, sender, "revocation_refused", self._revoking, now)
        if verdict != TRUSTED:
            return verdict
        self._revoked.remember(kind, id, target, revocation.threshold)
        member = self._members.get(target)
        if member is not None:
            self._take_away(member, kind, id, revocation.threshold)
        return TRUSTED

    def _take_away(self, member: Member, kind: int, id: int, threshold: int) -> None:
        if kind != CREDENTIAL_MEMBERSHIP:
            if member.held is not None and member.held.revoke(kind, id, threshold):
                self._transport.counters.count(NAMES[kind] + "_taken_away")
        elif member.com is not None and member.com.timestamp <= threshold:
            member.com = None
            member.allowed = False
            self._transport.counters.count("member_revoked")

    def _verify(
        self,
        credential: Membership | Revocation | Tag | Capability | Ownership,
        sender: bytes,
        reason: str,
        pace: Pace,
        now: int,
    ) -> int:
        if not self._signatures.names_controller(credential):
            return self._refuse(reason)
        if not self._signatures.are_known(credential, now):
            return HOLD
        if sender != self._signatures.controller and not pace.allows(sender, now):
            return self._refuse("credentials_gate")
        verdict = self._signatures.verdict(credential, now)
        return self._refuse(reason) if verdict == RECEIVED else verdict

    def _refuse(self, reason: str) -> int:
        self._transport.counters.count(reason)
        return RECEIVED

    def _evict(self) -> None:
        oldest = None
        for member in self._members.values():
            if oldest is None or member.last_used < oldest.last_used:
                oldest = member
        if oldest is not None:
            del self._members[oldest.address]
            self._transport.counters.count("member_evicted")


def _suffices(own: NetworkConfig, held: Membership) -> bool:
    """True while a newer COM than the one held need not be verified: it is well within the window.

    Peers send a new one every minute, and a verification takes long (protocol/11 §11.4).
    """
    if own.membership is None:
        return False
    apart = abs(own.membership.timestamp - held.timestamp)
    return apart <= own.credential_max_delta // 2
