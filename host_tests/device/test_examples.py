"""The examples, on the desktop interpreter: each does what it says.

Owns the site around them. Those that need a board's prompt or a serial port are tested with boards.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.device import interpreter
from host_tests.device.site import PORT, Site

POOL = "10.147.20.0/24"
ZT = (sys.executable, "-m", "zt.cli")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@contextlib.contextmanager
def running(script: str, *arguments: str) -> Iterator[subprocess.Popen]:
    process = interpreter.start(script, *arguments)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def words(site: Site, place: str) -> tuple[str, str, str]:
    """Home, address and planet of a device."""
    return str(site.home / place), site.place(place), str(site.planet)


def test_the_web_server_answers_members(site: Site) -> None:
    serving = f"example.asyncio.run(example.serve({site.public!r}, 80))"
    with running("example", "web_server", *words(site, "server"), serving) as server:
        url = interpreter.line_of(server)
        ip = url.removeprefix("http://").partition(":")[0]
        with running("member", *words(site, "client"), site.public, "fetch", ip) as client:
            answer = interpreter.finish(client).splitlines()
    assert answer[1] == "HTTP/1.0 200 OK"
    assert len(json.loads(answer[-1])["address"]) == 10


def test_the_sensor_reports_again_after_each_sleep(site: Site) -> None:
    """The end of the process is the deep sleep: what is remembered is in files."""
    with running("member", *words(site, "collector"), site.public, "udp_echo") as collector:
        ip = interpreter.line_of(collector).split()[1]
        reporting = (
            f"(example.report({site.public!r}, ({ip!r}, 7)), example.zerotier.node.active(False))"
        )
        for _ in range(2):
            with running("example", "sensor", *words(site, "sensor"), reporting) as sensor:
                assert interpreter.finish(sensor) == "result (True, False)\n"


def test_a_site_without_internet_needs_one_board(site: Site, tmp_path: Path) -> None:
    home, place = tmp_path / "site", site.place("board")
    planet = str(home / "planet")
    run(*ZT, "identity", "new", "--out", str(home / "identity.secret"))
    root = f"{(home / 'identity.public').read_text()}@{place}/{PORT}"
    run(*ZT, "world", "planet", "--root", root, "--out", planet)
    create = ("network", "create", "--name", "site", "--pool", POOL, "--public", "--json")
    nwid = json.loads(run(*ZT, "controller", "--home", str(home), *create))["id"]
    serving = f"example.serve(path={str(home)!r}, bind={place!r}).address"
    with contextlib.ExitStack() as stack:
        example = running("example", "site_without_internet", "-", "-", "-", serving)
        board = stack.enter_context(example)
        assert interpreter.line_of(board) == f"result {nwid[:10]}\n"
        where = (str(tmp_path / "one"), site.place("one"), planet, nwid)
        one = stack.enter_context(running("member", *where, "udp_echo"))
        ip = interpreter.line_of(one).split()[1]
        assert ip.startswith("10.147.20.")
        where = (str(tmp_path / "two"), site.place("two"), planet, nwid)
        two = stack.enter_context(running("member", *where, "ping", ip))
        assert interpreter.finish(two).splitlines()[-1] == "10"


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
