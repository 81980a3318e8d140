"""Owns the site of the tests with routers: our root and controller outside, two homes, and a network for all.
Where it cannot be built the tests are skipped and say why; with CI in the environment they fail.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from host_tests.board.conftest import refuse
from host_tests.interop.plain_site import PlainSite
from host_tests.interop.site import DEVICE, MICROPYTHON, PORT, SERVICES, START, why_not
from host_tests.router import homes
from zt.lab import Lab, Process

INNER = "inner"  # the node that may ask its router
OTHER = "other"  # in the second home, whose router forwards nothing
ROUTER = "gate"
SECOND_ROUTER = "gate2"
OTHER_ROUTER = "gate3"
HOMES = (INNER, OTHER)


class Site(PlainSite):
    """`start` starts the services and the device in the other home."""

    homes: homes.Homes

    def start(self) -> None:
        assert isinstance(self.lab.underlay, homes.Homes)
        self.homes = self.lab.underlay
        for name in (*SERVICES, *HOMES):
            self.home(name).mkdir()
        for name in SERVICES:
            self.lab.add(name)
        for router in (ROUTER, SECOND_ROUTER, OTHER_ROUTER):
            self.homes.add_router(router)
        self.homes.add_inside(INNER, ROUTER)
        self.homes.add_inside(INNER, SECOND_ROUTER)
        self.homes.add_inside(OTHER, OTHER_ROUTER)
        self.start_services()
        self.addresses[OTHER] = self.start_device(OTHER).wait("up", START)["address"]
        self.nodes[OTHER].ask("ready", START, nwid=self.nwid, seconds=START)

    def start_device(self, name: str, *words: str, env: dict[str, str] | None = None) -> Process:
        """A desktop device in a home."""
        argv = [str(MICROPYTHON), str(DEVICE), str(self.home(name)), "0.0.0.0", str(PORT)]
        self.nodes[name] = self.lab.start(name, [*argv, *words], env=env)
        return self.nodes[name]

    def start_node(self, name: str, *words: str, env: dict[str, str] | None = None) -> str:
        """`zt node` in a home; its virtual address."""
        argv = [sys.executable, "-m", "zt.cli", "node", "--home", str(self.home(name)), "--json"]
        self.nodes[name] = self.lab.start(name, [*argv, "--join", self.nwid, *words], env=env)
        self.addresses[name] = self.nodes[name].wait("ready", START)["address"]
        ip: str = self.nodes[name].wait("network", START, status=1)["addresses"][0]
        return ip

    def peer(self, device: str, other: str) -> dict[str, Any]:
        """How a device sees another node."""
        peers = self.nodes[device].ask("peers")["peers"]
        return next((p for p in peers if p["address"] == self.addresses[other]), {})

    def ping(self, ip: str) -> bool:
        """Whether the other home reaches a virtual address."""
        return self.nodes[OTHER].ask("ping", 5, ip=ip, count=1, seconds=1)["lost"] == 0

    def is_direct(self, ip: str) -> bool:
        """Whether it does so by a direct path."""
        return self.ping(ip) and self.peer(OTHER, INNER)["direct"]

    @contextmanager
    def serving(self, protocol: str, router: str = ROUTER) -> Iterator[Process]:
        """Meanwhile a router knows one protocol: "upnp", "nat_pmp", or "pcp" (and NAT-PMP); its daemon."""
        if protocol == "nat_pmp":
            self.homes.nft(router, homes.WITHOUT_PCP)
        knows = {"upnp": protocol == "upnp", "pmp": protocol != "upnp"}
        daemon = homes.serve(self.lab, router, self.folder, **knows)
        yield daemon
        daemon.close()
        for chain in ("input", *homes.FORWARDED):
            self.homes.nft(router, f"flush chain inet filter {chain}")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything runs but the node in the first home."""
    reason = why_not()
    try:
        homes.find("nft")
        homes.find(homes.DAEMON)
    except OSError as error:
        reason = reason or str(error)
    if reason is not None:
        refuse(reason)
    folder = tmp_path_factory.mktemp("router")
    with Lab(homes.Homes(), folder / "log") as lab:
        # pytest would take the exit that the laboratory makes of SIGTERM for one failed test.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        site = Site(lab, folder, HOMES)
        site.start()
        yield site
