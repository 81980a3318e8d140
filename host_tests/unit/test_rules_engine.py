"""The verdicts of the rules engine (protocol/07 §7.7 to §7.9, 16)."""

from _zerotier import Holdings, RuleSet

from host_tests.unit.judging import (
    ACCEPT,
    CAPABILITY,
    DROP,
    NO_MATCH,
    NOBODY,
    OWNERSHIP,
    REDIRECT,
    SUPER_ACCEPT,
    TAG,
    VERIFY,
    capability,
    frame_of,
    held_by,
    own_prefixes,
    recorded_cases,
    tag,
    thing,
)
from host_tests.unit.support import raises, unhex, vectors

US = unhex("8990035912")
THEM = unhex("3c3f73911b")
OBSERVER = unhex("7e0a6c0043")
NOTHING = Holdings(b"", b"", b"")

VERDICTS = {
    "no_match": NO_MATCH,
    "drop": DROP,
    "accept": ACCEPT,
    "super_accept": SUPER_ACCEPT,
    "redirect": REDIRECT,
}
CREDENTIAL_WINDOW = 7200000

# The reference believes a sender that writes a 6PLANE address of another member; we do not.
STRICTER = "ownership: NDP emulation, any member's /40 [in]"


# --- what the reference decided ---


def node_of(case: dict) -> RuleSet:
    nwid, address = bytes.fromhex(case["network_id"]), bytes.fromhex(case["own_address"])
    flags = case["network_flags"]
    own = case["sender"] if case["direction"] == "out" else case["receiver"]
    ips = [bytes.fromhex(item["value_hex"]) for item in case.get("static_ips", [])]
    prefixes = own_prefixes(nwid, address, flags, ips)
    rules = bytes.fromhex(case["rules_hex"])
    return RuleSet(rules, address, held_by(own), bool(flags & 8), prefixes, 1)


def other_of(case: dict) -> tuple:
    """(address, holdings) of the other member as the judging node knows them."""
    outbound = case["direction"] == "out"
    address = bytes.fromhex(case["zt_dest" if outbound else "zt_source"])
    if abs(case.get("remote_credential_time_offset", 0)) > CREDENTIAL_WINDOW:
        return address, NOTHING
    if address == NOBODY:
        return address, None
    return address, held_by(case["receiver" if outbound else "sender"])


def judge(case: dict, node: RuleSet, way: str) -> tuple:
    address, holdings = other_of(case)
    names = {"out": "outbound", "in": "inbound"}
    return getattr(node, way + names[case["direction"]])(
        address, holdings, frame_of(case["frame"])
    )


def copies_of(recorded: list) -> tuple:
    return tuple(
        (bytes.fromhex(copy["target"]), copy["length"], copy["watch"]) for copy in recorded
    )


def recorded(rejected: bool) -> object:
    # One case has a VLAN id, which no frame of a member can have: host_tests/core/test_rules.c.
    for case in recorded_cases():
        is_rejected = case["verdict"] == "config_rejected"
        if case["frame"]["vlan"] == 0 and is_rejected == rejected:
            yield case


def test_recorded_lists_that_refuse_the_config_are_malformed() -> None:
    count = 0
    for case in recorded(True):
        assert raises(ValueError, node_of, case) == "malformed rules"
        count += 1
    assert count == 12


def test_one_list_gives_the_recorded_verdict_and_leaves_the_recorded_copy() -> None:
    count = 0
    for case in recorded(False):
        count += 1
        node = node_of(case)
        assert node.count == case["rule_count"], case["name"]
        verdict, target, copies, wanted = judge(case, node, "probe_")
        expected = NO_MATCH if case["name"] == STRICTER else VERDICTS[case["verdict"]]
        if case["redirect_to"] == NOBODY.hex():
            expected = ACCEPT  # a redirect to nobody is an ACCEPT that redirects nothing
        assert verdict == expected, case["name"]
        assert copies == copies_of(case["copies"]), case["name"]
        assert wanted is None
        if verdict == REDIRECT:
            assert target == bytes.fromhex(case["redirect_to"]), case["name"]
    assert count == 707


def sent_by(case: dict, outcome: tuple) -> list:
    """The packets that follow from an outcome, as the recorded `sent` (protocol/07 §7.9)."""
    verdict, target, copies, _ = outcome
    inbound = case["direction"] == "in"
    sent = []
    if not case.get("no_tee"):
        for to, length, is_watch in copies:
            flags = (0x1C if inbound else 0x16) if is_watch else (0x08 if inbound else 0x02)
            kind = "watch" if is_watch else "tee"
            sent.append({"to": to.hex(), "flags": flags, "kind": kind, "length": length})
    if verdict == REDIRECT:
        length = len(case["frame"]["payload_hex"]) // 2
        flags = 0x0A if inbound else 0x04
        sent.append({"to": target.hex(), "flags": flags, "kind": "redirect", "length": length})
    return sent


def test_the_whole_decision_is_the_recorded_one() -> None:
    names = {DROP: "drop", NO_MATCH: "drop", REDIRECT: "drop", ACCEPT: "accept"}
    names[SUPER_ACCEPT] = "super_accept"
    for case in recorded(False):
        outcome = judge(case, node_of(case), "")
        if case.get("depends_on_hash_order") or case["name"] == STRICTER:
            continue
        assert names[outcome[0]] == case["full"]["verdict"], case["name"]
        assert sent_by(case, outcome) == case["full"]["sent"], case["name"]


def test_every_rule_that_the_reference_issues_is_compiled() -> None:
    cases = vectors("rules")["rules"]
    for case in cases:
        blob = bytes.fromhex(case["binary"])
        assert RuleSet(blob, US, None, False, b"", 1).count == 1
        if len(blob) > 2:
            sentence = raises(ValueError, RuleSet, blob[:-1], US, None, False, b"", 1)
            assert sentence == "malformed rules"
    whole = b"".join([bytes.fromhex(case["binary"]) for case in cases])
    assert RuleSet(whole, US, None, False, b"", 1).count == len(cases)


# --- cases of our own ---

IPV4_UDP = unhex("4500001d00004000401100000a0102030a090807 003500500009000041")
ETHERNET = unhex("028990 91fdd9 023c3fe135d0")
ACCEPT_RULE = b"\x01\x00"
DROP_RULE = b"\x00\x00"


def rule(first: int, value: bytes = b"") -> bytes:
    return bytes((first, len(value))) + value


def inbound(
    rules: bytes,
    payload: bytes = IPV4_UDP,
    ethertype: int = 0x0800,
    own: Holdings = NOTHING,
    theirs: Holdings | None = NOTHING,
    unsupported: bool = False,
) -> tuple:
    node = RuleSet(rules, US, own, unsupported, b"", 1)
    return node.inbound(THEM, theirs, ETHERNET + ethertype.to_bytes(2, "big") + payload)


def outbound(
    rules: bytes, own: Holdings = NOTHING, theirs: Holdings | None = NOTHING, other: bytes = THEM
) -> tuple:
    node = RuleSet(rules, US, own, False, b"", 1)
    return node.outbound(other, theirs, ETHERNET + b"\x08\x00" + IPV4_UDP)


def matches(match: bytes, payload: bytes = IPV4_UDP, ethertype: int = 0x0800) -> bool:
    """Whether a rule lets an inbound frame through; with NOT it must say the opposite."""
    verdict = inbound(match + ACCEPT_RULE, payload, ethertype)[0]
    inverse = bytes((match[0] ^ 0x80,)) + match[1:]
    assert inbound(inverse + ACCEPT_RULE, payload, ethertype)[0] != verdict
    return verdict == ACCEPT


def never_matches(match: bytes, payload: bytes, ethertype: int = 0x0800) -> bool:
    inverse = bytes((match[0] ^ 0x80,)) + match[1:]
    return (
        inbound(match + ACCEPT_RULE, payload, ethertype)[0] == NO_MATCH
        and inbound(inverse + ACCEPT_RULE, payload, ethertype)[0] == NO_MATCH
    )


def test_an_empty_list_lets_nothing_through() -> None:
    assert inbound(b"") == (NO_MATCH, None, (), None)
    assert outbound(b"") == (NO_MATCH, None, (), None)


def test_only_a_list_that_begins_with_accept_needs_no_judgement() -> None:
    assert RuleSet(ACCEPT_RULE, US, None, False, b"", 1).accept_all
    assert RuleSet(ACCEPT_RULE + DROP_RULE, US, None, False, b"", 1).accept_all
    for rules in (b"", DROP_RULE, unhex("25020800") + ACCEPT_RULE):
        assert not RuleSet(rules, US, None, False, b"", 1).accept_all


def test_the_usual_list_of_hosted_controllers_drops_what_is_not_ip() -> None:
    usual = unhex("a5020800 a5020806 a50286dd 0000 0100")
    for ethertype in (0x0800, 0x0806, 0x86DD):
        assert inbound(usual, ethertype=ethertype)[0] == ACCEPT
    assert inbound(usual, ethertype=0x88CC)[0] == DROP


def integer_range(start: int, end: int, index: int, form: int) -> bytes:
    value = start.to_bytes(8, "big") + end.to_bytes(8, "big") + index.to_bytes(2, "big")
    return rule(51, value + bytes((form,)))


def test_integer_range_reads_the_end_of_a_big_endian_field() -> None:
    payload = bytes(range(1, 17))
    assert matches(integer_range(8, 8, 0, 7), payload)
    assert matches(integer_range(0x0708, 0x0708, 0, 15), payload)
    assert matches(integer_range(0x0102030405060708, 0x0102030405060708, 0, 63), payload)
    assert matches(integer_range(16, 16, 8, 7), payload)
    assert matches(integer_range(0x708 & 0x1FF, 0x708 & 0x1FF, 0, 8), payload)  # 9 bits, the low
    assert not matches(integer_range(9, 16, 9, 7), payload)  # index + 8 is behind the end
    assert matches(integer_range(0, 0, 9, 7), payload)  # so it reads as 0


def test_integer_range_reads_the_start_of_a_little_endian_field() -> None:
    payload = bytes(range(1, 17))
    assert matches(integer_range(1, 1, 0, 0x87), payload)
    assert matches(integer_range(0x0201, 0x0201, 0, 0x8F), payload)
    assert matches(integer_range(0x100F0E0D0C0B0A09, 0x100F0E0D0C0B0A09, 8, 0xBF), payload)
    assert matches(integer_range(0x0201 >> 7, 0x0201 >> 7, 0, 0x88), payload)  # 9 bits, the high
    assert matches(integer_range(16, 16, 15, 0x87), payload)
    assert matches(integer_range(0, 0, 16, 0x87), payload)
    assert matches(integer_range(0, 0, 0xFFFF, 0xBF), payload)


def test_integer_range_keeps_32_bits_of_its_width() -> None:
    payload = unhex("0000000200000000")
    assert matches(integer_range(0, 0xFFFFFFFF, 0, 63), unhex("00000000ffffffff"))
    assert not matches(integer_range(0, 0x300000000, 0, 63), payload)  # the width is 0
    assert matches(integer_range(0x1FFFFFFFF, 0x200000001, 0, 63), payload)
    swapped = integer_range(6, 5, 0, 63)  # a width of 2^32 - 1
    assert matches(swapped, unhex("0000000100000005"))
    assert not matches(swapped, unhex("0000000100000006"))


def test_priority_accepts_and_never_more_than_that() -> None:
    to_us = rule(2, bytes(3) + US + bytes(6))
    failing = rule(37, b"\x00\x00")
    assert inbound(rule(6))[0] == ACCEPT
    assert inbound(failing + to_us + ACCEPT_RULE)[0] == SUPER_ACCEPT
    assert inbound(failing + to_us + rule(6))[0] == ACCEPT


def test_unknown_matches_are_true_or_false_by_the_network_flag() -> None:
    for kind in list(range(16, 24)) + list(range(52, 64)):
        assert inbound(rule(kind, b"12") + ACCEPT_RULE)[0] == NO_MATCH
        assert inbound(rule(kind | 0x80) + ACCEPT_RULE)[0] == ACCEPT
        assert inbound(rule(kind, b"12") + ACCEPT_RULE, unsupported=True)[0] == ACCEPT
        assert inbound(rule(kind | 0x80) + ACCEPT_RULE, unsupported=True)[0] == NO_MATCH


def test_unknown_actions_only_end_a_set_of_matches() -> None:
    for kind in range(7, 16):
        failing = rule(37, b"\x00\x00")
        assert inbound(failing + rule(kind, b"1") + ACCEPT_RULE)[0] == ACCEPT
        assert inbound(rule(kind) + DROP_RULE)[0] == DROP


def test_random_is_drawn_anew_for_every_frame() -> None:
    node = RuleSet(rule(43, unhex("80000000")) + ACCEPT_RULE, US, None, False, b"", 7)
    frame = ETHERNET + b"\x08\x00" + IPV4_UDP
    accepted = [node.inbound(THEM, None, frame)[0] for _ in range(400)].count(ACCEPT)
    assert 120 < accepted < 280


def test_prefixes_of_any_length_are_compared_bit_by_bit() -> None:
    for bits in range(33):
        for wrong in range(32):
            value = int.from_bytes(IPV4_UDP[12:16], "big") ^ 1 << 31 - wrong
            match = rule(31, value.to_bytes(4, "big") + bytes((bits,)))
            assert matches(match) == (wrong >= bits)


def test_ipv6_prefixes_with_host_bits_never_match() -> None:
    packet = unhex("6000000000003b40") + unhex("20010db8000000000000000000000001") * 2
    address = unhex("20010db8000000000000000000000000")
    for bits in range(129):
        expected = 28 < bits < 128
        assert matches(rule(33, address + bytes((bits,))), packet, 0x86DD) == expected
        assert matches(rule(34, address + bytes((bits,))), packet, 0x86DD) == expected
    assert matches(rule(33, bytes(16) + b"\x00"), packet, 0x86DD)
    whole = rule(33, unhex("20010db8000000000000000000000001") + b"\x80")
    assert matches(whole, packet, 0x86DD)


def test_every_cut_of_a_frame_is_read_within_its_bounds() -> None:
    destination_80 = rule(40, unhex("00500050"))
    for length in range(len(IPV4_UDP)):
        cut = IPV4_UDP[:length]
        if length < 20:
            assert never_matches(destination_80, cut)
        else:
            assert matches(destination_80, cut) == (length > 24)


def test_ipv6_extension_headers_are_walked_until_the_transport() -> None:
    def packet(first: int, rest: bytes) -> bytes:
        return unhex("60000000 0000") + bytes((first, 64)) + bytes(32) + rest

    udp = unhex("0035 0050 0000 0000")
    is_udp, to_80 = rule(36, b"\x11"), rule(40, unhex("00500050"))
    hop, routing = unhex("2b00000000000000"), unhex("1101") + bytes(14)
    assert matches(to_80, packet(17, udp), 0x86DD)
    chain = packet(0, hop + routing + udp)
    assert matches(is_udp, chain, 0x86DD) and matches(to_80, chain, 0x86DD)
    for length in range(40, 40 + 8 + 16):
        assert never_matches(is_udp, chain[:length], 0x86DD)
    assert matches(is_udp, chain[: 40 + 8 + 16], 0x86DD)  # nothing behind the headers is no fault
    assert not matches(to_80, chain[: 40 + 8 + 16 + 4], 0x86DD)
    assert never_matches(is_udp, packet(0, unhex("11ff") + bytes(200)), 0x86DD)
    for stop in (44, 50, 51, 59):
        assert matches(rule(36, bytes((stop,))), packet(stop, udp), 0x86DD)
        assert not matches(to_80, packet(stop, udp), 0x86DD)


def test_a_chain_of_extension_headers_as_long_as_a_frame_ends() -> None:
    endless = unhex("60000000 0000 3c 40") + bytes(32) + unhex("3c00000000000000") * 1240
    assert never_matches(rule(36, b"\x11"), endless, 0x86DD)


def test_tcp_flags_that_a_cut_frame_lacks_are_0() -> None:
    syn_ack = unhex("45000028000000004006000000000000 00000000") + bytes(12) + unhex("5012")
    is_syn = rule(41, unhex("0000000000000002"))
    assert matches(is_syn, syn_ack)
    assert not matches(is_syn, syn_ack[:-1])
    assert not matches(is_syn, syn_ack[:20])


# --- what others hold ---


def test_a_verdict_that_hangs_on_an_untrusted_tag_asks_for_it() -> None:
    equal = rule(48, unhex("000003e8 00000007")) + ACCEPT_RULE
    own = Holdings(tag(1000, 7), b"", b"")
    trusted = Holdings(tag(999, 1) + tag(1000, 7), b"", b"")
    untrusted = Holdings(tag(999, 1) + tag(1000, 7, 0), b"", b"")
    assert inbound(equal, own=own, theirs=trusted)[0] == ACCEPT
    assert inbound(equal, own=own, theirs=untrusted) == (VERIFY, None, (), (TAG, 1000))
    assert outbound(equal, own, untrusted) == (VERIFY, None, (), (TAG, 1000))
    # Without a tag of our own nothing hangs on theirs.
    assert inbound(equal, theirs=untrusted)[0] == NO_MATCH


def test_tags_that_no_rule_asks_for_need_no_trust() -> None:
    untrusted = Holdings(tag(1, 7, 0), b"", b"")
    never_reached = rule(37, b"\x00\x00") + rule(49, unhex("00000001 00000007")) + DROP_RULE
    assert inbound(never_reached + ACCEPT_RULE, theirs=untrusted)[0] == ACCEPT


def test_an_untrusted_certificate_counts_only_where_it_names_the_sender() -> None:
    owns_ip = rule(41, unhex("1000000000000000")) + ACCEPT_RULE
    other = thing(2, unhex("0a010204"), 1, 0)
    right = thing(2, unhex("0a010203"), 5, 0)
    assert inbound(owns_ip, theirs=Holdings(b"", other, b""))[0] == NO_MATCH
    wanted = (VERIFY, None, (), (OWNERSHIP, 5))
    assert inbound(owns_ip, theirs=Holdings(b"", other + right, b"")) == wanted
    both = right + thing(2, unhex("0a010203"), 6, 1)
    assert inbound(owns_ip, theirs=Holdings(b"", both, b""))[0] == ACCEPT
    # Another bit decides before any certificate is looked at.
    either = rule(41, unhex("9000000000000000")) + ACCEPT_RULE
    assert inbound(either, theirs=Holdings(b"", right, b""))[0] == ACCEPT


def test_an_untrusted_capability_counts_only_if_it_accepts() -> None:
    ours = rule(37, b"\x08\x00") + ACCEPT_RULE
    theirs = rule(37, b"\x08\x06") + ACCEPT_RULE
    useless = Holdings(b"", b"", capability(1, theirs, 0) + capability(2, DROP_RULE, 0))
    useful = Holdings(b"", b"", capability(1, theirs, 0) + capability(3, ours, 0))
    assert inbound(b"", theirs=useless)[0] == NO_MATCH
    assert inbound(b"", theirs=useful) == (VERIFY, None, (), (CAPABILITY, 3))
    # Outbound our own count, and what the other end holds does not matter.
    assert outbound(b"", theirs=useful)[0] == NO_MATCH
    assert outbound(b"", own=Holdings(b"", b"", capability(3, ours)))[0] == ACCEPT


def test_the_copy_of_the_capability_that_accepts_leaves_before_that_of_the_network() -> None:
    first = rule(2, bytes(3) + OBSERVER + bytes(4) + b"\x00\x08")
    second = rule(3, bytes(3) + unhex("f4d3996a86") + bytes(6))
    own = Holdings(b"", b"", capability(1, second + DROP_RULE) + capability(2, second + rule(1)))
    copies = ((unhex("f4d3996a86"), len(IPV4_UDP), True), (OBSERVER, 8, False))
    assert outbound(first, own) == (ACCEPT, None, copies, None)
    assert outbound(first) == (NO_MATCH, None, (), None)


# --- arguments ---


def test_an_address_made_from_a_member_is_owned_by_that_member_alone() -> None:
    plane, rfc4193 = unhex("fcc78bcba5"), unhex("fd558bcba49200000199 93")
    packed = bytes((5,)) + plane + bytes((11,)) + rfc4193
    authenticated = rule(0x29, unhex("1000000000000000")) + ACCEPT_RULE
    for rules, right, wrong in (
        (authenticated, ACCEPT, NO_MATCH),
        (rule(0xA9, unhex("1000000000000000")) + DROP_RULE + ACCEPT_RULE, ACCEPT, DROP),
    ):
        node = RuleSet(rules, US, NOTHING, False, packed, 1)
        for source, sender, verdict in (
            (plane + THEM + bytes(5) + b"\x01", THEM, right),
            (plane + THEM + unhex("aabbccddeeff"), THEM, right),  # the whole /80 is its own
            (rfc4193 + THEM, THEM, right),
            (plane + OBSERVER + bytes(5) + b"\x01", THEM, wrong),
            (plane + US + bytes(5) + b"\x01", THEM, wrong),
            (rfc4193 + OBSERVER, THEM, wrong),
            (rfc4193 + THEM, OBSERVER, wrong),
            (plane[:4] + b"\xa6" + THEM + bytes(5) + b"\x01", THEM, wrong),
        ):
            packet = b"\x60" + bytes(5) + b"\x3b\x40" + source + bytes(16)
            advertised = b"\x60" + bytes(5) + b"\x3a\xff" + bytes(32)
            advertised += b"\x88" + bytes(7) + source
            for payload in (packet, advertised):
                frame = ETHERNET + b"\x86\xdd" + payload
                assert node.inbound(sender, NOTHING, frame)[0] == verdict


def test_wrong_arguments_are_refused_in_words() -> None:
    frame = ETHERNET + b"\x08\x00"
    node = RuleSet(ACCEPT_RULE, US, None, False, b"", 1)
    assert node.outbound(THEM, None, frame)[0] == ACCEPT
    assert raises(ValueError, node.outbound, THEM[:4], None, frame) == "address must be 5 bytes"
    short = "frame must be at least 14 bytes"
    assert raises(ValueError, node.inbound, THEM, None, frame[:13]) == short
    assert raises(TypeError, node.inbound, THEM, b"", frame) == "must be Holdings or None"
    assert (
        raises(ValueError, RuleSet, b"", US[:4], None, False, b"", 1) == "address must be 5 bytes"
    )
    for prefixes in (b"\x05\xfc", b"\x00", b"\x0c" + bytes(12), b"\x01\xfc" * 3, b"\x01\xfc\x01"):
        sentence = raises(ValueError, RuleSet, b"", US, None, False, prefixes, 1)
        assert sentence.startswith("prefixes must be at most 2")


def test_malformed_holdings_are_refused() -> None:
    tags = tag(2, 1) + tag(3, 1)
    capabilities = capability(2, ACCEPT_RULE) + capability(3, b"")
    things = thing(1, bytes(6)) * 3
    assert Holdings(tags, things, capabilities).size > NOTHING.size
    for broken in (
        (tags[:-1], b"", b""),
        (tag(3, 1) + tag(2, 1), b"", b""),
        (tag(3, 1) + tag(3, 1), b"", b""),
        (tag(3, 1, 2), b"", b""),
        (b"", things[:-1], b""),
        (b"", thing(1, bytes(6), 1, 2), b""),
        (b"", b"", capabilities[:-1]),
        (b"", b"", capability(3, b"") + capability(2, b"")),
        (b"", b"", capability(3, b"", 2)),
        (b"", b"", capability(3, b"\x25\x02\x08")),
    ):
        assert raises(ValueError, Holdings, *broken) == "malformed holdings"


def test_memory_grows_with_the_rules_and_stays_small() -> None:
    usual = unhex("a5020800 a5020806 a50286dd 0000 0100")
    assert RuleSet(ACCEPT_RULE, US, None, False, b"", 1).size == 8
    assert RuleSet(usual, US, None, False, b"", 1).size == 4 + 3 * 8 + 2 * 4
    largest = RuleSet(integer_range(0, 0, 0, 0) * 1025, US, None, False, b"", 1)
    assert (largest.count, largest.size) == (1024, 4 + 1024 * 24)
