"""Bridged hosts in the datapath: their unicast frames pass in C between the joined Ethernet, the port and the members.

Owns what one datapath does with one frame; who may bridge whom is the matter of test_vl2_bridging.py. CPython only.
"""

import pytest
from _zerotier import Holdings, RuleSet, dearmor

from host_tests.unit.test_datapath import (
    DIRECT,
    KEY,
    MTU,
    NOW,
    NWID,
    OUR_MAC,
    OURS,
    STRANGER,
    THEIR_MAC,
    THEIRS,
    Bench,
    Port,
    datagrams_of,
    ethernet,
    ext_payload,
)
from zerotier.vl2.ethernet import BROADCAST, mac_of
from zerotier.wire.verbs import VERB_EXT_FRAME

FRAME = 3
BRIDGED = 5
AGE = 300_000  # ms
HERE = bytes.fromhex("0a0000000001")  # on the joined Ethernet
ALSO_HERE = bytes.fromhex("0a0000000002")
THERE = bytes.fromhex("0a0000000003")  # behind the peer
UNKNOWN = bytes.fromhex("0a0000000004")
HEADER = 37  # of an EXT_FRAME


class Bridge(Bench):
    """An Ethernet is joined; where the hosts are is known."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.ethernet = Port()
        assert self.datapath.join_ethernet(NWID, self.ethernet)
        for mac, address in ((HERE, OURS), (ALSO_HERE, OURS), (THERE, THEIRS)):
            assert self.datapath.set_host(NWID, mac, address, NOW)

    def hear(self, frame: bytes, now: int = NOW) -> None:
        self.datapath.bridge(NWID, frame, now)

    def sent_frames(self) -> list[bytes]:
        """What was sent in EXT_FRAMEs of one datagram each."""
        frames = []
        for datagram, endpoint in self.sent:
            packet = bytearray(datagram)
            assert endpoint == DIRECT and dearmor(KEY, packet)
            assert packet[27] == VERB_EXT_FRAME and packet[28:HEADER] == NWID + b"\x00"
            frames.append(bytes(packet[HEADER:]))
        self.sent.clear()
        return frames


@pytest.mark.parametrize("size", [1, 2, 3, 46, 1000, 1380])
def test_frames_of_hosts_here_go_to_members_and_hosts_behind_them(size: int) -> None:
    bridge = Bridge()
    for destination in (THEIR_MAC, THERE):
        frame = ethernet(destination, HERE, bytes(n & 0xFF for n in range(size)))
        bridge.hear(frame)
        assert bridge.sent_frames() == [frame]
    assert bridge.records() == [] and bridge.counted() == {"frames_out": 2}


def test_frames_to_hosts_behind_a_member_leave_the_stack_with_their_macs() -> None:
    bridge = Bridge()
    for size in (1, 2, 3, 1000):
        frame = ethernet(THERE, OUR_MAC, b"y" * size)
        bridge.datapath.transmit(NWID, frame, NOW)
        assert bridge.sent_frames() == [frame]
    bridge.datapath.transmit(NWID, ethernet(HERE, OUR_MAC, b"y"), NOW)
    assert bridge.ethernet.frames == [ethernet(HERE, OUR_MAC, b"y")]
    assert bridge.records() == [] and bridge.sent == []


def test_large_frames_of_hosts_are_cut() -> None:
    bridge = Bridge()
    frame = ethernet(THEIR_MAC, HERE, b"z" * MTU)
    bridge.hear(frame)
    assert [len(datagram) for datagram, _ in bridge.sent] == [1432, 1432, 19]
    whole = bytearray(bridge.sent[0][0] + bridge.sent[1][0][16:] + bridge.sent[2][0][16:])
    assert dearmor(KEY, whole) and whole[HEADER:] == frame and bridge.records() == []


@pytest.mark.parametrize("size", [1, 60, 1400, MTU])
@pytest.mark.parametrize("source", [THEIR_MAC, THERE])
def test_frames_for_hosts_here_go_to_the_ethernet(source: bytes, size: int) -> None:
    bridge = Bridge()
    bridge.receive(*datagrams_of(VERB_EXT_FRAME, ext_payload(HERE, source, b"x" * size)))
    assert bridge.ethernet.frames == [ethernet(HERE, source, b"x" * size)]
    assert bridge.port.frames == [] and bridge.records() == []


def test_frames_of_hosts_behind_a_member_reach_the_port() -> None:
    bridge = Bridge()
    bridge.receive(*datagrams_of(VERB_EXT_FRAME, ext_payload(OUR_MAC, THERE, b"x")))
    assert bridge.port.frames == [ethernet(OUR_MAC, THERE, b"x")]
    assert bridge.ethernet.frames == [] and bridge.records() == []


def test_hosts_here_reach_the_bridge_itself_and_not_each_other_through_it() -> None:
    bridge = Bridge()
    bridge.hear(ethernet(OUR_MAC, HERE, b"to you"))
    bridge.hear(ethernet(ALSO_HERE, HERE, b"among ourselves"))
    assert bridge.port.frames == [ethernet(OUR_MAC, HERE, b"to you")]
    assert (bridge.ethernet.frames, bridge.sent, bridge.records()) == ([], [], [])


def test_a_refusal_by_the_ethernet_is_counted() -> None:
    bridge = Bridge()
    bridge.ethernet.takes = False
    bridge.receive(*datagrams_of(VERB_EXT_FRAME, ext_payload(HERE, THEIR_MAC, b"x")))
    assert bridge.counted() == {"frame_not_taken": 1}


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(THEIR_MAC, UNKNOWN, b"a new host"),
        ethernet(THEIR_MAC, THERE, b"one that was elsewhere"),
        ethernet(THEIR_MAC, THEIR_MAC, b"a lie"),
        ethernet(THEIR_MAC, OUR_MAC, b"a lie about us"),
        ethernet(UNKNOWN, HERE, b"to nobody known"),
        ethernet(BROADCAST, HERE, b"to everybody"),
        ethernet(mac_of(STRANGER, NWID), HERE, b"to a stranger"),
    ],
)
def test_what_policy_must_judge_of_the_ethernet_goes_to_python(frame: bytes) -> None:
    bridge = Bridge()
    bridge.hear(frame)
    assert bridge.records() == [(BRIDGED, frame, NWID)]
    assert (bridge.port.frames, bridge.ethernet.frames, bridge.sent) == ([], [], [])


@pytest.mark.parametrize(
    "destination, source",
    [
        (OUR_MAC, UNKNOWN),
        (OUR_MAC, HERE),  # a host that has moved, or a lie
        (OUR_MAC, mac_of(STRANGER, NWID)),
        (HERE, UNKNOWN),
        (HERE, mac_of(STRANGER, NWID)),
        (UNKNOWN, THEIR_MAC),
        (THERE, THEIR_MAC),
        (mac_of(STRANGER, NWID), THEIR_MAC),
    ],
)
def test_what_policy_must_judge_of_the_network_goes_to_python(
    destination: bytes, source: bytes
) -> None:
    bridge = Bridge()
    bridge.receive(*datagrams_of(VERB_EXT_FRAME, ext_payload(destination, source, b"x")))
    assert [kind for kind, _, _ in bridge.records()] == [1]
    assert bridge.port.frames == [] and bridge.ethernet.frames == []


def test_nobody_bridges_for_a_member_that_is_not_admitted_or_not_open() -> None:
    bridge = Bridge(flags=0)
    bridge.hear(ethernet(THEIR_MAC, HERE, b"x"))
    bridge.hear(ethernet(THERE, HERE, b"x"))
    bridge.receive(*datagrams_of(VERB_EXT_FRAME, ext_payload(HERE, THEIR_MAC, b"x")))
    assert [kind for kind, _, _ in bridge.records()] == [BRIDGED, BRIDGED, 1]
    assert bridge.ethernet.frames == [] and bridge.sent == []


def test_a_silent_host_is_forgotten_and_one_that_is_heard_is_not() -> None:
    bridge = Bridge()
    to_host = datagrams_of(VERB_EXT_FRAME, ext_payload(HERE, THEIR_MAC, b"x"))
    bridge.receive(*to_host, now=NOW + AGE)
    bridge.hear(ethernet(THEIR_MAC, HERE, b"I am here"), NOW + AGE)
    bridge.receive(*to_host, now=NOW + 2 * AGE)
    assert len(bridge.ethernet.frames) == 2 and bridge.records() == []
    bridge.receive(*to_host, now=NOW + 2 * AGE + 2000)
    bridge.hear(ethernet(THEIR_MAC, ALSO_HERE, b"I was silent"), NOW + 2 * AGE)
    assert [kind for kind, _, _ in bridge.records()] == [1, BRIDGED]
    assert len(bridge.ethernet.frames) == 2


@pytest.mark.parametrize("how", ["forget_hosts", "leave", "remove"])
def test_hosts_are_forgotten_with_their_bridges(how: str) -> None:
    bridge = Bridge()
    if how == "forget_hosts":
        bridge.datapath.forget_hosts(NWID)
    elif how == "leave":
        assert bridge.datapath.join_ethernet(NWID, None)
        assert not bridge.datapath.set_host(NWID, HERE, OURS, NOW)
    else:
        bridge.datapath.remove_network(NWID)
        bridge.datapath.add_network(NWID, OUR_MAC, MTU, bridge.port)
        bridge.datapath.set_member(NWID, THEIRS, 3)
    bridge.receive(*datagrams_of(VERB_EXT_FRAME, ext_payload(HERE, THEIR_MAC, b"x")))
    bridge.hear(ethernet(THEIR_MAC, HERE, b"x"))
    bridge.datapath.transmit(NWID, ethernet(THERE, OUR_MAC, b"x"), NOW)
    assert [kind for kind, _, _ in bridge.records()] == [1, BRIDGED, FRAME]
    assert bridge.ethernet.frames == [] and bridge.sent == []


def test_hosts_of_one_network_are_not_those_of_another() -> None:
    bridge = Bridge()
    other = NWID[:7] + b"\x02"
    bridge.datapath.add_network(other, mac_of(OURS, other), MTU, Port())
    bridge.datapath.join_ethernet(other, Port())
    assert bridge.datapath.set_member(other, THEIRS, 3)
    for destination in (THERE, mac_of(THEIRS, other)):
        bridge.datapath.bridge(other, ethernet(destination, HERE, b"x"), NOW)
    assert [kind for kind, _, _ in bridge.records()] == [BRIDGED, BRIDGED]
    assert bridge.sent == []
    assert not bridge.datapath.set_host(bytes(8), HERE, OURS, NOW)
    assert not bridge.datapath.join_ethernet(bytes(8), Port())


def test_more_hosts_than_there_is_room_for_push_out_the_longest_silent() -> None:
    bridge = Bridge()
    macs = [b"\x0c\x00\x00\x00" + bytes([n >> 8, n & 0xFF]) for n in range(200)]
    for number, mac in enumerate(macs):
        bridge.datapath.set_host(NWID, mac, OURS, NOW + 1000 * number)
    known = 0
    for mac in macs:
        bridge.hear(ethernet(OUR_MAC, mac, b"x"), NOW + 200_000)
        known += bridge.records() == []
    assert known == 64
    bridge.hear(ethernet(OUR_MAC, macs[-1], b"x"), NOW + 200_000)
    assert bridge.records() == []


DROP = bytes.fromhex("0000")
ACCEPT = bytes.fromhex("0100")
OWNER = bytes.fromhex("a9080800000000000000")  # NOT sender's MAC authenticated
IP_OWNER = bytes.fromhex("a9081000000000000000")  # NOT sender's IP authenticated


def _rules(rules: bytes) -> RuleSet:
    return RuleSet(rules, OURS, None, False, b"", 0)


def test_bridged_frames_pass_the_rules_both_ways() -> None:
    bridge = Bridge()
    of_host = bytes([0x80 | 29, 6]) + HERE  # NOT MAC_SOURCE
    assert bridge.datapath.set_rules(NWID, _rules(of_host + DROP + ACCEPT))
    frame = ethernet(THEIR_MAC, HERE, b"x")
    bridge.hear(frame)
    bridge.hear(ethernet(THEIR_MAC, ALSO_HERE, b"x"))
    bridge.hear(ethernet(THERE, ALSO_HERE, b"x"))
    assert bridge.sent_frames() == [frame]
    bridge.receive(*datagrams_of(VERB_EXT_FRAME, ext_payload(HERE, THERE, b"x")))
    assert bridge.ethernet.frames == [] and bridge.records() == []
    assert bridge.counted() == {"frames_out": 1, "rules_drop_out": 2, "rules_drop_in": 1}


def test_a_rule_about_the_receiver_sees_first_nobody_and_then_the_bridge() -> None:
    for address, passes in ((bytes(5), False), (THEIRS, False), (STRANGER, True)):
        bridge = Bridge()
        to_member = bytes([25, 5]) + address  # DEST_ZEROTIER_ADDRESS
        assert bridge.datapath.set_rules(NWID, _rules(to_member + DROP + ACCEPT))
        bridge.hear(ethernet(THERE, HERE, b"x"))
        assert (bridge.sent != []) == passes and bridge.records() == []


def test_a_bridge_speaks_only_for_macs_that_it_owns_where_rules_ask_for_that() -> None:
    bridge = Bridge()
    assert bridge.datapath.set_rules(NWID, _rules(OWNER + DROP + ACCEPT))
    lie = datagrams_of(VERB_EXT_FRAME, ext_payload(OUR_MAC, THERE, b"x"))
    bridge.receive(*lie)
    assert bridge.port.frames == [] and bridge.counted() == {"rules_drop_in": 1}
    owned = Holdings(b"", bytes([0, 0, 0, 1, 1, 1]) + THERE + bytes(10), b"")
    assert bridge.datapath.set_holdings(NWID, THEIRS, owned)
    bridge.receive(*lie)
    assert bridge.port.frames == [ethernet(OUR_MAC, THERE, b"x")]


def test_a_bridge_speaks_only_for_ips_that_it_owns_where_rules_ask_for_that() -> None:
    bridge = Bridge()
    assert bridge.datapath.set_rules(NWID, _rules(IP_OWNER + DROP + ACCEPT))
    ip = bytes.fromhex("0a010203")
    packet = b"\x45" + bytes(11) + ip + bytes(4)
    lies = [
        datagrams_of(VERB_EXT_FRAME, ext_payload(destination, source, packet))
        for destination in (OUR_MAC, HERE)
        for source in (THERE, THEIR_MAC)
    ]
    for lie in lies:
        bridge.receive(*lie)
    assert bridge.port.frames == bridge.ethernet.frames == bridge.records() == []
    bridge.hear(ethernet(THEIR_MAC, HERE, packet))  # nor do hosts here for what we do not own
    bridge.hear(ethernet(THERE, HERE, packet))
    assert bridge.sent == bridge.records() == []
    assert bridge.counted() == {"rules_drop_in": 4, "rules_drop_out": 2}
    owned = Holdings(b"", bytes([0, 0, 0, 1, 1, 2]) + ip + bytes(12), b"")
    assert bridge.datapath.set_holdings(NWID, THEIRS, owned)
    for lie in lies:
        bridge.receive(*lie)
    assert len(bridge.port.frames) == len(bridge.ethernet.frames) == 2


def test_frames_that_are_empty_or_too_long_are_counted() -> None:
    bridge = Bridge()
    bridge.hear(ethernet(THEIR_MAC, HERE, b""))
    bridge.hear(ethernet(THEIR_MAC, HERE, bytes(MTU + 1)))
    assert bridge.counted() == {"frame_size_out": 2}
    bridge.datapath.bridge(bytes(8), ethernet(THEIR_MAC, HERE, b"x"), NOW)
    assert bridge.counted() == {"frame_size_out": 2, "frame_unknown_network": 1}


def test_arguments_of_the_wrong_length_are_refused() -> None:
    datapath = Bridge().datapath
    for call in (
        lambda: datapath.join_ethernet(b"", None),
        lambda: datapath.set_host(NWID, b"", OURS, NOW),
        lambda: datapath.set_host(NWID, HERE, b"", NOW),
        lambda: datapath.set_host(NWID, HERE, OURS, -1),
        lambda: datapath.forget_hosts(b""),
        lambda: datapath.bridge(b"", b"", NOW),
    ):
        with pytest.raises(ValueError):
            call()
