"""The root role: relays untouched, introduces peers, keeps lists of listeners (protocol/09)."""

from host_tests.unit.mesh import Mesh
from zerotier.limits import UNITE_INTERVAL
from zerotier.wire import address as addresses
from zerotier.wire import messages
from zerotier.wire.packet import FLAGS, FRAGMENT_HOPS, HOPS_MASK
from zerotier.wire.verbs import (
    VERB_ECHO,
    VERB_MULTICAST_GATHER,
    VERB_MULTICAST_LIKE,
    VERB_RENDEZVOUS,
    VERB_USER_MESSAGE,
    VERB_WHOIS,
)

NWID = b"\x11\x22\x33\x44\x55\x66\x77\x88"
GROUP = b"\xff\xff\xff\xff\xff\xff"


class Crowd:
    """A root and members that know each other but have no direct path."""

    def __init__(self, count: int = 2) -> None:
        self.mesh = Mesh()
        self.members = [self.mesh.add() for _ in range(count)]
        self.mesh.run(200)
        self.carried: list = []
        ends = [member.endpoint for member in self.members]
        self.mesh.passes = lambda datagram, source, target: not (source in ends and target in ends)
        for member in self.members:
            for other in self.members:
                if other is not member:
                    member.node.topology.add(other.identity, self.mesh.now)
        self.mesh.tap = lambda datagram, source, target: self.carried.append(
            (datagram, source, target)
        )

    def send(self, size: int = 20) -> None:
        one, other = self.members[:2]
        one.node.transport.send(other.address, VERB_USER_MESSAGE, (bytes(size),), self.mesh.now)


def test_only_the_hop_count_changes_in_a_relayed_packet() -> None:
    crowd = Crowd()
    crowd.send()
    crowd.mesh.run(6)
    one, other = crowd.members
    sent = [d for d, source, _ in crowd.carried if source == one.endpoint][0]
    passed = [d for d, _, target in crowd.carried if target == other.endpoint][0]
    assert passed[FLAGS] & HOPS_MASK == (sent[FLAGS] & HOPS_MASK) + 1
    assert passed[:FLAGS] == sent[:FLAGS]
    assert passed[FLAGS + 1 :] == sent[FLAGS + 1 :]


def test_fragments_are_relayed_too_and_arrive_whole() -> None:
    crowd = Crowd()
    got = []
    other = crowd.members[1].node.transport
    other.verbs[VERB_USER_MESSAGE] = lambda peer, packet, now: got.append(len(packet.payload)) or 1
    crowd.send(5000)
    crowd.mesh.run(50)
    assert got == [5000]
    fragments = [d for d, _, _ in crowd.carried if len(d) > 28 and d[13] == 0xFF]
    assert {d[FRAGMENT_HOPS] for d in fragments} == {0, 1}


def test_a_packet_that_travelled_too_far_is_dropped() -> None:
    crowd = Crowd()
    one, other = crowd.members
    crowd.send()
    datagram = bytearray(crowd.carried[0][0])
    for hops in range(8):
        datagram[FLAGS] = datagram[FLAGS] & ~HOPS_MASK | hops
        crowd.mesh.root.node.receive(bytearray(datagram), one.endpoint, crowd.mesh.now)
    assert crowd.mesh.root.count("relay_hops") == 5


def test_both_ends_are_introduced_once_in_thirty_seconds() -> None:
    crowd = Crowd()
    seen = []
    for member in crowd.members:
        member.node.transport.verbs[VERB_RENDEZVOUS] = lambda peer, packet, now, who=member: (
            seen.append(who) or 1
        )
    for _ in range(10):
        crowd.send()
        crowd.mesh.run(100)
    assert sorted([id(who) for who in seen]) == sorted([id(who) for who in crowd.members])
    crowd.mesh.run(UNITE_INTERVAL)
    crowd.send()
    crowd.mesh.run(100)
    assert len(seen) == 4


def test_a_packet_for_nobody_is_counted() -> None:
    crowd = Crowd()
    datagram = bytearray(100)
    datagram[8:13] = b"\x01\x02\x03\x04\x05"
    datagram[13:18] = crowd.members[0].address
    crowd.mesh.root.node.receive(datagram, crowd.members[0].endpoint, crowd.mesh.now)
    assert crowd.mesh.root.count("relay_unreachable") == 1


def test_a_member_relays_for_nobody() -> None:
    crowd = Crowd()
    datagram = bytearray(100)
    datagram[8:13] = crowd.members[1].address
    datagram[13:18] = b"\x01\x02\x03\x04\x05"
    member = crowd.members[0]
    sent = member.sent
    member.node.receive(datagram, crowd.members[1].endpoint, crowd.mesh.now)
    assert member.count("not_for_us") == 1
    assert member.sent == sent


def test_a_root_tells_who_it_knows_and_itself() -> None:
    crowd = Crowd()
    one = crowd.members[0]
    got = []
    handler = one.node.transport.ok_verbs[VERB_WHOIS]
    one.node.transport.ok_verbs[VERB_WHOIS] = lambda peer, packet, in_re, body, now: (
        got.extend([bytes(identity[:5]) for identity in messages.parse_identities(body)])
        or handler(peer, packet, in_re, body, now)
    )
    wanted = (crowd.members[1].address, crowd.mesh.root.address, b"\x01\x02\x03\x04\x05")
    one.node.transport.send(crowd.mesh.root.address, VERB_WHOIS, wanted, crowd.mesh.now)
    crowd.mesh.run(50)
    assert got == [crowd.members[1].address, crowd.mesh.root.address]


def test_listeners_are_remembered_for_anybody_and_never_tell_the_asker_of_itself() -> None:
    crowd = Crowd(3)
    found = []
    like = messages.encode_multicast_like([(NWID, GROUP, 5)])
    for member in crowd.members:
        member.node.transport.ok_verbs[VERB_MULTICAST_GATHER] = (
            lambda peer, packet, in_re, body, now: (
                found.append(messages.parse_ok_gather(body).members) or 1
            )
        )
        member.node.transport.send(
            crowd.mesh.root.address, VERB_MULTICAST_LIKE, (like,), crowd.mesh.now
        )
    crowd.mesh.run(50)
    ask = messages.encode_multicast_gather(NWID, GROUP, 5, 10)
    crowd.members[0].node.transport.send(
        crowd.mesh.root.address, VERB_MULTICAST_GATHER, (ask,), crowd.mesh.now
    )
    crowd.mesh.run(50)
    assert [sorted(members) for members in found] == [
        sorted([crowd.members[1].address, crowd.members[2].address])
    ]


def test_subscriptions_end_ten_minutes_after_the_last_like() -> None:
    crowd = Crowd(2)
    like = messages.encode_multicast_like([(NWID, GROUP, 5)])
    crowd.members[1].node.transport.send(
        crowd.mesh.root.address, VERB_MULTICAST_LIKE, (like,), crowd.mesh.now
    )
    crowd.mesh.run(50)
    groups = crowd.mesh.root.root._groups
    assert len(groups._groups) == 1
    crowd.mesh.run(640000)
    assert len(groups._groups) == 0


def test_an_echo_of_any_size_comes_back_as_it_was() -> None:
    crowd = Crowd()
    one = crowd.members[0]
    got = []
    one.node.transport.ok_verbs[VERB_ECHO] = lambda peer, packet, in_re, body, now: (
        got.append(bytes(body)) or 1
    )
    one.node.transport.send(crowd.mesh.root.address, VERB_ECHO, (b"abc" * 100,), crowd.mesh.now)
    crowd.mesh.run(50)
    assert got == [b"abc" * 100]


def test_a_newer_planet_is_handed_out_with_the_greeting() -> None:
    mesh = Mesh()
    old = mesh.planet
    mesh.planet = bytes(old[:9]) + (1).to_bytes(8, "big") + bytes(old[17:])
    member = mesh.add()
    sizes = []
    mesh.tap = lambda datagram, source, target: sizes.append((target, len(datagram)))
    mesh.run(100)
    assert (member.endpoint, 59 + len(old)) in sizes
    assert addresses.scope(member.endpoint) == addresses.SCOPE_PRIVATE
