"""The datapath in C, as its driver sees it: datagrams in, frames out, and everything else handed to Python.

Owns what one datapath does with one packet, against packets made by the Python side's own functions. Never whole nodes.
CPython only: ports and wire are Python objects there.
"""

import errno
import sys

import pytest
from _zerotier import Datapath, Holdings, RuleSet, armor, dearmor

from zerotier.vl1.packet_ids import PacketIds
from zerotier.vl2.ethernet import mac_of
from zerotier.wire import messages
from zerotier.wire.packet import (
    DEFAULT_MTU,
    detour,
    fragment,
    fragment_count,
    is_detour,
    write_header,
)
from zerotier.wire.verbs import VERB_ECHO, VERB_EXT_FRAME, VERB_FRAME, VERB_HELLO, VERB_WHOIS

ADMITTED = 1
OPEN = 2
PACKET = 1
RAW = 2
FRAME = 3
PATH = 4

OURS = bytes.fromhex("0102030405")
THEIRS = bytes.fromhex("a1a2a3a4a5")
STRANGER = bytes.fromhex("b1b2b3b4b5")
NWID = bytes.fromhex("8056c2e21c000001")
OTHER_NWID = bytes.fromhex("8056c2e21c000002")
KEY = bytes(range(32))
DIRECT = bytes.fromhex("040a0000022709")
ELSEWHERE = bytes.fromhex("040a0000032709")
SIX = b"\x06" + bytes(15) + b"\x01\x27\x09"
OUR_MAC = mac_of(OURS, NWID)
THEIR_MAC = mac_of(THEIRS, NWID)
MTU = 2800
RING = 1 << 16
SLOTS = 4
NOW = 1_000_000
IPV4 = 0x0800


class Port:
    """A local port that collects frames."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.takes = True

    def deliver(self, frame) -> bool:
        if self.takes:
            self.frames.append(bytes(frame))
        return self.takes


class Bench:
    """A datapath with one peer, one network and a wire."""

    def __init__(self, flags: int = ADMITTED | OPEN, peers: int = 4, ring: int = RING) -> None:
        self.port = Port()
        self.sent: list[tuple[bytes, bytes]] = []
        self.datapath = Datapath(OURS, peers, 2, SLOTS, ring)
        self.datapath.on_send = self.send
        self.datapath.set_peer(THEIRS, KEY + bytes(16))
        assert self.datapath.set_paths(THEIRS, (DIRECT, SIX), DIRECT)
        self.datapath.add_network(NWID, OUR_MAC, MTU, self.port)
        assert self.datapath.set_member(NWID, THEIRS, flags)
        self.datapath.set_ids(b"\x00\x00\x01\x00\x00")

    def send(self, datagram, endpoint: bytes) -> None:
        self.sent.append((bytes(datagram), endpoint))

    def receive(self, *datagrams: bytes, endpoint: bytes = DIRECT, now: int = NOW) -> None:
        for datagram in datagrams:
            self.datapath.receive(datagram, endpoint, now)

    def records(self) -> list[tuple[int, bytes, bytes]]:
        found = []
        record = self.datapath.next()
        while record is not None:
            found.append((record[0], bytes(record[1]), record[2]))
            record = self.datapath.next()
        return found

    def counted(self) -> dict[str, int]:
        return {name: value for name, value in self.datapath.counters().items() if value}


def packet_of(verb: int, payload: bytes, **changed) -> bytes:
    """An armored packet from the peer, as one piece."""
    packet = bytearray(28 + len(payload))
    source = changed.get("source", THEIRS)
    write_header(packet, changed.get("id", b"\x07" * 8), changed.get("to", OURS), source, verb)
    packet[28:] = payload
    packet[18] |= changed.get("flags", 0)
    armor(changed.get("key", KEY), packet, changed.get("cipher", 1))
    return bytes(packet)


def datagrams_of(verb: int, payload: bytes, mtu: int = DEFAULT_MTU, **changed) -> list[bytes]:
    total = fragment_count(28 + len(payload), mtu)
    packet = packet_of(verb, payload, flags=0x40 if total > 1 else 0, **changed)
    pieces = [packet[:mtu]]
    view = memoryview(bytearray(packet))
    return pieces + [bytes(fragment(view, n, total, mtu)) for n in range(1, total)]


def frame_payload(content: bytes, nwid: bytes = NWID) -> bytes:
    return nwid + IPV4.to_bytes(2, "big") + content


def ethernet(destination: bytes, source: bytes, content: bytes) -> bytes:
    return destination + source + IPV4.to_bytes(2, "big") + content


def ext_payload(destination: bytes, source: bytes, content: bytes, flags: int = 0) -> bytes:
    return NWID + bytes([flags]) + ethernet(destination, source, content)


# --- frames in ---


@pytest.mark.parametrize("size", [1, 2, 15, 46, 60, 1300, 1394, 1395, 1500, 2794, 2800])
def test_a_frame_of_a_member_reaches_the_port(size: int) -> None:
    bench = Bench()
    content = bytes(n & 0xFF for n in range(size))
    bench.receive(*datagrams_of(VERB_FRAME, frame_payload(content)))
    assert bench.port.frames == [ethernet(OUR_MAC, THEIR_MAC, content)]
    assert bench.records() == []
    assert bench.counted() == {"frames_in": 1}


@pytest.mark.parametrize("size", [1, 60, 1400, 2800])
def test_an_ext_frame_with_the_right_macs_reaches_the_port(size: int) -> None:
    bench = Bench()
    payload = ext_payload(OUR_MAC, THEIR_MAC, b"x" * size)
    bench.receive(*datagrams_of(VERB_EXT_FRAME, payload))
    assert bench.port.frames == [ethernet(OUR_MAC, THEIR_MAC, b"x" * size)]


def test_fragments_are_put_together_in_any_order_and_of_any_size() -> None:
    for mtu in (500, 1000, 1432):
        datagrams = datagrams_of(VERB_FRAME, frame_payload(bytes(range(250)) * 11), mtu)
        for turned in range(len(datagrams)):
            for order in (1, -1):
                bench = Bench()
                bench.receive(*(datagrams[turned:] + datagrams[:turned])[::order])
                assert len(bench.port.frames) == 1
                assert bench.port.frames[0][14:] == bytes(range(250)) * 11
                assert bench.counted() == {"frames_in": 1}


def test_packets_in_clear_but_authentic_are_frames_too() -> None:
    bench = Bench()
    bench.receive(packet_of(VERB_FRAME, frame_payload(b"hello"), cipher=0))
    assert bench.port.frames == [ethernet(OUR_MAC, THEIR_MAC, b"hello")]


def test_a_port_that_refuses_is_counted() -> None:
    bench = Bench()
    bench.port.takes = False
    bench.receive(packet_of(VERB_FRAME, frame_payload(b"hello")))
    assert bench.counted() == {"frame_not_taken": 1}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (ext_payload(OUR_MAC, OUR_MAC, b"x"), "frame_own_source"),
        (ext_payload(OUR_MAC, THEIR_MAC, b""), "frame_empty"),
        (ext_payload(OUR_MAC, THEIR_MAC, bytes(MTU + 1)), "frame_size_in"),
    ],
)
def test_wrong_macs_and_sizes_are_refused_and_counted(payload: bytes, reason: str) -> None:
    bench = Bench()
    bench.receive(*datagrams_of(VERB_EXT_FRAME, payload))
    assert bench.port.frames == []
    assert bench.records() == []
    assert bench.counted() == {reason: 1}


def test_frames_that_policy_must_judge_go_to_python_opened() -> None:
    com = b"\x01" + bytes(271)
    cases = [
        (VERB_FRAME, frame_payload(b"x", OTHER_NWID)),  # a network that we are not in
        (VERB_FRAME, NWID + b"\x08"),  # malformed
        (VERB_EXT_FRAME, ext_payload(OUR_MAC, THEIR_MAC, b"x", 0x10)),  # wants an answer
        (VERB_EXT_FRAME, NWID + b"\x01" + com + ethernet(OUR_MAC, THEIR_MAC, b"x")),
        (VERB_EXT_FRAME, ext_payload(b"\xff" * 6, THEIR_MAC, b"x")),  # to a group
        (VERB_EXT_FRAME, NWID + b"\x00" + OUR_MAC),  # malformed
        (VERB_EXT_FRAME, ext_payload(OUR_MAC, mac_of(STRANGER, NWID), b"x")),  # behind a bridge?
        (VERB_EXT_FRAME, ext_payload(OUR_MAC, bytes(6), b"x")),
        (VERB_EXT_FRAME, ext_payload(mac_of(STRANGER, NWID), THEIR_MAC, b"x")),  # behind us?
        (VERB_EXT_FRAME, ext_payload(bytes(6), THEIR_MAC, b"x")),
        (VERB_FRAME | 0x80, frame_payload(b"x")),  # compressed
    ]
    for verb, payload in cases:
        bench = Bench()
        packet = packet_of(verb, payload)
        plain = bytearray(packet)
        assert dearmor(KEY, plain)
        bench.receive(packet)
        assert bench.port.frames == []
        assert bench.records() == [(PACKET, bytes(plain), DIRECT)]


def test_a_frame_of_a_stranger_to_the_network_goes_to_python() -> None:
    for flags in (0, OPEN):
        bench = Bench(flags)
        bench.receive(packet_of(VERB_FRAME, frame_payload(b"x")))
        assert bench.port.frames == []
        assert [record[0] for record in bench.records()] == [PACKET]


def test_frames_stop_when_peer_or_network_are_removed() -> None:
    bench = Bench()
    packet = packet_of(VERB_FRAME, frame_payload(b"x"))
    bench.datapath.remove_network(NWID)
    bench.receive(packet)
    bench.datapath.add_network(NWID, OUR_MAC, MTU, bench.port)
    bench.receive(packet)  # the membership went with the network
    bench.datapath.set_member(NWID, THEIRS, ADMITTED)
    bench.receive(packet)
    bench.datapath.remove_peer(THEIRS)
    bench.receive(packet)
    assert len(bench.port.frames) == 1
    assert [record[0] for record in bench.records()] == [PACKET, PACKET, RAW]


# --- packets that are not frames ---


def test_other_verbs_go_to_python_opened() -> None:
    bench = Bench()
    packet = packet_of(VERB_ECHO, b"payload")
    bench.receive(packet, endpoint=SIX)
    plain = bytearray(packet)
    assert dearmor(KEY, plain)
    assert bench.records() == [(PACKET, bytes(plain), SIX)]


def test_large_packets_of_other_verbs_are_put_together() -> None:
    bench = Bench()
    datagrams = datagrams_of(VERB_ECHO, bytes(9900))
    assert len(datagrams) == 7
    bench.receive(*reversed(datagrams))
    [(kind, packet, _)] = bench.records()
    assert kind == PACKET
    assert packet[28:] == bytes(9900)


def test_hello_in_clear_goes_to_python_as_it_is() -> None:
    bench = Bench()
    hello = packet_of(VERB_HELLO, bytes(100), source=STRANGER, cipher=0)
    bench.receive(hello)
    assert bench.records() == [(RAW, hello, DIRECT)]


def test_packets_of_unknown_senders_go_to_python_whole_and_closed() -> None:
    bench = Bench()
    packet = packet_of(VERB_WHOIS, bytes(2000), source=STRANGER, flags=0x40)
    view = memoryview(bytearray(packet))
    bench.receive(packet[:DEFAULT_MTU], bytes(fragment(view, 1, 2, DEFAULT_MTU)))
    assert bench.records() == [(RAW, packet, DIRECT)]


def test_what_is_for_somebody_else_goes_to_python_as_datagrams() -> None:
    bench = Bench()
    datagrams = datagrams_of(VERB_ECHO, bytes(2000), to=STRANGER)
    bench.receive(*datagrams)
    assert bench.records() == [(RAW, datagram, DIRECT) for datagram in datagrams]


def test_a_datagram_to_ourselves_that_came_back_goes_to_python() -> None:
    bench = Bench()
    ours = detour(b"by a way", OURS)
    bench.receive(ours)
    assert bench.records() == [(RAW, ours, DIRECT)]


def test_no_piece_of_a_packet_is_taken_for_a_datagram_to_ourselves() -> None:
    for length in range(DEFAULT_MTU + 1, 7 * DEFAULT_MTU):
        last = fragment_count(length, DEFAULT_MTU) - 1
        number = max(last - 1, 1)
        assert not is_detour(
            bytes(fragment(memoryview(bytes(length)), number, last + 1, DEFAULT_MTU))
        )


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "junk"),
        (b"\x01\x02\x03\x04", "junk"),
        (bytes(16), "junk"),
        (bytes(17), "truncated"),
        (bytes(27), "truncated"),
        (packet_of(VERB_ECHO, b"", source=OURS), "own_packet"),
        (packet_of(VERB_ECHO, b"", key=bytes(32)), "bad_mac"),
        (bytes(8) + OURS + b"\xff\x21\x00" + b"x", None),  # the beginning of a packet
        (bytes(8) + OURS + b"\xff\x11\x00" + b"x", "malformed_fragment"),
        (bytes(8) + OURS + b"\xff\x81\x00" + b"x", "malformed_fragment"),
        (bytes(8) + OURS + b"\xff\x22\x00" + b"x", "malformed_fragment"),
        (bytes(8) + OURS + b"\xff\x20\x00" + b"x", "malformed_fragment"),
    ],
)
def test_junk_is_dropped_and_counted_by_reason(datagram: bytes, reason: str | None) -> None:
    bench = Bench()
    bench.receive(datagram)
    assert bench.records() == []
    assert bench.counted() == ({reason: 1} if reason else {})


def test_other_ciphers_are_refused() -> None:
    for cipher in range(2, 8):
        bench = Bench()
        packet = bytearray(packet_of(VERB_ECHO, b""))
        packet[18] = cipher << 3
        bench.receive(bytes(packet))
        assert bench.counted() == {"bad_mac": 1}


# --- fragments that do not become packets ---


def test_duplicates_are_ignored_and_counted() -> None:
    bench = Bench()
    datagrams = datagrams_of(VERB_FRAME, frame_payload(bytes(2500)))
    bench.receive(datagrams[0], datagrams[0], datagrams[1])
    assert len(bench.port.frames) == 1
    assert bench.counted() == {"frames_in": 1, "duplicate_fragment": 1}


def test_more_packets_than_slots_give_up_the_oldest() -> None:
    bench = Bench()
    started = [
        datagrams_of(VERB_FRAME, frame_payload(bytes(2500)), id=bytes([n]) * 8)
        for n in range(SLOTS + 1)
    ]
    for n, datagrams in enumerate(started):
        bench.receive(datagrams[0], now=NOW + n)
    for datagrams in started[1:]:
        bench.receive(datagrams[1], now=NOW + SLOTS + 1)
    assert len(bench.port.frames) == SLOTS
    assert bench.counted() == {"frames_in": SLOTS, "reassembly_incomplete": 1}


def test_fragments_wait_five_seconds() -> None:
    for wait, frames in ((4999, 1), (5000, 0)):
        bench = Bench()
        datagrams = datagrams_of(VERB_FRAME, frame_payload(bytes(2500)))
        bench.receive(datagrams[0])
        bench.receive(datagrams[1], now=NOW + wait)
        assert len(bench.port.frames) == frames


def test_oversized_packets_are_given_up() -> None:
    bench = Bench()
    pieces = [
        bytes(8) + OURS + b"\xff" + bytes([0x70 | n]) + b"\x00" + bytes(1800) for n in range(1, 7)
    ]
    bench.receive(*pieces)
    assert bench.counted() == {"oversized_packet": 1}
    bench.receive(*datagrams_of(VERB_FRAME, frame_payload(bytes(2500))))
    assert len(bench.port.frames) == 1


# --- paths ---


def test_direct_frames_refresh_the_path_they_came_on() -> None:
    bench = Bench()
    packet = packet_of(VERB_FRAME, frame_payload(b"x"))
    relayed = bytearray(packet)
    relayed[18] |= 1
    assert bench.datapath.peer_state(THEIRS) == (0, 0, (0, 0))
    bench.receive(packet, endpoint=SIX, now=NOW)
    bench.receive(bytes(relayed), endpoint=DIRECT, now=NOW + 1)
    assert bench.datapath.peer_state(THEIRS) == (NOW + 1, 0, (0, NOW))
    assert bench.records() == []


def test_a_frame_from_elsewhere_is_told_once_a_second() -> None:
    bench = Bench()
    packet = packet_of(VERB_FRAME, frame_payload(b"x"))
    for now in (NOW, NOW + 1, NOW + 999, NOW + 1000):
        bench.receive(packet, endpoint=ELSEWHERE, now=now)
    assert bench.records() == [(PATH, THEIRS, ELSEWHERE)] * 2
    assert len(bench.port.frames) == 4


def test_paths_keep_their_times_when_they_are_set_again() -> None:
    bench = Bench()
    bench.receive(packet_of(VERB_FRAME, frame_payload(b"x")), endpoint=SIX)
    bench.datapath.set_paths(THEIRS, (SIX, ELSEWHERE), None)
    assert bench.datapath.peer_state(THEIRS) == (NOW, 0, (NOW, 0))
    assert bench.datapath.peer_state(STRANGER) is None


# --- frames out ---


@pytest.mark.parametrize("size", [1, 60, 1394, 1395, 1500, 2800])
def test_a_frame_to_an_open_member_is_sent_as_python_would(size: int) -> None:
    bench = Bench()
    content = bytes(n & 0xFF for n in range(size))
    bench.datapath.transmit(NWID, ethernet(THEIR_MAC, OUR_MAC, content), NOW)
    packet = bytearray(bench.sent[0][0])
    for number, (datagram, endpoint) in enumerate(bench.sent):
        assert endpoint == DIRECT
        assert len(datagram) <= DEFAULT_MTU
        if number:
            assert datagram[:14] == bytes(packet[:13]) + b"\xff"
            assert datagram[14] == len(bench.sent) << 4 | number
            assert datagram[15] == 0
            packet += datagram[16:]
    assert len(bench.sent) == fragment_count(len(packet), DEFAULT_MTU)
    assert packet[8:18] == THEIRS + OURS
    assert packet[18] == (0x08 if len(bench.sent) == 1 else 0x48)
    assert dearmor(KEY, packet)
    assert packet[27] == VERB_FRAME
    assert messages.parse_frame(memoryview(packet)[28:]) == (NWID, IPV4, content)
    assert bench.datapath.peer_state(THEIRS)[1] == NOW
    assert bench.counted() == {"frames_out": 1}


def test_two_datapaths_understand_each_other() -> None:
    bench = Bench()
    other = Bench()
    theirs = Datapath(THEIRS, 1, 1, 1, RING)
    theirs.set_peer(OURS, KEY)
    theirs.add_network(NWID, THEIR_MAC, MTU, other.port)
    theirs.set_member(NWID, OURS, ADMITTED)
    bench.datapath.on_send = lambda datagram, _endpoint: theirs.receive(datagram, DIRECT, NOW)
    for size in range(1, MTU + 1, 7):
        bench.datapath.transmit(NWID, ethernet(THEIR_MAC, OUR_MAC, bytes(size)), NOW)
        assert other.port.frames[-1] == ethernet(THEIR_MAC, OUR_MAC, bytes(size))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "frame_size_out"),
        (ethernet(THEIR_MAC, OUR_MAC, b""), "frame_size_out"),
        (ethernet(THEIR_MAC, OUR_MAC, bytes(MTU + 1)), "frame_size_out"),
    ],
)
def test_bad_frames_are_dropped_and_counted(frame: bytes, reason: str) -> None:
    bench = Bench()
    bench.datapath.transmit(NWID, frame, NOW)
    assert (bench.sent, bench.records()) == ([], [])
    assert bench.counted() == {reason: 1}


def test_frames_of_an_unknown_network_are_dropped() -> None:
    bench = Bench()
    bench.datapath.transmit(OTHER_NWID, ethernet(THEIR_MAC, OUR_MAC, b"x"), NOW)
    assert bench.counted() == {"frame_unknown_network": 1}


def test_frames_that_need_policy_go_to_python() -> None:
    group = ethernet(b"\xff" * 6, OUR_MAC, b"x")
    bridged = ethernet(b"\x00" + THEIR_MAC[1:], OUR_MAC, b"x")
    unknown = ethernet(mac_of(STRANGER, NWID), OUR_MAC, b"x")
    foreign = [
        ethernet(THEIR_MAC, source, b"x")
        for source in (THEIR_MAC, mac_of(STRANGER, NWID), bytes(6))
    ]
    bench = Bench()
    frames = [group, bridged, unknown, *foreign]
    for frame in frames:
        bench.datapath.transmit(NWID, frame, NOW)
    assert bench.records() == [(FRAME, frame, NWID) for frame in frames] and bench.sent == []
    known = ethernet(THEIR_MAC, OUR_MAC, b"x")
    bench.datapath.set_member(NWID, THEIRS, ADMITTED)  # not open
    bench.datapath.transmit(NWID, known, NOW)
    bench.datapath.set_member(NWID, THEIRS, OPEN)
    bench.datapath.set_paths(THEIRS, (DIRECT,), None)  # no way there
    bench.datapath.transmit(NWID, known, NOW)
    assert bench.records() == [(FRAME, known, NWID)] * 2
    bench.datapath.set_paths(THEIRS, (DIRECT,), ELSEWHERE)
    bench.datapath.transmit(NWID, known, NOW)
    assert [endpoint for _, endpoint in bench.sent] == [ELSEWHERE]


# --- packet ids ---


class Store:
    """The epoch that makes PacketIds begin at a known prefix."""

    def get(self, _key: str) -> bytes:
        return b"\x00\x00\x00"

    def put(self, _key: str, epoch: bytes) -> None:
        self.epoch = epoch


def test_ids_are_mixed_as_python_mixes_them() -> None:
    store = Store()
    python = PacketIds(store)
    bench = Bench()
    bench.datapath.set_ids((python._base >> 24).to_bytes(5, "big"))
    for _ in range(5):
        bench.datapath.transmit(NWID, ethernet(THEIR_MAC, OUR_MAC, b"x"), NOW)
    assert [datagram[:8] for datagram, _ in bench.sent] == [python.next() for _ in range(5)]


def test_without_ids_frames_go_to_python() -> None:
    bench = Bench()
    datapath = Datapath(OURS, 1, 1, 1, RING)
    datapath.set_peer(THEIRS, KEY)
    datapath.set_paths(THEIRS, (), DIRECT)
    datapath.add_network(NWID, OUR_MAC, MTU, bench.port)
    datapath.set_member(NWID, THEIRS, OPEN)
    assert datapath.ids_low()
    datapath.transmit(NWID, ethernet(THEIR_MAC, OUR_MAC, b"x"), NOW)
    assert datapath.next()[0] == FRAME
    datapath.set_ids(bytes(5))
    assert not datapath.ids_low()


# --- the ring ---


def test_a_flood_of_frames_leaves_room_for_control_packets() -> None:
    bench = Bench(flags=0)
    for _ in range(100):
        bench.receive(packet_of(VERB_FRAME, frame_payload(bytes(1300))))
        bench.datapath.transmit(NWID, ethernet(b"\xff" * 6, OUR_MAC, bytes(1300)), NOW)
        bench.receive(packet_of(VERB_ECHO, b"", source=STRANGER))
    hello = packet_of(VERB_HELLO, bytes(100), source=STRANGER, cipher=0)
    for _ in range(200):
        bench.receive(hello)
    control = packet_of(VERB_WHOIS, THEIRS)
    bench.receive(control)
    counted = bench.counted()
    assert counted["ring_full_frame_in"] > 0
    assert counted["ring_full_frame_out"] > 0
    assert counted["ring_full_raw"] > 0
    assert counted["ring_full_hello"] > 0
    assert "ring_full_control" not in counted
    records = bench.records()
    assert records[-1][0] == PACKET
    assert records[-1][1][27] == VERB_WHOIS
    assert (RAW, hello, DIRECT) in records


def test_service_resumes_when_the_ring_is_emptied() -> None:
    bench = Bench()
    control = packet_of(VERB_WHOIS, bytes(900))
    for _ in range(3):
        for _ in range(200):
            bench.receive(control)
        kept = bench.records()
        assert 60 <= len(kept) <= 70
    assert bench.counted()["ring_full_control"] == 600 - 3 * len(kept)
    assert bench.records() == []


def test_records_of_all_sizes_come_out_as_they_went_in() -> None:
    bench = Bench()
    expected = []
    for size in range(1, 2000, 3):
        bench.datapath.transmit(NWID, ethernet(b"\xff" * 6, OUR_MAC, bytes(size)), NOW)
        expected.append(14 + size)
        if size % 5 == 0:
            expected = expected[len(bench.records()) :]
    assert [len(packet) for _, packet, _ in bench.records()] == expected
    assert "ring_full_frame_out" not in bench.counted()


# --- tables ---


def is_full(function, *arguments) -> None:
    with pytest.raises(OSError) as caught:
        function(*arguments)
    assert caught.value.errno == errno.ENOMEM


def test_full_tables_say_so_and_have_room_again_after_removal() -> None:
    bench = Bench(peers=3)
    datapath = bench.datapath
    addresses = [bytes([n, 0, 0, 0, n]) for n in range(1, 3)]
    for address in addresses:
        datapath.set_peer(address, KEY)
    is_full(datapath.set_peer, STRANGER, KEY)
    datapath.set_peer(THEIRS, KEY)
    datapath.remove_peer(addresses[0])
    datapath.remove_peer(STRANGER)
    datapath.set_peer(STRANGER, KEY)
    is_full(datapath.set_peer, addresses[0], KEY)
    datapath.add_network(OTHER_NWID, OUR_MAC, MTU, bench.port)
    is_full(datapath.add_network, bytes(8), OUR_MAC, MTU, bench.port)
    datapath.add_network(NWID, OUR_MAC, MTU, bench.port)
    datapath.remove_network(OTHER_NWID)
    datapath.add_network(bytes(8), OUR_MAC, MTU, bench.port)
    assert not datapath.set_member(OTHER_NWID, THEIRS, 0)
    assert not datapath.set_member(NWID, addresses[0], 0)
    assert not datapath.set_paths(addresses[0], (), None)


def test_a_new_peer_in_an_old_place_inherits_nothing() -> None:
    bench = Bench(peers=1)
    bench.datapath.remove_peer(THEIRS)
    bench.datapath.set_peer(STRANGER, KEY)
    bench.receive(packet_of(VERB_FRAME, frame_payload(b"x"), source=STRANGER))
    assert bench.port.frames == []
    assert bench.datapath.peer_state(STRANGER) == (0, 0, ())


def test_many_peers_are_all_found() -> None:
    bench = Bench(peers=1000)
    addresses = [(n * 0x10001 + 7).to_bytes(5, "big") for n in range(1, 1000)]
    for n, address in enumerate(addresses):
        bench.datapath.set_peer(address, bytes([n & 0xFF]) * 32)
    for n, address in list(enumerate(addresses))[::37]:
        bench.receive(packet_of(VERB_ECHO, b"", source=address, key=bytes([n & 0xFF]) * 32))
        [(kind, packet, _)] = bench.records()
        assert kind == PACKET
        assert packet[13:18] == address
    for address in addresses:
        bench.datapath.remove_peer(address)
        assert bench.datapath.peer_state(address) is None


# --- arguments ---


@pytest.mark.parametrize(
    "arguments",
    [
        (OURS[:4], 1, 1, 1, RING),
        (OURS, 0, 1, 1, RING),
        (OURS, 1, 0, 1, RING),
        (OURS, 1, 1, 0, RING),
        (OURS, 1, 1, 1, 100),
        (OURS, 1 << 16, 1, 1, RING),
        (OURS, 1, 1 << 16, 1, RING),
        (OURS, 1, 1, -1, RING),
        (OURS, 1, 1, 1, 1 << 40),
    ],
)
def test_silly_bounds_are_refused(arguments: tuple) -> None:
    with pytest.raises(ValueError):
        Datapath(*arguments)


def test_arguments_of_the_wrong_length_are_refused() -> None:
    datapath = Bench().datapath
    calls = [
        (datapath.set_peer, OURS + b"x", KEY),
        (datapath.set_peer, OURS, KEY[:31]),
        (datapath.set_paths, OURS, (b"\x04\x01",), None),
        (datapath.set_paths, OURS, (), b""),
        (datapath.add_network, NWID, OUR_MAC[:5], MTU, None),
        (datapath.add_network, NWID[:7], OUR_MAC, MTU, None),
        (datapath.add_network, NWID, OUR_MAC, 0, None),
        (datapath.set_member, NWID, OURS, 4),
        (datapath.set_ids, bytes(4)),
        (datapath.receive, b"", b"", NOW),
        (datapath.receive, b"", DIRECT, -1),
        (datapath.transmit, b"", b"", NOW),
        (datapath.peer_state, b""),
    ]
    for function, *arguments in calls:
        with pytest.raises(ValueError):
            function(*arguments)


def test_an_exception_in_a_callback_is_reported_and_the_frame_counts_as_dropped(
    monkeypatch,
) -> None:
    reported: list = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: reported.append(report.exc_type))
    bench = Bench()
    bench.port.deliver = None  # type: ignore[method-assign, assignment]
    bench.datapath.on_send = None
    bench.receive(packet_of(VERB_FRAME, frame_payload(b"x")))
    bench.datapath.transmit(NWID, ethernet(THEIR_MAC, OUR_MAC, b"x"), NOW)
    bench.datapath.on_send = 5
    bench.datapath.transmit(NWID, ethernet(THEIR_MAC, OUR_MAC, b"x"), NOW)
    assert reported == [TypeError, TypeError]
    assert bench.counted() == {"frame_not_taken": 1, "frames_out": 2}


def test_callbacks_may_call_the_datapath() -> None:
    bench = Bench()
    reply = ethernet(THEIR_MAC, OUR_MAC, bytes(2000))

    def answer(frame) -> None:
        bench.datapath.transmit(NWID, reply, NOW)
        bench.datapath.remove_peer(THEIRS)
        assert frame[14:] == bytes(2500)

    bench.port.deliver = answer  # type: ignore[method-assign, assignment]
    bench.receive(*datagrams_of(VERB_FRAME, frame_payload(bytes(2500))))
    assert len(bench.sent) == 2
    assert bench.counted() == {"frames_in": 1, "frames_out": 1}


def test_a_view_kept_too_long_is_harmless() -> None:
    bench = Bench()
    kept = []
    bench.port.deliver = kept.append  # type: ignore[method-assign, assignment]
    bench.receive(packet_of(VERB_FRAME, frame_payload(b"x" * 100)))
    bench.receive(packet_of(VERB_ECHO, b"y" * 100))
    kept.append(bench.datapath.next()[1])
    del bench
    assert [len(bytes(view)) for view in kept] == [114, 128]


# --- rules ---

TO_80 = bytes.fromhex("28040050 0050")
TEE = bytes.fromhex("020e 0000007e0a6c0043 00000000 0000")
OUR_TAG_1 = bytes.fromhex("3208 00000001 00000001")  # of the receiver
THEIR_TAG_1 = bytes.fromhex("3108 00000001 00000001")  # of the sender
ACCEPT, DROP = b"\x01\x00", b"\x00\x00"


def udp(port: int) -> bytes:
    head = bytes.fromhex("4500001d00004000401100000a0102030a090807")
    return head + b"\x80\x00" + port.to_bytes(2, "big") + bytes(5)


def ruled(rules: bytes) -> Bench:
    bench = Bench()
    assert bench.datapath.set_rules(NWID, RuleSet(rules, OURS, None, False, b"", 1))
    return bench


def received(port: int) -> bytes:
    return packet_of(VERB_FRAME, frame_payload(udp(port)))


def test_frames_that_the_rules_drop_go_nowhere_and_are_counted() -> None:
    bench = ruled(TO_80 + DROP + ACCEPT)
    bench.receive(received(80), received(81))
    ext = messages.encode_ext_frame(NWID, 0, OUR_MAC, THEIR_MAC, IPV4, udp(80))
    bench.receive(packet_of(VERB_EXT_FRAME, ext))
    for port in (80, 81):
        frame = THEIR_MAC + OUR_MAC + b"\x08\x00" + udp(port)
        bench.datapath.transmit(NWID, frame, NOW)
    assert bench.port.frames == [OUR_MAC + THEIR_MAC + b"\x08\x00" + udp(81)]
    assert len(bench.sent) == 1
    assert bench.records() == []
    assert bench.counted() == {
        "frames_in": 1,
        "frames_out": 1,
        "rules_drop_in": 2,
        "rules_drop_out": 1,
    }


def test_frames_that_no_rule_lets_through_are_counted_apart() -> None:
    bench = ruled(b"")
    bench.receive(received(80))
    bench.datapath.transmit(NWID, THEIR_MAC + OUR_MAC + b"\x08\x00" + udp(80), NOW)
    assert (bench.port.frames, bench.sent, bench.records()) == ([], [], [])
    assert bench.counted() == {"rules_no_match_in": 1, "rules_no_match_out": 1}


def test_frames_of_which_an_observer_gets_a_copy_come_to_python_as_they_were() -> None:
    bench = ruled(TO_80 + TEE + ACCEPT)
    bench.receive(received(80))
    frame = THEIR_MAC + OUR_MAC + b"\x08\x00" + udp(80)
    bench.datapath.transmit(NWID, frame, NOW)
    (kind, packet, _), (other_kind, sent, _) = bench.records()
    assert (kind, packet[28:]) == (PACKET, frame_payload(udp(80)))
    assert (other_kind, sent) == (FRAME, frame)
    assert (bench.port.frames, bench.sent) == ([], [])


def test_frames_that_hang_on_an_unverified_tag_come_to_python_until_it_is_verified() -> None:
    bench = ruled(THEIR_TAG_1 + ACCEPT)
    bench.receive(received(80))
    assert bench.counted() == {"rules_no_match_in": 1}
    for trust, value in ((0, 1), (1, 2), (1, 1)):
        tag = b"\x00\x00\x00\x01" + bytes((trust,)) + value.to_bytes(4, "big")
        assert bench.datapath.set_holdings(NWID, THEIRS, Holdings(tag, b"", b""))
        bench.receive(received(80))
    assert [record[0] for record in bench.records()] == [PACKET]
    assert bench.counted() == {"rules_no_match_in": 2, "frames_in": 1}
    assert bench.datapath.set_holdings(NWID, THEIRS, None)
    bench.receive(received(80))
    assert bench.counted() == {"rules_no_match_in": 3, "frames_in": 1}


def test_what_a_member_holds_on_one_network_counts_on_no_other() -> None:
    bench = ruled(THEIR_TAG_1 + ACCEPT)
    bench.datapath.add_network(OTHER_NWID, mac_of(OURS, OTHER_NWID), MTU, bench.port)
    assert bench.datapath.set_member(OTHER_NWID, THEIRS, ADMITTED)
    rules = RuleSet(THEIR_TAG_1 + ACCEPT, OURS, None, False, b"", 1)
    assert bench.datapath.set_rules(OTHER_NWID, rules)
    tag = Holdings(b"\x00\x00\x00\x01\x01\x00\x00\x00\x01", b"", b"")
    for holder in (NWID, OTHER_NWID):
        assert bench.datapath.set_holdings(holder, THEIRS, tag)
        before = bench.counted()
        for nwid in (NWID, OTHER_NWID):
            bench.receive(packet_of(VERB_FRAME, frame_payload(udp(80), nwid)))
        after = bench.counted()
        assert after["frames_in"] - before.get("frames_in", 0) == 1
        assert after["rules_no_match_in"] - before.get("rules_no_match_in", 0) == 1
        assert bench.port.frames[-1][:6] == mac_of(OURS, holder)
        assert bench.datapath.set_holdings(holder, THEIRS, None)


def test_frames_that_are_empty_or_too_long_are_counted_as_without_rules() -> None:
    bench = ruled(DROP)
    bench.receive(packet_of(VERB_FRAME, frame_payload(b"")))
    bench.receive(*datagrams_of(VERB_FRAME, frame_payload(bytes(MTU + 1))))
    assert bench.counted() == {"frame_empty": 1, "frame_size_in": 1}


def test_rules_and_holdings_live_as_long_as_the_datapath_may_ask_for_them() -> None:
    bench = ruled(OUR_TAG_1 + ACCEPT + TO_80 + ACCEPT)
    rules = RuleSet(TO_80 + ACCEPT, OURS, None, False, b"", 1)
    holdings = Holdings(b"", b"", b"")
    before = sys.getrefcount(rules), sys.getrefcount(holdings)
    bench.datapath.set_rules(NWID, rules)
    bench.datapath.set_holdings(NWID, THEIRS, holdings)
    assert (sys.getrefcount(rules), sys.getrefcount(holdings)) == (before[0] + 1, before[1] + 1)
    bench.datapath.remove_peer(THEIRS)
    assert sys.getrefcount(holdings) == before[1]
    bench.datapath.set_peer(THEIRS, KEY)
    bench.datapath.set_holdings(NWID, THEIRS, holdings)
    bench.datapath.remove_network(NWID)
    assert (sys.getrefcount(rules), sys.getrefcount(holdings)) == before


def test_rules_of_a_removed_network_do_not_judge_its_successor() -> None:
    bench = ruled(DROP)
    bench.datapath.remove_network(NWID)
    bench.datapath.add_network(NWID, OUR_MAC, MTU, bench.port)
    bench.datapath.set_member(NWID, THEIRS, ADMITTED)
    bench.receive(received(80))
    assert bench.counted() == {"frames_in": 1}


def test_rules_for_what_is_not_there_are_refused() -> None:
    bench = Bench()
    rules = RuleSet(DROP, OURS, None, False, b"", 1)
    assert not bench.datapath.set_rules(OTHER_NWID, rules)
    assert not bench.datapath.set_holdings(OTHER_NWID, THEIRS, None)
    assert not bench.datapath.set_holdings(NWID, STRANGER, None)
    with pytest.raises(TypeError, match="must be RuleSet"):
        bench.datapath.set_rules(NWID, None)
    with pytest.raises(TypeError, match="must be Holdings or None"):
        bench.datapath.set_holdings(NWID, THEIRS, b"")
