"""Multicast DNS: a node's own name, asked for by others, and what is not answered."""

from host_tests.unit.mesh import Lan
from host_tests.unit.support import raises, unhex
from zerotier.vl2 import ethernet, mdns
from zerotier.vl2.addresses import rfc4193
from zerotier.vl2.packets import internet_checksum, ip_udp, udp4, udp6

_NAME = "sensor-1"
_LOCAL = b"\x08sensor-1\x05local\x00"


def _lan(**fields) -> Lan:
    """Two members; the second has a name, and has announced it."""
    lan = Lan(2, **fields)
    lan.members[1].node.networks.set_hostname(_NAME, lan.mesh.now)
    lan.members[1].node.wake()
    lan.networks[0].subscriptions.add(mdns.MAC4, lan.mesh.now)
    lan.networks[0].subscriptions.add(mdns.MAC6, lan.mesh.now)
    lan.mesh.run(10000)
    lan.ports[0].frames.clear()
    return lan


def _ask(lan: Lan, message: bytes, port: int = 40000) -> list:
    """The answers that come back, as (destination MAC, datagram)."""
    source = bytes((10, 147, 17, 1))
    packet = ip_udp(source, port, mdns.GROUP4, mdns.PORT, message)
    frame = mdns.MAC4 + lan.networks[0].mac + b"\x08\x00" + packet
    lan.ports[0].frames.clear()
    lan.transmit(0, frame)
    answers = []
    for heard in lan.ports[0].frames:
        datagram = udp4(memoryview(heard))
        if datagram is not None and datagram.port_from == mdns.PORT:
            answers.append((heard[:6], datagram))
    return answers


def test_a_single_question_is_answered_to_who_asked():
    lan = _lan()
    ((mac, datagram),) = _ask(lan, mdns.encode_query(_NAME + ".local", mdns.A, 0x1234))
    assert mac == lan.networks[0].mac
    assert datagram.port_to == 40000 and datagram.source == bytes((10, 147, 17, 2))
    message = bytes(datagram.payload)
    assert message[:4] == b"\x12\x34\x84\x00" and message[4:6] == b"\x00\x01"
    assert mdns.parse_answers(datagram.payload) == [
        (_LOCAL, mdns.A, bytes((10, 147, 17, 2))),
    ]
    assert message[-10:-6] == b"\x00\x00\x00\x0a"  # not kept longer than 10 s


def test_a_question_from_the_port_of_mdns_is_answered_to_the_group_once_a_second():
    lan = _lan()
    query = mdns.encode_query(_NAME + ".local", mdns.A)
    ((mac, datagram),) = _ask(lan, query, mdns.PORT)
    assert mac == mdns.MAC4 and datagram.port_to == mdns.PORT
    message = bytes(datagram.payload)
    assert message[:6] == b"\x00\x00\x84\x00\x00\x00"
    assert message[-12:-10] == b"\x80\x01" and message[-10:-6] == b"\x00\x00\x00\x78"
    lan.mesh.run(2000)
    frame = mdns.MAC4 + lan.networks[0].mac + b"\x08\x00"
    frame += ip_udp(bytes((10, 147, 17, 1)), mdns.PORT, mdns.GROUP4, mdns.PORT, query)
    lan.ports[0].frames.clear()
    for _ in range(5):
        lan.transmit(0, frame, 50)
    assert len(lan.ports[0].frames) == 1


def test_a_question_that_wants_it_is_answered_to_who_asked():
    lan = _lan()
    query = mdns.encode_query(_NAME + ".local", mdns.A)
    ((mac, datagram),) = _ask(lan, query[:-2] + b"\x80\x01", mdns.PORT)
    assert mac == lan.networks[0].mac and datagram.port_to == mdns.PORT


def test_names_are_compared_without_case_and_compressed_names_are_read():
    lan = _lan()
    assert len(_ask(lan, mdns.encode_query("SENSOR-1.Local", mdns.A))) == 1
    head = b"\x00\x00\x00\x00\x00\x02" + bytes(6)
    first = b"\x05other\x05local\x00\x00\x01\x00\x01"
    second = b"\x08sensor-1\xc0\x12\x00\x01\x00\x01"  # ".local" of the first
    assert len(_ask(lan, head + first + second)) == 1


def test_ipv6_addresses_are_told_and_asked_for():
    lan = _lan(v6AssignMode={"rfc4193": True})
    ours = rfc4193(lan.nwid, lan.members[1].address)
    ((_, datagram),) = _ask(lan, mdns.encode_query(_NAME + ".local", mdns.AAAA))
    assert mdns.parse_answers(datagram.payload) == [(_LOCAL, mdns.AAAA, ours)]
    ((_, datagram),) = _ask(lan, mdns.encode_query(_NAME + ".local", 255))
    assert {kind for _, kind, _ in mdns.parse_answers(datagram.payload)} == {mdns.A, mdns.AAAA}
    query = mdns.encode_query(_NAME + ".local", mdns.A)
    source = rfc4193(lan.nwid, lan.members[0].address)
    packet = ip_udp(source, 40000, mdns.GROUP6, mdns.PORT, query)
    lan.ports[0].frames.clear()
    lan.transmit(0, mdns.MAC6 + lan.networks[0].mac + b"\x86\xdd" + packet)
    datagrams = [udp6(memoryview(frame)) for frame in lan.ports[0].frames]
    (answer,) = [d for d in datagrams if d is not None]
    assert answer.source == ours and answer.port_to == 40000
    assert mdns.parse_answers(answer.payload) == [(_LOCAL, mdns.A, bytes((10, 147, 17, 2)))]


def test_other_questions_are_not_answered():
    lan = _lan()
    query = mdns.encode_query(_NAME + ".local", mdns.A)
    for message in (
        mdns.encode_query("sensor-2.local", mdns.A),
        mdns.encode_query(_NAME + ".lan", mdns.A),
        mdns.encode_query(_NAME + ".local", mdns.AAAA),  # we have none
        mdns.encode_query(_NAME + ".local", 16),
        query[:-1] + b"\x03",  # another class
        query[:2] + b"\x84" + query[3:],  # an answer
        query[:2] + b"\x28" + query[3:],  # another operation
    ):
        assert _ask(lan, message) == [], message


def test_broken_messages_are_counted_and_harmless():
    lan = _lan()
    query = mdns.encode_query(_NAME + ".local", mdns.A)
    for end in range(12, len(query)):
        assert _ask(lan, query[:end]) == []
    loop = b"\x00\x00\x00\x00\x00\x01" + bytes(6) + b"\xc0\x0c\x00\x01\x00\x01"
    assert _ask(lan, loop) == [] and _ask(lan, b"") == [] and _ask(lan, query[:11]) == []
    assert lan.members[1].count("mdns_malformed") == len(query) - 12 + 1
    for packet in (b"", b"\x45", bytes(19), bytes(40)):
        frame = mdns.MAC4 + bytes(6) + b"\x08\x00" + packet
        lan.networks[1].responder.hear(memoryview(frame), lan.mesh.now)


def test_the_name_is_announced_with_every_new_address_and_kept_by_later_networks():
    lan = Lan(2)
    heard = lan.networks[0].subscriptions.add(mdns.MAC4, lan.mesh.now)
    assert heard is None
    lan.mesh.run(1000)
    lan.members[1].node.networks.set_hostname(_NAME, lan.mesh.now)
    lan.members[1].node.wake()
    lan.mesh.run(10000)
    told = [udp4(memoryview(frame)) for frame in lan.ports[0].frames]
    assert [mdns.parse_answers(d.payload) for d in told if d is not None] == [
        [(_LOCAL, mdns.A, bytes((10, 147, 17, 2)))]
    ] * 2
    lan.members[1].node.networks.leave(lan.nwid, lan.mesh.now)
    network, _ = lan.members[1].join(lan.nwid)
    assert network.responder is not None
    lan.members[1].node.networks.set_hostname("", lan.mesh.now)
    assert network.responder is None


def test_an_impossible_name_is_an_error_of_the_user():
    lan = Lan(1)
    for name in ("", "a..b", ".", "x" * 64):
        if name:
            assert raises(ValueError, lan.members[0].node.networks.set_hostname, name, 0)
    assert lan.networks[0].responder is None


def test_checksums_and_link_local_addresses():
    packet = ip_udp(bytes((10, 0, 0, 1)), 1, bytes((10, 0, 0, 2)), 2, b"odd")
    assert internet_checksum(packet[:20]) == b"\x00\x00"
    pseudo = packet[12:20] + b"\x00\x11" + packet[24:26]
    assert internet_checksum(pseudo + packet[20:] + b"\x00") == b"\x00\x00"
    mac = unhex("02f4d30bce4d")
    assert ethernet.link_local(mac) == unhex("fe80000000000000 00f4d3fffe0bce4d")
