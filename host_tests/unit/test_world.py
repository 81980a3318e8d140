"""Planets and moons (protocol/05)."""

from _zerotier import verify

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import raises, vectors
from zerotier.identity import Identity
from zerotier.wire import address
from zerotier.wire.world import EARTH, KIND_MOON, KIND_NULL, KIND_PLANET, Root, World, parse_worlds

SOME = ("planet_older.world", "planet_newer.world", "example.moon", "attic_world.bin")


def recorded(name: str) -> tuple:
    case = vectors("worlds")[name]
    return case, bytes.fromhex(case["raw"])


def reencoded(blob: bytes) -> bytes:
    return World.parse(blob)[0].encode()


def test_recorded_worlds_have_their_fields() -> None:
    for name in SOME:
        case, raw = recorded(name)
        world, end = World.parse(raw)
        assert end == len(raw) == case["length"]
        assert world.kind == case["type"]
        assert world.id.hex() == case["id"]
        assert world.timestamp == case["timestamp"]
        assert world.update_key.hex() == case["updates_must_be_signed_by"]
        assert world.signature.hex() == case["signature"]
        assert len(world.roots) == len(case["roots"])
        for root, expected in zip(world.roots, case["roots"]):
            assert Identity.from_bytes(root.identity).to_text() == expected["identity"]
            assert root.address == root.identity[:5]
            assert [address.text(one) for one in root.endpoints] == expected["stable_endpoints"]


def test_recorded_worlds_are_written_as_they_were_read() -> None:
    for name in SOME:
        case, raw = recorded(name)
        assert reencoded(raw) == raw
        assert reencoded(memoryview(raw)) == raw
        assert World.parse(raw)[0].signed_bytes().hex() == case["signed_bytes"]


def test_files_beside_the_vectors_are_the_same_worlds() -> None:
    for name in SOME[:3]:
        with open("host_tests/vectors/" + name, "rb") as file:
            assert file.read() == recorded(name)[1]


def test_signatures_cover_the_signed_bytes() -> None:
    for name in SOME:
        world = World.parse(recorded(name)[1])[0]
        assert verify(world.update_key, world.signed_bytes(), world.signature)
    older = World.parse(recorded("planet_older.world")[1])[0]
    newer = World.parse(recorded("planet_newer.world")[1])[0]
    assert newer.timestamp > older.timestamp and newer.id == older.id
    assert verify(older.update_key, newer.signed_bytes(), newer.signature)
    tampered = World.parse(recorded("tampered_planet")[1])[0]
    assert not verify(newer.update_key, tampered.signed_bytes(), tampered.signature)


def test_the_default_planet_is_the_one_of_the_specification() -> None:
    earth, end = World.parse(EARTH)
    assert end == len(EARTH) == 570
    assert (earth.kind, earth.timestamp) == (KIND_PLANET, 1644592324813)
    assert earth.id == (149604618).to_bytes(8, "big")
    names = [root.address.hex() for root in earth.roots]
    assert names == ["cafe9efeb9", "778cde7190", "62f865ae71", "cafe04eba9"]
    assert [address.text(root.endpoints[0]) for root in earth.roots] == [
        "104.194.8.134/9993",
        "103.195.103.66/9993",
        "50.7.252.138/9993",
        "84.17.53.155/9993",
    ]
    assert verify(earth.update_key, earth.signed_bytes(), earth.signature)


def test_the_default_planet_is_an_update_of_the_attic_one() -> None:
    attic = World.parse(recorded("attic_world.bin")[1])[0]
    earth = World.parse(EARTH)[0]
    assert earth.id == attic.id and earth.timestamp > attic.timestamp
    assert verify(attic.update_key, earth.signed_bytes(), earth.signature)


def test_the_moon_of_the_specification() -> None:
    text = vectors("protocol_12")
    moon, end = World.parse(bytes.fromhex(text["moon"]))
    assert (end, moon.kind, moon.timestamp) == (259, KIND_MOON, 1700000000000)
    owner = Identity.from_text(text["identity_a"])
    assert moon.id == bytes(3) + owner.address
    assert moon.update_key == owner.public
    assert moon.roots[0].identity == owner.to_bytes()
    assert [address.text(one) for one in moon.roots[0].endpoints] == ["192.0.2.1/9993"]
    assert moon.encode().hex() == text["moon"]
    assert verify(owner.public, moon.signed_bytes(), moon.signature)
    assert owner.sign(moon.signed_bytes()) == moon.signature


def test_the_dictionary_of_a_moon_is_stepped_over_and_written_empty() -> None:
    raw = recorded("example.moon")[1]
    longer = raw[:-2] + b"\x00\x05hello" + b"next"
    world, end = World.parse(longer)
    assert end == len(raw) + 5
    assert world.encode() == raw


def test_worlds_back_to_back_are_told_apart() -> None:
    blobs = [recorded(name)[1] for name in SOME]
    worlds, whole = parse_worlds(b"".join(blobs))
    assert whole
    assert [world.encode() for world in worlds] == blobs
    assert parse_worlds(b"") == ([], True)


def test_worlds_before_a_broken_one_count_and_nothing_behind_it_does() -> None:
    good = recorded("example.moon")[1]
    worlds, whole = parse_worlds(good + b"\x05" + good)
    assert len(worlds) == 1 and not whole
    worlds, whole = parse_worlds(memoryview(good + good[:-1]))
    assert len(worlds) == 1 and not whole


def test_only_three_kinds_are_worlds() -> None:
    raw = recorded("planet_newer.world")[1]
    for kind in (2, 126, 128, 255):
        raises(ValueError, World.parse, bytes((kind,)) + raw[1:])
    null, end = World.parse(b"\x00" + raw[1:])
    assert null.kind == KIND_NULL and end == len(raw)


def test_five_roots_and_33_endpoints_are_too_many() -> None:
    raw = recorded("planet_newer.world")[1]
    world = World.parse(raw)[0]
    identity = world.roots[0].identity
    endpoint = address.inet("fd00::1", 9993)
    world.roots = [Root(identity, [endpoint] * 32)] * 4
    largest = world.encode()
    assert len(largest) == 2898
    assert World.parse(largest)[0].encode() == largest
    world.roots = [Root(identity, [])] * 5
    assert "4 roots" in raises(ValueError, World.parse, world.encode())
    world.roots = [Root(identity, [endpoint] * 33)]
    assert "32 endpoints" in raises(ValueError, World.parse, world.encode())
    world.roots = []
    assert World.parse(world.encode())[0].roots == []


def test_a_broken_root_identity_is_malformed() -> None:
    raw = bytearray(recorded("planet_newer.world")[1])
    raw[178 + 5] = 1
    raises(ValueError, World.parse, bytes(raw))
    raw[178 + 5] = 0
    raw[178 + 70] = 32
    raises(ValueError, World.parse, bytes(raw))


def test_cut_off_and_damaged_worlds_raise_nothing_but_value_errors() -> None:
    for name in ("planet_newer.world", "example.moon"):
        raw = recorded(name)[1]
        assert survives_truncation(reencoded, raw) == 0
        survives_bit_flips(reencoded, raw)
    survives_truncation(reencoded, EARTH, 7)
