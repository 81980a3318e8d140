"""A root or peer that lies, or somebody who replays and spoofs, gains nothing but denial."""

from host_tests.unit.mesh import Mesh
from host_tests.unit.test_vl1_greeting import make_hello
from host_tests.unit.test_vl1_paths import ELSEWHERE, Pair
from zerotier.identity import Identity
from zerotier.limits import PROBE_SILENCE
from zerotier.vl1.gate import Budgets, StrangerGate
from zerotier.vl1.surface import SAME
from zerotier.wire import address as addresses
from zerotier.wire import messages
from zerotier.wire.packet import detour
from zerotier.wire.verbs import (
    VERB_ECHO,
    VERB_OK,
    VERB_PUSH_DIRECT_PATHS,
    VERB_RENDEZVOUS,
    VERB_WHOIS,
)


class Spied(Pair):
    """A pair with a direct path; `captured` holds all that was carried since, and the endpoints asked."""

    def __init__(self) -> None:
        super().__init__()
        for _ in range(5):
            self.send(self.one, self.other)
            self.send(self.other, self.one)
            self.mesh.run(500)
        self.captured: list = []
        self.mesh.tap = lambda datagram, source, target: self.captured.append(
            (datagram, source, target)
        )

    def endpoints(self, station, of) -> list:
        return [path.endpoint for path in station.node.topology.get(of.address).paths]


def test_a_root_that_names_a_wrong_endpoint_gains_probes_and_no_path() -> None:
    pair = Spied()
    body = messages.encode_rendezvous(pair.other.address, ELSEWHERE)
    root = pair.mesh.root.node.transport
    root.send(pair.one.address, VERB_RENDEZVOUS, (body,), pair.mesh.now)
    pair.mesh.run(30000)
    assert ELSEWHERE not in pair.endpoints(pair.one, pair.other)
    assert pair.path(pair.one, pair.other).endpoint == pair.other.endpoint


def test_an_ok_from_an_endpoint_that_was_not_asked_teaches_nothing() -> None:
    pair = Spied()
    peer = pair.other.node.topology.get(pair.one.address)
    asked = pair.other.node.transport.send(pair.one.address, VERB_ECHO, (b"x",), pair.mesh.now)
    ok = (messages.ok_header(VERB_ECHO, asked) + b"x",)
    sent: list = []
    pair.mesh.tap = lambda datagram, source, target: sent.append(datagram)
    toward = pair.one.node.topology.get(pair.other.address)
    pair.one.node.transport.send_via(toward, pair.other.endpoint, VERB_OK, ok, pair.mesh.now)
    pair.other.node.receive(bytearray(sent[-1]), ELSEWHERE, pair.mesh.now)
    assert [path.endpoint for path in peer.paths] == [pair.one.endpoint]


def test_replayed_and_spoofed_datagrams_do_not_move_a_path_under_traffic() -> None:
    pair = Spied()
    for _ in range(20):
        pair.send(pair.one, pair.other)
        pair.send(pair.other, pair.one)
        pair.mesh.run(100)
    replayed = list(pair.captured)
    delivered = len(pair.ports[pair.other].frames)
    for datagram, _, target in replayed:
        for number in range(3):
            if target == pair.other.endpoint:
                place = addresses.inet("10.9.%d.9" % number, 9993)
                pair.other.node.receive(bytearray(datagram), place, pair.mesh.now)
        assert pair.path(pair.other, pair.one).endpoint == pair.one.endpoint
    replays = len(pair.ports[pair.other].frames) - delivered
    for _ in range(20):
        pair.send(pair.one, pair.other)
        pair.mesh.run(100)
        assert pair.path(pair.one, pair.other).endpoint == pair.other.endpoint
    assert len(pair.ports[pair.other].frames) == delivered + replays + 20


def test_replayed_relayed_datagrams_do_not_move_a_path() -> None:
    pair = Spied()
    for _ in range(3):
        pair.send(pair.one, pair.other)
        pair.mesh.run(100)
    for datagram, source, _ in list(pair.captured):
        if source == pair.one.endpoint and len(datagram) > 28:
            relayed = bytearray(datagram)
            relayed[18] |= 1
            pair.mesh.run(1000)
            pair.other.node.receive(relayed, ELSEWHERE, pair.mesh.now)
            assert pair.path(pair.other, pair.one).endpoint == pair.one.endpoint
            pair.mesh.run(600)
            assert pair.path(pair.other, pair.one).endpoint == pair.one.endpoint


def test_an_established_path_survives_a_liar_in_the_middle_only_as_long_as_he_answers() -> None:
    """Somebody who forwards both ways from an address of his own is confirmed like a NAT would be; as soon as the
    old path answers, it is used again.
    """
    pair = Spied()
    peer = pair.one.node.topology.get(pair.other.address)
    peer.learn(ELSEWHERE, 8, pair.mesh.now)
    pair.mesh.run(60000)
    for _ in range(30):
        pair.send(pair.one, pair.other)
        pair.mesh.run(500)
    assert pair.path(pair.one, pair.other).endpoint == pair.other.endpoint


def test_a_peer_that_pushes_wrong_endpoints_gains_a_few_probes() -> None:
    pair = Spied()
    wrong = [addresses.inet("10.9.9.%d" % number, 9993) for number in range(1, 40)]
    body = messages.encode_push_direct_paths(wrong)
    pair.one.node.transport.send(
        pair.other.address, VERB_PUSH_DIRECT_PATHS, (body,), pair.mesh.now
    )
    pair.mesh.run(120000)
    probes = [target for _, _, target in pair.captured if target in wrong]
    assert len(set(probes)) <= 8
    assert len(probes) <= 8 * 5
    assert pair.endpoints(pair.other, pair.one) == [pair.one.endpoint]


def test_a_whois_answer_does_not_replace_an_identity() -> None:
    pair = Spied()
    known = pair.one.node.topology.get(pair.other.address).identity
    false = bytearray(pair.mesh._identities[9].to_bytes())
    false[:5] = pair.other.address
    root = pair.mesh.root.node
    asked = pair.one.node.transport.send(
        root.transport.address, VERB_WHOIS, (pair.other.address,), pair.mesh.now
    )
    body = messages.ok_header(VERB_WHOIS, asked) + bytes(false)
    root.transport.send(pair.one.address, VERB_OK, (body,), pair.mesh.now)
    pair.mesh.run(1000)
    assert pair.one.node.topology.get(pair.other.address).identity == known


def test_strangers_cost_no_more_key_agreements_than_the_gate_allows() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(100)
    packet = make_hello(mesh._identities[5], member.identity, mesh.now)
    packet[-1] ^= 1
    for second in range(10):
        for number in range(200):
            place = addresses.inet("10.%d.9.9" % number, 9993)
            member.node.receive(bytearray(packet), place, mesh.now + 1000 * second)
    tried = member.count("bad_mac")
    assert tried <= 10 * 10 + 10
    assert member.count("hello_gate") == 2000 - tried


def test_one_place_does_not_use_up_what_others_may() -> None:
    gate = StrangerGate(2000, 1, 100)
    flood = addresses.inet("10.1.1.1", 1)
    passed = [gate.passes(flood, 10000 + number) for number in range(1000)]
    assert sum(passed) == 1
    assert gate.passes(addresses.inet("10.1.2.1", 1), 11000)
    assert not gate.passes(addresses.inet("10.1.1.200", 1), 11000)
    assert gate.passes(addresses.inet("10.1.1.200", 1), 12001)


def test_more_keys_than_a_table_holds_share_one_budget() -> None:
    budgets = Budgets(1000, 1, 4)
    passed = [budgets.take(b"%d" % number, 5000) for number in range(100)]
    assert sum(passed) == 5


def test_a_root_relays_only_so_much_for_one_sender() -> None:
    pair = Spied()
    root = pair.mesh.root
    packet = bytearray(200)
    packet[8:13] = pair.other.address
    packet[13:18] = pair.one.address
    for _ in range(10000):
        packet[18] = 0
        root.node.receive(packet, ELSEWHERE, pair.mesh.now)
    assert root.count("relay_rate") >= 7900


def test_a_beacon_of_a_stranger_is_not_answered_and_one_of_a_peer_seldom() -> None:
    pair = Spied()
    beacon = b"\x00" * 8 + pair.other.address
    stranger = b"\x00" * 8 + b"\x01\x02\x03\x04\x05"
    pair.captured.clear()
    for _ in range(10):
        pair.one.node.receive(bytearray(stranger), pair.other.endpoint, pair.mesh.now)
        pair.one.node.receive(bytearray(beacon), pair.other.endpoint, pair.mesh.now)
    assert len([1 for d, _, _ in pair.captured if len(d) == 28]) == 1


def test_a_replay_from_another_path_of_a_peer_does_not_end_the_better_one() -> None:
    pair = Spied()
    pair.send(pair.one, pair.other)
    pair.mesh.run(100)
    replayed = [d for d, source, target in pair.captured if target == pair.other.endpoint]
    peer = pair.other.node.topology.get(pair.one.address)
    other = peer.learn(ELSEWHERE, 8, pair.mesh.now)
    other.measured(60)
    for datagram in replayed:
        pair.mesh.run(10000)
        assert pair.mesh.now - peer.path(pair.one.endpoint).last_receive > PROBE_SILENCE
        peer.paths = [path for path in peer.paths if path.endpoint != ELSEWHERE] + [other]
        other.heard(pair.mesh.now)
        pair.other.node.receive(bytearray(datagram), ELSEWHERE, pair.mesh.now)
        assert pair.path(pair.other, pair.one).endpoint == pair.one.endpoint
        pair.mesh.run(1500)
        assert pair.path(pair.other, pair.one).endpoint == pair.one.endpoint


def test_only_a_root_can_make_us_believe_that_we_have_moved() -> None:
    pair = Spied()
    here = pair.other.endpoint
    false = addresses.inet("10.3.3.3", 9993)
    for liar, changes in ((pair.one, 0), (pair.mesh.root, 1)):
        peer = pair.other.node.topology.get(liar.address)
        surface = pair.other.node.surface
        surface.report(peer, liar.endpoint, here, pair.mesh.now)
        found = surface.report(peer, liar.endpoint, false, pair.mesh.now)
        assert (found != SAME) == changes
        assert (false in surface.endpoints(pair.mesh.now)) == changes


def test_impostors_of_a_known_address_cost_no_more_key_agreements_than_strangers() -> None:
    pair = Spied()
    impostor = Identity.from_text(pair.mesh._identities[7].to_text(True))
    impostor.address = pair.one.address
    packet = make_hello(impostor, pair.other.identity, pair.mesh.now)
    packet[-1] ^= 1
    for number in range(300):
        place = addresses.inet("10.%d.9.9" % (number & 255), 9993)
        pair.other.node.receive(bytearray(packet), place, pair.mesh.now)
    assert pair.other.count("identity_collision") == 300
    assert pair.other.count("bad_mac") <= 10


def test_a_member_relays_for_nobody_even_between_peers_that_it_knows() -> None:
    pair = Spied()
    packet = bytearray(100)
    packet[8:13] = pair.other.address
    packet[13:18] = pair.controller.address
    pair.captured.clear()
    for endpoint in (pair.controller.endpoint, pair.mesh.root.endpoint, ELSEWHERE):
        pair.one.node.receive(bytearray(packet), endpoint, pair.mesh.now)
        pair.one.node.receive(
            bytearray(detour(b"an other", pair.other.address)), endpoint, pair.mesh.now
        )
    assert pair.captured == []
    assert pair.one.count("not_for_us") == 6
