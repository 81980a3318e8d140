"""The other members of one network, and the gate: who of them may talk to us.

Owns the certificates of membership (COM) of others, their revocations and the verdict on each
member (protocol/06 §6.9). Never sends a packet, except to ask who the controller is.
"""

from ..const import const
from ..vl1.outcome import HOLD, RECEIVED, TRUSTED
from ..vl1.transport import Transport
from ..wire.address import ADDRESS_SIZE
from ..wire.config import NetworkConfig
from ..wire.credentials import CREDENTIAL_MEMBERSHIP, Membership, Revocation
from . import ethernet
from .pace import Pace

_FINGERPRINT = const(32)  # bytes of the fingerprint that a COM holds
_VERIFY_INTERVAL = const(1000)  # signatures that one peer may make us check (protocol/04 §4.8)


class Member:
    """What is remembered of one other member. Times are ms; 0 means never."""

    def __init__(self, address: bytes, nwid: bytes) -> None:
        self.address = address
        self.mac = ethernet.mac_of(address, nwid)
        self.com: Membership | None = None  # its verified COM
        self.allowed = False  # the gate's verdict; False also means: not judged yet
        self.last_used = 0
        self.last_liked = 0  # our MULTICAST_LIKEs were sent to it
        self.last_push = 0  # our credentials were sent to it
        self.pushed_edition = 0  # which edition of them
        self.pushed_timestamp = 0  # of the COM among them

    def __repr__(self) -> str:
        return "<Member %s%s>" % (self.address.hex(), "" if self.allowed else " not admitted")


class Members:
    """A bounded table of members (LRU). `own` is our config, None before there is one."""

    def __init__(self, nwid: bytes, transport: Transport) -> None:
        self.nwid = nwid
        self._transport = transport
        self._controller = nwid[:ADDRESS_SIZE]
        self._bound: int = transport.limits.members
        self._members: dict[bytes, Member] = {}
        self._by_mac: dict[bytes, Member] = {}
        self._revoked: dict[bytes, int] = {}  # COMs up to this timestamp are void
        self._verifying = Pace(_VERIFY_INTERVAL, self._bound)
        self.own: NetworkConfig | None = None

    def __len__(self) -> int:
        return len(self._members)

    def get(self, address: bytes) -> Member | None:
        return self._members.get(address)

    def by_mac(self, mac: bytes) -> Member | None:
        return self._by_mac.get(mac)

    def admitted(self) -> list[Member]:
        """The members whose last verdict was favourable."""
        return [member for member in self._members.values() if member.allowed]

    def make(self, address: bytes, now: int) -> Member:
        """The record of a member; a new one may take the place of the least recently used."""
        member = self._members.get(address)
        if member is None:
            if len(self._members) >= self._bound:
                self._evict()
            member = Member(address, self.nwid)
            self._members[address] = member
            self._by_mac[member.mac] = member
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
        if com.timestamp <= self._revoked.get(com.issued_to, -1):
            return self._refuse("com_revoked")
        verdict = self._verify(com, sender, "com_refused", now)
        if verdict != TRUSTED:
            return verdict
        member = self.make(com.issued_to, now)
        member.com = com
        member.allowed = False  # to be judged
        return TRUSTED

    def revoke(self, revocation: Revocation, sender: bytes, now: int) -> int:
        """Take a revocation: TRUSTED if it is new, RECEIVED if old or refused, HOLD as above."""
        if self.own is None:
            return HOLD
        if revocation.kind != CREDENTIAL_MEMBERSHIP:
            return RECEIVED  # tags, capabilities and ownership of others are not kept
        target = revocation.target
        if revocation.threshold <= self._revoked.get(target, -1):
            return RECEIVED
        verdict = self._verify(revocation, sender, "revocation_refused", now)
        if verdict != TRUSTED:
            return verdict
        self._remember_revocation(target, revocation.threshold)
        member = self._members.get(target)
        if member is not None and member.com is not None:
            if member.com.timestamp <= revocation.threshold:
                member.com = None
                member.allowed = False
                self._transport.counters.count("member_revoked")
        return TRUSTED

    def _remember_revocation(self, target: bytes, threshold: int) -> None:
        """The oldest threshold goes first: the COMs that it voids age out of the window first."""
        if target not in self._revoked and len(self._revoked) >= self._bound:
            oldest = min(self._revoked, key=lambda address: self._revoked[address])
            del self._revoked[oldest]
        self._revoked[target] = threshold

    def _verify(
        self, credential: Membership | Revocation, sender: bytes, reason: str, now: int
    ) -> int:
        if credential.signer != self._controller:
            return self._refuse(reason)
        if self._controller == self._transport.identity.address:
            identity = self._transport.identity
        else:
            controller = self._transport.topology.get(self._controller)
            if controller is None:
                self._transport.whois(self._controller, now)
                return HOLD
            identity = controller.identity
        if sender != self._controller and not self._verifying.allows(sender, now):
            return self._refuse("credentials_gate")
        if not identity.verify(credential.signed_bytes(), credential.signature):
            return self._refuse(reason)
        return TRUSTED

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
            del self._by_mac[oldest.mac]
            self._transport.counters.count("member_evicted")


def _suffices(own: NetworkConfig, held: Membership) -> bool:
    """True while a newer COM than the one held need not be verified: it is well within the window.

    Peers send a new one every minute, and a verification takes long (protocol/11 §11.4).
    """
    if own.membership is None:
        return False
    apart = abs(own.membership.timestamp - held.timestamp)
    return apart <= own.credential_max_delta // 2
