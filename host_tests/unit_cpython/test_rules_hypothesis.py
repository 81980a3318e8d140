"""The rules engine and a slow evaluator, written apart from each other, must always agree.

Owns the invention of rules, members and frames that meet: few addresses, few ports, few tags, so
that matches match. Never an expectation of its own.
"""

import os

import pytest
from _zerotier import Holdings, RuleSet
from hypothesis import example, given, settings
from hypothesis import strategies as st

from host_tests.unit import judging
from host_tests.unit_cpython import slow_rules
from host_tests.unit_cpython.slow_rules import LENGTHS, Member, Pass

# How many times as many examples as in a usual run of the tests.
PATIENCE = int(os.environ.get("PATIENCE", "1"))

US, THEM, OBSERVER = b"\x89\x90\x03\x59\x12", b"\x3c\x3f\x73\x91\x1b", b"\x7e\x0a\x6c\x00\x43"
NOBODY = bytes(5)
MACS = [b"\x02\x3c\x3f\xe1\x35\xd0", b"\x02\x89\x90\x91\xfd\xd9"]
GROUPS = [b"\xff" * 6, b"\x33\x33\x00\x00\x00\x01"]
IPV4 = [b"\x0a\x01\x02\x03", b"\x0a\x09\x08\x07"]
IPV6 = [
    bytes.fromhex("fcc78bcba53c3f73911b000000000001"),
    bytes.fromhex("fd558bcba49200000199933c3f73911b"),
    bytes.fromhex("20010db8000000000000000000000001"),
    bytes.fromhex("fcc78bcba57e0a6c0043000000000001"),
    bytes.fromhex("fd558bcba49200000199937e0a6c0043"),
]
PREFIXES = (IPV6[0][:5], IPV6[1][:11])
TAG_IDS = [1, 1000, 0xFFFFFFFF]

addresses = st.sampled_from([US, THEM, OBSERVER, NOBODY])
macs = st.sampled_from(MACS + GROUPS)
small = st.integers(0, 3)
ports = st.sampled_from([0, 1, 53, 80, 443, 65535])
protocols = st.sampled_from([0, 1, 6, 17, 43, 44, 50, 58, 60, 132, 135, 136])


def uint(size: int, values: st.SearchStrategy) -> st.SearchStrategy:
    return values.map(lambda value: value.to_bytes(size, "big"))


def joined(*parts: st.SearchStrategy) -> st.SearchStrategy:
    return st.tuples(*parts).map(b"".join)


def noisy(size: int) -> st.SearchStrategy:
    return st.binary(min_size=size, max_size=size)


# --- frames ---


@st.composite
def transports(draw: st.DrawFn) -> bytes:
    start = draw(joined(uint(2, ports), uint(2, ports)))
    start = draw(st.one_of(st.just(start), joined(uint(1, small), uint(1, small), noisy(2))))
    whole = start + draw(noisy(8)) + draw(uint(2, st.integers(0, 0x5FFF))) + draw(noisy(8))
    return whole[: draw(st.sampled_from([0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 22]))]


@st.composite
def ipv4_packets(draw: st.DrawFn) -> bytes:
    first = draw(st.sampled_from([0x45, 0x45, 0x46, 0x4F, 0x40, 0x42]))
    header = bytes((first, draw(small) << 2)) + draw(noisy(7)) + bytes((draw(protocols),))
    header += draw(noisy(2)) + draw(st.sampled_from(IPV4)) + draw(st.sampled_from(IPV4))
    return header + bytes(max(0, 4 * (first & 15) - 20)) + draw(transports())


@st.composite
def ipv6_packets(draw: st.DrawFn) -> bytes:
    chain = draw(st.lists(protocols, min_size=1, max_size=4))
    packet = bytes((0x60 | draw(small), draw(st.integers(0, 255)), 0, 0, 0, 0, chain[0], 255))
    packet += draw(st.sampled_from(IPV6)) + draw(st.sampled_from(IPV6))
    for following in chain[1:]:
        units = draw(st.sampled_from([0, 0, 1, 255]))
        packet += bytes((following, units)) + bytes(6 + (8 * units if units < 255 else 0))
    if draw(st.booleans()):
        kind = draw(st.sampled_from([0x80, 0x87, 0x88]))
        packet += bytes((kind, 0, 0, 0, 0, 0, 0, 0)) + draw(st.sampled_from(IPV6))
    return packet + draw(transports())


arp_packets = st.sampled_from(IPV4).map(
    lambda ip: bytes.fromhex("0001080006040001") + MACS[0] + ip + bytes(6) + IPV4[1]
)


@st.composite
def frames(draw: st.DrawFn) -> tuple[int, bytes]:
    ethertype, packet = draw(
        st.one_of(
            st.tuples(st.just(0x0800), ipv4_packets()),
            st.tuples(st.just(0x86DD), ipv6_packets()),
            st.tuples(st.just(0x0806), arp_packets),
            st.tuples(st.sampled_from([0x0800, 0x86DD, 0x88CC]), st.binary(max_size=70)),
        )
    )
    if draw(st.integers(0, 3)) == 0:
        packet = packet[: draw(st.integers(0, len(packet)))]
    return ethertype, packet


# --- rules ---

u64 = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 300), st.integers(2**64 - 9, 2**64 - 1))
masks = st.lists(
    st.sampled_from([1 << bit for bit in (0, 1, 4, 8, 11, 59, 60, 61, 62, 63)]), max_size=3
).map(lambda bits: sum(set(bits)))
ranges = joined(uint(2, ports), uint(2, ports))
tags = joined(uint(4, st.sampled_from(TAG_IDS)), uint(4, st.one_of(small, st.just(0xFFFFFFFF))))
targets = joined(noisy(3), addresses, noisy(4), uint(2, st.sampled_from([0, 1, 20, 9999])))
VALUES = {
    2: targets,
    3: targets,
    4: targets,
    24: addresses,
    25: addresses,
    26: uint(2, small),
    27: uint(1, small),
    28: uint(1, small),
    29: macs,
    30: macs,
    31: joined(st.sampled_from(IPV4), uint(1, st.integers(0, 32))),
    32: joined(st.sampled_from(IPV4), uint(1, st.integers(0, 32))),
    33: joined(st.sampled_from([*IPV6, bytes(16)]), uint(1, st.integers(0, 128))),
    34: joined(st.sampled_from([*IPV6, bytes(16)]), uint(1, st.integers(0, 128))),
    35: joined(uint(1, st.integers(0, 255)), uint(1, st.integers(0, 60)), noisy(1)),
    36: uint(1, protocols),
    37: uint(2, st.sampled_from([0x0800, 0x0806, 0x86DD])),
    38: joined(uint(1, st.sampled_from([0, 1, 2, 0x80, 0x87])), uint(1, small), uint(1, small)),
    39: ranges,
    40: ranges,
    41: uint(8, masks),
    42: joined(uint(2, st.integers(0, 80)), uint(2, st.integers(0, 90))),
    43: st.sampled_from([bytes(4), b"\xff" * 4]),
    51: joined(uint(8, u64), uint(8, u64), uint(2, st.integers(0, 80)), noisy(1)),
}


@st.composite
def single_rules(draw: st.DrawFn) -> bytes:
    kind = draw(st.one_of(st.sampled_from([0, 1, 2, 3, 4, 5]), st.integers(0, 63)))
    if kind >= 16 or draw(st.integers(0, 9)) == 0:
        bits = draw(st.sampled_from([0, 0, 0x80, 0x40, 0xC0]))
    else:
        bits = 0
    size = LENGTHS.get(kind, draw(st.integers(0, 3)))
    value = draw(VALUES.get(kind, tags if 44 <= kind <= 50 else noisy(size)))
    return bytes((kind | bits, len(value))) + value


def rule_lists(longest: int) -> st.SearchStrategy:
    return st.lists(single_rules(), max_size=longest).map(b"".join)


# --- members ---


@st.composite
def members(draw: st.DrawFn, all_trusted: bool) -> Member:
    trust = st.just(True) if all_trusted else st.booleans()
    values = st.tuples(st.one_of(small, st.just(0xFFFFFFFF)), trust)
    things = [(1, mac) for mac in MACS] + [(2, ip) for ip in IPV4] + [(3, ip) for ip in IPV6]
    owned = st.tuples(st.sampled_from(things), st.integers(1, 2), trust)
    capabilities = st.dictionaries(small, st.tuples(rule_lists(5), trust), max_size=3)
    return Member(
        draw(st.dictionaries(st.sampled_from(TAG_IDS), values, max_size=3)),
        [(*thing, id, trusted) for thing, id, trusted in draw(st.lists(owned, max_size=3))],
        [(id, *held) for id, held in sorted(draw(capabilities).items())],
    )


def holdings(member: Member | None) -> Holdings | None:
    if member is None:
        return None
    return Holdings(
        b"".join(judging.tag(id, *held) for id, held in sorted(member.tags.items())),
        b"".join(judging.thing(*thing) for thing in member.things),
        b"".join(judging.capability(*capability) for capability in member.capabilities),
    )


@st.composite
def passes(draw: st.DrawFn) -> Pass:
    inbound = draw(st.booleans())
    other = THEM if inbound or draw(st.booleans()) else NOBODY
    ethertype, payload = draw(frames())
    return Pass(
        inbound=inbound,
        us=US,
        other=other,
        own=draw(members(True)),
        theirs=None if other == NOBODY else draw(st.one_of(st.none(), members(False))),
        destination_mac=draw(macs),
        source_mac=draw(st.sampled_from(MACS)),
        ethertype=ethertype,
        payload=payload,
        unsupported=draw(st.booleans()),
        prefixes=draw(st.sampled_from([(), PREFIXES[:1], PREFIXES])),
    )


# --- the comparison ---


def agree(rules: bytes, situation: Pass) -> None:
    packed = b"".join(bytes((len(prefix),)) + prefix for prefix in situation.prefixes)
    own, theirs = holdings(situation.own), holdings(situation.theirs)
    node = RuleSet(rules, US, own, situation.unsupported, packed, 1)
    frame = situation.destination_mac + situation.source_mac
    frame += situation.ethertype.to_bytes(2, "big") + situation.payload
    parsed = slow_rules.read_rules(rules)
    assert node.count == len(parsed)
    way = "inbound" if situation.inbound else "outbound"
    probed = getattr(node, "probe_" + way)(situation.other, theirs, frame)
    assert probed == slow_rules.probe(parsed, situation)
    judged = getattr(node, way)(situation.other, theirs, frame)
    assert judged == slow_rules.judge(parsed, situation)
    if node.accept_all:
        assert judged == (judging.ACCEPT, None, (), None)


@settings(max_examples=2000 * PATIENCE, deadline=None)
@given(rule_lists(12), passes())
def test_rules_that_meet_frames_give_the_verdict_of_the_slow_evaluator(
    rules: bytes, situation: Pass
) -> None:
    agree(rules, situation)


@pytest.mark.parametrize("kind", range(64))
@settings(max_examples=25 * PATIENCE, deadline=None)
@given(data=st.data())
def test_every_type_alone_gives_the_verdict_of_the_slow_evaluator(
    kind: int, data: st.DataObject
) -> None:
    value = data.draw(VALUES.get(kind, tags if 44 <= kind <= 50 else st.just(b"")))
    bits = data.draw(st.sampled_from([0, 0x80]))
    agree(bytes((kind | bits, len(value))) + value + b"\x01\x00", data.draw(passes()))


@settings(max_examples=1000 * PATIENCE, deadline=None)
@given(st.binary(max_size=80))
@example(b"")
@example(b"\x25")
def test_any_bytes_are_the_same_rules_or_malformed_for_both(blob: bytes) -> None:
    try:
        count = len(slow_rules.read_rules(blob))
    except ValueError:
        with pytest.raises(ValueError, match="malformed rules"):
            RuleSet(blob, US, None, False, b"", 1)
    else:
        assert RuleSet(blob, US, None, False, b"", 1).count == count
