"""Owns the site of the tests of the underlay of `zt node`: our root and controller with both families, and members.
Where it cannot be built the tests are skipped and say why; with CI in the environment they fail.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_tests.board.conftest import refuse
from host_tests.interop.site import PORT, SERVICES, START, why_not
from host_tests.interop.site import Site as InteropSite
from host_tests.router.homes import find
from host_tests.underlay.places import Places
from zt.lab import Lab

BOTH, SIX, FOUR, ODD = "both", "six", "four", "odd"
MEMBERS = (BOTH, SIX, FOUR, ODD)
NO_LIBZT = (Path(), Path())
CALL = (
    "import sys, urllib.request as r; q = r.Request(sys.argv[1], sys.argv[4].encode() or None, method=sys.argv[3],"
    " headers={'X-ZT1-Auth': sys.argv[2]}); print(r.urlopen(q, timeout=5).read().decode())"
)


class Site(InteropSite):
    """`start` starts root and controller, which listen on all addresses, and no member."""

    places: Places

    def start(self) -> None:
        assert isinstance(self.lab.underlay, Places)
        self.places = self.lab.underlay
        for name in (*SERVICES, *MEMBERS):
            self.home(name).mkdir()
            self.lab.add(name)
        self._make_world()
        words = ("--name", "families", "--pool", "10.147.23.0/24", "--public")
        self.nwid = self.controller("network", "create", *words)["id"]
        self._start_service("root", "root", "--home", str(self.home("root")))
        words = ("--home", str(self.home("controller")), "run")
        self._start_service("controller", "controller", *words)

    def _make_world(self) -> None:
        for name in SERVICES:
            self.zt("identity", "new", "--out", str(self.home(name) / "identity.secret"))
        root = (self.home("root") / "identity.public").read_text()
        ends = f"{self.lab.address('root')}/{PORT},{self.places.ipv6('root')}/{PORT}"
        planet = self.folder / "planet"
        self.zt(
            *("world", "planet", "--root", f"{root}@{ends}"),
            *("--key", str(self.folder / "world.key"), "--out", str(planet)),
        )
        for name in (*SERVICES, *MEMBERS):
            (self.home(name) / "planet").write_bytes(planet.read_bytes())

    def _start_service(self, name: str, *words: str) -> None:
        argv = [sys.executable, "-m", "zt.cli", *words, "--port", str(PORT), "--json"]
        self.nodes[name] = self.lab.start(name, argv)
        self.nodes[name].wait("ready", START)

    def start_node(self, name: str, joined: float = START) -> str:
        """`zt node` on all addresses of a place; its virtual address, as soon as it has one."""
        argv = [sys.executable, "-m", "zt.cli", "node", "--home", str(self.home(name)), "--json"]
        words = ("--join", self.nwid, "--no-port-mapping")
        self.nodes[name] = self.lab.start(name, [*argv, *words])
        self.addresses[name] = self.nodes[name].wait("ready", START)["address"]
        ip: str = self.nodes[name].wait("network", joined, status=1)["addresses"][0]
        return ip

    def api(self, name: str, path: str, method: str = "GET", body: str = "") -> Any:
        """A request to the API of a node, from its own machine."""
        token = (self.home(name) / "authtoken.secret").read_text()
        argv = [sys.executable, "-c", CALL, f"http://127.0.0.1:{PORT}{path}", token, method, body]
        done = subprocess.run(self.lab.underlay.command(name, argv), capture_output=True)
        if done.returncode:
            raise OSError(done.stderr.decode())
        return json.loads(done.stdout)

    def paths(self, name: str, other: str) -> list[str]:
        """The endpoints at which a node reaches another one directly."""
        for peer in self.api(name, "/peer"):
            if peer["address"] == self.addresses[other]:
                return [path["address"] for path in peer["paths"] if path["active"]]
        return []

    def ping(self, name: str, ip: str, seconds: float = 1) -> bool:
        """Whether one ping is answered."""
        argv = ["ping", "-c", "1", "-W", str(seconds), ip]
        done = subprocess.run(self.lab.underlay.command(name, argv), capture_output=True)
        return done.returncode == 0


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Root and controller run."""
    reason = why_not()
    try:
        find("nft")
        find("ping")
    except OSError as error:
        reason = reason or str(error)
    if reason is not None:
        refuse(reason)
    folder = tmp_path_factory.mktemp("underlay")
    with Lab(Places(), folder / "log") as lab:
        # pytest would take the exit that the laboratory makes of SIGTERM for one failed test.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        site = Site(lab, folder, NO_LIBZT)
        site.start()
        yield site


@pytest.fixture(scope="session")
def ips(site: Site) -> dict[str, str]:
    """Three members run: one with both families, two with one each. Their virtual addresses."""
    site.places.take_ipv4(SIX)
    site.places.take_ipv6(FOUR)
    return {name: site.start_node(name) for name in (BOTH, SIX, FOUR)}
