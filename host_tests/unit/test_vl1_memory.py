"""What survives a reset or deep sleep: peers, keys and paths; and how seldom the flash is written."""

from host_tests.unit.mesh import Lan, Mesh
from host_tests.unit.support import raises
from zerotier.limits import DEVICE, MEMORY_INTERVAL
from zerotier.vl1.memory import encode_peer, parse_peer
from zerotier.wire import address as addresses
from zerotier.wire.packet import DESTINATION, SOURCE, VERB


def talked() -> Lan:
    """Two members with a direct path, whose state is in the store."""
    lan = Lan(2, DEVICE)
    for _ in range(5):
        lan.transmit(0, lan.frame(0, 1))
        lan.transmit(1, lan.frame(1, 0))
    lan.mesh.run(60000)
    return lan


def sleep(lan: Lan, milliseconds: int) -> list:
    """Member 0 sleeps, wakes and joins again; what it sends from then on is in the list."""
    member = lan.members[0]
    member.running = False
    lan.mesh.run(milliseconds)
    member.restart()
    lan.networks[0], lan.ports[0] = member.join(lan.nwid)
    member.running = True
    sent: list = []
    lan.mesh.tap = lambda datagram, source, target: (
        sent.append((datagram, target)) if source == member.endpoint else None
    )
    return sent


def test_the_first_frame_after_deep_sleep_leaves_without_any_exchange_before_it() -> None:
    lan = talked()
    before = len(lan.ports[1].frames)
    sent = sleep(lan, 30000)
    lan.networks[0].transmit(lan.frame(0, 1), lan.mesh.now)
    target = lan.members[1].address
    to_peer = [datagram for datagram, _ in sent if datagram[DESTINATION:SOURCE] == target]
    assert to_peer  # at once: nothing was received since the start
    lan.mesh.run(500)
    assert len(lan.ports[1].frames) == before + 1


def test_a_peer_on_the_same_lan_is_reached_after_sleep_without_a_root() -> None:
    lan = talked()
    before = len(lan.ports[1].frames)
    lan.mesh.root.running = False
    sleep(lan, 30000)
    lan.networks[0].transmit(lan.frame(0, 1), lan.mesh.now)
    lan.mesh.run(5000)
    lan.networks[0].transmit(lan.frame(0, 1), lan.mesh.now)
    lan.mesh.run(5000)
    assert len(lan.ports[1].frames) > before


def test_no_key_is_agreed_on_twice() -> None:
    lan = talked()
    member = lan.members[0]
    agreed: list = []
    original = type(member.identity).agree
    type(member.identity).agree = lambda self, other: agreed.append(other) or original(self, other)  # type: ignore[method-assign]
    try:
        sleep(lan, 1000)
    finally:
        type(member.identity).agree = original  # type: ignore[method-assign]
    assert agreed == []


def test_keys_of_another_identity_are_not_used() -> None:
    lan = talked()
    member = lan.members[0]
    keys = member.store.get("peers.d/keys.secret")
    stranger = lan.mesh._identities[9]
    member.identity = stranger
    member.restart()
    assert keys == member.store.get("peers.d/keys.secret")
    peer = member.node.topology.get(lan.mesh.root.address)
    assert peer.key == stranger.agree(lan.mesh.root.identity)


def test_a_remembered_path_is_not_counted_as_proved() -> None:
    lan = talked()
    lan.mesh.root.running = False
    sleep(lan, 1000)
    lan.mesh.run(3000)
    assert not lan.members[0].node.online(lan.mesh.now)


def test_packet_ids_do_not_come_again_after_sleep() -> None:
    lan = talked()
    seen: set = set()
    for _ in range(5):
        sent = sleep(lan, 1000)
        lan.networks[0].transmit(lan.frame(0, 1), lan.mesh.now)
        lan.mesh.run(2000)
        ids = {datagram[:8] for datagram, _ in sent if len(datagram) > VERB}
        assert not ids & seen
        seen |= ids


def test_flash_is_not_written_while_nothing_changes() -> None:
    lan = talked()
    lan.mesh.run(180000)  # by then the controller is written down, too
    keys = ("peers.d/", "packet_epoch")
    states = [
        {k: v for k, v in member.store.values.items() if k.startswith(keys)}
        for member in lan.members
    ]
    for _ in range(30):
        lan.transmit(0, lan.frame(0, 1))
        lan.mesh.run(60000)
    for member, before in zip(lan.members, states):
        after = {k: v for k, v in member.store.values.items() if k.startswith(keys)}
        assert after == before


def test_a_peer_that_moves_all_the_time_costs_a_write_in_ten_minutes() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(60000)
    peer = member.node.topology.get(mesh.root.address)
    writes = member.store.writes
    for number in range(120):
        peer.paths[0].endpoint = addresses.inet("10.0.0.1", 10000 + number)
        member.node.memory.save_changes(mesh.now + number * 10000)
    assert member.store.writes - writes <= 120 * 10000 // MEMORY_INTERVAL + 1


def test_a_file_has_the_layout_of_the_reference() -> None:
    mesh = Mesh()
    identity = mesh.root.identity
    endpoint = addresses.inet("10.0.0.1", 9993)
    blob = encode_peer(identity, 11, (1, 4, 8), [endpoint])
    assert blob == b"\x02" + identity.to_bytes() + bytes.fromhex("000b0001000400080001") + endpoint
    assert parse_peer(blob) == (identity, 11, (1, 4, 8), [endpoint])


def test_a_damaged_file_is_deleted_and_costs_nothing_else() -> None:
    mesh = Mesh()
    member = mesh.add()
    good = encode_peer(mesh.root.identity, 11, (1, 4, 8), [mesh.root.endpoint])
    for size in range(len(good)):
        raises(ValueError, parse_peer, good[:size])
    member.store.put("peers.d/0123456789.peer", good[:50])
    member.restart()
    assert "peers.d/0123456789.peer" not in member.store.values
    assert member.count("peer_file_dropped") == 1


def test_there_are_no_more_files_than_peers_are_remembered() -> None:
    mesh = Mesh()
    member = mesh.add(limits=DEVICE)
    for number in range(40):
        name = b"%05d" % number
        other = mesh._identities[number % len(mesh._identities)]
        identity = type(other)(name, other.public)
        blob = encode_peer(identity, 11, (1, 4, 8), [mesh.root.endpoint])
        member.store.put("peers.d/%s.peer" % name.hex(), blob)
    member.restart()
    assert len(member.store.list("peers.d/")) <= DEVICE.peers


def test_a_root_knows_its_clients_after_a_restart() -> None:
    mesh = Mesh()
    members = [mesh.add() for _ in range(3)]
    mesh.run(60000)
    known = [peer.address for peer in mesh.root.node.topology.peers()]
    mesh.root.restart()
    for member in members:
        assert member.address in known
        peer = mesh.root.node.topology.get(member.address)
        assert peer.best_path(mesh.now).endpoint == member.endpoint
