"""Tags, capabilities and certificates of ownership of others: what is taken, kept and verified."""

from _zerotier import RuleSet

from host_tests.unit.mesh import START, Mesh
from host_tests.unit.support import unhex
from zerotier.limits import DEVICE, HOST
from zerotier.vl1.outcome import HOLD, IGNORED, RECEIVED, TRUSTED
from zerotier.vl2.members import Members
from zerotier.wire.config import NetworkConfig
from zerotier.wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_MEMBERSHIP,
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
    THING_IPV4,
    Capability,
    Membership,
    Ownership,
    Revocation,
    Tag,
    thing,
)

WINDOW = 1800000
ACCEPT_RULE = b"\x01\x00"
# Accept what the sender's tag 7 allows, what comes from an IP of the sender's, and what
# capabilities say.
TAG_RULE = unhex("3108 00000007 00000001") + ACCEPT_RULE
OWNER_RULE = unhex("2908 1000000000000000") + ACCEPT_RULE
KINDS = (CREDENTIAL_CAPABILITY, CREDENTIAL_TAG, CREDENTIAL_OWNERSHIP)
NAMES = {2: "capability", 3: "tag", 4: "ownership"}
SENDER_IP = unhex("0a010203")


class Site:
    """One node's members of a network, a controller that signs, and one other member."""

    def __init__(self, limits=HOST, public: bool = False) -> None:
        mesh = Mesh()
        self.mesh = mesh
        self.station = mesh.add(limits=limits)
        self.controller = mesh.add().identity
        self.other = mesh.add().identity
        self.stranger = mesh.add().identity
        self.nwid = self.controller.address + b"\x00\x00\x01"
        topology = self.station.node.topology
        for identity in (self.controller, self.other, self.stranger):
            topology.add(identity, START)
        self.config = NetworkConfig()
        self.config.nwid = self.nwid
        self.config.timestamp = START
        self.config.credential_max_delta = WINDOW
        self.config.public = public
        if not public:
            self.config.membership = self.com(self.station.identity)
        self.members = Members(self.nwid, self.station.node.transport)
        self.members.set_own(self.config)
        if not public:
            assert self.members.offer(self.com(self.other), self.other.address, START) == TRUSTED
        self.count_com = self.count("signatures_checked")

    def count(self, reason: str) -> int:
        return self.station.count(reason)

    def checked(self) -> int:
        """Signatures verified for anything but the membership of the other."""
        return self.count("signatures_checked") - self.count_com

    def com(self, identity, timestamp: int = START) -> Membership:
        com = Membership.issue(
            timestamp, WINDOW, self.nwid, identity.address, identity.fingerprint()
        )
        return self.signed(com)

    def signed(self, credential, signer=None):
        signer = signer or self.controller
        credential.signer = signer.address
        credential.signature = signer.sign(credential.signed_bytes())
        return credential

    def make(self, kind: int, timestamp: int = START, value: int = 1, signer=None, id: int = 7):
        """A credential of the other member, signed as it should be."""
        to, by = self.other.address, self.controller.address
        if kind == CREDENTIAL_TAG:
            return self.signed(Tag(self.nwid, timestamp, id, value, to, by), signer)
        if kind == CREDENTIAL_OWNERSHIP:
            things = thing(THING_IPV4, SENDER_IP[:3] + bytes((2 + value,)))
            return self.signed(Ownership(self.nwid, timestamp, id, things, to, by), signer)
        rules = ACCEPT_RULE * value
        capability = Capability(self.nwid, timestamp, id, value, rules)
        signer = signer or self.controller
        signature = signer.sign(capability.signed_bytes())
        capability.custody = [(to, signer.address, signature)]
        return capability

    def show(self, kind: int, credential, sender=None, now: int = START) -> int:
        sender = self.other.address if sender is None else sender
        return self.members.show(kind, credential, sender, now)

    def revoke(
        self, kind: int, threshold: int, now: int = START, id: int = 7, target: bytes = b""
    ) -> int:
        target = target or self.other.address
        revocation = Revocation(
            1, self.nwid, id, threshold, 1, target, self.controller.address, kind
        )
        self.signed(revocation)
        return self.members.revoke(revocation, self.controller.address, now)

    def passes(self, kind: int, now: int = START) -> bool:
        """Whether a frame passes that only this credential lets through; verifies as rules do."""
        rules = {CREDENTIAL_TAG: TAG_RULE, CREDENTIAL_OWNERSHIP: OWNER_RULE}.get(kind, b"")
        judge = RuleSet(rules, self.station.address, None, False, b"", 1)
        frame = bytes(12) + b"\x08\x00\x45" + bytes(11) + SENDER_IP + bytes(4)
        member = self.members.get(self.other.address)
        while True:
            outcome = judge.inbound(self.other.address, self.members.holdings(member), frame)
            if outcome[0] != 5:
                return outcome[0] == 1
            if self.members.settle(member, outcome[3][0], outcome[3][1], now) != TRUSTED:
                return False


def test_a_credential_lets_frames_pass_once_it_is_shown():
    for kind in KINDS:
        site = Site()
        assert not site.passes(kind)
        assert site.show(kind, site.make(kind)) == RECEIVED
        assert site.passes(kind)


def test_what_no_rule_asks_for_is_never_verified():
    site = Site()
    for kind in KINDS:
        site.show(kind, site.make(kind))
    assert site.checked() == 0
    assert site.passes(CREDENTIAL_TAG)
    assert site.passes(CREDENTIAL_TAG)
    assert site.checked() == 1


def test_a_newer_credential_that_says_the_same_is_not_verified_again():
    for kind in KINDS:
        site = Site()
        site.show(kind, site.make(kind))
        assert site.passes(kind)
        for minute in range(1, 20):
            site.show(kind, site.make(kind, START + 60000 * minute))
            assert site.passes(kind)
        assert site.checked() == 1
        # Until the one that was verified is out of its window of time.
        site.config.timestamp = START + WINDOW + 1
        assert site.passes(kind)
        assert site.checked() == 2


def test_a_newer_credential_that_says_something_else_counts_at_once():
    for kind in (CREDENTIAL_TAG, CREDENTIAL_OWNERSHIP):
        site = Site()
        site.show(kind, site.make(kind))
        assert site.passes(kind)
        site.show(kind, site.make(kind, START + 1, 2))
        assert not site.passes(kind)


def test_a_forged_successor_does_not_take_away_what_was_trusted():
    site = Site()
    site.show(CREDENTIAL_TAG, site.make(CREDENTIAL_TAG))
    assert site.passes(CREDENTIAL_TAG)
    forged = site.make(CREDENTIAL_TAG, START + 1, 2)
    forged.signature = bytes(96)
    site.show(CREDENTIAL_TAG, forged)
    assert site.passes(CREDENTIAL_TAG)
    assert site.count("tag_refused") == 1


def test_one_changed_bit_makes_any_credential_worthless():
    for kind in KINDS:
        encoded = Site().make(kind).encode()
        site = Site()
        kept = 0
        for position in range(0, 8 * len(encoded) - 16, 5):  # the last 2 bytes are not signed
            broken = bytearray(encoded)
            broken[position // 8] ^= 1 << position % 8
            try:
                credential = type(site.make(kind)).parse(bytes(broken))[0]
            except ValueError:
                continue
            if credential.nwid != site.nwid:
                continue  # another network's: Networks gives it to that one
            site.show(kind, credential)
            # Each pretends to be the first of its id, in its own second.
            kept += site.passes(kind, START + 1000 * position)
            member = site.members.get(site.other.address)
            member.held = None
        assert kept == 0


def test_a_credential_from_another_signer_is_refused_without_a_verification():
    for kind in KINDS:
        site = Site()
        assert site.show(kind, site.make(kind, signer=site.stranger)) == RECEIVED
        assert site.count(NAMES[kind] + "_refused") == 1
        assert not site.passes(kind)
        assert site.checked() == 0


def test_a_signature_of_another_identity_under_the_controllers_name_is_refused():
    for kind in KINDS:
        site = Site()
        credential = site.make(kind, signer=site.stranger)
        credential.signer = site.controller.address
        if kind == CREDENTIAL_CAPABILITY:
            to, _, signature = credential.custody[0]
            credential.custody = [(to, site.controller.address, signature)]
        site.show(kind, credential)
        assert not site.passes(kind)
        assert site.count(NAMES[kind] + "_refused") == 1
        assert site.checked() == 1


def test_a_credential_of_somebody_who_is_no_member_is_refused():
    for kind in KINDS:
        site = Site()
        credential = site.make(kind)
        if kind == CREDENTIAL_CAPABILITY:
            credential.custody = [(site.stranger.address,) + credential.custody[0][1:]]
        else:
            credential.issued_to = site.stranger.address
        assert site.show(kind, credential, site.stranger.address) == RECEIVED
        assert site.count("credential_of_stranger") == 1
        assert site.members.get(site.stranger.address) is None


def test_a_credential_of_a_member_that_was_shut_out_is_refused():
    site = Site()
    assert site.revoke(CREDENTIAL_MEMBERSHIP, START) == TRUSTED
    for kind in KINDS:
        assert site.show(kind, site.make(kind, START + 1)) == RECEIVED
        assert site.show(kind, site.make(kind, START + 1), site.stranger.address) == RECEIVED
    assert site.count("credential_of_stranger") == 2 * len(KINDS)
    assert site.members.get(site.other.address).held is None


def test_on_a_public_network_a_credential_makes_a_record_of_its_owner_only():
    site = Site(public=True)
    tag = site.make(CREDENTIAL_TAG)
    site.show(CREDENTIAL_TAG, tag, site.stranger.address)
    assert site.members.get(site.other.address) is None
    site.show(CREDENTIAL_TAG, tag)
    assert site.passes(CREDENTIAL_TAG)


def test_an_older_credential_than_the_one_held_is_refused():
    for kind in KINDS:
        site = Site()
        site.show(kind, site.make(kind, START + 1))
        site.show(kind, site.make(kind, START, 2))
        assert site.count(NAMES[kind] + "_older") == 1
        site.show(kind, site.make(kind, START + 1, 2))  # of the same time, but another one
        assert site.count(NAMES[kind] + "_older") == 2
        site.show(kind, site.make(kind, START + 1))
        assert site.count(NAMES[kind] + "_older") == 2
        assert site.passes(kind)


def test_outside_of_the_window_around_our_config_nothing_counts():
    for kind in KINDS:
        for apart, expected in ((-WINDOW - 1, False), (-WINDOW, True), (WINDOW, True)):
            site = Site()
            site.show(kind, site.make(kind, START + apart))
            assert site.passes(kind) == expected
        site = Site()
        site.show(kind, site.make(kind, START + WINDOW + 1))
        assert not site.passes(kind)
        assert site.checked() == 0
        site.config.timestamp = START + 1
        assert site.passes(kind)


def test_a_revoked_credential_is_taken_away_and_does_not_come_back():
    for kind in KINDS:
        site = Site()
        site.show(kind, site.make(kind))
        assert site.passes(kind)
        assert site.revoke(kind, START) == TRUSTED
        assert not site.passes(kind)
        assert site.count(NAMES[kind] + "_taken_away") == 1
        site.show(kind, site.make(kind))
        assert not site.passes(kind)
        assert site.count(NAMES[kind] + "_revoked") == 1
        site.show(kind, site.make(kind, START + 1))
        assert site.passes(kind)
        # The membership is another matter.
        assert site.members.admit(site.other.address, START) is not None


def test_a_revocation_of_another_kind_or_id_or_of_an_earlier_time_changes_nothing():
    for kind in KINDS:
        site = Site()
        site.show(kind, site.make(kind))
        for other in KINDS:
            if other != kind:
                assert site.revoke(other, START) == TRUSTED
        assert site.revoke(kind, START, id=8) == TRUSTED
        assert site.revoke(kind, START - 1) == TRUSTED
        assert site.revoke(kind, START - 1) == RECEIVED  # heard before
        assert site.passes(kind)


def test_a_revoked_credential_that_nobody_has_verified_is_taken_away_too():
    for kind in KINDS:
        site = Site()
        site.show(kind, site.make(kind))
        assert site.revoke(kind, START) == TRUSTED
        assert site.count(NAMES[kind] + "_taken_away") == 1
        assert not site.passes(kind)


def test_a_revocation_for_one_member_leaves_what_others_hold():
    for kind in KINDS:
        site = Site()
        assert site.revoke(kind, START, target=site.stranger.address) == TRUSTED
        site.show(kind, site.make(kind))
        assert site.passes(kind)
    later, other = START + 2000, site.other.address
    threshold = START + 1
    stranger = site.stranger.address
    assert site.revoke(CREDENTIAL_MEMBERSHIP, threshold, later, target=stranger) == TRUSTED
    assert site.members.offer(site.com(site.other, threshold), other, later) == TRUSTED


def test_revocations_of_unknown_kinds_are_refused():
    site = Site()
    for kind in (0, 5, 6, 255):
        assert site.revoke(kind, START) == RECEIVED
    assert site.count("revocation_refused") == 4
    assert site.checked() == 0


def test_a_revoked_membership_is_void_whatever_id_the_revocation_names():
    site = Site()
    assert site.revoke(CREDENTIAL_MEMBERSHIP, START, id=5) == TRUSTED
    assert site.members.admit(site.other.address, START) is None


def test_a_membership_is_void_up_to_the_threshold_and_no_further():
    site = Site()
    other, later = site.other.address, START + 2000
    assert site.revoke(CREDENTIAL_MEMBERSHIP, START - 1) == TRUSTED
    assert site.members.admit(other, START) is not None and site.count("member_revoked") == 0
    assert site.revoke(CREDENTIAL_MEMBERSHIP, START, START + 1000) == TRUSTED
    assert site.members.admit(other, START) is None and site.count("member_revoked") == 1
    assert site.members.offer(site.com(site.other), other, later) == RECEIVED
    assert site.count("com_revoked") == 1
    assert site.members.offer(site.com(site.other, START + 1), other, later) == TRUSTED
    assert site.members.admit(other, later) is not None
    assert (
        site.revoke(CREDENTIAL_MEMBERSHIP, START - 1, later) == RECEIVED
    )  # an old one, heard late
    assert site.members.offer(site.com(site.other), other, later) == RECEIVED
    assert site.members.admit(other, later) is not None


def test_a_chain_of_custody_must_be_whole():
    def chain(site: Site, links: list) -> Capability:
        capability = Capability(site.nwid, START, 7, 1, ACCEPT_RULE, 3)
        signed = capability.signed_bytes()
        capability.custody = [
            (to.address, giver.address, signer.sign(signed)) for to, giver, signer in links
        ]
        return capability

    site = Site()
    controller, stranger, other = site.controller, site.stranger, site.other
    whole = [(stranger, controller, controller), (other, stranger, stranger)]
    site.show(CREDENTIAL_CAPABILITY, chain(site, whole))
    assert site.passes(CREDENTIAL_CAPABILITY)
    assert site.checked() == 2
    for links in (
        [(other, stranger, stranger)],
        [(stranger, controller, controller), (other, controller, controller)],
        [(stranger, controller, controller), (other, stranger, controller)],
        [(stranger, controller, stranger), (other, stranger, stranger)],
    ):
        site = Site()
        site.show(CREDENTIAL_CAPABILITY, chain(site, links))
        assert not site.passes(CREDENTIAL_CAPABILITY)
        assert site.count("capability_refused") == 1


def test_a_capability_without_custody_belongs_to_nobody():
    site = Site()
    capability = site.make(CREDENTIAL_CAPABILITY)
    capability.custody = []
    site.show(CREDENTIAL_CAPABILITY, capability)
    assert site.count("credential_of_stranger") == 1


def test_what_others_show_of_a_member_is_verified_before_it_is_kept():
    site = Site()
    forged = site.make(CREDENTIAL_TAG, START + 5, 2)
    forged.signature = bytes(96)
    site.show(CREDENTIAL_TAG, forged, site.stranger.address)
    assert site.count("tag_refused") == 1
    site.show(CREDENTIAL_TAG, site.make(CREDENTIAL_TAG), site.stranger.address, START)
    assert site.count("credentials_gate") == 1  # one a second
    site.show(CREDENTIAL_TAG, site.make(CREDENTIAL_TAG), site.stranger.address, START + 1000)
    assert site.checked() == 2
    assert site.passes(CREDENTIAL_TAG)
    assert site.checked() == 2


def test_a_frame_waits_while_a_signer_is_not_known():
    site = Site()
    absent = site.mesh.add().identity
    capability = Capability(site.nwid, START, 7, 1, ACCEPT_RULE, 2)
    signed = capability.signed_bytes()
    capability.custody = [
        (absent.address, site.controller.address, site.controller.sign(signed)),
        (site.other.address, absent.address, absent.sign(signed)),
    ]
    site.show(CREDENTIAL_CAPABILITY, capability)
    member = site.members.get(site.other.address)
    assert site.members.settle(member, CREDENTIAL_CAPABILITY, 7, START) == HOLD
    site.station.node.topology.add(absent, START)
    assert site.passes(CREDENTIAL_CAPABILITY)


def test_a_member_keeps_no_more_credentials_than_there_is_room_for():
    site = Site(DEVICE)
    for kind, bound in (
        (CREDENTIAL_TAG, 8),
        (CREDENTIAL_CAPABILITY, 4),
        (CREDENTIAL_OWNERSHIP, 2),
    ):
        for id in range(bound + 3):
            site.show(kind, site.make(kind, id=id))
        assert site.count(NAMES[kind] + "_too_many") == 3


def test_a_member_cannot_make_us_verify_without_end():
    site = Site()
    for number in range(20):
        forged = site.make(CREDENTIAL_TAG, START + number)
        forged.signature = bytes(96)
        site.show(CREDENTIAL_TAG, forged)
        assert not site.passes(CREDENTIAL_TAG)
    assert site.checked() == 8
    assert site.count("credentials_gate") == 12
    site.show(CREDENTIAL_TAG, site.make(CREDENTIAL_TAG, START + 30))
    assert not site.passes(CREDENTIAL_TAG)
    assert site.passes(CREDENTIAL_TAG, START + 1000)


def test_nothing_to_settle_is_no_reason_to_ask_again():
    site = Site()
    member = site.members.get(site.other.address)
    assert site.members.settle(member, CREDENTIAL_TAG, 7, START) == IGNORED
    site.show(CREDENTIAL_TAG, site.make(CREDENTIAL_TAG))
    assert site.members.settle(member, CREDENTIAL_TAG, 8, START) == IGNORED
