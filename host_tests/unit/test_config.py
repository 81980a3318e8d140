"""Network configs, their chunks, and the metadata of requests (protocol/06 §6.4 to §6.6, 03 §3.15)."""

from _zerotier import lz4_decompress

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import raises, vectors
from zerotier.identity import Identity
from zerotier.wire import address, config, dictionary
from zerotier.wire.chunk import MAX_PIECE, Chunk, split
from zerotier.wire.config import NetworkConfig, encode_dns, request_metadata
from zerotier.wire.credentials import Membership, Tag


def recorded() -> list:
    return vectors("netconf")["configs"]


def specified() -> bytes:
    return bytes.fromhex(vectors("protocol_12")["config"])


def changed(key: str, value: bytes | None) -> bytes:
    """The config of the specification with another value under `key`, or without the key."""
    items = dictionary.parse(specified())
    pairs = [(name, items[name]) for name in items if name != key]
    if value is not None:
        pairs.append((key, value))
    return dictionary.encode(pairs)


def value_of(key: str) -> bytes:
    return dictionary.parse(specified())[key]


def test_recorded_configs_are_written_as_they_were_read() -> None:
    for case in recorded():
        raw = bytes.fromhex(case["raw"])
        network = NetworkConfig.parse(raw)
        assert network.encode() == raw
        assert network.raw == raw
        assert network.dropped == 0


def test_recorded_configs_have_their_numbers_and_lists() -> None:
    for case in recorded():
        network = NetworkConfig.parse(bytes.fromhex(case["raw"]))
        said = case["parsed"]
        assert network.version == int(said["v"], 16)
        assert network.nwid.hex() == said["nwid"] == case["network"]
        assert network.member.hex() == said["id"] == case["to"]
        assert network.timestamp == int(said["ts"], 16)
        assert network.credential_max_delta == int(said["ctmd"], 16)
        assert network.revision == int(said["r"], 16)
        assert network.flags == int(said["f"], 16)
        assert network.multicast_limit == int(said["ml"], 16)
        assert network.public == (int(said["t"], 16) == 1)
        assert network.name == said["n"]
        assert network.mtu == int(said["mtu"], 16)
        assert [address.text(one) for one in network.addresses] == said["I"]
        assert network.rules.hex() == said["R"]["raw"]
        assert network.dns_raw.hex() == said["DNS"]["raw"]
        specialists = [roles.to_bytes(3, "big") + node for node, roles in network.specialists]
        assert [one.hex() for one in specialists] == said.get("S", [])
        assert len(network.routes) == len(said["RT"])
        for (target, via, flags, metric), route in zip(network.routes, said["RT"]):
            assert address.text(target) == route["target"]
            assert address.text(via) == (route["via"] or "")
            assert (flags, metric) == (route["flags"], route["metric"])


def test_recorded_configs_carry_their_credentials_verbatim() -> None:
    for case in recorded():
        network = NetworkConfig.parse(bytes.fromhex(case["raw"]))
        said = case["parsed"]
        assert network.membership.encode().hex() == said["C"]["raw"]
        assert network.membership.issued_to == network.member
        assert [tag.encode().hex() for tag in network.tags] == [one["raw"] for one in said["TAG"]]
        assert [tag.id for tag in network.tags] == [one["id"] for one in said["TAG"]]
        owned = [ownership.encode().hex() for ownership in network.ownerships]
        assert owned == [one["raw"] for one in said["COO"]]
        if "controller_identity" not in case:
            continue
        controller = Identity.from_text(case["controller_identity"])
        for credential in [network.membership] + network.tags + network.ownerships:
            assert controller.verify(credential.signed_bytes(), credential.signature)


def test_the_large_recorded_config_has_a_bridge_gateways_and_dns() -> None:
    network = NetworkConfig.parse(bytes.fromhex(recorded()[4]["raw"]))
    assert network.name == "lab-all-rules" and network.mtu == 1400
    bridge = bytes.fromhex("f39fe60949")
    assert network.specialists == [(bridge, config.ROLE_ACTIVE_BRIDGE)]
    assert network.specialists_with(config.ROLE_ACTIVE_BRIDGE) == [bridge]
    assert network.specialists_with(config.ROLE_ANCHOR) == []
    assert network.dns_domain == "lab.test"
    assert [address.text(one) for one in network.dns_servers] == ["10.147.22.1/0", "10.147.22.2/0"]
    assert encode_dns("lab.test", network.dns_servers) == network.dns_raw
    assert len(network.tags) == 2


def test_the_config_of_the_specification() -> None:
    raw = specified()
    network = NetworkConfig.parse(raw)
    assert network.encode() == raw
    assert network.nwid.hex() == "f85afca4d6123456"
    assert network.name == "testnet" and network.revision == 3
    assert network.flags == config.FLAG_BROADCAST
    assert (network.multicast_limit, network.mtu, network.public) == (32, 2800, False)
    assert [address.text(one) for one in network.addresses] == ["10.147.17.5/24"]
    assert [address.text(route[0]) for route in network.routes] == ["10.147.17.0/24"]
    assert network.rules.hex() == vectors("protocol_12")["rules"]
    controller = Identity.from_text(vectors("protocol_12")["identity_a"])
    for credential in [network.membership] + network.ownerships:
        assert controller.verify(credential.signed_bytes(), credential.signature)


def test_a_config_built_from_nothing_reads_back() -> None:
    built = NetworkConfig()
    built.nwid = bytes.fromhex("f85afca4d6000001")
    built.member = bytes.fromhex("8f65490231")
    built.name = "Grün"
    built.public = True
    built.multicast_limit = 32
    built.sso_enabled = True
    built.sso = {"aurl": b"https://example.com/?a=b", "aexpt": b"1"}
    built.specialists = [(built.member, config.ROLE_ANCHOR | config.ROLE_REPLICATOR)]
    read = NetworkConfig.parse(built.encode())
    assert read.name == "Grün" and read.public and read.sso_enabled
    assert read.sso == built.sso
    assert read.specialists_with(config.ROLE_REPLICATOR) == [built.member]
    assert read.membership is None and read.rules == b"" and read.addresses == []
    assert read.dns_servers == [] and read.dns_domain == ""
    assert read.encode() == built.encode()


def test_defaults_of_absent_keys() -> None:
    network = NetworkConfig.parse(b"v=7\nnwid=f85afca4d6000001\nid=8f65490231")
    assert network.mtu == 2800
    assert network.multicast_limit == 0
    assert not network.public and not network.sso_enabled
    assert network.name == "" and network.rules == b"" and network.dns_raw == b""
    assert network.membership is None
    assert network.raw == b"v=7\nnwid=f85afca4d6000001\nid=8f65490231"


def test_the_mtu_is_kept_within_its_bounds() -> None:
    for said, kept in ((0, 1280), (1279, 1280), (1400, 1400), (10001, 10000)):
        assert NetworkConfig.parse(changed("mtu", dictionary.hex16(said))).mtu == kept


def test_configs_that_must_be_refused() -> None:
    for key, value in (
        ("v", b"5"), ("v", None), ("v", b"-7"),
        ("nwid", b"0"), ("nwid", None), ("nwid", b"-1"),
        ("id", b"0000000000"), ("id", None),
        ("C", b""), ("C", b"\x02"), ("C", b"\x01\x00"),
        ("COO", b"\x00"), ("COO", value_of("COO") + b"x"),
        ("RT", b"\x05"), ("RT", value_of("RT") + b"\x04"), ("RT", value_of("RT")[:-1]),
        ("I", b"\x04\x0a"), ("I", b"\x09"),
        ("R", b"\x01"), ("R", value_of("R") + b"\x25\x02\x08"),
        ("DNS", bytes(127)), ("DNS", bytes(131)), ("DNS", bytes(128) + b"\x05\x00\x00\x00"),
    ):  # fmt: skip
        assert raises(ValueError, NetworkConfig.parse, changed(key, value)), key
    NetworkConfig.parse(changed("v", b"6"))


def test_a_broken_tag_or_capability_only_ends_its_list() -> None:
    tag = bytes.fromhex(vectors("protocol_12")["tag"])
    network = NetworkConfig.parse(changed("TAG", tag + tag[:50]))
    assert [one.id for one in network.tags] == [5]
    capability = bytes.fromhex(vectors("protocol_12")["capability"])
    network = NetworkConfig.parse(changed("CAP", capability + b"x" + capability))
    assert [one.id for one in network.capabilities] == [7]


def test_tags_are_sorted_and_keep_their_bytes() -> None:
    tags = []
    for number in (9, 3, 5):
        tag = Tag(bytes(8), 1, number, 0, bytes(5), bytes(5), bytes(96))
        tags.append(tag.encode()[:-2] + b"\x00\x02xy")  # additional fields travel on
    network = NetworkConfig.parse(changed("TAG", b"".join(tags)))
    assert [tag.id for tag in network.tags] == [3, 5, 9]
    assert [tag.encode() for tag in network.tags] == [tags[1], tags[2], tags[0]]


def test_lists_are_bounded_and_what_is_over_is_counted() -> None:
    tag = bytes.fromhex(vectors("protocol_12")["tag"])
    network = NetworkConfig.parse(changed("TAG", tag * 131))
    assert len(network.tags) == 128 and network.dropped == 3
    network = NetworkConfig.parse(changed("I", value_of("I") * 33))
    assert len(network.addresses) == 32
    network = NetworkConfig.parse(changed("S", bytes(8 * 257)))
    assert len(network.specialists) == 256 and network.dropped == 1
    network = NetworkConfig.parse(changed("RT", value_of("RT") * 129))
    assert len(network.routes) == 128
    network = NetworkConfig.parse(changed("COO", value_of("COO") * 5))
    assert len(network.ownerships) == 4 and network.dropped == 1


def test_more_than_1024_rules_are_cut_off() -> None:
    network = NetworkConfig.parse(changed("R", b"\x01\x00" * 1025))
    assert len(network.rules) == 2048 and network.dropped == 1


def test_base_rules_keep_odd_rules_as_they_came() -> None:
    for rules in (
        b"\x3f\x02ab\x01\x00",  # unknown match
        b"\x25\x04\x08\x00zz\x01\x00",  # ethertype, announced too long
        b"\x01\x09",  # the last rule runs past the end
        b"\x25\x00\x08\x00",  # fields are read where they belong
    ):
        assert NetworkConfig.parse(changed("R", rules)).rules == rules


def test_recorded_rules_have_the_lengths_of_their_types() -> None:
    blob = b""
    for case in vectors("rules")["rules"]:
        blob += bytes.fromhex(case["binary"])
        assert NetworkConfig.parse(changed("R", bytes.fromhex(case["binary"]))).dropped == 0
    network = NetworkConfig.parse(changed("R", blob))
    assert network.rules == blob
    assert NetworkConfig.parse(network.encode()).rules == blob


def test_a_name_is_cut_at_127_bytes_and_broken_text_is_shown() -> None:
    assert NetworkConfig.parse(changed("n", b"x" * 200)).name == "x" * 127
    assert NetworkConfig.parse(changed("n", b"a\xff\xfeb")).name == "a??b"


def test_dns_values_that_do_not_fit_are_refused() -> None:
    server = address.inet("10.0.0.1", 0)
    assert len(encode_dns("", [])) == 132
    assert len(encode_dns("a" * 127, [server] * 4)) == 128 + 4 * 7
    raises(ValueError, encode_dns, "a" * 128, [])
    raises(ValueError, encode_dns, "a", [server] * 5)


# --- metadata


def test_metadata_asks_for_rules_only_if_told() -> None:
    plain = dictionary.parse(request_metadata())
    assert "revr" not in plain and "a" not in plain
    assert dictionary.get_int(plain, "v") == 7
    assert dictionary.get_int(plain, "pv") == 11
    version = [dictionary.get_int(plain, key) for key in ("majv", "minv", "revv")]
    assert version == [1, 4, 8]
    assert dictionary.get_int(dictionary.parse(request_metadata(1)), "revr") == 1
    assert dictionary.parse(request_metadata(auth_token="x=y"))["a"] == b"token:x=y"
    assert len(request_metadata(1)) < 1024


def test_metadata_has_the_keys_of_the_reference_in_its_order() -> None:
    reference = vectors("protocol_12")["metadata"].split("\n")
    ours = request_metadata(1).decode().split("\n")
    assert [line.split("=")[0] for line in ours] == [line.split("=")[0] for line in reference]


# --- chunks


def specified_chunk() -> bytes:
    """The chunk in the OK of the specification, decompressed (protocol/12 §12.9)."""
    packet = bytes.fromhex(vectors("protocol_12")["ok_config_packet"])
    payload = bytearray(9996)
    size = lz4_decompress(packet[28:], payload)
    assert size == 1301 - 28
    return bytes(payload[9:size])


def test_the_chunk_of_the_specification() -> None:
    blob = specified_chunk()
    chunk = Chunk.parse(blob)
    assert bytes(chunk.piece) == specified()
    assert chunk.update_id.hex() == "c1c2c3c4c5c6c7c8"
    assert (chunk.total, chunk.index, chunk.flags) == (1138, 0, 0)
    assert chunk.signature.hex() == vectors("protocol_12")["chunk_signature"]
    assert len(chunk.signed_bytes()) == 1165
    assert chunk.encode() == blob
    controller = Identity.from_text(vectors("protocol_12")["identity_a"])
    assert controller.verify(chunk.signed_bytes(), chunk.signature)
    rebuilt = Chunk(chunk.nwid, specified(), chunk.update_id, 1138, 0)
    assert rebuilt.signed_bytes() == bytes(chunk.signed_bytes())
    assert controller.sign(rebuilt.signed_bytes()) == chunk.signature
    rebuilt.signature = chunk.signature
    assert rebuilt.encode() == blob


def test_the_id_of_a_chunk_folds_its_signature() -> None:
    chunk = Chunk.parse(specified_chunk())
    assert chunk.id == bytes([a ^ b for a, b in zip(chunk.signature[:8], chunk.signature[8:16])])


def test_recorded_chunks_sign_what_they_say() -> None:
    by_update = {case["update_id"]: case for case in recorded()}
    for case in vectors("netconf")["chunks"]:
        whole = by_update[case["update_id"]]
        raw = bytes.fromhex(whole["raw"])
        chunk = Chunk(
            bytes.fromhex(case["network"]),
            raw[case["chunk_index"] : case["chunk_index"] + case["chunk_len"]],
            bytes.fromhex(case["update_id"]),
            case["total_len"],
            case["chunk_index"],
        )
        assert len(chunk.signed_bytes()) == case["signed_bytes_len"]
        controller = Identity.from_text(whole["controller_identity"])
        assert controller.verify(chunk.signed_bytes(), bytes.fromhex(case["signature"]))


def test_a_chunk_at_an_offset_of_a_view_is_read_without_a_copy() -> None:
    buffer = bytearray(9) + specified_chunk()
    chunk = Chunk.parse(memoryview(buffer), 9)
    assert bytes(chunk.piece) == specified()
    assert isinstance(chunk.piece, memoryview) and isinstance(chunk.signed_bytes(), memoryview)
    assert chunk.encode() == specified_chunk()


def test_the_legacy_form_ends_after_its_piece() -> None:
    chunk = Chunk.parse(bytes(8) + b"\x00\x03v=7")
    assert bytes(chunk.piece) == b"v=7"
    assert (chunk.signature, chunk.update_id, chunk.total, chunk.index) == (None, b"", 3, 0)
    assert chunk.encode() == bytes(8) + b"\x00\x03v=7"
    assert chunk.id == bytes(8)


def rebuilt_chunk(total: int, index: int, kind: bytes = b"\x01\x00\x60") -> bytes:
    fields = b"\x00" + b"update##" + total.to_bytes(4, "big") + index.to_bytes(4, "big")
    return bytes(8) + b"\x00\x03v=7" + fields + kind + bytes(96)


def test_chunks_that_do_not_fit_are_refused() -> None:
    assert Chunk.parse(rebuilt_chunk(10, 7)).index == 7
    raises(ValueError, Chunk.parse, rebuilt_chunk(10, 8))
    raises(ValueError, Chunk.parse, rebuilt_chunk(2, 0))
    raises(ValueError, Chunk.parse, rebuilt_chunk(10, 0xFFFFFFFF))
    assert Chunk.parse(rebuilt_chunk(484519, 0)).total == 484519
    raises(ValueError, Chunk.parse, rebuilt_chunk(484520, 0))
    raises(ValueError, Chunk.parse, rebuilt_chunk(8192, 0), 0, 8192)
    raises(ValueError, Chunk.parse, rebuilt_chunk(10, 0, b"\x02\x00\x60"))
    raises(ValueError, Chunk.parse, rebuilt_chunk(10, 0, b"\x01\x00\x5f"))


def test_a_large_dictionary_is_cut_into_pieces_that_fit_a_packet() -> None:
    raw = bytes.fromhex(recorded()[4]["raw"])
    chunks = split(bytes(8), raw, b"update##")
    assert len(chunks) == recorded()[4]["chunks"] == 3
    assert b"".join([chunk.piece for chunk in chunks]) == raw
    for chunk in chunks:
        assert chunk.total == len(raw) and len(chunk.piece) <= MAX_PIECE
        chunk.signature = bytes(96)
        assert Chunk.parse(chunk.encode()).index == chunk.index
        assert 28 + 9 + len(chunk.encode()) <= 10024


# --- damage


def test_cut_off_and_damaged_configs_raise_nothing_but_value_errors() -> None:
    def reencoded(blob: bytes) -> bytes:
        return NetworkConfig.parse(blob).encode()

    survives_truncation(reencoded, specified(), 5)
    survives_bit_flips(reencoded, specified(), 3, 3)
    survives_truncation(reencoded, bytes.fromhex(recorded()[0]["raw"]), 37)


def test_cut_off_and_damaged_chunks_raise_nothing_but_value_errors() -> None:
    def reencoded(blob: bytes) -> bytes:
        return Chunk.parse(blob).encode()

    small = rebuilt_chunk(10, 7)
    assert survives_truncation(reencoded, small) == 2  # the legacy form
    survives_bit_flips(reencoded, small)
    survives_truncation(reencoded, specified_chunk(), 11)


def test_memberships_in_a_config_may_be_followed_by_anything() -> None:
    com = value_of("C")
    assert NetworkConfig.parse(changed("C", com + b"rest")).membership.encode() == com
    assert Membership.parse(com)[1] == len(com)
