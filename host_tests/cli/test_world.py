"""`zt world`: planets and moons are made, signed, updated and shown."""

import json
import stat
from pathlib import Path

import pytest

from host_tests.cli.command import answer, done, refused, zt

VECTORS = Path(__file__).parent.parent / "vectors"
IDENTITIES = [
    case["secret"].rpartition(":")[0]
    for case in json.loads((VECTORS / "identities.json").read_text())["valid"]
]


@pytest.fixture
def planet(tmp_path):
    path = tmp_path / "planet"
    done("world", "planet", "--root", f"{IDENTITIES[0]}@192.0.2.1/9993", "--out", path)
    return path


def test_a_planet_is_signed_with_a_key_of_its_own(planet):
    key = planet.with_name("planet.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and key.stat().st_size == 128
    shown = answer("world", "show", planet)
    assert shown["type"] == "planet" and shown["signatureValid"] is True
    assert shown["updateKey"] == key.read_bytes()[:64].hex()
    assert shown["roots"] == [
        {
            "address": IDENTITIES[0][:10],
            "identity": IDENTITIES[0],
            "endpoints": ["192.0.2.1/9993"],
        }
    ]


def test_a_planet_has_up_to_four_roots_from_files_or_written_out(tmp_path):
    (tmp_path / "identity.public").write_text(IDENTITIES[1] + "\n")
    roots = [f"{tmp_path}/identity.public@192.0.2.2/9993,2001:db8::2/443"]
    roots += [f"{identity}@192.0.2.3/1" for identity in IDENTITIES[2:5]]
    words = [word for root in roots for word in ("--root", root)]
    made = answer(
        "world", "planet", *words, "--id", 77, "--out", tmp_path / "p", "--key", tmp_path / "k"
    )
    assert made["id"] == "000000000000004d"
    assert made["roots"][0]["endpoints"] == ["192.0.2.2/9993", "2001:db8::2/443"]
    assert len(made["roots"]) == 4
    assert "at most 4 roots" in refused(
        "world", "planet", *words, "--root", roots[1], "--out", tmp_path / "q"
    )


def test_a_planet_that_exists_is_kept_unless_it_is_updated(planet):
    before, shown = planet.read_bytes(), answer("world", "show", planet)
    words = ["world", "planet", "--root", f"{IDENTITIES[1]}@192.0.2.9/9993", "--out", planet]
    assert "exists already and is kept" in refused(*words)
    assert planet.read_bytes() == before
    done(*words, "--update")
    updated = answer("world", "show", planet)
    assert updated["id"] == shown["id"] and updated["updateKey"] == shown["updateKey"]
    assert updated["timestamp"] > shown["timestamp"] and updated["signatureValid"]
    assert updated["roots"][0]["address"] == IDENTITIES[1][:10]


def test_only_the_owner_of_the_key_can_update_a_planet(planet, tmp_path):
    before = planet.read_bytes()
    words = ["world", "planet", "--root", f"{IDENTITIES[1]}@192.0.2.9/9993", "--out"]
    done(*words, tmp_path / "other")
    sentence = refused(*words, planet, "--update", "--key", tmp_path / "other.key")
    assert "is not the key that may update this world" in sentence
    planet.with_name("planet.key").unlink()
    assert "planet.key: No such file" in refused(*words, planet, "--update")
    assert planet.read_bytes() == before


def test_a_moon_has_the_name_and_the_number_of_its_first_root(tmp_path):
    done("world", "moon", "--root", f"{IDENTITIES[0]}@192.0.2.1/9993", cwd=tmp_path)
    moon = tmp_path / f"000000{IDENTITIES[0][:10]}.moon"
    shown = answer("world", "show", moon)
    assert (shown["type"], shown["id"]) == ("moon", moon.stem)
    assert shown["signatureValid"] is True


def test_worlds_of_the_reference_can_be_read():
    for name, kind in (("planet_older.world", "planet"), ("example.moon", "moon")):
        shown = answer("world", "show", VECTORS / name)
        assert (shown["type"], shown["signatureValid"]) == (kind, True)
    assert "valid, checked with its own update key" in done(
        "world", "show", VECTORS / "example.moon"
    )


def test_a_damaged_signature_is_told(planet, tmp_path):
    blob = bytearray(planet.read_bytes())
    blob[100] ^= 1
    planet.write_bytes(blob)
    assert "NOT valid" in done("world", "show", planet)
    assert answer("world", "show", planet)["signatureValid"] is False


def test_another_key_than_the_worlds_own_can_be_checked(planet, tmp_path):
    key = planet.with_name("planet.key")
    assert "valid, checked with the given key" in done("world", "show", planet, "--key", key)
    key.write_bytes(bytes(128))
    assert "two halves do not belong together" in refused("world", "show", planet, "--key", key)


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        (IDENTITIES[0], "has no endpoints"),
        (f"{IDENTITIES[0]}@192.0.2.1", "is not an endpoint"),
        (f"{IDENTITIES[0]}@192.0.2.1/0", "is not an endpoint"),
        (f"{IDENTITIES[0]}@root.example/9993", "is not an IP address"),
        (f"{'1' * 10 + IDENTITIES[0][10:]}@192.0.2.1/9993", "is not valid"),
        ("nothing@192.0.2.1/9993", "No such file"),
    ],
)
def test_a_root_that_cannot_be_meant_is_refused_and_nothing_is_written(tmp_path, root, reason):
    out = tmp_path / "planet"
    assert reason in refused("world", "planet", "--root", root, "--out", out)
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_public_planets_are_refused():
    for number in ("149604618", "0", "soon"):
        result = zt("world", "planet", "--root", "x", "--id", number)
        assert result.returncode == 2 and "--id" in result.stderr


def test_what_is_no_world_is_refused(tmp_path):
    (tmp_path / "text").write_text("hello")
    assert "is not a world" in refused("world", "show", tmp_path / "text")
