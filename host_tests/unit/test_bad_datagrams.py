"""Whatever a datagram holds, a node does not raise, does not grow and counts it by reason."""

from host_tests.unit.mesh import Mesh
from host_tests.unit.test_vl1_paths import Pair
from zerotier.limits import DEVICE, QUEUE_TIMEOUT
from zerotier.wire import address as addresses
from zerotier.wire.verbs import VERB_USER_MESSAGE

STRANGER = addresses.inet("10.9.9.9", 9993)


class Noise:
    """Repeatable octets."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, limit: int) -> int:
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % limit

    def octets(self, count: int) -> bytearray:
        return bytearray([self.below(256) for _ in range(count)])


def recorded_pair() -> tuple:
    """Two members that have talked, and every datagram that the second one got."""
    pair = Pair()
    got: list = []
    pair.mesh.tap = lambda datagram, source, target: (
        got.append((datagram, source)) if target == pair.other.endpoint else None
    )
    pair.send(pair.one, pair.other)
    pair.mesh.run(2000)
    pair.send(pair.one, pair.other, bytes(2500))
    pair.mesh.run(70000)
    pair.mesh.tap = None
    return pair, got


def table_sizes(station) -> tuple:
    transport = station.node.transport
    return (
        len(station.node.topology.peers()),
        len(transport._unsent),
        len(transport._unopened),
        len(transport._held),
        len(transport._expected),
        len(transport._reassembly._slots),
    )


def test_random_octets_of_any_length_are_counted() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(100)
    noise = Noise(1)
    before = len(member.node.topology.peers())
    for length in list(range(0, 120)) + [1432, 1500, 9999]:
        datagram = noise.octets(length)
        member.node.receive(datagram, STRANGER, mesh.now)
        if length >= 18:
            datagram = noise.octets(length)
            datagram[8:13] = member.address
            member.node.receive(datagram, STRANGER, mesh.now)
    assert len(member.node.topology.peers()) == before
    assert member.count("junk") > 0
    assert member.count("not_for_us") > 0


def test_every_truncation_of_real_datagrams_is_survived() -> None:
    pair, got = recorded_pair()
    peers = len(pair.other.node.topology.peers())
    for datagram, source in got[:12]:
        for length in range(0, len(datagram), 7):
            pair.other.node.receive(bytearray(datagram[:length]), source, pair.mesh.now)
    assert len(pair.other.node.topology.peers()) == peers
    assert pair.other.count("bad_mac") > 0


def test_flipped_bits_never_pass_the_mac() -> None:
    pair, got = recorded_pair()
    noise = Noise(2)
    frames = len(pair.ports[pair.other].frames)
    for datagram, source in got:
        for _ in range(10):
            changed = bytearray(datagram)
            position = noise.below(len(changed))
            if position == 18:
                continue  # hops are not authenticated
            changed[position] ^= 1 << noise.below(8)
            pair.other.node.receive(changed, source, pair.mesh.now)
    assert len(pair.ports[pair.other].frames) == frames


def test_replays_change_no_table() -> None:
    pair, got = recorded_pair()
    before = table_sizes(pair.other)
    for _ in range(3):
        for datagram, source in got:
            pair.other.node.receive(bytearray(datagram), source, pair.mesh.now)
        pair.mesh.run(100)
    pair.mesh.run(QUEUE_TIMEOUT + 1000)
    assert table_sizes(pair.other) == before
    assert pair.other.count("unexpected_ok") > 0


def test_unknown_senders_fill_a_bounded_queue_and_leave_it() -> None:
    mesh = Mesh()
    board = mesh.add(limits=DEVICE)
    mesh.run(100)
    noise = Noise(3)
    for number in range(200):
        datagram = noise.octets(100)
        datagram[8:13] = board.address
        datagram[13:18] = number.to_bytes(5, "big")
        datagram[18] = 0x08
        board.node.receive(datagram, STRANGER, mesh.now)
    assert len(board.node.transport._unopened) == DEVICE.queue
    assert board.count("unknown_sender_overflow") == 200 - DEVICE.queue
    mesh.run(QUEUE_TIMEOUT + 1000)
    assert len(board.node.transport._unopened) == 0


def test_packets_for_unknown_peers_wait_in_a_bounded_queue() -> None:
    mesh = Mesh()
    board = mesh.add(limits=DEVICE)
    mesh.run(100)
    for number in range(200):
        wanted = (number + 1).to_bytes(5, "big")
        board.node.transport.send(wanted, VERB_USER_MESSAGE, (b"x",), mesh.now)
    assert len(board.node.transport._unsent) == DEVICE.queue
    mesh.run(QUEUE_TIMEOUT + 1000)
    assert len(board.node.transport._unsent) == 0
    assert board.count("unsent_timeout") > 0


def test_the_table_of_peers_is_bounded_and_keeps_roots() -> None:
    mesh = Mesh()
    board = mesh.add(limits=DEVICE)
    mesh.run(100)
    template = mesh._identities[5]
    for number in range(DEVICE.peers + 20):
        identity = type(template).from_bytes(template.to_bytes())
        identity.address = (number + 1).to_bytes(5, "big")
        board.node.topology.add(identity, mesh.now + number)
    assert len(board.node.topology.peers()) == DEVICE.peers
    assert board.node.topology.get(mesh.root.address) is not None
    assert board.count("peer_evicted") == 21
