"""Direct paths between real nodes: confirmed before use, left when they die, and not to be moved by anybody else."""

from host_tests.unit.mesh import Mesh, put_member, put_network
from zerotier.limits import PATH_EXPIRATION, PROBE_SILENCE, PROBE_TIMEOUT, ROOT_KEEPALIVE
from zerotier.wire import address as addresses
from zerotier.wire import messages
from zerotier.wire.verbs import VERB_ECHO, VERB_PUSH_DIRECT_PATHS, VERB_RENDEZVOUS, VERB_WHOIS

ELSEWHERE = addresses.inet("10.9.9.9", 9993)


class Pair:
    """Two members of a private network behind one root and one controller."""

    def __init__(self) -> None:
        self.mesh = Mesh()
        self.controller = self.mesh.add_controller()
        self.one = self.mesh.add()
        self.other = self.mesh.add()
        self.mesh.run(200)
        self.nwid = put_network(
            self.controller,
            1,
            ipAssignmentPools=[{"ipRangeStart": "10.147.17.1", "ipRangeEnd": "10.147.17.254"}],
            v4AssignMode={"zt": True},
        )
        self.ports = {}
        self.networks = {}
        for member in (self.one, self.other):
            put_member(self.controller, self.nwid, member.address)
            self.networks[member], self.ports[member] = member.join(self.nwid)
        self.mesh.run(3000)

    def frame(self, source, target, payload: bytes) -> bytes:
        macs = self.networks[target].mac + self.networks[source].mac
        return macs + b"\x08\x00" + payload

    def send(self, source, target, payload: bytes = b"hello") -> None:
        self.networks[source].transmit(self.frame(source, target, payload), self.mesh.now)

    def path(self, source, target):
        peer = source.node.topology.get(target.address)
        return peer.best_path(self.mesh.now) if peer is not None else None


def test_the_first_frames_are_relayed_and_then_a_direct_path_is_used() -> None:
    pair = Pair()
    relayed = mesh_relayed(pair)
    pair.send(pair.one, pair.other)
    pair.mesh.run(500)
    assert mesh_relayed(pair) > relayed
    assert pair.path(pair.one, pair.other) is not None
    assert pair.path(pair.other, pair.one) is not None
    relayed = mesh_relayed(pair)
    for _ in range(5):
        pair.send(pair.one, pair.other)
        pair.mesh.run(50)
    assert mesh_relayed(pair) == relayed
    assert len(pair.ports[pair.other].frames) == 6


def mesh_relayed(pair: Pair) -> int:
    return pair.mesh.root.count("relayed")


def test_peers_that_cannot_reach_each_other_go_on_through_the_root() -> None:
    pair = Pair()
    ends = (pair.one.endpoint, pair.other.endpoint)
    pair.mesh.passes = lambda datagram, source, target: not (source in ends and target in ends)
    for _ in range(20):
        pair.send(pair.one, pair.other)
        pair.mesh.run(1000)
    assert pair.path(pair.one, pair.other) is None
    assert len(pair.ports[pair.other].frames) == 20
    pair.mesh.passes = lambda datagram, source, target: True
    for _ in range(40):
        pair.send(pair.one, pair.other)
        pair.mesh.run(1000)
    assert pair.path(pair.one, pair.other) is not None


def test_a_direct_path_that_dies_is_left_within_seconds_and_taken_again_when_it_returns() -> None:
    pair = Pair()
    pair.send(pair.one, pair.other)
    pair.mesh.run(2000)
    assert pair.path(pair.one, pair.other) is not None
    ends = (pair.one.endpoint, pair.other.endpoint)
    pair.mesh.passes = lambda datagram, source, target: not (source in ends and target in ends)
    sent = 0
    begun = pair.mesh.now
    delivered = len(pair.ports[pair.other].frames)
    while len(pair.ports[pair.other].frames) == delivered:
        pair.send(pair.one, pair.other)
        sent += 1
        pair.mesh.run(100)
        assert pair.mesh.now - begun < PROBE_SILENCE + PROBE_TIMEOUT + 1000
    assert pair.path(pair.one, pair.other) is None
    pair.mesh.passes = lambda datagram, source, target: True
    for _ in range(200):
        pair.send(pair.one, pair.other)
        pair.mesh.run(100)
    assert pair.path(pair.one, pair.other) is not None


def test_an_echo_is_answered_and_measures_the_round_trip() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(ROOT_KEEPALIVE + 1000)
    peer = member.node.topology.get(mesh.root.address)
    assert peer.latency(mesh.now) == 10


def test_too_many_echoes_are_not_answered() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(100)
    for _ in range(10):
        member.node.transport.send(mesh.root.address, VERB_ECHO, (b"x",), mesh.now)
    mesh.run(50)
    assert mesh.root.count("echo_gate") == 9


def test_a_replayed_packet_from_another_endpoint_does_not_move_the_path() -> None:
    pair = Pair()
    captured = []
    pair.mesh.tap = lambda datagram, source, target: captured.append((datagram, source, target))
    pair.send(pair.one, pair.other)
    pair.mesh.run(2000)
    peer = pair.other.node.topology.get(pair.one.address)
    before = [path.endpoint for path in peer.paths]
    for datagram, _source, target in list(captured):
        if target == pair.other.endpoint:
            pair.other.node.receive(bytearray(datagram), ELSEWHERE, pair.mesh.now)
    pair.mesh.run(2000)
    assert [path.endpoint for path in peer.paths] == before


def test_rendezvous_from_anybody_but_a_root_is_ignored() -> None:
    pair = Pair()
    pair.send(pair.one, pair.other)
    pair.mesh.run(2000)
    body = messages.encode_rendezvous(pair.controller.address, ELSEWHERE)
    pair.one.node.transport.send(pair.other.address, VERB_RENDEZVOUS, (body,), pair.mesh.now)
    sent = []
    pair.mesh.tap = lambda datagram, source, target: sent.append(target)
    pair.mesh.run(1000)
    assert pair.other.count("rendezvous_not_from_root") == 1
    assert ELSEWHERE not in sent


def test_a_rendezvous_that_overtakes_the_identity_is_remembered() -> None:
    mesh = Mesh()
    one = mesh.add()
    other = mesh.add()
    mesh.run(200)
    body = messages.encode_rendezvous(other.address, other.endpoint)
    mesh.root.node.transport.send(one.address, VERB_RENDEZVOUS, (body,), mesh.now)
    mesh.run(50)
    assert one.node.topology.get(other.address) is None
    one.node.transport.whois(other.address, mesh.now)
    mesh.run(100)
    peer = one.node.topology.get(other.address)
    assert [path.endpoint for path in peer.paths] == [other.endpoint]


def test_pushed_endpoints_are_probed_and_loopback_is_not() -> None:
    pair = Pair()
    sent = []
    pair.mesh.tap = lambda datagram, source, target: sent.append(target)
    home = addresses.inet("127.0.0.1", 9993)
    link = addresses.inet("169.254.1.1", 9993)
    body = messages.encode_push_direct_paths([ELSEWHERE, home, link])
    one = pair.one.node.transport
    one.send(pair.other.address, VERB_PUSH_DIRECT_PATHS, (body,), pair.mesh.now)
    pair.mesh.run(1000)
    assert ELSEWHERE in sent
    assert home not in sent
    assert link not in sent


def test_pushes_without_end_are_cut_off() -> None:
    pair = Pair()
    body = messages.encode_push_direct_paths([ELSEWHERE])
    for _ in range(20):
        one = pair.one.node.transport
        one.send(pair.other.address, VERB_PUSH_DIRECT_PATHS, (body,), pair.mesh.now)
        pair.mesh.run(1000)
    assert pair.other.count("push_gate") >= 11


def test_endpoints_inside_the_virtual_network_are_never_paths() -> None:
    pair = Pair()
    inside = addresses.inet("10.147.17.99", 9993)
    peer = pair.one.node.topology.get(pair.controller.address)
    assert not pair.one.node.paths.acceptable(peer, inside)
    assert pair.one.node.paths.acceptable(peer, ELSEWHERE)


def test_a_root_is_believed_only_at_the_addresses_of_the_planet() -> None:
    mesh = Mesh()
    member = mesh.add()
    root = member.node.topology.get(mesh.root.address)
    assert member.node.paths.acceptable(root, addresses.with_port(mesh.root.endpoint, 1234))
    assert not member.node.paths.acceptable(root, ELSEWHERE)


def test_identities_from_anybody_but_a_root_are_not_taken() -> None:
    pair = Pair()
    pair.send(pair.one, pair.other)
    pair.mesh.run(2000)
    unknown = pair.mesh._identities[9]
    pair.other.node.topology.add(unknown, pair.mesh.now)
    pair.one.node.transport.send(pair.other.address, VERB_WHOIS, (unknown.address,), pair.mesh.now)
    pair.mesh.run(500)
    assert pair.one.count("whois_not_from_root") == 1
    assert pair.one.node.topology.get(unknown.address) is None


def test_whois_is_answered_within_a_rate() -> None:
    pair = Pair()
    for _ in range(5):
        pair.one.node.transport.send(
            pair.controller.address, VERB_WHOIS, (pair.controller.address,), pair.mesh.now
        )
    pair.mesh.run(200)
    assert pair.controller.count("whois_gate") == 4


def test_offline_is_noticed_and_online_comes_back() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(1000)
    mesh.root.running = False
    mesh.run(60000)
    assert not member.node.online(mesh.now)
    mesh.root.running = True
    mesh.run(6000)
    assert member.node.online(mesh.now)


def test_a_silent_path_expires() -> None:
    pair = Pair()
    pair.send(pair.one, pair.other)
    pair.mesh.run(2000)
    pair.other.running = False
    pair.mesh.run(PATH_EXPIRATION + 60000)
    assert pair.one.node.topology.get(pair.other.address).paths == []


class Reference(Pair):
    """A pair whose other member looks like a reference node to the first one."""

    def __init__(self) -> None:
        super().__init__()
        for _ in range(5):
            self.send(self.one, self.other)
            self.send(self.other, self.one)
            self.mesh.run(500)
        self.peer = self.one.node.topology.get(self.other.address)
        self.redirects: list = []
        handler = self.other.node.transport.verbs[VERB_PUSH_DIRECT_PATHS]
        self.other.node.transport.verbs[VERB_PUSH_DIRECT_PATHS] = lambda peer, packet, now: (
            self.look(packet.payload) or handler(peer, packet, now)
        )

    def look(self, payload) -> None:
        for flags, endpoint in messages.parse_push_direct_paths(payload):
            if flags & messages.PUSH_REDIRECT:
                self.redirects.append(endpoint)

    def move(self, number: int) -> bytes:
        del self.mesh.stations[self.one.endpoint]
        self.one.endpoint = addresses.inet("10.50.%d.1" % number, 9993)
        self.mesh.stations[self.one.endpoint] = self.one
        self.peer.protocol, self.peer.version = 12, (1, 14, 1)
        self.one.node.underlay_changed([self.one.endpoint], self.mesh.now)
        self.send(self.one, self.other)
        self.mesh.run(1000)
        return self.one.endpoint


def test_a_reference_node_is_told_to_leave_our_old_endpoint_as_often_as_we_moved() -> None:
    pair = Reference()
    first = pair.move(1)
    assert pair.redirects == [first]
    second = pair.move(2)
    assert pair.redirects == [first, second, second]


def test_a_reference_root_is_told_so_by_a_node_that_has_one_family() -> None:
    for local, told in (([], 1), ([addresses.inet("2001:db8::1", 9993)], 0)):
        pair = Pair()
        root = pair.mesh.root.node.transport
        seen: list = []
        root.verbs[VERB_PUSH_DIRECT_PATHS] = lambda peer, packet, now, told=seen: told.extend(
            messages.parse_push_direct_paths(packet.payload)
        )
        ours = pair.one.node.topology.get(root.address)
        ours.protocol, ours.version = 12, (1, 14, 1)
        pair.one.endpoint = addresses.inet("10.50.1.1", 9993)
        pair.mesh.stations[pair.one.endpoint] = pair.one
        pair.one.node.underlay_changed([pair.one.endpoint] + local, pair.mesh.now)
        pair.mesh.run(1000)
        redirected = [end for flags, end in seen if flags & messages.PUSH_REDIRECT]
        assert redirected == [pair.one.endpoint] * told


def test_a_node_of_ours_needs_no_redirect() -> None:
    pair = Reference()
    one = pair.one
    pair.mesh.stations[addresses.inet("10.51.1.1", 9993)] = one
    one.node.underlay_changed([addresses.inet("10.51.1.1", 9993)], pair.mesh.now)
    pair.mesh.run(2000)
    assert pair.redirects == []


def test_a_peer_that_is_heard_on_one_path_is_not_believed_to_hear_on_another() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(ROOT_KEEPALIVE + 1000)
    first, second = member.endpoint, addresses.inet("10.0.200.1", 9993)
    root = mesh.root.node
    known = root.topology.get(member.address)
    known.path(first).measured(10)
    known.learn(second, 8, mesh.now).measured(40)
    assert known.best_path(mesh.now).endpoint == first
    # The better one ends, and the member says a word now and then on the other one.
    mesh.stations[second] = member
    member.endpoint = second
    mesh.passes = lambda datagram, source, target: first not in (source, target)
    mesh.run(2000)
    ours = member.node.topology.get(root.transport.address)
    for _ in range(2):
        member.node.transport.send_via(ours, mesh.root.endpoint, VERB_ECHO, (b"x",), mesh.now)
        mesh.run(1000)
    assert known.best_path(mesh.now).endpoint == second
