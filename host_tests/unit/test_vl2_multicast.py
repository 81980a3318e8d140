"""Multicast among members: who is told of a group, who is asked, and how many copies are made."""

from host_tests.unit.mesh import Lan, put_network
from host_tests.unit.support import raises, unhex
from zerotier.limits import DEVICE
from zerotier.vl2 import ethernet
from zerotier.wire import messages
from zerotier.wire.config import FLAG_BROADCAST
from zerotier.wire.verbs import (
    ERROR_UNWANTED_MULTICAST,
    VERB_ERROR,
    VERB_MULTICAST_FRAME,
    VERB_MULTICAST_GATHER,
    VERB_MULTICAST_LIKE,
    VERB_WHOIS,
)

_MDNS = unhex("01005e0000fb")
_BROADCAST_PAYLOAD = b"\x08\x00hello, everybody"


def _listen_in(station, verb: int) -> list:
    """Payloads of the messages with this verb that reach a station."""
    heard: list = []
    receive = station.node.transport.verbs[verb]
    station.node.transport.verbs[verb] = lambda peer, packet, now: (
        heard.append((now, bytes(packet.payload))) or receive(peer, packet, now)
    )
    return heard


def _broadcast(lan, sender: int) -> bytes:
    return ethernet.BROADCAST + lan.networks[sender].mac + _BROADCAST_PAYLOAD


def test_a_broadcast_reaches_every_member():
    lan = Lan(5)
    lan.transmit(0, _broadcast(lan, 0))
    for port in lan.ports[1:]:
        assert port.frames == [_broadcast(lan, 0)]
    assert lan.ports[0].frames == []


def test_a_network_without_broadcast_carries_arp_but_nothing_else_to_everybody():
    lan = Lan(3, enableBroadcast=False)
    lan.transmit(0, _broadcast(lan, 0))
    lan.transmit(0, lan.arp(0, 1))
    assert lan.ports[1].frames == [lan.arp(0, 1)] and lan.ports[2].frames == []
    assert lan.members[0].count("broadcast_disabled") == 1


def test_a_network_without_multicast_sends_and_takes_none():
    lan = Lan(2, multicastLimit=0)
    lan.transmit(0, lan.frame(0, 1))
    lan.ports[1].frames.clear()
    lan.transmit(0, lan.arp(0, 1))
    payload = messages.encode_multicast_frame(
        lan.nwid, 0, 0, None, ethernet.BROADCAST, 0, 0x0800, b"x"
    )
    lan.send(0, 1, VERB_MULTICAST_FRAME, payload)
    lan.mesh.run(100)
    assert lan.ports[1].frames == []
    assert lan.members[0].count("multicast_disabled") == 1
    assert lan.members[1].count("multicast_disabled") == 1


def test_a_subscribed_group_is_heard_at_once():
    lan = Lan(3)
    frame = _MDNS + lan.networks[0].mac + _BROADCAST_PAYLOAD
    lan.networks[1].subscriptions.add(_MDNS, lan.mesh.now)
    lan.mesh.run(100)
    lan.transmit(0, frame)
    assert lan.ports[1].frames == [frame] and lan.ports[2].frames == []


def test_what_is_no_group_cannot_be_subscribed():
    lan = Lan(1, limits=DEVICE)
    subscriptions = lan.networks[0].subscriptions
    raises(ValueError, subscriptions.add, unhex("020000000001"), lan.mesh.now)
    raises(ValueError, subscriptions.add, b"\x01", lan.mesh.now)
    for number in range(DEVICE.groups):
        subscriptions.add(b"\x01\x00\x5e\x01\x01" + bytes((number,)), lan.mesh.now)
        subscriptions.add(b"\x01\x00\x5e\x01\x01" + bytes((number,)), lan.mesh.now)
    raises(OSError, subscriptions.add, _MDNS, lan.mesh.now)
    subscriptions.remove(unhex("01005e010100"))
    subscriptions.add(_MDNS, lan.mesh.now)


def test_a_group_that_the_stack_wants_outlives_the_config_that_wanted_it_too():
    lan = Lan(1)
    subscriptions = lan.networks[0].subscriptions
    subscriptions.add(ethernet.BROADCAST, lan.mesh.now)
    assert subscriptions.groups(lan.mesh.now).count((ethernet.BROADCAST, 0)) == 1
    put_network(lan.controller, 1, enableBroadcast=False)
    lan.mesh.run(3000)
    assert not lan.networks[0].config.flags & FLAG_BROADCAST
    assert subscriptions.includes(ethernet.BROADCAST, 0, lan.mesh.now)
    subscriptions.remove(ethernet.BROADCAST)
    assert not subscriptions.includes(ethernet.BROADCAST, 0, lan.mesh.now)


def test_the_first_frame_to_a_group_waits_for_its_listeners():
    lan = Lan(4)
    gathers = _listen_in(lan.mesh.root, VERB_MULTICAST_GATHER)
    lan.transmit(0, _broadcast(lan, 0), 200)
    assert len(gathers) == 1 and len(gathers[0][1]) == 23  # 51 bytes with the header: no COM
    for port in lan.ports[1:]:
        assert port.frames == [_broadcast(lan, 0)]


def test_listeners_are_gathered_once_a_minute_while_some_are_known():
    lan = Lan(2)
    gathers = _listen_in(lan.mesh.root, VERB_MULTICAST_GATHER)
    for _ in range(120):
        lan.transmit(0, _broadcast(lan, 0))
    assert len(lan.ports[1].frames) == 120
    assert 2 <= len(gathers) <= 3


def test_a_group_that_nobody_hears_is_asked_for_once_a_second_at_most():
    lan = Lan(1)
    gathers = _listen_in(lan.mesh.root, VERB_MULTICAST_GATHER)
    frame = _MDNS + lan.networks[0].mac + _BROADCAST_PAYLOAD
    for _ in range(100):
        lan.transmit(0, frame, 50)
    assert 4 <= len(gathers) <= 6


def test_a_frame_that_nobody_hears_goes_to_who_announces_itself_later():
    lan = Lan(2)
    frame = _MDNS + lan.networks[0].mac + _BROADCAST_PAYLOAD
    lan.transmit(0, frame, 2500)
    assert lan.ports[1].frames == []
    lan.networks[1].subscriptions.add(_MDNS, lan.mesh.now)
    lan.mesh.run(1200)
    assert lan.ports[1].frames == [frame]


def test_a_frame_waits_for_a_root_that_does_not_answer_yet():
    lan = Lan(2)
    lan.members[0].restart()
    lan.networks[0], lan.ports[0] = lan.members[0].join(lan.nwid)
    lan.transmit(0, lan.arp(0, 1), 300)
    assert lan.ports[1].frames == [lan.arp(0, 1)]


def test_no_more_copies_are_sent_than_the_network_allows():
    lan = Lan(6, multicastLimit=3)
    for _ in range(4):
        before = sum([len(port.frames) for port in lan.ports])
        lan.transmit(0, _broadcast(lan, 0))
        assert sum([len(port.frames) for port in lan.ports]) - before == 3


def test_roots_and_controller_are_told_every_minute_which_groups_we_hear():
    lan = Lan(1)
    at_root = _listen_in(lan.mesh.root, VERB_MULTICAST_LIKE)
    at_controller = _listen_in(lan.controller, VERB_MULTICAST_LIKE)
    lan.mesh.run(5 * 60000)
    for heard in (at_root, at_controller):
        assert 4 <= len(heard) <= 6
    groups = messages.parse_multicast_like(at_root[0][1])
    assert [(mac, adi) for _, mac, adi in groups] == [
        (unhex("01005e000001"), 0),
        (unhex("333300000001"), 0),
        (ethernet.BROADCAST, 0),
        (ethernet.BROADCAST, 0x0A931101),
    ]


def test_an_ipv6_address_is_announced_as_its_solicited_node_group():
    lan = Lan(
        2,
        v6AssignMode={"rfc4193": True},
        routes=[{"target": "10.147.17.0/24", "via": None}],
    )
    groups = lan.networks[0].subscriptions.groups(lan.mesh.now)
    address = lan.members[0].address
    assert (b"\x33\x33\xff" + address[2:], 0) in groups
    assert (b"\x33\x33\xff" + lan.networks[0].mac[3:], 0) in groups


def test_a_root_that_was_away_is_told_when_it_is_back():
    lan = Lan(1)
    lan.mesh.root.running = False
    lan.mesh.run(10 * 60000)
    heard = _listen_in(lan.mesh.root, VERB_MULTICAST_LIKE)
    lan.mesh.root.running = True
    lan.mesh.run(15000)
    assert heard


def test_a_new_address_is_announced_at_once_and_alone():
    lan = Lan(1)
    heard = _listen_in(lan.mesh.root, VERB_MULTICAST_LIKE)
    lan.networks[0].subscriptions.add(_MDNS, lan.mesh.now)
    lan.mesh.run(50)
    assert messages.parse_multicast_like(heard[0][1]) == [(lan.nwid, _MDNS, 0)]


def test_a_member_that_talks_to_us_is_told_our_groups_once_a_minute():
    lan = Lan(2)
    heard = _listen_in(lan.members[0], VERB_MULTICAST_LIKE)
    for _ in range(130):
        lan.transmit(0, lan.frame(0, 1))
    assert len(heard) == 3
    assert lan.members[0].count("like_not_admitted") == 0


def test_a_member_answers_who_listens_but_only_to_members():
    lan = Lan(2)
    lan.transmit(0, lan.frame(0, 1))
    stranger = lan.mesh.add()
    answers = []
    for station in (lan.members[0], stranger):
        station.node.transport.ok_verbs[VERB_MULTICAST_GATHER] = (
            lambda peer, packet, in_re_id, body, now: (
                answers.append(messages.parse_ok_gather(body)) or 1
            )
        )
    request = messages.encode_multicast_gather(lan.nwid, ethernet.BROADCAST, 0, 10)
    lan.send(0, 1, VERB_MULTICAST_GATHER, request)
    to = lan.members[1].address
    stranger.node.transport.send(to, VERB_MULTICAST_GATHER, (request,), lan.mesh.now)
    lan.mesh.run(1000)
    assert len(answers) == 1
    assert answers[0].members == [to]
    assert lan.members[1].count("gather_not_admitted") == 1


def test_a_member_that_does_not_want_a_group_gets_it_no_more():
    lan = Lan(3)
    lan.transmit(0, _broadcast(lan, 0))
    lan.transmit(1, lan.frame(1, 0))
    lan.ports[1].frames.clear()
    group = lan.nwid + ethernet.BROADCAST + bytes(4)
    error = messages.encode_error(VERB_MULTICAST_FRAME, bytes(8), ERROR_UNWANTED_MULTICAST, group)
    lan.send(1, 0, VERB_ERROR, error)
    lan.mesh.run(100)
    lan.transmit(0, _broadcast(lan, 0))
    assert lan.ports[1].frames == [] and len(lan.ports[2].frames) == 2


def test_groups_of_others_never_push_out_those_that_we_send_to():
    lan = Lan(2, limits=DEVICE)
    lan.transmit(0, _broadcast(lan, 0))
    lan.transmit(1, lan.frame(1, 0))
    groups = [(lan.nwid, b"\x01\x00\x5e\x02\x02" + bytes((n,)), 0) for n in range(200)]
    lan.send(1, 0, VERB_MULTICAST_LIKE, messages.encode_multicast_like(groups))
    lan.mesh.run(100)
    assert len(lan.networks[0].multicast) == DEVICE.groups
    lan.ports[1].frames.clear()
    lan.transmit(0, _broadcast(lan, 0), 100)
    assert lan.ports[1].frames == [_broadcast(lan, 0)]


def test_more_groups_than_a_device_remembers_cost_the_oldest():
    lan = Lan(1, limits=DEVICE)
    network = lan.networks[0]
    for number in range(50):
        mac = b"\x01\x00\x5e\x02\x02" + bytes((number,))
        lan.transmit(0, mac + network.mac + _BROADCAST_PAYLOAD, 10)
    assert len(network.multicast) == DEVICE.groups
    assert lan.members[0].count("group_evicted") >= 50 - DEVICE.groups


def test_listeners_that_nobody_asked_for_are_not_remembered():
    lan = Lan(2)
    body = messages.encode_ok_gather(lan.nwid, _MDNS, 0, 1, [lan.members[1].address])
    peer = lan.members[0].node.topology.get(lan.controller.address)
    before = len(lan.networks[0].multicast)
    handler = lan.members[0].node.transport.ok_verbs[VERB_MULTICAST_GATHER]
    handler(peer, None, bytes(8), body, lan.mesh.now)
    assert len(lan.networks[0].multicast) == before
    assert lan.members[0].count("gather_unasked") == 1


def test_a_mesh_of_many_members_hears_a_broadcast_with_device_tables():
    lan = Lan(10, limits=DEVICE)
    for sender in range(10):
        lan.transmit(sender, _broadcast(lan, sender))
    for port in lan.ports:
        assert len(port.frames) == 9


def test_listeners_whom_nobody_knows_cost_few_questions_and_hold_nobody_up():
    lan = Lan(2, limits=DEVICE)
    gone = [b"\x10\x00\x00\x00" + bytes((number,)) for number in range(14)]
    lan.transmit(0, _broadcast(lan, 0))
    lan.transmit(1, lan.frame(1, 0))
    network = lan.networks[0]
    network.multicast.gathered(
        messages.Gathered(lan.nwid, ethernet.BROADCAST, 0, 15, gone), True, lan.mesh.now
    )
    asked = _listen_in(lan.mesh.root, VERB_WHOIS)
    lan.ports[1].frames.clear()
    for _ in range(10):
        lan.transmit(0, _broadcast(lan, 0))
    assert lan.ports[1].frames == [_broadcast(lan, 0)] * 10
    assert len(asked) < 10 * len(gone) + 60


def test_a_list_of_groups_that_overtakes_the_credentials_is_kept_until_they_come():
    lan = Lan(2)
    like = messages.encode_multicast_like([(lan.nwid, _MDNS, 0)])
    lan.send(1, 0, VERB_MULTICAST_LIKE, like)
    lan.mesh.run(400)
    assert lan.members[0].count("like_not_admitted") >= 1
    member = lan.networks[1].members.make(lan.members[0].address, lan.mesh.now)
    lan.networks[1].credentials.before_frame(member, lan.mesh.now)
    lan.mesh.run(400)
    frame = _MDNS + lan.networks[0].mac + _BROADCAST_PAYLOAD
    lan.transmit(0, frame, 100)
    assert lan.ports[1].frames == [frame]
