"""The small payloads (protocol/03)."""

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import raises, vectors
from zerotier.wire import address, messages, verbs

NWID = bytes.fromhex("8056c2e21c000001")
MAC = bytes.fromhex("02f85ae04614")
GROUP = b"\xff" * 6
ID = bytes.fromhex("0123456789abcdef")
PEER = bytes.fromhex("f85afca4d6")
OTHER = bytes.fromhex("8f65490231")
IPV4 = address.inet("192.0.2.10", 9993)
IPV6 = address.inet("2001:db8::1", 443)


def com() -> bytes:
    return bytes.fromhex(vectors("protocol_12")["com"])


def identity() -> bytes:
    return bytes.fromhex(vectors("identities")["valid"][0]["binary_public"])


# --- names


def test_every_verb_has_its_name() -> None:
    assert verbs.verb_name(verbs.VERB_HELLO) == "HELLO"
    assert verbs.verb_name(verbs.VERB_PATH_NEGOTIATION_REQUEST) == "PATH_NEGOTIATION_REQUEST"
    for name in dir(verbs):
        if name.startswith("VERB_") and name not in ("VERB_MASK", "VERB_COMPRESSED"):
            assert "VERB_" + verbs.verb_name(getattr(verbs, name)) == name
    for unassigned in (0x0F, 0x11, 0x17, 0x1F):
        assert verbs.verb_name(unassigned) == "VERB_%02x" % unassigned


# --- OK and ERROR


def test_an_ok_names_what_it_answers() -> None:
    payload = messages.ok_header(verbs.VERB_ECHO, ID) + b"body"
    assert payload == b"\x08" + ID + b"body"
    assert messages.parse_ok(payload) == (verbs.VERB_ECHO, ID, b"body")
    assert survives_truncation(messages.parse_ok, payload) == 2 * 4
    assert messages.parse_ok(memoryview(payload))[1] == ID


def test_an_error_has_a_code_and_its_extra_bytes() -> None:
    payload = messages.encode_error(6, ID, verbs.ERROR_NEED_MEMBERSHIP_CERTIFICATE, NWID)
    assert payload == b"\x06" + ID + b"\x06" + NWID
    assert messages.parse_error(payload) == (6, ID, 6, NWID)
    assert messages.parse_error(messages.encode_error(1, ID, 4)) == (1, ID, 4, b"")
    survives_truncation(messages.parse_error, payload)
    assert messages.parse_error_network(NWID) == NWID
    raises(ValueError, messages.parse_error_network, NWID[:7])


def test_errors_about_groups_and_about_authentication() -> None:
    extra = NWID + GROUP + b"\x0a\x93\x11\x05"
    assert messages.parse_unwanted_multicast(extra) == (NWID, GROUP, 0x0A931105)
    survives_truncation(messages.parse_unwanted_multicast, extra)
    assert messages.parse_authentication_required(NWID) == (NWID, b"")
    assert messages.parse_authentication_required(NWID + b"\x00\x04aV=0") == (NWID, b"aV=0")
    raises(ValueError, messages.parse_authentication_required, NWID + b"\x00\x05aV=0")
    raises(ValueError, messages.parse_authentication_required, NWID + b"\x00")


# --- finding peers


def test_whois_lists_addresses_and_ignores_an_incomplete_one() -> None:
    payload = messages.encode_whois([PEER, OTHER])
    assert payload == PEER + OTHER
    assert messages.parse_whois(payload) == [PEER, OTHER]
    assert messages.parse_whois(payload[:-1]) == [PEER]
    assert messages.parse_whois(b"") == []
    assert messages.parse_whois(PEER * 1000) == [PEER] * messages.MAX_WHOIS
    assert messages.parse_whois(payload, 1) == [PEER]


def test_an_ok_to_whois_may_hold_several_identities() -> None:
    one = identity()
    assert messages.parse_identities(one + one) == [one, one]
    assert messages.parse_identities(b"") == []
    assert messages.parse_identities(memoryview(one * 3), 2) == [one, one]
    raises(ValueError, messages.parse_identities, one + one[:-1])
    survives_truncation(messages.parse_identities, one)
    survives_bit_flips(messages.parse_identities, one)


def test_a_rendezvous_names_a_peer_and_where_it_is() -> None:
    payload = messages.encode_rendezvous(PEER, IPV4)
    assert payload == b"\x00" + PEER + b"\x27\x09\x04\xc0\x00\x02\x0a"
    assert messages.parse_rendezvous(payload) == (PEER, IPV4)
    assert messages.parse_rendezvous(messages.encode_rendezvous(PEER, IPV6)) == (PEER, IPV6)
    raises(ValueError, messages.encode_rendezvous, PEER, address.NIL)
    assert survives_truncation(messages.parse_rendezvous, payload) == 0
    survives_bit_flips(messages.parse_rendezvous, payload)


def test_a_rendezvous_without_a_port_or_with_an_odd_address_is_malformed() -> None:
    raises(ValueError, messages.parse_rendezvous, b"\x00" + PEER + b"\x00\x00\x04" + bytes(4))
    for size in (0, 5, 15, 17):
        wrong = b"\x00" + PEER + b"\x27\x09" + bytes((size,)) + bytes(size)
        raises(ValueError, messages.parse_rendezvous, wrong)


def test_pushed_paths_travel_in_a_layout_of_their_own() -> None:
    payload = messages.encode_push_direct_paths([IPV4, IPV6])
    assert payload[:2] == b"\x00\x02"
    assert payload[2:13] == b"\x00\x00\x00\x04\x06\xc0\x00\x02\x0a\x27\x09"
    assert messages.parse_push_direct_paths(payload) == [(0, IPV4), (0, IPV6)]
    assert messages.parse_push_direct_paths(memoryview(payload), 1) == [(0, IPV4)]
    assert messages.parse_push_direct_paths(b"\x00\x00") == []
    raises(ValueError, messages.encode_push_direct_paths, [address.NIL])
    assert survives_truncation(messages.parse_push_direct_paths, payload) == 0
    survives_bit_flips(messages.parse_push_direct_paths, payload)


def test_records_with_extensions_flags_or_other_addresses_are_stepped_over() -> None:
    known = b"\x04\x06\xc0\x00\x02\x0a\x27\x09"
    payload = b"\x00\x04"
    payload += b"\x01\x00\x00" + known
    payload += b"\x02\x00\x03ext" + known
    payload += b"\x00\x00\x00\x09\x02xx"
    payload += b"\x00\x00\x00\x04\x05xxxxx"
    assert messages.parse_push_direct_paths(payload) == [
        (messages.PUSH_FORGET, IPV4),
        (messages.PUSH_REDIRECT, IPV4),
    ]


# --- frames


def test_a_frame_is_a_network_an_ethertype_and_a_payload() -> None:
    payload = messages.encode_frame(NWID, 0x0800, b"packet")
    assert payload == NWID + b"\x08\x00packet"
    assert messages.parse_frame(payload) == (NWID, 0x0800, b"packet")
    assert messages.parse_frame(NWID + b"\x08\x06") == (NWID, 0x0806, b"")
    view = messages.parse_frame(memoryview(payload))[2]
    assert isinstance(view, memoryview) and bytes(view) == b"packet"
    assert survives_truncation(messages.parse_frame, payload) == 2 * 6


def test_a_frame_with_addresses() -> None:
    payload = messages.encode_ext_frame(NWID, 0, MAC, GROUP, 0x86DD, b"packet")
    assert payload == NWID + b"\x00" + MAC + GROUP + b"\x86\xddpacket"
    frame = messages.parse_ext_frame(memoryview(payload))
    assert (frame.nwid, frame.flags, frame.com) == (NWID, 0, None)
    assert (frame.destination, frame.source, frame.ethertype) == (MAC, GROUP, 0x86DD)
    assert isinstance(frame.payload, memoryview) and bytes(frame.payload) == b"packet"
    assert survives_truncation(messages.parse_ext_frame, payload) == 2 * 6


def test_a_certificate_in_a_frame_shifts_the_rest() -> None:
    payload = messages.encode_ext_frame(
        NWID, messages.EXT_FRAME_WATCH_OUT, MAC, GROUP, 0x0800, b"packet", com()
    )
    assert len(payload) == 8 + 1 + 272 + 14 + 6
    frame = messages.parse_ext_frame(payload)
    assert frame.com == com() and frame.flags == 0x17
    assert (frame.destination, frame.payload) == (MAC, b"packet")
    again = messages.encode_ext_frame(
        NWID,
        frame.flags,
        frame.destination,
        frame.source,
        frame.ethertype,
        frame.payload,
        frame.com,
    )
    assert again == payload
    assert survives_truncation(messages.parse_ext_frame, payload) == 2 * 6
    survives_bit_flips(messages.parse_ext_frame, payload, 3)


# --- multicast


def test_likes_are_triples() -> None:
    groups = [(NWID, GROUP, 0x0A931105), (NWID, MAC, 0), (bytes(8), MAC, 0xFFFFFFFF)]
    payload = messages.encode_multicast_like(groups)
    assert len(payload) == 54
    assert messages.parse_multicast_like(payload) == groups
    assert messages.parse_multicast_like(memoryview(payload)) == groups
    assert messages.parse_multicast_like(payload, 1) == groups[:1]
    assert messages.parse_multicast_like(b"") == []
    raises(ValueError, messages.parse_multicast_like, payload[:-1])
    raises(ValueError, messages.encode_multicast_like, [(NWID, MAC, 2**32)])


def test_a_gather_without_a_certificate_has_51_bytes_as_a_packet_and_323_with_one() -> None:
    payload = messages.encode_multicast_gather(NWID, GROUP, 0x0A931105, 33)
    assert 28 + len(payload) == 51
    gather = messages.parse_multicast_gather(payload)
    assert (gather.nwid, gather.mac, gather.adi) == (NWID, GROUP, 0x0A931105)
    assert (gather.limit, gather.com) == (33, None)
    assert survives_truncation(messages.parse_multicast_gather, payload) == 0
    payload = messages.encode_multicast_gather(NWID, GROUP, 0x0A931105, 33, com())
    assert 28 + len(payload) == 323
    assert messages.parse_multicast_gather(memoryview(payload)).com == com()
    assert survives_truncation(messages.parse_multicast_gather, payload) == 0


def test_gathered_members() -> None:
    body = messages.encode_ok_gather(NWID, GROUP, 7, 9, [PEER, OTHER])
    gathered = messages.parse_ok_gather(memoryview(body))
    assert (gathered.nwid, gathered.mac, gathered.adi) == (NWID, GROUP, 7)
    assert gathered.total == 9 and gathered.members == [PEER, OTHER]
    assert messages.parse_ok_gather(body, 1).members == [PEER]
    assert survives_truncation(messages.parse_ok_gather, body) == 0
    survives_bit_flips(messages.parse_ok_gather, body)


def test_members_gathered_by_a_multicast() -> None:
    body = messages.encode_ok_multicast_frame(NWID, GROUP, 7, 9, [PEER])
    assert body[18] == 0x02
    gathered = messages.parse_ok_multicast_frame(body)
    assert (gathered.total, gathered.members) == (9, [PEER])
    nothing = messages.parse_ok_multicast_frame(body[:18] + b"\x00")
    assert (nothing.total, nothing.members) == (0, [])
    with_com = body[:18] + b"\x03" + com() + body[19:]
    assert messages.parse_ok_multicast_frame(with_com).members == [PEER]
    assert survives_truncation(messages.parse_ok_multicast_frame, body) == 0
    survives_bit_flips(messages.parse_ok_multicast_frame, with_com, 5)


def test_the_optional_fields_of_a_multicast_come_in_their_order() -> None:
    for certificate, limit, source in (
        (b"", 0, None), (b"", 33, None), (b"", 0, MAC), (b"", 33, MAC), (com(), 0, None), (com(), 1, MAC),
    ):  # fmt: skip
        payload = messages.encode_multicast_frame(
            NWID, 0, limit, source, GROUP, 0x0A931105, 0x0806, b"arp", certificate
        )
        frame = messages.parse_multicast_frame(memoryview(payload))
        assert frame.flags == bool(certificate) * 1 + bool(limit) * 2 + bool(source) * 4
        assert frame.nwid == NWID and frame.com == (certificate or None)
        assert frame.gather_limit == limit and frame.source == source
        assert (frame.destination, frame.adi, frame.ethertype) == (GROUP, 0x0A931105, 0x0806)
        assert bytes(frame.payload) == b"arp"
        assert survives_truncation(messages.parse_multicast_frame, payload, 3) <= 2
        survives_bit_flips(messages.parse_multicast_frame, payload, 5, 3)


def test_a_multicast_for_a_replicator_keeps_its_flags() -> None:
    payload = messages.encode_multicast_frame(
        NWID, messages.MULTICAST_REPLICATE, 0, MAC, GROUP, 0, 0x0800, b"x"
    )
    assert payload[8] == 0x0C
    assert messages.parse_multicast_frame(payload).flags == 0x0C


def test_flags_never_promise_a_field_that_is_not_there() -> None:
    payload = messages.encode_ext_frame(NWID, 0x17, MAC, GROUP, 0x0800, b"x")
    assert messages.parse_ext_frame(payload).flags == 0x16
    payload = messages.encode_multicast_frame(NWID, 0x07, 0, None, GROUP, 0, 0x0800, b"x")
    frame = messages.parse_multicast_frame(payload)
    assert (frame.flags, frame.payload) == (0x02, b"x")


# --- configs


def test_a_config_request_and_its_optional_end() -> None:
    payload = messages.encode_config_request(NWID, b"v=7", 3, 1700000000000)
    assert messages.parse_config_request(payload) == (NWID, b"v=7", 3, 1700000000000)
    assert messages.parse_config_request(payload[:-16]) == (NWID, b"v=7", 0, 0)
    assert messages.parse_config_request(NWID + b"\x00\x00") == (NWID, b"", 0, 0)
    raises(ValueError, messages.parse_config_request, NWID + b"\x00\x01")
    survives_truncation(messages.parse_config_request, payload)
    survives_bit_flips(messages.parse_config_request, payload)


def test_a_pushed_config_is_acknowledged_by_its_update_id() -> None:
    assert messages.encode_config_acknowledgement(NWID, ID) == NWID + ID
