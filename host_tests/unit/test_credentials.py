"""Certificates of membership, tags, ownership, capabilities and revocations (protocol/06 §6.8)."""

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import raises, vectors
from zerotier.identity import Identity
from zerotier.wire import credentials
from zerotier.wire.address import parse_ip
from zerotier.wire.credentials import (
    Capability,
    Membership,
    Ownership,
    Revocation,
    Tag,
    encode_credentials,
    parse_credentials,
)

SIGNATURE_OTHER_TYPE = b"\x02\x00\x04abcd"


def recorded(kind: str) -> list:
    return vectors("credentials")[kind]


def controller() -> Identity:
    return Identity.from_text(vectors("credentials")["controller_identity"])


def written(name: str) -> bytes:
    return bytes.fromhex(vectors("protocol_12")[name])


def reads_whole_and_writes_the_same(kind: type, blob: bytes) -> object:
    thing, end = kind.parse(blob)
    assert end == len(blob)
    assert thing.encode() == blob
    assert kind.parse(memoryview(b"###" + blob + b"behind"), 3)[1] == 3 + len(blob)
    assert kind.parse(memoryview(b"###" + blob + b"behind"), 3)[0].encode() == blob
    return thing


# --- memberships


def test_recorded_memberships_have_their_fields() -> None:
    for case in recorded("com"):
        blob = bytes.fromhex(case["binary"])
        assert len(blob) == 272
        com = reads_whole_and_writes_the_same(Membership, blob)
        assert com.timestamp == case["timestamp"]
        assert com.max_delta == case["max_delta"]
        assert com.issued_to.hex() == case["issued_to"]
        assert com.nwid.hex() == case["qualifiers"][1]["value"]
        assert com.signer.hex() == case["signed_by"]
        assert com.signature.hex() == case["signature"]
        assert com.signed_bytes().hex() == case["signed_bytes"]
        for number, qualifier in enumerate(case["qualifiers"]):
            value, delta = com.value(number)
            assert "%016x" % value == qualifier["value"]
            assert "%016x" % delta == qualifier["max_delta"]
        assert controller().verify(com.signed_bytes(), com.signature)


def test_the_standard_membership_is_issued_from_its_parts() -> None:
    for case in recorded("com"):
        member = Identity.from_text(case["identity"])
        com = Membership.issue(
            case["timestamp"],
            case["max_delta"],
            bytes.fromhex(case["qualifiers"][1]["value"]),
            member.address,
            member.fingerprint(),
        )
        assert com.signed_bytes().hex() == case["signed_bytes"]
        com.signer = bytes.fromhex(case["signed_by"])
        raises(ValueError, com.encode)
        com.signature = bytes.fromhex(case["signature"])
        assert com.encode().hex() == case["binary"]


def test_agreement_is_as_recorded() -> None:
    cases = recorded("com")
    for verdict in recorded("com_agreement"):
        mine = Membership.parse(bytes.fromhex(cases[verdict["mine"]]["binary"]))[0]
        theirs = Membership.parse(bytes.fromhex(cases[verdict["other"]]["binary"]))[0]
        identity = Identity.from_text(cases[verdict["other_identity_index"]]["identity"])
        assert mine.agrees_with(theirs, identity.fingerprint()[:32]) == verdict["agrees"]
        assert mine.agrees_with(theirs, identity.fingerprint()) == verdict["agrees"]


def membership_of(*qualifiers: tuple) -> Membership:
    blob = b"\x01" + len(qualifiers).to_bytes(2, "big")
    for id, value, delta in qualifiers:
        blob += id.to_bytes(8, "big") + value.to_bytes(8, "big") + delta.to_bytes(8, "big")
    return Membership.parse(blob + bytes(5))[0]


def test_agreement_uses_my_window_and_ignores_their_extras() -> None:
    mine = membership_of((0, 1000, 10), (1, 7, 0))
    assert mine.agrees_with(membership_of((0, 1010, 0), (1, 7, 0), (9, 1, 0)), b"")
    assert mine.agrees_with(membership_of((0, 990, 0), (1, 7, 0)), b"")
    assert not mine.agrees_with(membership_of((0, 1011, 99), (1, 7, 0)), b"")
    assert not mine.agrees_with(membership_of((0, 989, 99), (1, 7, 0)), b"")
    assert not mine.agrees_with(membership_of((0, 1000, 0), (1, 8, 0)), b"")
    assert not mine.agrees_with(membership_of((0, 1000, 0)), b"")


def test_empty_memberships_never_agree() -> None:
    empty = membership_of()
    full = membership_of((0, 1, 1))
    assert not empty.agrees_with(full, b"")
    assert not full.agrees_with(empty, b"")
    assert not empty.agrees_with(empty, b"")


def test_of_equal_ids_the_first_names_and_the_last_of_theirs_counts() -> None:
    mine = membership_of((0, 1, 0), (0, 2, 9))
    assert mine.timestamp == 1 and mine.max_delta == 0
    assert membership_of((0, 5, 0)).agrees_with(membership_of((0, 1, 0), (0, 5, 0)), b"")
    assert not membership_of((0, 5, 0)).agrees_with(membership_of((0, 5, 0), (0, 1, 0)), b"")
    both = membership_of((0, 5, 0), (0, 9, 0))
    assert not both.agrees_with(membership_of((0, 5, 0)), b"")


def test_a_membership_bound_to_an_identity_asks_for_all_four_words() -> None:
    most = 2**64 - 1
    fingerprint = bytes(range(32))
    words = [int.from_bytes(fingerprint[8 * i : 8 * i + 8], "big") for i in range(4)]
    theirs = membership_of(*[(3 + i, words[i], 0) for i in range(4)])
    mine = membership_of((3, 0, most))
    assert mine.agrees_with(theirs, fingerprint)
    assert not mine.agrees_with(theirs, bytes(32))
    assert not mine.agrees_with(membership_of((3, words[0], 0)), fingerprint)


def test_an_unsigned_membership_ends_after_its_signer() -> None:
    com, end = Membership.parse(b"\x01\x00\x01" + bytes(24) + bytes(5) + b"rest")
    assert end == 32
    assert com.signature == b""
    assert com.encode() == b"\x01\x00\x01" + bytes(24) + bytes(5)


def test_nine_qualifiers_disorder_and_other_versions_are_malformed() -> None:
    nine = b"\x01\x00\x09" + bytes(24 * 9) + bytes(5)
    assert "8 qualifiers" in raises(ValueError, Membership.parse, nine)
    one, two = (1).to_bytes(8, "big") + bytes(16), (2).to_bytes(8, "big") + bytes(16)
    Membership.parse(b"\x01\x00\x02" + one + one + bytes(5))
    assert "order" in raises(ValueError, Membership.parse, b"\x01\x00\x02" + two + one + bytes(5))
    raises(ValueError, Membership.parse, b"\x02\x00\x00" + bytes(5))


# --- the others


def test_recorded_tags_have_their_fields() -> None:
    for case in recorded("tags"):
        tag = reads_whole_and_writes_the_same(Tag, bytes.fromhex(case["binary"]))
        assert (tag.id, tag.value, tag.timestamp) == (case["id"], case["value"], case["timestamp"])
        assert tag.issued_to.hex() == case["issued_to"]
        assert tag.signer.hex() == case["signed_by"]
        assert tag.signed_bytes().hex() == case["signed_bytes"]
        assert controller().verify(tag.signed_bytes(), tag.signature)


def test_recorded_capabilities_have_their_fields_and_every_link_signs_the_same() -> None:
    for case in recorded("capabilities"):
        capability = reads_whole_and_writes_the_same(Capability, bytes.fromhex(case["binary"]))
        assert capability.id == case["id"]
        assert capability.timestamp == case.get("timestamp", 1700000000000)
        assert capability.max_custody_chain == case["max_custody_chain"]
        assert capability.issued_to.hex() == case["issued_to"]
        assert capability.signed_bytes().hex() == case["signed_bytes"]
        assert capability.custody[0][1] == controller().address
        signers = [controller()]
        if "first_to" in case:
            signers.append(Identity.from_text(case["first_to"]))
        assert len(capability.custody) == len(signers)
        for (_, giver, signature), signer in zip(capability.custody, signers):
            assert giver == signer.address
            assert signer.verify(capability.signed_bytes(), signature)


def test_the_recorded_ownership_owns_exactly_its_things() -> None:
    for case in recorded("ownership"):
        ownership = reads_whole_and_writes_the_same(Ownership, bytes.fromhex(case["binary"]))
        assert (ownership.id, ownership.timestamp) == (case["id"], case["timestamp"])
        assert ownership.issued_to.hex() == case["issued_to"]
        assert ownership.signed_bytes().hex() == case["signed_bytes"]
        assert controller().verify(ownership.signed_bytes(), ownership.signature)
        mac = bytes.fromhex("32abcdef0123")
        ipv4 = parse_ip("10.147.20.7")
        ipv6 = parse_ip("fd00::1:2")
        assert ownership.owns(credentials.THING_MAC, mac)
        assert ownership.owns(credentials.THING_IPV4, ipv4)
        assert ownership.owns(credentials.THING_IPV6, ipv6)
        assert not ownership.owns(credentials.THING_MAC, bytes(6))
        assert not ownership.owns(credentials.THING_IPV4, parse_ip("10.147.20.8"))
        assert not ownership.owns(credentials.THING_IPV6, parse_ip("fd00::1:3"))
        assert not ownership.owns(credentials.THING_IPV4, b"")
        things = credentials.thing(credentials.THING_IPV4, ipv4)
        things += credentials.thing(credentials.THING_IPV6, ipv6)
        things += credentials.thing(credentials.THING_MAC, mac)
        assert ownership.things == things


def test_recorded_revocations_have_their_fields() -> None:
    for case in recorded("revocations"):
        revocation = reads_whole_and_writes_the_same(Revocation, bytes.fromhex(case["binary"]))
        assert revocation.id == case["id"]
        assert revocation.kind == case["credential_type"]
        assert revocation.credential_id == case["credential_id"]
        assert revocation.threshold == case["threshold"]
        assert revocation.flags == case["flags"]
        assert revocation.target.hex() == case["target"]
        assert revocation.signer.hex() == case["signed_by"]
        assert revocation.signed_bytes().hex() == case["signed_bytes"]
        assert controller().verify(revocation.signed_bytes(), revocation.signature)


def test_the_credentials_of_the_specification() -> None:
    issuer = Identity.from_text(vectors("protocol_12")["identity_a"])
    member = Identity.from_text(vectors("protocol_12")["identity_b"])
    com = reads_whole_and_writes_the_same(Membership, written("com"))
    assert com.max_delta == 1800000 and com.issued_to == member.address
    assert com.value(3)[0] == int.from_bytes(member.fingerprint()[:8], "big")
    tag = reads_whole_and_writes_the_same(Tag, written("tag"))
    assert (tag.id, tag.value) == (5, 7)
    ownership = reads_whole_and_writes_the_same(Ownership, written("ownership"))
    assert ownership.owns(credentials.THING_IPV4, bytes((10, 1, 2, 3)))
    capability = reads_whole_and_writes_the_same(Capability, written("capability"))
    assert capability.signed_bytes() == written("capability_signed")
    assert capability.rules == written("rules") and capability.rule_count == 5
    revocation = reads_whole_and_writes_the_same(Revocation, written("revocation"))
    assert revocation.id == 0x0BADF00D and revocation.flags == 1
    assert revocation.signed_bytes() == written("revocation_signed")
    for credential in (com, tag, ownership, revocation):
        assert issuer.verify(credential.signed_bytes(), credential.signature)
        assert issuer.sign(credential.signed_bytes()) == credential.signature
    assert issuer.verify(capability.signed_bytes(), capability.custody[0][2])
    for credential in (com, tag, ownership, capability):
        assert credential.timestamp == 1700000000000
    assert revocation.threshold == 1700000000000


def test_signed_forms_without_a_wire_form() -> None:
    issuer = bytes.fromhex("f85afca4d6")
    member = bytes.fromhex("8f65490231")
    nwid = bytes.fromhex("f85afca4d6123456")
    tag = Tag(nwid, 1700000000000, 5, 7, member, issuer)
    assert tag.signed_bytes() == written("other_tag_signed")
    raises(ValueError, tag.encode)
    thing = credentials.thing(credentials.THING_IPV4, bytes((10, 147, 17, 5)))
    ownership = Ownership(nwid, 1700000000000, 1, thing, member, issuer)
    assert ownership.signed_bytes() == written("other_ownership_signed")
    raises(ValueError, ownership.encode)


def test_an_unknown_kind_of_signature_reads_as_zeros() -> None:
    for kind, name in ((Tag, "tag"), (Ownership, "ownership"), (Revocation, "revocation")):
        blob = written(name)
        fields = blob[: len(blob) - 101]
        thing, end = kind.parse(fields + SIGNATURE_OTHER_TYPE + b"\x00\x00")
        assert end == len(fields) + 9
        assert thing.signature == bytes(96)
        raises(ValueError, kind.parse, fields + b"\x01\x00\x04abcd" + b"\x00\x00")


def test_additional_fields_are_stepped_over_and_never_signed() -> None:
    names = ((Tag, "tag"), (Ownership, "ownership"), (Revocation, "revocation"))
    for kind, name in names + ((Capability, "capability"),):
        blob = written(name)
        longer = blob[:-2] + b"\x00\x03xyz"
        thing, end = kind.parse(longer)
        assert end == len(longer)
        assert thing.encode() == blob
        raises(ValueError, kind.parse, blob[:-2] + b"\x00\x04xyz")


def test_seventeen_things_and_65_rules_are_too_many() -> None:
    head = bytes(28)
    most = head + b"\x00\x10" + bytes(17 * 16) + bytes(10) + b"\x01\x00\x60" + bytes(98)
    assert Ownership.parse(most)[1] == len(most)
    more = head + b"\x00\x11" + bytes(17 * 17) + bytes(10) + b"\x01\x00\x60" + bytes(98)
    assert "16 things" in raises(ValueError, Ownership.parse, more)
    head = bytes(20)
    tail = b"\x01" + bytes(7)
    assert Capability.parse(head + b"\x00\x40" + bytes(128) + tail)[0].rule_count == 64
    more = head + b"\x00\x41" + bytes(130) + tail
    assert "64 rules" in raises(ValueError, Capability.parse, more)


def test_custody_chains_of_0_and_8_and_longer_than_announced_are_malformed() -> None:
    blob = written("capability")
    rules_end = 22 + 16
    for length in (0, 8, 255):
        wrong = blob[:rules_end] + bytes((length,)) + blob[rules_end + 1 :]
        raises(ValueError, Capability.parse, wrong)
    link = blob[rules_end + 1 : -7]
    twice = blob[: rules_end + 1] + link + link + bytes(7)
    assert "longer" in raises(ValueError, Capability.parse, twice)
    full = blob[:rules_end] + b"\x07" + link * 7 + bytes(7)
    assert len(Capability.parse(full)[0].custody) == 7
    none = Capability.parse(blob[: rules_end + 1] + bytes(7))[0]
    assert none.custody == [] and none.issued_to == bytes(5)


def test_the_signature_of_a_capability_covers_its_rules_as_they_are_rewritten() -> None:
    head = bytes(20) + b"\x00\x03"
    tail = b"\x01" + bytes(7)
    # An unknown match loses its value; an ethertype announced too long loses what is over.
    odd = b"\xbf\x03abc" + b"\x25\x04\x08\x00zz" + b"\x01\x00"
    capability = Capability.parse(head + odd + tail)[0]
    assert capability.rules == b"\xbf\x00" + b"\x25\x02\x08\x00" + b"\x01\x00"
    assert capability.rule_count == 3
    raises(ValueError, Capability.parse, head + b"\x25\x01\x08")
    raises(ValueError, Capability.parse, head + odd[:-2] + b"\x01\x09" + tail)


# --- NETWORK_CREDENTIALS


def everything() -> bytes:
    return encode_credentials(
        [bytes.fromhex(case["binary"]) for case in recorded("com")],
        [Capability.parse(bytes.fromhex(case["binary"]))[0] for case in recorded("capabilities")],
        [bytes.fromhex(case["binary"]) for case in recorded("tags")],
        [bytes.fromhex(case["binary"]) for case in recorded("revocations")],
        [bytes.fromhex(case["binary"]) for case in recorded("ownership")],
    )


def rewritten(payload: bytes) -> bytes:
    read = parse_credentials(payload)
    return encode_credentials(
        read.memberships, read.capabilities, read.tags, read.revocations, read.ownerships
    )


def test_a_push_of_everything_is_read_and_written_the_same() -> None:
    payload = everything()
    read = parse_credentials(memoryview(payload))
    assert not read.malformed
    assert [len(read.memberships), len(read.capabilities), len(read.tags)] == [4, 3, 3]
    assert [len(read.revocations), len(read.ownerships)] == [3, 1]
    assert rewritten(payload) == payload


def test_a_push_may_end_after_any_section() -> None:
    com = bytes.fromhex(recorded("com")[0]["binary"])
    tag = bytes.fromhex(recorded("tags")[0]["binary"])
    for payload in (
        b"", com, com + b"\0", com + b"\0\0\0", com + b"\0\0\0\0\1" + tag, com + b"\0\0\0\0\1" + tag + b"\0\0",
    ):  # fmt: skip
        assert not parse_credentials(payload).malformed
    assert len(parse_credentials(com + com).memberships) == 2


def test_empty_memberships_are_skipped() -> None:
    com = bytes.fromhex(recorded("com")[0]["binary"])
    read = parse_credentials(b"\x01\x00\x00" + bytes(5) + com + b"\x00")
    assert len(read.memberships) == 1 and not read.malformed


def test_a_revocation_push_has_the_layout_of_the_controller() -> None:
    revocation = written("revocation")
    payload = b"\0" + b"\0\0" + b"\0\0" + b"\0\1" + revocation + b"\0\0"
    assert encode_credentials(revocations=[revocation]) == payload
    assert 28 + len(payload) == 189


def test_items_before_a_malformed_one_stay() -> None:
    com = bytes.fromhex(recorded("com")[0]["binary"])
    tag = bytes.fromhex(recorded("tags")[0]["binary"])
    read = parse_credentials(com + b"\0\0\0\0\2" + tag + tag[:-1])
    assert read.malformed
    assert len(read.memberships) == 1 and len(read.tags) == 1
    assert parse_credentials(b"\x07").malformed
    assert parse_credentials(b"\0\0").malformed


def test_cut_off_and_damaged_credentials_raise_nothing_but_value_errors() -> None:
    for kind, name in (
        (Membership, "com"),
        (Tag, "tag"),
        (Ownership, "ownership"),
        (Capability, "capability"),
        (Revocation, "revocation"),
    ):
        blob = written(name)

        def parse(broken: bytes, kind: type = kind) -> object:
            thing = kind.parse(broken)[0]
            thing.signed_bytes()
            return thing

        assert survives_truncation(parse, blob) == 0
        survives_bit_flips(parse, blob)
    payload = everything()
    assert survives_truncation(rewritten, payload, 37) == 2 * len(range(0, len(payload), 37))
    survives_bit_flips(rewritten, payload, 61, 2)
