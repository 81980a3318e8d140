"""HELLO between real nodes: who is believed, and what a stranger can do (protocol/03 §3.5, 11 §11.5)."""

from _zerotier import armor, hello_tail

from host_tests.unit.mesh import Mesh
from zerotier.identity import Identity
from zerotier.limits import DEVICE, HELLO_RETRY
from zerotier.wire import address as addresses
from zerotier.wire import hello
from zerotier.wire.packet import CIPHER_POLY1305, PAYLOAD, write_header
from zerotier.wire.verbs import VERB_HELLO

STRANGER = addresses.inet("10.9.9.9", 9993)


def online(station, mesh) -> bool:
    return station.node.online(mesh.now)


def make_hello(sender: Identity, receiver: Identity, now: int, identity: bytes = b"") -> bytearray:
    """A HELLO as `sender` would send it; `identity` replaces the one inside."""
    payload, tail = hello.encode_hello(now, identity or sender.to_bytes(), STRANGER, bytes(8), 0)
    packet = bytearray(PAYLOAD + len(payload))
    write_header(packet, bytes([now & 255] * 8), receiver.address, sender.address, VERB_HELLO)
    packet[PAYLOAD:] = payload
    key = sender.agree(receiver)
    hello_tail(key, packet, PAYLOAD + tail)
    armor(key, packet, CIPHER_POLY1305)
    return packet


def test_a_node_is_online_after_one_round_trip_and_knows_its_surface_address() -> None:
    mesh = Mesh()
    member = mesh.add()
    assert not online(member, mesh)
    mesh.run(20)
    assert online(member, mesh)
    assert member.node.surface.endpoints(mesh.now) == [member.endpoint]


def test_the_root_learns_a_path_only_from_our_answer() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(5)
    mesh.run(6)
    peer = mesh.root.node.topology.get(member.address)
    assert peer is not None
    assert peer.paths == []
    mesh.run(20)
    assert [path.endpoint for path in peer.paths] == [member.endpoint]


def test_versions_are_exchanged() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(50)
    for one, other in ((mesh.root, member), (member, mesh.root)):
        peer = one.node.topology.get(other.address)
        assert peer.protocol == 11


def test_hello_goes_on_while_no_root_answers_and_slows_down() -> None:
    mesh = Mesh()
    mesh.root.running = False
    member = mesh.add()
    mesh.run(60000)
    assert not online(member, mesh)
    assert 60000 // HELLO_RETRY <= member.sent <= 60000 // HELLO_RETRY + 4
    mesh.root.running = True
    mesh.run(HELLO_RETRY + 20)
    assert online(member, mesh)


def test_an_identity_whose_address_does_not_fit_its_key_is_refused() -> None:
    mesh = Mesh()
    secret = Identity.from_text(mesh._identities[3].to_text(True))
    secret.address = b"\x12\x34\x56\x78\x9a"
    mesh.root.node.receive(make_hello(secret, mesh.root.identity, mesh.now), STRANGER, mesh.now)
    assert mesh.root.count("invalid_identity") == 1
    assert mesh.root.node.topology.get(secret.address) is None


def test_a_stranger_with_a_wrong_mac_leaves_nothing_behind() -> None:
    mesh = Mesh()
    packet = make_hello(mesh._identities[3], mesh.root.identity, mesh.now)
    packet[-1] ^= 1
    mesh.root.node.receive(packet, STRANGER, mesh.now)
    assert mesh.root.count("bad_mac") == 1
    assert mesh.root.node.topology.get(mesh._identities[3].address) is None


def test_strangers_of_one_subnet_pass_one_at_a_time() -> None:
    mesh = Mesh()
    member = mesh.add()
    for number in range(3, 8):
        packet = make_hello(mesh._identities[number], member.identity, mesh.now)
        source = addresses.inet("10.9.9.%d" % number, 9993)
        member.node.receive(packet, source, mesh.now)
    assert member.count("hello_gate") == 3
    assert len(member.node.topology.peers()) == 1 + 2


def test_another_identity_under_a_known_address_is_told_and_never_believed() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(50)
    known = mesh.root.node.topology.get(member.address).identity
    impostor = Identity.from_text(mesh._identities[5].to_text(True))
    impostor.address = member.address
    sent = []
    mesh.tap = lambda datagram, source, destination: sent.append(destination)
    packet = make_hello(impostor, mesh.root.identity, mesh.now)
    mesh.root.node.receive(packet, STRANGER, mesh.now)
    assert mesh.root.count("identity_collision") == 1
    assert sent == [STRANGER]
    assert mesh.root.node.topology.get(member.address).identity == known


def test_a_hello_whose_source_is_not_its_identity_is_refused() -> None:
    mesh = Mesh()
    sender = mesh._identities[3]
    other = mesh._identities[4].to_bytes()
    packet = make_hello(sender, mesh.root.identity, mesh.now, other)
    mesh.root.node.receive(packet, STRANGER, mesh.now)
    assert mesh.root.count("hello_refused") == 1


def test_a_board_without_memory_for_the_hash_asks_a_root_who_the_stranger_is() -> None:
    mesh = Mesh()
    board = mesh.add(limits=DEVICE)
    stranger = mesh.add()
    mesh.run(100)
    board.node.greeting.has_memory = False
    packet = make_hello(stranger.identity, board.identity, mesh.now)
    board.node.receive(packet, stranger.endpoint, mesh.now)
    assert board.node.topology.get(stranger.address) is None
    mesh.run(50)
    assert board.node.topology.get(stranger.address).identity == stranger.identity
    peer = stranger.node.topology.get(board.address)
    assert peer is None or peer.protocol == 11


def test_a_board_without_memory_does_not_believe_an_identity_that_the_root_does_not_know() -> None:
    mesh = Mesh()
    board = mesh.add(limits=DEVICE)
    mesh.run(100)
    board.node.greeting.has_memory = False
    packet = make_hello(mesh._identities[7], board.identity, mesh.now)
    board.node.receive(packet, STRANGER, mesh.now)
    mesh.run(10000)
    assert board.node.topology.get(mesh._identities[7].address) is None
    assert board.count("unknown_sender_timeout") == 1
