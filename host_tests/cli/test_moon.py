"""`zt world moon` and `zt root --moon`: a moon is made, served, orbited by its seed, and works without its planet."""

import asyncio
import signal

import pytest

from host_tests.cli.command import Service, answer, done, refused
from host_tests.cli.conftest import make_home
from host_tests.cli.test_service import soon
from zerotier.host import ZeroTier

# Loopback addresses of these tests: each node its own, as roots refuse a crowd behind one address.
PLANET, MOON, MEMBER = "127.93.1.1", "127.93.2.1", "127.93.3.1"
PORT = 9993


@pytest.fixture
def homes(tmp_path):
    """The homes of a root of the planet, and of the root of a moon, which is no root of the planet; the moon's file."""
    planet, moon = make_home(tmp_path / "planet", 0), make_home(tmp_path / "moon", 1)
    place = f"{planet}/identity.public@{PLANET}/{PORT}"
    done("world", "planet", "--root", place, "--out", planet / "planet", "--key", tmp_path / "p")
    (moon / "planet").write_bytes((planet / "planet").read_bytes())
    file = tmp_path / "the.moon"
    place = f"{moon}/identity.public@{MOON}/{PORT}"
    done("world", "moon", "--root", place, "--out", file, "--key", tmp_path / "m")
    return planet, moon, file


def test_a_member_finds_a_moon_by_its_seed_and_works_on_without_the_planet(homes, tmp_path):
    planet_home, moon_home, file = homes
    words = ("network", "create", "--name", "before", "--pool", "10.147.21.0/24", "--public")
    nwid = answer("controller", "--home", moon_home, *words)["id"]
    id = answer("world", "show", file)["id"]
    member_home = make_home(tmp_path / "member", 2)
    planet = (planet_home / "planet").read_bytes()
    serve = ("root", "--home", moon_home, "--moon", file, "--controller", "--bind", MOON)
    rename = ("controller", "--home", moon_home, "network", "set", nwid, "--name")

    async def orbit():
        node = ZeroTier(str(member_home), bind=MEMBER, port=PORT, planet=planet)
        node.active(True)
        try:
            await soon(node.isconnected)
            node.orbit(id, id[6:])
            await soon(lambda: node.moons() and not node.moons()[0]["waiting"])
            await node.join(nwid).ready(15)
        finally:
            node.active(False)
        kept = member_home / "moons.d" / f"{id}.moon"
        assert kept.read_bytes() == file.read_bytes()

    async def work_on():
        node = ZeroTier(str(member_home), bind=MEMBER, port=PORT, planet=planet)
        assert [row["id"] for row in node.moons()] == [id]
        node.active(True)
        try:
            await soon(node.isconnected)
            assert [peer["role"] for peer in node.peers() if peer["direct"]] == ["MOON"]
            done(*rename, "after")
            await soon(lambda: node.networks()[0].name == "after")
            node.deorbit(id)
            assert node.moons() == []
        finally:
            node.active(False)
        assert not (member_home / "moons.d" / f"{id}.moon").exists()

    with Service(*serve) as moon:
        assert moon.event("ready")["roles"] == ["root", "controller"]
        with Service("root", "--home", planet_home, "--bind", PLANET) as root:
            root.event("ready")
            asyncio.run(orbit())
            assert root.stop(signal.SIGTERM) == 0
        asyncio.run(work_on())
        assert moon.stop(signal.SIGTERM) == 0
    # It has put the moon where it belongs, and needs not be told of it again.
    assert (moon_home / "moons.d" / f"{id}.moon").read_bytes() == file.read_bytes()
    with Service("root", "--home", moon_home, "--bind", MOON) as moon:
        assert moon.event("ready")["roles"] == ["root"]
        assert moon.stop(signal.SIGTERM) == 0


def test_what_is_no_moon_of_this_root_is_refused_and_nothing_is_kept(homes, tmp_path):
    planet_home, moon_home, file = homes
    junk = tmp_path / "junk"
    junk.write_bytes(b"no world")
    serve = ("root", "--home", moon_home, "--bind", MOON, "--moon")
    assert "is not a moon" in refused(*serve, junk)
    assert "is not a moon but a planet" in refused(*serve, planet_home / "planet")
    assert "No such file" in refused(*serve, tmp_path / "nothing")
    other = ("root", "--home", planet_home, "--bind", PLANET, "--moon", file)
    address = (planet_home / "identity.public").read_text()[:10]
    assert f"does not name {address} as a root" in refused(*other)
    assert not (moon_home / "moons.d").exists() and not (planet_home / "moons.d").exists()


def test_a_moon_that_is_updated_keeps_its_number_and_key(homes, tmp_path):
    _, moon_home, file = homes
    before = answer("world", "show", file)
    place = f"{moon_home}/identity.public@192.0.2.7/{PORT}"
    words = ("world", "moon", "--root", place, "--out", file)
    assert "exists already and is kept" in refused(*words)
    after = answer(*words, "--key", tmp_path / "m", "--update")
    assert (after["id"], after["updateKey"]) == (before["id"], before["updateKey"])
    assert after["timestamp"] > before["timestamp"]
    assert answer("world", "show", file)["signatureValid"] is True
    other = tmp_path / "other"
    done("world", "moon", "--root", place, "--out", tmp_path / "x.moon", "--key", other)
    assert "not the key that may update" in refused(*words, "--key", other, "--update")
