"""The datapath in C in front of real nodes: frames pass without Python, and all that is not plain goes through it."""

from _zerotier import Datapath

from host_tests.unit.mesh import Mesh, put_member, put_network
from zerotier.fastpath import Fastpath
from zerotier.limits import PROBE_SILENCE, PROBE_TIMEOUT
from zerotier.wire.packet import detour

SECOND = 1000


class FastNode:
    """A node behind a datapath, driven as a driver does it. Everything else of a node shows through."""

    def __init__(self, station, mesh) -> None:
        self._node = station.node
        self._mesh = mesh
        self.datapath = Datapath(station.address, 16, 4, 4, 65536)
        self.datapath.on_send = station.send
        self.fastpath = Fastpath(self._node, self.datapath, 16)

    def __getattr__(self, name: str):
        return getattr(self._node, name)

    def receive(self, datagram: bytearray, source: bytes, now: int) -> None:
        self.datapath.receive(datagram, source, now)
        self.fastpath.pump(now)

    def tick(self, now: int) -> int:
        self.fastpath.pump(now)
        return self.deadline()

    def deadline(self) -> int:
        return self.fastpath.deadline()

    def transmit(self, nwid: bytes, frame: bytes) -> None:
        self.datapath.transmit(nwid, frame, self._mesh.now)
        self.fastpath.pump(self._mesh.now)


class FastPort:
    """A port that is known to the datapath as soon as its network has a config."""

    def __init__(self, node) -> None:
        self._node = node
        self.frames: list[bytes] = []

    def deliver(self, frame) -> bool:
        self.frames.append(bytes(frame))
        return True

    def configure(self, network) -> None:
        self._node.fastpath.add_network(network, self)

    def close(self) -> None:
        self._node.fastpath.remove_network(self.nwid)


class FastPair:
    """Two members behind datapaths, one root, one controller."""

    def __init__(self, **fields) -> None:
        self.mesh = Mesh()
        self.controller = self.mesh.add_controller()
        self.members = [self.mesh.add(), self.mesh.add()]
        self.mesh.run(200)
        self.nwid = put_network(
            self.controller,
            1,
            ipAssignmentPools=[{"ipRangeStart": "10.147.17.1", "ipRangeEnd": "10.147.17.254"}],
            v4AssignMode={"zt": True},
            **fields,
        )
        self.ports = []
        self.networks = []
        for member in self.members:
            member.node = FastNode(member, self.mesh)
            put_member(self.controller, self.nwid, member.address)
            port = FastPort(member.node)
            port.nwid = self.nwid
            self.ports.append(port)
            self.networks.append(member.node.networks.join(self.nwid, port, self.mesh.now))
            member.node.wake()
        self.mesh.run(3000)

    def frame(self, source: int, payload: bytes) -> bytes:
        macs = self.networks[1 - source].mac + self.networks[source].mac
        return macs + b"\x08\x00" + payload

    def send(self, source: int, payload: bytes = b"hello") -> None:
        self.members[source].node.transmit(self.nwid, self.frame(source, payload))

    def in_python(self, member: int) -> int:
        return self.members[member].count("frames_in")

    def in_c(self, member: int) -> int:
        return self.members[member].node.datapath.counters()["frames_in"]


def test_both_join_behind_their_datapaths() -> None:
    pair = FastPair()
    assert [network.status for network in pair.networks] == [1, 1]
    assert all(network.addresses for network in pair.networks)


def test_a_datagram_to_ourselves_comes_through_to_who_sent_it() -> None:
    pair = FastPair()
    member = pair.members[0]
    seen: list = []
    member.node.transport.on_detour = lambda *what: seen.append(what)
    member.node.receive(
        bytearray(detour(b"by a way", member.address)), pair.mesh.root.endpoint, pair.mesh.now
    )
    assert seen == [(b"by a way", pair.mesh.root.endpoint, pair.mesh.now)]


def test_after_the_first_frames_python_sees_none() -> None:
    pair = FastPair()
    for _ in range(3):
        pair.send(0)
        pair.mesh.run(500)
        pair.send(1)
        pair.mesh.run(500)
    seen = pair.in_python(0), pair.in_python(1)
    for number in range(100):
        pair.send(number & 1, b"frame %d" % number)
        pair.mesh.run(20)
    assert (pair.in_python(0), pair.in_python(1)) == seen
    assert pair.in_c(0) >= 50
    assert pair.in_c(1) >= 50
    assert pair.ports[0].frames[-1] == pair.frame(1, b"frame 99")
    assert pair.ports[1].frames[-1] == pair.frame(0, b"frame 98")


def test_frames_of_the_largest_size_pass_in_fragments() -> None:
    pair = FastPair()
    for _ in range(3):
        pair.send(0)
        pair.mesh.run(500)
    payload = bytes([number & 255 for number in range(2800)])
    pair.send(0, payload)
    pair.mesh.run(50)
    assert pair.ports[1].frames[-1] == pair.frame(0, payload)


def test_relayed_frames_pass_in_c_too() -> None:
    pair = FastPair()
    ends = [member.endpoint for member in pair.members]
    pair.mesh.passes = lambda datagram, source, target: not (source in ends and target in ends)
    for _ in range(10):
        pair.send(0)
        pair.mesh.run(500)
    seen = pair.in_python(1)
    for _ in range(20):
        pair.send(0)
        pair.mesh.run(100)
    assert pair.in_python(1) == seen
    assert len(pair.ports[1].frames) == 30


def test_a_path_that_dies_under_traffic_in_c_is_left_within_seconds() -> None:
    pair = FastPair()
    for _ in range(10):
        pair.send(0)
        pair.mesh.run(300)
    peer = pair.members[0].node.topology.get(pair.members[1].address)
    assert peer.best_path(pair.mesh.now) is not None
    ends = [member.endpoint for member in pair.members]
    pair.mesh.passes = lambda datagram, source, target: not (source in ends and target in ends)
    before = len(pair.ports[1].frames)
    begun = pair.mesh.now
    while len(pair.ports[1].frames) == before:
        pair.send(0)
        pair.mesh.run(50)
        assert pair.mesh.now - begun < PROBE_SILENCE + PROBE_TIMEOUT + 2 * SECOND


def test_paths_stay_alive_by_the_frames_that_c_saw() -> None:
    pair = FastPair()
    for _ in range(60):
        pair.send(0)
        pair.send(1)
        pair.mesh.run(SECOND)
    peer = pair.members[0].node.topology.get(pair.members[1].address)
    path = peer.best_path(pair.mesh.now)
    assert path is not None
    assert pair.mesh.now - path.last_receive <= 2 * SECOND
    assert peer.trusted(pair.mesh.now)
    assert peer.active(pair.mesh.now)


def test_a_member_that_is_deauthorised_is_shut_out_in_c_within_two_seconds() -> None:
    pair = FastPair()
    for _ in range(5):
        pair.send(0)
        pair.send(1)
        pair.mesh.run(500)
    put_member(pair.controller, pair.nwid, pair.members[0].address, authorized=False)
    pair.mesh.run(2 * SECOND)
    before = len(pair.ports[1].frames)
    for _ in range(20):
        pair.send(0)
        pair.mesh.run(100)
    assert len(pair.ports[1].frames) == before


def test_after_leaving_nothing_is_delivered_and_nothing_is_sent() -> None:
    pair = FastPair()
    for _ in range(5):
        pair.send(0)
        pair.send(1)
        pair.mesh.run(500)
    pair.members[1].node.networks.leave(pair.nwid, pair.mesh.now)
    before = len(pair.ports[1].frames)
    for _ in range(5):
        pair.send(0)
        pair.mesh.run(500)
    assert len(pair.ports[1].frames) == before


def test_more_members_than_the_datapath_has_room_for_take_turns() -> None:
    pair = FastPair()
    fastpath = pair.members[0].node.fastpath
    fastpath._bound = 1
    for _ in range(5):
        pair.send(0)
        pair.send(1)
        pair.mesh.run(500)
    assert len(fastpath._peers) == 1
    assert len(pair.ports[0].frames) == 5
    assert len(pair.ports[1].frames) == 5


def test_credentials_are_pushed_again_although_frames_pass_in_c() -> None:
    pair = FastPair()
    pushed = []
    for _ in range(700):
        pair.send(0)
        pair.send(1)
        pair.mesh.run(SECOND)
        member = pair.networks[0].members.get(pair.members[1].address)
        if member is not None and member.last_push not in pushed:
            pushed.append(member.last_push)
    assert len(pushed) >= 2
    assert len(pair.ports[1].frames) == 700


def test_rules_are_not_bypassed() -> None:
    # Only frames of ethertype 0x88b5 pass.
    rules = [
        {"type": "MATCH_ETHERTYPE", "etherType": 0x88B5, "not": True, "or": False},
        {"type": "ACTION_DROP"},
        {"type": "ACTION_ACCEPT"},
    ]
    pair = FastPair(rules=rules)
    allowed = pair.networks[1].mac + pair.networks[0].mac + b"\x88\xb5hello"
    for _ in range(5):
        pair.send(0)
        pair.members[0].node.transmit(pair.nwid, allowed)
        pair.mesh.run(500)
    assert pair.ports[1].frames == [allowed] * 5
    # Once it is known who is there, C judges by itself.
    assert pair.members[0].node.datapath.counters()["rules_drop_out"] > 0
    assert pair.members[1].node.datapath.counters()["frames_in"] > 0


def test_a_flood_is_handled_in_batches() -> None:
    pair = FastPair()
    node = pair.members[0].node
    before = node.counters.get("not_for_us")
    for number in range(100):  # datagrams to somebody else
        datagram = bytearray(b"\x01" * 8 + b"\x77" * 10 + bytes(20))
        datagram[7] = number
        node.datapath.receive(datagram, pair.members[1].endpoint, pair.mesh.now)
    handled = []
    while node.fastpath.deadline() == 0 or not handled:
        node.fastpath.pump(pair.mesh.now)
        handled.append(node.counters.get("not_for_us") - before)
    assert handled[0] < 100
    assert handled[-1] == 100
