"""UPnP at routers that lie, refuse, are slow or are not the router.

Owns what a node makes of them; the faults are scripts/fake_igd.py's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.router.conftest import INNER, ROUTER, Site
from zt.lab import Process

SCRIPTS = Path(__file__).parent / "scripts"
HOME = "192.168.1.1"  # the router's address inside
OUTSIDE = "40.1.2.3"
START = 10.0
ASKED = 20.0  # s; PCP and NAT-PMP are tried before
SEEN = 2.0
LATE = 0.5  # s that other tasks may wait, on a busy machine
STOPPED = 3.0


class Pair:
    """A faulty router and a node behind it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.router: Process
        self.node: Process

    def start(self, *faults: str, place: str = ROUTER, ip: str = HOME) -> None:
        fake = [sys.executable, "-u", str(SCRIPTS / "fake_igd.py"), ip, *faults]
        self.router = self._site.lab.start(place, fake, name="fake_igd")
        self.router.wait("ready", START)
        home = str(self._site.home(INNER))
        script = [sys.executable, str(SCRIPTS / "mapped.py"), home]
        self.node = self._site.lab.start(INNER, script, name="mapped")

    def told(self) -> list[str]:
        """The endpoint that peers are told."""
        while not (endpoints := self.mapped(ASKED)):
            pass  # it begins with none
        return endpoints

    def mapped(self, seconds: float) -> list[str]:
        endpoints: list[str] = self.node.wait("mapped", seconds)["endpoints"]
        return endpoints

    def is_told_nothing(self) -> bool:
        time.sleep(SEEN)
        return not any('"mapped"' in line and "/" in line for line in self.node.lines)


@pytest.fixture
def pair(site: Site) -> Iterator[Pair]:
    pair = Pair(site)
    yield pair
    pair.node.close()
    pair.router.close()


def test_a_lease_is_asked_for_and_the_port_is_given_back(pair: Pair) -> None:
    pair.start(f"external={OUTSIDE}")
    wanted = pair.router.wait("AddPortMapping", ASKED)
    assert wanted["NewLeaseDuration"] == "600"
    assert (wanted["NewProtocol"], wanted["NewInternalPort"]) == ("UDP", "9993")
    assert wanted["NewPortMappingDescription"].startswith("ZeroTier/")
    assert pair.told() == [f"{OUTSIDE}/9993"]
    pair.node.close()
    assert pair.router.wait("DeletePortMapping", START)["NewExternalPort"] == "9993"


def test_a_router_that_only_maps_for_ever_is_asked_for_that(pair: Pair) -> None:
    pair.start(f"external={OUTSIDE}", "leases=no")
    assert pair.router.wait("AddPortMapping", ASKED)["NewLeaseDuration"] == "600"
    assert pair.router.wait("AddPortMapping", ASKED)["NewLeaseDuration"] == "0"
    assert pair.told() == [f"{OUTSIDE}/9993"]


def test_a_port_that_another_has_is_left_to_him(pair: Pair) -> None:
    pair.start(f"external={OUTSIDE}", "taken=9993")
    assert pair.told() == [f"{OUTSIDE}/9994"]


def test_a_router_behind_another_nat_is_told_to_peers_who_are_there_too(pair: Pair) -> None:
    pair.start("external=10.9.8.7")
    assert pair.told() == ["10.9.8.7/9993"]


@pytest.mark.parametrize("external", ("127.0.0.1", "nonsense"))
def test_an_address_where_nobody_is_is_told_to_nobody(pair: Pair, external: str) -> None:
    pair.start(f"external={external}")
    pair.router.wait("AddPortMapping", ASKED)
    pair.router.wait("GetExternalIPAddress", ASKED)
    assert pair.is_told_nothing()


@pytest.mark.parametrize("text", ("<root><device>", "<" * 70000))
def test_a_router_that_talks_nonsense_gives_nothing(pair: Pair, text: str) -> None:
    pair.start(f"text={text}")
    pair.router.wait("description", ASKED)
    assert pair.is_told_nothing()


def test_a_router_that_says_nothing_more_holds_nobody_up(pair: Pair) -> None:
    pair.start("mute=yes")
    pair.router.wait("description", ASKED)
    time.sleep(SEEN)
    pair.node.close()
    stopped = pair.node.wait("stopped", START)
    assert stopped["late"] < LATE
    assert stopped["stopping"] < STOPPED
    assert pair.is_told_nothing()


def test_another_machine_in_the_home_is_not_taken_for_the_router(site: Site, pair: Pair) -> None:
    pair.start(f"external={OUTSIDE}", place=INNER, ip=site.lab.address(INNER))
    pair.router.wait("description", ASKED)
    assert pair.is_told_nothing()
    assert not any("AddPortMapping" in line for line in pair.router.lines)
