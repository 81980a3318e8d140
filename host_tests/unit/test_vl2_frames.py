"""Frames between members: who is let through, what is believed, and what becomes of the rest."""

import json

from host_tests.unit.mesh import Lan, Mesh, put_member
from host_tests.unit.support import unhex
from zerotier.limits import DEVICE
from zerotier.vl2 import ethernet
from zerotier.wire import messages
from zerotier.wire.verbs import (
    ERROR_NEED_MEMBERSHIP_CERTIFICATE,
    VERB_ERROR,
    VERB_EXT_FRAME,
    VERB_FRAME,
    VERB_MULTICAST_FRAME,
    VERB_NETWORK_CREDENTIALS,
)

_IPV4 = 0x0800
_IPV4_BYTES = b"\x08\x00"
_GROUP = unhex("01005e0000fb")


def test_the_first_frame_arrives_though_the_members_have_never_met():
    lan = Lan()
    lan.transmit(0, lan.frame(0, 1), 100)
    assert lan.ports[1].frames == [lan.frame(0, 1)]
    lan.transmit(1, lan.frame(1, 0), 100)
    assert lan.ports[0].frames == [lan.frame(1, 0)]


def test_an_arp_request_reaches_the_owner_of_the_address_and_nobody_else():
    lan = Lan(3)
    lan.transmit(0, lan.arp(0, 1))
    assert lan.ports[1].frames == [lan.arp(0, 1)]
    assert lan.ports[2].frames == []


def test_a_frame_as_large_as_the_networks_mtu_arrives_whole():
    lan = Lan()
    for size in (1, 1393, 1394, 1395, 2800):
        payload = bytes([size & 0xFF]) * size
        lan.transmit(0, lan.frame(0, 1, payload))
        assert lan.ports[1].frames.pop() == lan.frame(0, 1, payload)
    lan.transmit(0, lan.frame(0, 1, bytes(2801)))
    lan.transmit(0, lan.frame(0, 1, b""))
    lan.transmit(0, b"")
    assert lan.ports[1].frames == []
    assert lan.members[0].count("frame_size_out") == 3


def test_the_mtu_of_the_largest_network_does_not_break_the_sender():
    lan = Lan(mtu=10000)
    assert lan.networks[0].mtu == 9869  # what seven datagrams carry
    lan.transmit(0, lan.frame(0, 1, bytes(9869)))
    assert lan.ports[1].frames == [lan.frame(0, 1, bytes(9869))]
    lan.networks[1].subscriptions.add(_GROUP, lan.mesh.now)
    lan.mesh.run(100)
    everybody = _GROUP + lan.networks[0].mac + _IPV4_BYTES + bytes(9869)
    lan.transmit(0, everybody)
    assert lan.ports[1].frames.pop() == everybody
    lan.transmit(0, lan.frame(0, 1, bytes(9870)))
    assert lan.members[0].count("frame_size_out") == 1


def test_frames_before_the_config_are_dropped_and_counted():
    mesh = Mesh()
    member = mesh.add()
    network, _ = member.join(unhex("1122334455667788"))
    network.transmit(_GROUP + network.mac + _IPV4_BYTES + b"x", mesh.now)
    assert member.count("frame_without_config") == 1


def test_a_frame_with_the_mac_of_somebody_else_does_not_leave():
    lan = Lan(3)
    stolen = lan.networks[1].mac + lan.networks[2].mac + _IPV4_BYTES + b"x"
    lan.transmit(0, stolen)
    assert lan.ports[1].frames == []
    assert lan.members[0].count("frame_foreign_source_out") == 1


def test_frames_for_nobody_are_counted_and_those_for_ourselves_come_back():
    lan = Lan()
    mac = lan.networks[0].mac
    lan.transmit(0, unhex("0a0000000001") + mac + _IPV4_BYTES + b"x")
    lan.transmit(0, mac + mac + _IPV4_BYTES + b"x")
    assert lan.members[0].count("frame_to_nobody") == 1
    assert lan.ports[0].frames == [mac + mac + _IPV4_BYTES + b"x"]


def test_a_frame_from_a_bridged_host_or_a_liar_is_refused():
    lan = Lan(3)
    lan.transmit(0, lan.frame(0, 1))
    lan.ports[1].frames.clear()
    ours = lan.networks[1].mac
    for source in (lan.networks[2].mac, ours, unhex("0a0000000001"), bytes(6)):
        frame = messages.encode_ext_frame(lan.nwid, 0, ours, source, _IPV4, b"x")
        lan.send(0, 1, VERB_EXT_FRAME, frame)
        frame = messages.encode_multicast_frame(
            lan.nwid, 0, 0, source, ethernet.BROADCAST, 0, _IPV4, b"x"
        )
        lan.send(0, 1, VERB_MULTICAST_FRAME, frame)
    lan.mesh.run(100)
    assert lan.ports[1].frames == []
    assert lan.members[1].count("frame_foreign_source_in") == 6
    assert lan.members[1].count("frame_own_source") == 2


def test_an_extended_frame_is_delivered_to_us_and_to_groups_only():
    lan = Lan(3)
    lan.transmit(0, lan.frame(0, 1))
    lan.ports[1].frames.clear()
    source = lan.networks[0].mac
    for destination, arrives in (
        (lan.networks[1].mac, True),
        (_GROUP, True),
        (lan.networks[2].mac, False),
        (bytes(6), False),
    ):
        frame = messages.encode_ext_frame(lan.nwid, 0, destination, source, _IPV4, b"x")
        lan.send(0, 1, VERB_EXT_FRAME, frame)
        lan.mesh.run(100)
        expected = [destination + source + _IPV4_BYTES + b"x"] if arrives else []
        assert lan.ports[1].frames == expected
        lan.ports[1].frames.clear()
    assert lan.members[1].count("frame_not_for_us") == 2


def test_a_watched_frame_is_acknowledged():
    lan = Lan()
    lan.transmit(0, lan.frame(0, 1))
    answers = []
    lan.members[0].node.transport.ok_verbs[VERB_EXT_FRAME] = (
        lambda peer, packet, in_re_id, body, now: answers.append(bytes(body)) or 1
    )
    frame = messages.encode_ext_frame(
        lan.nwid, messages.EXT_FRAME_WATCH_OUT, _GROUP, lan.networks[0].mac, _IPV4, b"x"
    )
    lan.send(0, 1, VERB_EXT_FRAME, frame)
    lan.mesh.run(100)
    assert answers == [lan.nwid]


def test_a_certificate_that_comes_with_a_frame_opens_the_gate():
    lan = Lan()
    com = lan.networks[0].config.membership.encode()
    mac = lan.networks[0].mac
    frame = messages.encode_ext_frame(
        lan.nwid, 0, lan.networks[1].mac, mac, _IPV4, b"extended", com
    )
    lan.send(0, 1, VERB_EXT_FRAME, frame)
    lan.mesh.run(100)
    assert lan.ports[1].frames == [lan.networks[1].mac + mac + _IPV4_BYTES + b"extended"]


def test_a_frame_that_overtook_its_credentials_is_kept_until_they_come():
    lan = Lan()
    lan.send(0, 1, VERB_FRAME, messages.encode_frame(lan.nwid, _IPV4, b"early"))
    lan.mesh.run(200)
    assert lan.ports[1].frames == []
    com = lan.networks[0].config.membership.encode()
    lan.send(0, 1, VERB_NETWORK_CREDENTIALS, com + b"\x00")
    lan.mesh.run(20)
    assert lan.ports[1].frames == [lan.frame(0, 1, b"early")]


def test_a_stranger_is_asked_for_credentials_once_a_second_however_much_it_sends():
    lan = Lan(1)
    stranger = lan.mesh.add()
    asked = []
    stranger.node.transport.error_verbs[VERB_FRAME] = (
        lambda peer, packet, in_re_id, code, extra, now: asked.append((code, now)) or 1
    )
    start = lan.mesh.now
    for _ in range(40):
        frame = messages.encode_frame(lan.nwid, _IPV4, b"x")
        stranger.node.transport.send(lan.members[0].address, VERB_FRAME, (frame,), lan.mesh.now)
        lan.mesh.run(100)
    lan.mesh.run(10000)
    assert {code for code, _ in asked} == {ERROR_NEED_MEMBERSHIP_CERTIFICATE}
    assert 4 <= len(asked) <= 10
    assert asked[-1][1] - start < 10000
    assert lan.ports[0].frames == []
    assert len(lan.networks[0].members) == 0


def test_a_member_that_lost_its_memory_asks_and_the_frame_is_not_lost():
    lan = Lan()
    lan.transmit(0, lan.frame(0, 1))
    lan.members[1].restart()
    lan.networks[1], lan.ports[1] = lan.members[1].join(lan.nwid)
    lan.mesh.run(3000)
    lan.transmit(0, lan.frame(0, 1, b"again"))
    assert lan.ports[1].frames == [lan.frame(0, 1, b"again")]


def test_credentials_are_pushed_once_and_not_with_every_frame():
    lan = Lan()
    pushed = []
    receive = lan.members[1].node.transport.verbs[VERB_NETWORK_CREDENTIALS]
    lan.members[1].node.transport.verbs[VERB_NETWORK_CREDENTIALS] = lambda peer, packet, now: (
        pushed.append(now) or receive(peer, packet, now)
    )
    for _ in range(300):
        lan.transmit(0, lan.frame(0, 1), 1000)
    assert len(lan.ports[1].frames) == 300
    assert len(pushed) == 1
    for _ in range(330):
        lan.transmit(0, lan.frame(0, 1), 10000)
    assert len(lan.ports[1].frames) == 630
    assert 4 <= len(pushed) <= 10


def test_pushed_credentials_are_those_that_the_controller_issued():
    lan = Lan()
    payloads = []
    receive = lan.members[1].node.transport.verbs[VERB_NETWORK_CREDENTIALS]
    lan.members[1].node.transport.verbs[VERB_NETWORK_CREDENTIALS] = lambda peer, packet, now: (
        payloads.append(bytes(packet.payload)) or receive(peer, packet, now)
    )
    lan.transmit(0, lan.frame(0, 1))
    config = lan.networks[0].config
    assert payloads[0][:272] == config.membership.encode()
    assert payloads[0][272:279] == unhex("00 0000 0000 0000")
    assert payloads[0][281:] == config.ownerships[0].encode()


def test_a_deauthorised_member_is_shut_out_by_the_others_at_once():
    lan = Lan(3)
    lan.transmit(0, lan.frame(0, 1))
    lan.ports[1].frames.clear()
    put_member(lan.controller, lan.nwid, lan.members[0].address, authorized=False)
    lan.mesh.run(3000)
    assert lan.members[1].count("member_revoked") == 1
    lan.transmit(0, lan.frame(0, 1))
    assert lan.ports[1].frames == []


def test_a_revocation_reaches_members_that_the_controller_does_not():
    lan = Lan(3)
    lan.transmit(0, lan.frame(0, 1))
    lan.transmit(0, lan.frame(0, 2))
    lan.transmit(1, lan.frame(1, 2))
    lan.transmit(2, lan.frame(2, 1))
    lost = lan.members[2].endpoint
    lan.mesh.passes = lambda datagram, source, destination: (
        not (source in (lan.controller.endpoint, lan.mesh.root.endpoint) and destination == lost)
    )
    put_member(lan.controller, lan.nwid, lan.members[0].address, authorized=False)
    lan.mesh.run(3000)
    assert lan.members[2].count("member_revoked") == 1


def test_members_talk_on_after_hours_of_renewed_certificates():
    lan = Lan()
    for _ in range(6):
        lan.mesh.run(30 * 60000)
        lan.transmit(0, lan.frame(0, 1))
        lan.transmit(1, lan.frame(1, 0))
    assert len(lan.ports[0].frames) == len(lan.ports[1].frames) == 6


def test_a_public_network_needs_no_credentials():
    lan = Lan(private=False)
    lan.send(0, 1, VERB_FRAME, messages.encode_frame(lan.nwid, _IPV4, b"hello"))
    lan.mesh.run(100)
    assert lan.ports[1].frames == [lan.frame(0, 1, b"hello")]


def test_frames_of_a_network_that_is_not_joined_are_counted():
    lan = Lan()
    frame = messages.encode_frame(unhex("1122334455667788"), _IPV4, b"x")
    lan.send(0, 1, VERB_FRAME, frame)
    lan.mesh.run(100)
    assert lan.members[1].count("frame_unknown_network") == 1


def test_a_device_that_talks_to_more_members_than_it_remembers_still_reaches_all():
    lan = Lan(2, limits=DEVICE)
    network = lan.networks[0]
    for number in range(100):
        mac = ethernet.mac_of(b"\x10\x00\x00\x00" + bytes((number,)), lan.nwid)
        network.transmit(mac + network.mac + _IPV4_BYTES + b"x", lan.mesh.now)
    assert len(network.members) == DEVICE.members
    lan.transmit(0, lan.frame(0, 1), 6000)
    assert lan.ports[1].frames == [lan.frame(0, 1)]


def test_an_error_from_a_stranger_brings_it_nothing():
    lan = Lan(1)
    stranger = lan.mesh.add()
    error = messages.encode_error(
        VERB_FRAME, bytes(8), ERROR_NEED_MEMBERSHIP_CERTIFICATE, lan.nwid
    )
    got = []
    stranger.node.transport.verbs[VERB_NETWORK_CREDENTIALS] = lambda peer, packet, now: (
        got.append(now) or 1
    )
    stranger.node.transport.send(lan.members[0].address, VERB_ERROR, (error,), lan.mesh.now)
    lan.mesh.run(1000)
    assert got == [] and len(lan.networks[0].members) == 0
    assert lan.members[0].count("credentials_asked_by_stranger") == 1


def test_changed_credentials_are_pushed_with_the_next_frame():
    lan = Lan()
    lan.transmit(0, lan.frame(0, 1))
    pushed = []
    receive = lan.members[1].node.transport.verbs[VERB_NETWORK_CREDENTIALS]
    lan.members[1].node.transport.verbs[VERB_NETWORK_CREDENTIALS] = lambda peer, packet, now: (
        pushed.append(peer.address) or receive(peer, packet, now)
    )
    record = json.loads(
        lan.controller.store.get(
            "controller.d/network/%s/member/%s.json"
            % (lan.nwid.hex(), lan.members[0].address.hex())
        ).decode()
    )
    assert record["authorized"]
    put_member(lan.controller, lan.nwid, lan.members[0].address, ipAssignments=["10.147.17.99"])
    lan.mesh.run(3000)
    lan.transmit(0, lan.frame(0, 1))
    assert pushed.count(lan.members[0].address) == 1
