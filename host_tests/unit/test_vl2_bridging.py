"""Bridges of a network: hosts behind others, hosts behind us, and what a bridge must not do."""

from host_tests.unit.mesh import Lan, put_member
from host_tests.unit.support import unhex
from zerotier.vl2 import ethernet
from zerotier.vl2.bridges import Bridges
from zerotier.wire import messages
from zerotier.wire.config import ROLE_ACTIVE_BRIDGE, NetworkConfig
from zerotier.wire.verbs import VERB_EXT_FRAME, VERB_MULTICAST_FRAME

_HOST = unhex("0a0000000001")
_HOST_2 = unhex("0a0000000002")
_STRANGER = unhex("0a0000000099")
_GROUP = unhex("01005e0000fb")
_IPV4 = b"\x08\x00"


class Wire:
    """The Ethernet that is joined to a network: keeps what is delivered to it."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def deliver(self, frame: memoryview) -> None:
        self.frames.append(bytes(frame))


class Bridged(Lan):
    """Members 0 to 2; those in `bridges` join an Ethernet to the network, and may if `allowed`."""

    def __init__(self, bridges=(0,), allowed: bool = True, **fields) -> None:
        super().__init__(3, **fields)
        self.wires = {}
        self.bridges = {}
        for number in bridges:
            if allowed:
                address = self.members[number].address
                put_member(self.controller, self.nwid, address, activeBridge=True)
            wire = Wire()
            self.wires[number] = wire
            self.bridges[number] = self.networks[number].join_ethernet(wire, None)
        self.mesh.run(3000)

    def heard(self, number: int, frame: bytes) -> None:
        """A host on the Ethernet of a bridge sends."""
        self.bridges[number].receive(frame, self.mesh.now)
        self.mesh.run(1000)


def test_a_bridged_host_and_a_member_reach_each_other():
    lan = Bridged()
    out = lan.networks[1].mac + _HOST + _IPV4 + b"out"
    lan.heard(0, out)
    assert lan.ports[1].frames == [out] and lan.ports[0].frames == []
    back = _HOST + lan.networks[1].mac + _IPV4 + b"back"
    lan.transmit(1, back)
    assert lan.wires[0].frames == [back]
    assert lan.ports[0].frames == [] and lan.ports[2].frames == []


def test_hosts_behind_two_bridges_reach_each_other():
    lan = Bridged((0, 1))
    first = _HOST_2 + _HOST + _IPV4 + b"where are you?"
    lan.heard(0, first)
    assert lan.wires[1].frames == [first]
    answer = _HOST + _HOST_2 + _IPV4 + b"here"
    lan.heard(1, answer)
    assert lan.wires[0].frames == [answer] and lan.ports[2].frames == []


def test_a_host_that_nobody_heard_of_is_looked_for_behind_all_bridges():
    lan = Bridged((0, 1))
    frame = _STRANGER + lan.networks[2].mac + _IPV4 + b"anybody?"
    lan.transmit(2, frame)
    assert lan.wires[0].frames == lan.wires[1].frames == [frame]
    lan.heard(1, lan.networks[2].mac + _STRANGER + _IPV4 + b"me")
    lan.transmit(2, frame)
    assert lan.wires[0].frames == [frame] and lan.wires[1].frames == [frame, frame]


def test_broadcasts_cross_the_bridge_both_ways():
    lan = Bridged()
    out = ethernet.BROADCAST + _HOST + _IPV4 + b"out"
    lan.heard(0, out)
    for port in lan.ports:
        assert port.frames == [out]
    assert lan.wires[0].frames == []
    back = ethernet.BROADCAST + lan.networks[1].mac + _IPV4 + b"back"
    lan.transmit(1, back)
    assert lan.wires[0].frames == [back] and lan.ports[0].frames == [out, back]
    ours = ethernet.BROADCAST + lan.networks[0].mac + _IPV4 + b"ours"
    lan.transmit(0, ours)
    assert lan.wires[0].frames == [back, ours] and lan.ports[1].frames[-1] == ours


def test_a_bridge_gets_groups_that_only_its_hosts_listen_to():
    lan = Bridged()
    frame = _GROUP + lan.networks[1].mac + _IPV4 + b"mdns"
    lan.transmit(1, frame)
    assert lan.wires[0].frames == [frame]


def test_what_bridged_hosts_send_to_groups_makes_the_bridge_listen():
    lan = Bridged()
    assert not lan.networks[0].subscriptions.includes(_GROUP, 0, lan.mesh.now)
    lan.heard(0, _GROUP + _HOST + _IPV4 + b"mdns")
    assert lan.networks[0].subscriptions.includes(_GROUP, 0, lan.mesh.now)
    assert not lan.networks[0].subscriptions.includes(_GROUP, 0, lan.mesh.now + 1200001)


def test_the_bridge_itself_talks_to_both_sides():
    lan = Bridged()
    local = lan.networks[0].mac + _HOST + _IPV4 + b"to the bridge"
    lan.heard(0, local)
    assert lan.ports[0].frames == [local]
    answer = _HOST + lan.networks[0].mac + _IPV4 + b"from the bridge"
    lan.transmit(0, answer)
    assert lan.wires[0].frames == [answer]
    lan.heard(0, _HOST + _HOST_2 + _IPV4 + b"among ourselves")
    assert lan.wires[0].frames == [answer] and lan.ports[1].frames == []


def test_who_is_no_bridge_neither_sends_nor_takes_for_others():
    lan = Bridged(allowed=False)
    lan.heard(0, lan.networks[1].mac + _HOST + _IPV4 + b"out")
    assert lan.members[0].count("bridge_not_allowed") == 1
    lan.networks[0].outbound.transmit(
        memoryview(lan.networks[1].mac + _HOST + _IPV4 + b"out"), lan.mesh.now
    )
    assert lan.members[0].count("frame_foreign_source_out") == 1
    lan.transmit(1, _HOST + lan.networks[1].mac + _IPV4 + b"back")
    assert lan.members[1].count("frame_to_nobody") == 1
    head = messages.encode_ext_frame(lan.nwid, 0, lan.networks[1].mac, _HOST, 0x0800, b"forged")
    lan.transmit(0, lan.frame(0, 1))
    lan.ports[1].frames.clear()
    lan.send(0, 1, VERB_EXT_FRAME, head)
    packed = messages.encode_multicast_frame(
        lan.nwid, 0, 0, _HOST, ethernet.BROADCAST, 0, 0x0800, b"forged"
    )
    lan.send(0, 1, VERB_MULTICAST_FRAME, packed)
    head = messages.encode_ext_frame(lan.nwid, 0, _HOST, lan.networks[0].mac, 0x0800, b"not yours")
    lan.send(0, 1, VERB_EXT_FRAME, head)
    lan.mesh.run(1000)
    assert lan.ports[1].frames == []
    assert lan.members[1].count("frame_foreign_source_in") == 2
    assert lan.members[1].count("frame_not_for_us") == 1


def test_a_bridge_cannot_speak_for_a_member():
    lan = Bridged()
    victim = lan.networks[2].mac
    lan.transmit(0, lan.frame(0, 1))
    lan.ports[1].frames.clear()
    lan.heard(0, lan.networks[1].mac + victim + _IPV4 + b"forged")  # our own bridge refuses
    assert lan.members[0].count("bridge_source_refused") == 1
    for destination in (lan.networks[1].mac, ethernet.BROADCAST):
        head = messages.encode_ext_frame(lan.nwid, 0, destination, victim, 0x0800, b"forged")
        lan.send(0, 1, VERB_EXT_FRAME, head)  # and so does a receiver if it does not
    packed = messages.encode_multicast_frame(
        lan.nwid, 0, 0, victim, ethernet.BROADCAST, 0, 0x0800, b"forged"
    )
    lan.send(0, 1, VERB_MULTICAST_FRAME, packed)
    packed = messages.encode_multicast_frame(
        lan.nwid, 0, 0, _GROUP, ethernet.BROADCAST, 0, 0x0800, b"forged"
    )
    lan.send(0, 1, VERB_MULTICAST_FRAME, packed)
    lan.mesh.run(1000)
    assert lan.ports[1].frames == []
    assert lan.members[1].count("frame_foreign_source_in") == 4


def test_a_bridge_that_loses_its_role_is_forgotten():
    lan = Bridged()
    lan.heard(0, lan.networks[1].mac + _HOST + _IPV4 + b"out")
    put_member(lan.controller, lan.nwid, lan.members[0].address, activeBridge=False)
    lan.mesh.run(3000)
    lan.transmit(1, _HOST + lan.networks[1].mac + _IPV4 + b"back")
    assert lan.wires[0].frames == [] and lan.members[1].count("frame_to_nobody") == 1
    lan.heard(0, lan.networks[1].mac + _HOST + _IPV4 + b"out")
    assert lan.members[0].count("bridge_not_allowed") == 1


def test_a_host_behind_a_former_bridge_is_looked_for_behind_the_others():
    lan = Bridged((0, 1))
    lan.heard(0, lan.networks[2].mac + _HOST + _IPV4 + b"out")
    put_member(lan.controller, lan.nwid, lan.members[0].address, activeBridge=False)
    lan.mesh.run(3000)
    back = _HOST + lan.networks[2].mac + _IPV4 + b"back"
    lan.transmit(2, back)
    assert lan.wires[1].frames == [back] and lan.wires[0].frames == []


def test_bridged_frames_have_to_pass_the_rules():
    rules = [
        {"type": "MATCH_MAC_SOURCE", "mac": "0a:00:00:00:00:02", "not": False, "or": False},
        {"type": "ACTION_DROP"},
        {"type": "ACTION_ACCEPT"},
    ]
    lan = Bridged(rules=rules)
    for host in (_HOST, _HOST_2):
        lan.heard(0, lan.networks[1].mac + host + _IPV4 + b"x")
        lan.heard(0, ethernet.BROADCAST + host + _IPV4 + b"x")
    assert {frame[6:12] for frame in lan.ports[1].frames} == {_HOST}
    assert len(lan.ports[1].frames) == 2


def test_a_host_may_move_from_one_bridge_to_another_and_to_our_own_ethernet():
    lan = Bridged((0, 1))
    frame = _HOST + lan.networks[2].mac + _IPV4 + b"there?"
    for at in (0, 1, 0):
        lan.heard(at, lan.networks[2].mac + _HOST + _IPV4 + b"here")
        lan.heard(at, _HOST_2 + _HOST + _IPV4 + b"here")
        for wire in lan.wires.values():
            wire.frames.clear()
        lan.transmit(2, frame)
        lan.transmit(1 - at, _HOST + lan.networks[1 - at].mac + _IPV4 + b"from the other bridge")
        assert [len(lan.wires[number].frames) for number in (at, 1 - at)] == [2, 0]


def test_a_host_that_was_silent_for_long_may_be_anywhere():
    lan = Bridged((0, 1))
    lan.heard(0, lan.networks[2].mac + _HOST + _IPV4 + b"here")
    frame = _HOST + lan.networks[2].mac + _IPV4 + b"there?"
    lan.transmit(2, frame, 250000)
    assert [len(wire.frames) for wire in lan.wires.values()] == [1, 0]
    lan.mesh.run(51000)
    lan.transmit(2, frame)
    assert [len(wire.frames) for wire in lan.wires.values()] == [2, 1]
    lan.transmit(0, _HOST + lan.networks[0].mac + _IPV4 + b"from the bridge itself")
    assert len(lan.wires[1].frames) == 2


def test_hosts_of_an_ethernet_that_was_left_are_forgotten():
    lan = Bridged()
    lan.heard(0, lan.networks[1].mac + _HOST + _IPV4 + b"here")
    network = lan.networks[0]
    assert network.bridges.way(_HOST, lan.mesh.now) == b""
    network.leave_ethernet()
    assert network.bridges.way(_HOST, lan.mesh.now) is None


def test_the_table_of_hosts_is_bounded_and_the_longest_silent_leaves():
    counted = []
    bridges = Bridges(bytes(8), b"\x01\x02\x03\x04\x05", 2, counted.append)
    config = NetworkConfig()
    other, third = b"\x02\x02\x03\x04\x05", b"\x03\x02\x03\x04\x05"
    config.specialists = [(other, ROLE_ACTIVE_BRIDGE), (third, ROLE_ACTIVE_BRIDGE)]
    bridges.set(config)
    for number, mac in enumerate((_HOST, _HOST_2)):
        assert bridges.hears(mac, other, 1000 + number)
    assert bridges.hears(_HOST, other, 2000)
    assert bridges.hears(_STRANGER, third, 3000)
    assert counted == ["bridged_host_evicted"]
    assert bridges.towards(_HOST, 4000) == [other] and bridges.towards(_STRANGER, 4000) == [third]
    assert sorted(bridges.towards(_HOST_2, 4000)) == [other, third]
    assert bridges.hears(_STRANGER, other, 5000) and bridges.towards(_STRANGER, 5000) == [other]


def test_a_broken_ethernet_frame_costs_nothing():
    lan = Bridged()
    for frame in (b"", bytes(14), _HOST):
        lan.heard(0, frame)
    assert lan.members[0].count("frame_size_bridged") == 3
