"""Addresses in bytes and in text (protocol/01 §1.2, 03 §3.1, 04 §4.2)."""

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import raises, vectors
from zerotier.wire import address


def test_every_recorded_endpoint_has_its_bytes_text_and_scope() -> None:
    for case in vectors("addresses")["inetaddress"]:
        endpoint = bytes.fromhex(case["binary"])
        assert address.parse(endpoint, 0) == (endpoint, len(endpoint))
        assert address.from_text(case["ip"]) == endpoint
        assert address.text(endpoint) == case["ip"]
        assert address.scope(endpoint) == case["scope"]


def test_scope_numbers_are_those_of_the_ranking() -> None:
    names = vectors("addresses")["scope_names"]
    assert [getattr(address, "SCOPE_" + name) for name in names] == list(range(8))


def test_scopes_at_the_edges_of_each_range() -> None:
    for text, scope in (
        ("0.1.2.3", address.SCOPE_NONE),
        ("255.0.0.1", address.SCOPE_NONE),
        ("224.0.0.251", address.SCOPE_MULTICAST),
        ("239.255.255.255", address.SCOPE_MULTICAST),
        ("127.255.0.1", address.SCOPE_LOOPBACK),
        ("6.0.0.1", address.SCOPE_PSEUDOPRIVATE),
        ("56.0.0.1", address.SCOPE_PSEUDOPRIVATE),
        ("254.1.1.1", address.SCOPE_PSEUDOPRIVATE),
        ("57.0.0.1", address.SCOPE_GLOBAL),
        ("169.254.0.1", address.SCOPE_LINK_LOCAL),
        ("169.253.0.1", address.SCOPE_GLOBAL),
        ("100.63.255.255", address.SCOPE_GLOBAL),
        ("100.127.255.255", address.SCOPE_PRIVATE),
        ("100.128.0.0", address.SCOPE_GLOBAL),
        ("172.15.0.1", address.SCOPE_GLOBAL),
        ("172.31.0.1", address.SCOPE_PRIVATE),
        ("172.32.0.1", address.SCOPE_GLOBAL),
        ("192.0.2.9", address.SCOPE_PRIVATE),
        ("192.0.3.9", address.SCOPE_GLOBAL),
        ("198.18.0.1", address.SCOPE_PRIVATE),
        ("198.19.255.1", address.SCOPE_PRIVATE),
        ("198.20.0.1", address.SCOPE_GLOBAL),
        ("198.51.100.1", address.SCOPE_PRIVATE),
        ("203.0.113.255", address.SCOPE_PRIVATE),
        ("::", address.SCOPE_NONE),
        ("::1", address.SCOPE_LOOPBACK),
        ("::2", address.SCOPE_GLOBAL),
        ("fe80::1", address.SCOPE_LOOPBACK),
        ("fe80::1:1", address.SCOPE_LINK_LOCAL),
        ("febf::1", address.SCOPE_LINK_LOCAL),
        ("fec0::1", address.SCOPE_GLOBAL),
        ("fbff::1", address.SCOPE_GLOBAL),
        ("fc00::1", address.SCOPE_PRIVATE),
        ("fdff::1", address.SCOPE_PRIVATE),
        ("ff05::2", address.SCOPE_MULTICAST),
    ):
        assert address.scope(address.inet(text, 1)) == scope, text
    assert address.scope(address.NIL) == address.SCOPE_NONE
    mapped_loopback = b"\x06" + bytes(10) + b"\xff\xff\x7f\x00\x00\x01\x00\x01"
    assert address.scope(mapped_loopback) == address.SCOPE_LOOPBACK


def test_kinds_without_an_ip_address_read_as_nil_and_are_stepped_over() -> None:
    assert address.parse(b"\x00", 0) == (address.NIL, 1)
    assert address.parse(b"\x01" + bytes(6), 0) == (address.NIL, 7)
    assert address.parse(b"\x02" + bytes(6), 0) == (address.NIL, 7)
    assert address.parse(b"\x03\x00\x02ab", 0) == (address.NIL, 5)
    assert address.parse(b"\x03\x00\x00", 0) == (address.NIL, 3)


def test_unknown_kinds_and_cut_off_addresses_are_malformed() -> None:
    for kind in (5, 7, 127, 255):
        raises(ValueError, address.parse, bytes((kind,)) + bytes(20), 0)
    raises(ValueError, address.parse, b"", 0)
    for message in (
        b"\x01" + bytes(6),
        b"\x03\x00\x02ab",
        b"\x04" + bytes(6),
        b"\x06" + bytes(18),
    ):
        assert survives_truncation(lambda blob: address.parse(blob, 0), message) == 0
        survives_bit_flips(lambda blob: address.parse(blob, 0), message)


def test_parts_of_an_endpoint() -> None:
    endpoint = address.inet("10.147.17.5", 9993)
    assert endpoint == bytes.fromhex("040a9311052709")
    assert address.ip(endpoint) == bytes((10, 147, 17, 5))
    assert address.port(endpoint) == 9993
    assert address.with_port(endpoint, 24) == bytes.fromhex("040a9311050018")
    assert address.text(endpoint) == "10.147.17.5/9993"
    six = address.inet("2001:db8::7", 1)
    assert len(six) == 19 and address.port(six) == 1 and len(address.ip(six)) == 16


def test_nil_has_no_parts() -> None:
    assert address.ip(address.NIL) == b""
    assert address.port(address.NIL) == 0
    assert address.with_port(address.NIL, 5) == address.NIL
    assert address.text(address.NIL) == ""


def test_ipv4_in_ipv6_clothes_is_ipv4() -> None:
    assert address.inet("::ffff:10.0.0.1", 5) == address.inet("10.0.0.1", 5)
    assert address.inet("::ffff:a00:1", 5) == address.inet("10.0.0.1", 5)


def test_ipv6_text_shortens_the_first_longest_run_of_zeros() -> None:
    for text in (
        "::",
        "::1",
        "1::",
        "1:2:3:4:5:6:7:8",
        "2001:db8::1:0:0:1",
        "1:0:2::3",
        "fd89:9003::",
    ):
        assert address.ip_text(address.parse_ip(text)) == text
    assert address.ip_text(address.parse_ip("1:0:3:4:5:6:7:8")) == "1:0:3:4:5:6:7:8"
    assert address.ip_text(address.parse_ip("0:0:3:4:0:0:7:8")) == "::3:4:0:0:7:8"
    assert address.parse_ip("1::8.8.4.4") == address.parse_ip("1::808:404")
    assert address.parse_ip("ABCD::EF") == address.parse_ip("abcd::ef")


def test_what_is_no_ip_address_is_refused_in_one_sentence() -> None:
    for text in (
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.x", "1.2.3.", "1.2.3.0004",
        ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::",
        "g::", "1.2.3.4::", "::1.2.3", "fe80::1%eth0", " 1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
    ):  # fmt: skip
        assert raises(ValueError, address.parse_ip, text)
    for text in ("10.0.0.1", "10.0.0.1/", "10.0.0.1/x", "10.0.0.1/65536", "10.0.0.1/1/2", "/1"):
        assert raises(ValueError, address.from_text, text)
    raises(ValueError, address.inet_raw, bytes(5), 1)
    raises(ValueError, address.inet_raw, bytes(4), 65536)
    raises(ValueError, address.inet_raw, bytes(4), -1)
    raises(ValueError, address.ip_text, bytes(5))


def test_zerotier_addresses_and_network_ids_in_text() -> None:
    assert address.address_from_text("f85afca4d6") == b"\xf8\x5a\xfc\xa4\xd6"
    assert address.address_from_text("F85AFCA4D6") == b"\xf8\x5a\xfc\xa4\xd6"
    assert address.nwid_from_text("8056c2e21c000001") == bytes.fromhex("8056c2e21c000001")
    for text in ("", "f85afca4d", "f85afca4d6a", "f85afca4dg", "f8 5afca4d", " f85afca4d"):
        assert "10 hex digits" in raises(ValueError, address.address_from_text, text)
    for text in ("", "8056c2e21c00000", "8056c2e21c00000x", "8056c2e21c 00001"):
        assert "16 hex digits" in raises(ValueError, address.nwid_from_text, text)


def test_reserved_addresses() -> None:
    assert address.is_reserved(bytes(5))
    assert address.is_reserved(b"\xff\x00\x00\x00\x01")
    assert not address.is_reserved(b"\x00\x00\x00\x00\x01")
    assert not address.is_reserved(b"\xfe\xff\xff\xff\xff")
