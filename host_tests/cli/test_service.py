"""`zt root` and `zt controller run`: a network works while they run, and they stop when told."""

import asyncio
import contextlib
import signal
import socket

import pytest

from host_tests.cli.command import Service, answer, done, refused
from host_tests.cli.conftest import make_home
from host_tests.cli.http_client import started
from zerotier.host import ZeroTier
from zerotier.vl2.status import ACCESS_DENIED, AUTHENTICATION_REQUIRED

# Loopback addresses of these tests: each node its own, as roots refuse a crowd behind one address.
ROOT, CONTROLLER, ONE, TWO = "127.94.1.1", "127.94.2.1", "127.94.3.1", "127.94.4.1"
PORT = 9993


@pytest.fixture
def homes(tmp_path):
    """The homes of a root and a controller with one planet; the root is at ROOT/PORT."""
    root, controller = make_home(tmp_path / "root", 0), make_home(tmp_path / "controller", 1)
    place = f"{root}/identity.public@{ROOT}/{PORT}"
    done("world", "planet", "--root", place, "--out", root / "planet", "--key", tmp_path / "key")
    (controller / "planet").write_bytes((root / "planet").read_bytes())
    return root, controller


def create(home):
    words = ("network", "create", "--name", "lab", "--pool", "10.147.20.0/24")
    return answer("controller", "--home", home, *words)["id"]


@contextlib.contextmanager
def member_at(ip, folder, planet):
    """A member that runs; its home is made the first time."""
    home = folder / "member"
    if not home.exists():
        make_home(home, 2)
    node = ZeroTier(str(home), bind=ip, port=PORT, planet=(planet / "planet").read_bytes())
    node.active(True)
    try:
        yield node
    finally:
        node.active(False)


async def soon(condition, seconds=15.0):
    """Wait until something is so."""
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


def test_a_root_and_a_controller_serve_members_that_are_authorized_meanwhile(homes, tmp_path):
    root_home, home = homes
    nwid = create(home)

    async def member():
        with member_at(ONE, tmp_path, home) as node:
            network = node.join(nwid)
            await soon(lambda: network.status() < 0)
            words = ("controller", "--home", home, "member")
            waiting = answer(*words, "list", nwid)
            assert [(one["id"], one["authorized"]) for one in waiting] == [(node.address, False)]
            done(*words, "authorize", nwid, node.address)
            await soon(network.isconnected, 2.5)
            ip = network.ifconfig()[0]
            assert answer(*words, "show", nwid, node.address)["ipAssignments"] == [ip]
            done("controller", "--home", home, "network", "set", nwid, "--name", "renamed")
            await soon(lambda: network.name == "renamed", 2.5)

    run = ("controller", "--home", home, "run", "--bind", CONTROLLER, "--port", PORT)
    with Service("root", "--home", root_home, "--bind", ROOT) as root, Service(*run) as controller:
        ready = root.event("ready")
        assert (ready["roles"], ready["ip"], ready["port"]) == (["root"], ROOT, PORT)
        assert controller.event("ready")["roles"] == ["controller"]
        asyncio.run(member())
        assert controller.stop(signal.SIGTERM) == 0
        assert root.stop(signal.SIGINT) == 0


def test_one_process_can_be_root_and_controller(homes, tmp_path):
    home, _ = homes
    nwid = create(home)

    async def member():
        with member_at(TWO, tmp_path, home) as node:
            await node.join(nwid).ready(15)

    done("controller", "--home", home, "network", "set", nwid, "--public")
    for words in (
        ("root", "--home", home, "--controller"),
        ("controller", "--home", home, "run"),
    ):
        with Service(*words, "--bind", ROOT, "--port", PORT) as node:
            assert node.event("ready")["roles"] == ["root", "controller"]
            asyncio.run(member())
            assert node.stop(signal.SIGTERM) == 0


def test_the_api_lets_a_member_in_changes_its_network_and_asks_it_to_sign_in(homes, tmp_path):
    root_home, home = homes

    async def member(client):
        async def post(path, **fields):
            return await asyncio.to_thread(client.post, f"/controller/network{path}", fields)

        pool = {"ipRangeStart": "10.9.0.1", "ipRangeEnd": "10.9.0.9"}
        route = {"target": "10.9.0.0/24", "via": None}
        made = await post("", routes=[route], ipAssignmentPools=[pool], v4AssignMode={"zt": True})
        nwid = made["id"]
        with member_at(ONE, tmp_path, home) as node:
            network = node.join(nwid)
            await soon(lambda: network.status() == ACCESS_DENIED)
            mine = f"/{nwid}/member/{node.address}"
            await post(mine, authorized=True)
            await soon(network.isconnected, 2.5)
            await post(f"/{nwid}", name="renamed")
            await soon(lambda: network.name == "renamed", 2.5)
            member = await asyncio.to_thread(client.get, f"/controller/network{mine}")
            assert member["ipAssignments"] == [network.ifconfig()[0]]
            assert member["identity"] == node.identity and member["authorized"] is True
            peer = await asyncio.to_thread(client.get, f"/peer/{node.address}")
            assert peer["role"] == "LEAF" and peer["versionMajor"] >= 1 and peer["paths"]
            await post(f"/{nwid}", ssoEnabled=True, authenticationURL="http://sign/on?{member}")
            node.leave(nwid)
            network = node.join(nwid)
            await soon(lambda: network.status() == AUTHENTICATION_REQUIRED)
            assert f"http://sign/on?{node.address}" in network.reason()
            await post(mine, authenticationExpiryTime=4_000_000_000_000)
            await soon(network.isconnected, 8)

    run = ("controller", "--home", home, "run", "--bind", CONTROLLER, "--port", PORT)
    with Service("root", "--home", root_home, "--bind", ROOT) as root, Service(*run) as controller:
        root.event("ready")
        asyncio.run(member(started(controller, home, CONTROLLER)))
        assert controller.stop(signal.SIGTERM) == 0
        assert root.stop(signal.SIGINT) == 0


def test_statistics_are_printed_on_a_signal_and_at_intervals(homes):
    home, _ = homes
    with Service("root", "--home", home, "--bind", ROOT, "--port", 0) as root:
        assert root.event("ready")["port"] > 0
        root.process.send_signal(signal.SIGUSR1)
        statistics = root.event("statistics")
        assert statistics["peers"] == 0 and isinstance(statistics["counters"], dict)
        assert root.stop(signal.SIGTERM) == 0
    with Service("root", "--home", home, "--bind", ROOT, "--stats", 0.2) as root:
        root.event("statistics")
        root.event("statistics")
        assert root.stop(signal.SIGTERM) == 0


def test_a_damaged_record_is_a_warning_of_the_running_controller(homes, tmp_path):
    home, _ = homes
    nwid = create(home)
    (home / "controller.d" / "network" / f"{nwid}.json").write_text("oops")

    async def member():
        with member_at(ONE, tmp_path, home) as node:
            network = node.join(nwid)
            await soon(lambda: network.status() < 0)

    with Service("root", "--home", home, "--controller", "--bind", ROOT) as node:
        node.event("ready")
        asyncio.run(member())
        assert f"{nwid}.json cannot be used: it is not JSON" in node.event("warning")["text"]
        assert node.stop(signal.SIGTERM) == 0


def test_a_home_that_is_not_complete_is_explained(homes, tmp_path):
    root, controller = homes
    sentence = refused("root", "--home", controller, "--bind", ROOT)
    assert "the planet in" in sentence and "does not name" in sentence
    (root / "planet").unlink()
    assert "has no planet: `zt world planet` makes one" in refused("root", "--home", root)
    (root / "planet").write_bytes(b"flat")
    assert "the planet cannot be read" in refused("root", "--home", root, "--bind", ROOT)
    assert "has no identity.secret" in refused("root", "--home", tmp_path / "nothing")
    assert "has no identity.secret" in refused("controller", "--home", tmp_path / "nothing", "run")
    assert not (tmp_path / "nothing").exists()
    (controller / "identity.secret").write_text("secret")
    assert "identity.secret" in refused("controller", "--home", controller, "run", "--bind", ROOT)
    assert (controller / "identity.secret").read_text() == "secret"


def test_an_address_that_cannot_be_used_is_explained(homes):
    _, home = homes
    run = ("controller", "--home", home, "run")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((CONTROLLER, 0))
        port = taken.getsockname()[1]
        assert "is in use" in refused(*run, "--bind", CONTROLLER, "--port", port)
    assert "192.0.2.1" in refused(*run, "--bind", "192.0.2.1")
    assert "is not an IP address" in refused(*run, "--bind", "localhost")
