"""Members with a role: replicators of multicasts, anchors, and relays of a network."""

from host_tests.unit.mesh import Lan, put_member
from zerotier.vl2 import ethernet
from zerotier.wire import messages
from zerotier.wire.verbs import VERB_MULTICAST_FRAME, VERB_MULTICAST_LIKE

_PAYLOAD = b"\x08\x00hello, everybody"


def _with_role(role: str, count: int = 4, **fields) -> Lan:
    """A network whose last member has a role."""
    lan = Lan(count, **fields)
    put_member(lan.controller, lan.nwid, lan.members[-1].address, **{role: True})
    lan.mesh.run(3000)
    for number in range(count - 1):  # everybody has a direct path to it
        lan.transmit(number, lan.frame(number, count - 1))
    for port in lan.ports:
        port.frames.clear()
    return lan


def _heard(station, verb: int) -> list:
    """Sources of the messages with this verb that reach a station from now on."""
    heard: list = []
    receive = station.node.transport.verbs[verb]
    station.node.transport.verbs[verb] = lambda peer, packet, now: (
        heard.append(peer.address) or receive(peer, packet, now)
    )
    return heard


def _broadcast(lan: Lan, sender: int) -> bytes:
    return ethernet.BROADCAST + lan.networks[sender].mac + _PAYLOAD


def test_a_replicator_makes_the_copies():
    lan = _with_role("multicastReplicator")
    heard = [_heard(member, VERB_MULTICAST_FRAME) for member in lan.members]
    lan.transmit(0, _broadcast(lan, 0))
    replicator = lan.members[-1].address
    assert heard[3] == [lan.members[0].address]
    assert heard[1] == heard[2] == [replicator] and heard[0] == []
    for port in lan.ports[1:]:
        assert port.frames == [_broadcast(lan, 0)]
    lan.transmit(3, _broadcast(lan, 3))  # its own frames it sends itself
    assert lan.ports[0].frames == [_broadcast(lan, 3)]


def test_without_a_path_to_the_replicator_everybody_sends_copies():
    lan = _with_role("multicastReplicator")
    lan.members[-1].running = False
    lan.mesh.run(260000)
    lan.transmit(0, _broadcast(lan, 0), 6000)
    assert _broadcast(lan, 0) in lan.ports[1].frames and _broadcast(lan, 0) in lan.ports[2].frames


def test_who_is_no_replicator_does_not_replicate():
    lan = Lan(3)
    lan.transmit(0, lan.frame(0, 1))
    lan.transmit(1, _broadcast(lan, 1))
    for port in lan.ports:
        port.frames.clear()
    packed = messages.encode_multicast_frame(
        lan.nwid,
        messages.MULTICAST_REPLICATE,
        0,
        lan.networks[0].mac,
        ethernet.BROADCAST,
        0,
        0x0800,
        b"x",
    )
    lan.send(0, 1, VERB_MULTICAST_FRAME, packed)
    lan.mesh.run(1000)
    assert lan.ports[2].frames == [] and len(lan.ports[1].frames) == 1
    assert lan.members[1].count("multicast_replicate_refused") == 1


def test_only_a_replicator_may_send_a_group_frame_of_another_member():
    lan = Lan(3)
    lan.transmit(0, lan.frame(0, 1))
    lan.ports[1].frames.clear()
    packed = messages.encode_multicast_frame(
        lan.nwid, 0, 0, lan.networks[2].mac, ethernet.BROADCAST, 0, 0x0800, b"x"
    )
    lan.send(0, 1, VERB_MULTICAST_FRAME, packed)
    lan.mesh.run(100)
    assert lan.ports[1].frames == []
    assert lan.members[1].count("frame_foreign_source_in") == 1


def test_not_even_a_replicator_may_send_a_group_frame_as_if_it_were_ours():
    lan = _with_role("multicastReplicator")
    for source in (lan.networks[1].mac, lan.networks[0].mac):
        packed = messages.encode_multicast_frame(
            lan.nwid, 0, 0, source, ethernet.BROADCAST, 0, 0x0800, b"x"
        )
        lan.send(3, 1, VERB_MULTICAST_FRAME, packed)
    lan.mesh.run(100)
    assert [frame[6:12] for frame in lan.ports[1].frames] == [lan.networks[0].mac]
    assert lan.members[1].count("frame_own_source") == 1


def test_replicated_frames_pass_the_rules_of_the_replicator():
    lan = _with_role(
        "multicastReplicator",
        rules=[
            {"type": "MATCH_FRAME_SIZE_RANGE", "start": 100, "end": 200},
            {"type": "ACTION_DROP"},
            {"type": "ACTION_ACCEPT"},
        ],
    )
    packed = messages.encode_multicast_frame(
        lan.nwid,
        messages.MULTICAST_REPLICATE,
        0,
        lan.networks[0].mac,
        ethernet.BROADCAST,
        0,
        0x0800,
        bytes(150),
    )
    lan.send(0, 3, VERB_MULTICAST_FRAME, packed)
    lan.mesh.run(1000)
    assert [port.frames for port in lan.ports] == [[], [], [], []]


def test_anchors_are_told_and_asked():
    lan = _with_role("anchor")
    told = _heard(lan.members[-1], VERB_MULTICAST_LIKE)
    lan.mesh.run(61000)
    assert {member.address for member in lan.members[:-1]} <= set(told)
    anchor = lan.members[-1].address
    assert anchor in lan.networks[0].gather_sources(lan.mesh.now)


def _without_direct_path(lan: Lan, one: int, other: int) -> None:
    ends = {lan.members[one].endpoint, lan.members[other].endpoint}
    lan.mesh.passes = lambda datagram, source, destination: {source, destination} != ends
    for number in (one, other):
        for peer in lan.members[number].node.topology.peers():
            peer.paths = [path for path in peer.paths if path.endpoint not in ends]
            peer.relay = None


def test_members_without_a_direct_path_go_through_the_relay_of_the_network():
    lan = _with_role("networkRelay", 3)
    _without_direct_path(lan, 0, 1)
    relayed = lan.mesh.root.count("relayed")
    before = lan.members[2].count("relayed")
    for size in (50, 2500):
        frame = lan.frame(0, 1, bytes(size))
        lan.transmit(0, frame)
        assert lan.ports[1].frames.pop() == frame
        lan.transmit(1, lan.frame(1, 0, bytes(size)))
        assert len(lan.ports[0].frames.pop()) == 14 + size
    assert lan.members[2].count("relayed") >= before + 6
    assert lan.mesh.root.count("relayed") - relayed <= 2  # what is not a frame
    assert lan.ports[2].frames == []


def test_when_the_relay_is_gone_the_root_relays():
    lan = _with_role("networkRelay", 3)
    _without_direct_path(lan, 0, 1)
    lan.members[2].running = False
    delivered = 0
    for _ in range(30):
        lan.transmit(0, lan.frame(0, 1))
    delivered = len(lan.ports[1].frames)
    assert delivered >= 25


def test_a_relay_relays_for_members_alone():
    lan = _with_role("networkRelay", 3)
    stranger = lan.mesh.add()
    stranger.node.wake()
    lan.mesh.run(1000)
    relay = lan.members[2]
    transport = stranger.node.transport
    transport.whois(lan.members[1].address, lan.mesh.now)
    transport.whois(relay.address, lan.mesh.now)
    lan.mesh.run(500)
    peer = stranger.node.topology.get(lan.members[1].address)
    transport.send_via(peer, relay.endpoint, 0x08, (b"relay me",), lan.mesh.now)
    lan.mesh.run(500)
    assert relay.count("relay_not_member") == 1
    other = stranger.node.topology.get(lan.controller.address)
    if other is None:
        transport.whois(lan.controller.address, lan.mesh.now)
        lan.mesh.run(500)
        other = stranger.node.topology.get(lan.controller.address)
    transport.send_via(other, relay.endpoint, 0x08, (b"relay me",), lan.mesh.now)
    lan.mesh.run(500)
    assert relay.count("relay_not_member") == 2 and relay.count("relayed") == 0


def test_who_shows_nothing_to_the_relay_is_reached_through_it_and_a_root_all_the_same():
    lan = _with_role("networkRelay", 3)
    _without_direct_path(lan, 0, 1)
    relay = lan.members[2]
    peer = lan.members[1].address
    del lan.networks[2].members._members[peer]  # as if it had never shown its membership
    relay.node.topology.get(peer).paths.clear()
    between = {relay.endpoint, lan.members[1].endpoint}
    lan.mesh.passes = lambda datagram, source, destination: (
        {source, destination} != between
        and {source, destination} != {lan.members[0].endpoint, lan.members[1].endpoint}
    )
    before = lan.mesh.root.count("relayed")
    for size in (50, 2500):
        frame = lan.frame(0, 1, bytes(size))
        lan.transmit(0, frame)
        assert lan.ports[1].frames.pop() == frame
    assert relay.count("relayed") >= 3 and lan.mesh.root.count("relayed") >= before + 3


def test_a_member_without_the_role_relays_nothing():
    lan = Lan(3)
    lan.transmit(0, lan.frame(0, 2))
    lan.transmit(1, lan.frame(1, 2))
    peer = lan.members[0].node.topology.get(lan.controller.address)
    transport = lan.members[0].node.transport
    transport.send_via(peer, lan.members[2].endpoint, 0x08, (b"x",), lan.mesh.now)
    lan.mesh.run(100)
    assert lan.members[2].count("not_for_us") == 1
