"""Neighbour solicitations that are answered without asking anybody (protocol/07 §7.4)."""

from host_tests.unit.mesh import Lan
from zerotier.vl2 import ethernet, neighbours
from zerotier.vl2.addresses import rfc4193, sixplane
from zerotier.wire.address import inet_raw, parse_ip

_NWID = b"\x80\x56\xc2\xe2\x1c\x00\x00\x01"
_US = b"\xf8\x5a\xfc\xa4\xd6"
_OTHER = b"\x12\x34\x56\x78\x9a"


def _sum(octets: bytes) -> int:
    """The one's complement sum, which is 0xffff over a packet with a right checksum."""
    total = sum([octets[i] << 8 | octets[i + 1] for i in range(0, len(octets), 2)])
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _solicitation(mac: bytes, source: bytes, target: bytes) -> bytes:
    group = b"\x33\x33\xff" + target[13:]
    multicast = parse_ip("ff02::1:ff00:0")[:13] + target[13:]
    icmp = b"\x87\x00\x00\x00\x00\x00\x00\x00" + target + b"\x01\x01" + mac
    header = b"\x60\x00\x00\x00\x00\x20\x3a\xff" + source + multicast
    return group + mac + b"\x86\xdd" + header + icmp


def _ask(own: list, target: bytes) -> bytes | None:
    mac = ethernet.mac_of(_US, _NWID)
    frame = _solicitation(mac, parse_ip("fe80::1"), target)
    return neighbours.answer(memoryview(frame), own, _NWID, _US)


def test_members_answer_by_the_form_of_their_address():
    for scheme, bits in ((rfc4193, 88), (sixplane, 40)):
        own, target = scheme(_NWID, _US), scheme(_NWID, _OTHER)
        answer = _ask([inet_raw(own, bits)], target)
        assert answer is not None and len(answer) == 14 + 72
        assert answer[:6] == ethernet.mac_of(_US, _NWID)
        assert answer[6:12] == answer[-6:] == ethernet.mac_of(_OTHER, _NWID)
        packet = answer[14:]
        assert packet[:8] == b"\x60\x00\x00\x00\x00\x20\x3a\xff"
        assert packet[8:24] == target and packet[24:40] == own
        assert packet[40:42] == b"\x88\x00" and packet[44:48] == b"\x60\x00\x00\x00"
        assert packet[48:64] == target and packet[64:66] == b"\x02\x01"
        pseudo = packet[8:40] + b"\x00\x00\x00\x20\x00\x00\x00\x3a"
        assert _sum(pseudo + packet[40:]) == 0xFFFF


def test_any_address_of_the_80_bits_of_a_member_is_its_own():
    own = [inet_raw(sixplane(_NWID, _US), 40)]
    target = sixplane(_NWID, _OTHER)[:10] + b"\x00\x00\x00\x00\x12\x34"
    answer = _ask(own, target)
    assert answer is not None and answer[-6:] == ethernet.mac_of(_OTHER, _NWID)


def test_everybody_else_has_to_be_asked():
    own = [inet_raw(rfc4193(_NWID, _US), 88)]
    assert _ask(own, rfc4193(_NWID, _US)) is None
    assert _ask(own, rfc4193(_NWID, bytes(5))) is None
    assert _ask(own, sixplane(_NWID, _OTHER)) is None  # not our scheme
    assert _ask(own, parse_ip("fd00::1")) is None
    assert _ask([inet_raw(rfc4193(_NWID, _US), 64)], rfc4193(_NWID, _OTHER)) is None
    assert _ask([], rfc4193(_NWID, _OTHER)) is None


def test_what_is_no_solicitation_is_not_answered():
    own = [inet_raw(rfc4193(_NWID, _US), 88)]
    whole = _solicitation(bytes(6), bytes(16), rfc4193(_NWID, _OTHER))
    assert neighbours.answer(memoryview(whole), own, _NWID, _US) is not None
    for end in (14, 15, 20, 50, 14 + 63):
        assert neighbours.answer(memoryview(whole)[:end], own, _NWID, _US) is None
    for at, octet in ((12, 8), (20, 17), (54, 0x88)):
        other = bytearray(whole)
        other[at] = octet
        assert neighbours.answer(memoryview(other), own, _NWID, _US) is None


def test_a_solicitation_in_a_network_with_emulation_never_leaves():
    lan = Lan(2, v6AssignMode={"rfc4193": True})
    network = lan.networks[0]
    target = rfc4193(lan.nwid, lan.members[1].address)
    source = rfc4193(lan.nwid, lan.members[0].address)
    lan.transmit(0, _solicitation(network.mac, source, target))
    assert lan.ports[1].frames == []
    assert [frame[-6:] for frame in lan.ports[0].frames] == [lan.networks[1].mac]


def test_without_emulation_it_is_a_multicast():
    lan = Lan(2)
    target = rfc4193(lan.nwid, lan.members[1].address)
    frame = _solicitation(lan.networks[0].mac, parse_ip("fe80::1"), target)
    lan.networks[1].subscriptions.add(frame[:6], lan.mesh.now)
    lan.mesh.run(100)
    lan.transmit(0, frame)
    assert lan.ports[1].frames == [frame] and lan.ports[0].frames == []
