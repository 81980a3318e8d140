"""HELLO and OK(HELLO) (protocol/03 §3.5)."""

from _zerotier import hello_tail

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import raises, vectors
from zerotier.identity import Identity
from zerotier.wire import address
from zerotier.wire.hello import (
    MAX_MOONS,
    PROTOCOL_VERSION,
    VERSION,
    encode_hello,
    encode_ok_hello,
    parse_hello,
    parse_moons,
    parse_ok_hello,
)
from zerotier.wire.world import parse_worlds

PLANET = (149604618).to_bytes(8, "big")
SENT_TO = address.inet("192.0.2.10", 9993)


def one(name: str) -> Identity:
    return Identity.from_text(vectors("protocol_12")["identity_" + name])


def specified() -> bytes:
    """The payload of the HELLO of the specification, its tail decrypted (protocol/12 §12.5)."""
    packet = bytearray(bytes.fromhex(vectors("protocol_12")["hello"]))
    hello_tail(one("a").agree(one("b")), packet, 135)
    return bytes(packet[28:])


def test_the_hello_of_the_specification() -> None:
    payload = specified()
    hello = parse_hello(payload)
    assert (hello.protocol, hello.major, hello.minor, hello.revision) == (12, 1, 14, 1)
    assert hello.timestamp == 1700000000000
    assert hello.identity == one("a").to_bytes()
    assert hello.sent_to == SENT_TO
    assert hello.planet_id == PLANET and hello.planet_timestamp == 1644592324813
    assert hello.tail == 107
    assert parse_moons(payload, hello.tail) == []


def test_our_hello_differs_from_the_specified_one_in_the_version_alone() -> None:
    payload, tail = encode_hello(
        1700000000000, one("a").to_bytes(), SENT_TO, PLANET, 1644592324813
    )
    assert payload[5:] == specified()[5:]
    assert payload[:5] == bytes((PROTOCOL_VERSION,) + VERSION[:2]) + b"\x00" + bytes((VERSION[2],))
    assert tail == 107 and len(payload) + 28 == 137


def test_a_hello_over_ipv6_has_149_bytes_and_one_through_a_relay_131() -> None:
    identity = one("a").to_bytes()
    payload, tail = encode_hello(0, identity, address.inet("2001:db8::1", 9993), PLANET, 0)
    assert (len(payload) + 28, tail + 28) == (149, 147)
    payload, tail = encode_hello(0, identity, address.NIL, PLANET, 0)
    assert (len(payload) + 28, tail + 28) == (131, 129)
    assert parse_hello(payload).sent_to == address.NIL


def test_moons_travel_in_the_tail() -> None:
    moons = [(bytes(7) + b"\x01", 1700000000000), (b"\xff" * 8, 0)]
    payload, tail = encode_hello(1, one("a").to_bytes(), SENT_TO, PLANET, 2, moons)
    assert len(payload) == tail + 2 + 2 * 17
    assert parse_hello(payload).tail == tail
    assert parse_moons(payload, tail) == moons
    assert parse_moons(memoryview(payload), tail) == moons


def test_entries_that_are_no_moons_are_skipped() -> None:
    entry = bytes(8) + bytes(7) + b"\x05"
    assert parse_moons(b"\x00\x02" + b"\x01" + entry + b"\x7f" + entry, 0) == [(bytes(8), 5)]


def test_a_list_of_moons_is_bounded() -> None:
    entry = b"\x7f" + bytes(16)
    assert len(parse_moons(b"\x01\x00" + entry * 256, 0)) == MAX_MOONS


def test_a_wrongly_encrypted_tail_is_malformed() -> None:
    raises(ValueError, parse_moons, b"\xdf\xc4", 0)
    raises(ValueError, parse_moons, b"\x00", 0)
    raises(ValueError, parse_moons, b"\x00\x01" + bytes(16), 0)


def test_old_peers_may_end_their_hello_early() -> None:
    payload = specified()
    hello = parse_hello(payload[:84])
    assert (hello.sent_to, hello.planet_timestamp, hello.tail) == (address.NIL, 0, 84)
    assert parse_moons(payload[:84], hello.tail) == []
    hello = parse_hello(payload[:91])
    assert hello.sent_to == SENT_TO and hello.tail == 91
    hello = parse_hello(payload[:107])
    assert hello.planet_id == PLANET and hello.tail == 107
    assert parse_moons(payload[:107], hello.tail) == []


def test_an_identity_of_another_type_is_malformed() -> None:
    payload = bytearray(specified())
    payload[13 + 5] = 1
    raises(ValueError, parse_hello, bytes(payload))


def test_what_cannot_be_a_hello_is_not_written() -> None:
    raises(ValueError, encode_hello, 0, bytes(70), SENT_TO, PLANET, 0)
    raises(ValueError, encode_hello, 0, bytes(71), SENT_TO, bytes(7), 0)
    raises(ValueError, encode_hello, -1, bytes(71), SENT_TO, PLANET, 0)


def test_an_ok_says_where_we_were_seen_and_brings_worlds() -> None:
    worlds = [
        bytes.fromhex(vectors("worlds")[name]["raw"])
        for name in ("planet_newer.world", "example.moon")
    ]
    body = encode_ok_hello(1700000000000, SENT_TO, worlds)
    ok = parse_ok_hello(memoryview(body))
    assert ok.timestamp == 1700000000000
    assert (ok.protocol, ok.major, ok.minor, ok.revision) == (PROTOCOL_VERSION,) + VERSION
    assert ok.sent_to == SENT_TO
    assert bytes(ok.worlds) == b"".join(worlds)
    read, whole = parse_worlds(ok.worlds)
    assert whole and [world.encode() for world in read] == worlds


def test_an_ok_without_worlds_has_59_bytes_as_a_packet() -> None:
    body = encode_ok_hello(0, SENT_TO)
    assert 28 + 9 + len(body) == 59
    assert parse_ok_hello(body).worlds == b""
    assert parse_ok_hello(body[:-2]).sent_to == SENT_TO


def test_an_ok_that_promises_more_worlds_than_it_has_is_malformed() -> None:
    body = encode_ok_hello(0, SENT_TO)
    raises(ValueError, parse_ok_hello, body[:-2] + b"\x00\x01")
    assert parse_ok_hello(body + b"behind").worlds == b""


def test_cut_off_and_damaged_hellos_raise_nothing_but_value_errors() -> None:
    def read(payload: bytes) -> object:
        hello = parse_hello(payload)
        return parse_moons(payload, hello.tail)

    moons = [(bytes(8), 1), (bytes(8), 2)]
    payload = encode_hello(1, one("a").to_bytes(), SENT_TO, PLANET, 2, moons)[0]
    survives_truncation(read, payload)
    survives_bit_flips(read, payload)
    body = encode_ok_hello(0, SENT_TO, [bytes.fromhex(vectors("protocol_12")["moon"])])
    survives_truncation(parse_ok_hello, body)
    survives_bit_flips(parse_ok_hello, body)
