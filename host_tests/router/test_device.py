"""A MicroPython device behind a router that forwards ports: miniupnpd, by PCP and by NAT-PMP.

Owns that a device may ask, too; what it asks is the same as on a PC.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.interop.site import PROJECT, START, until
from host_tests.router.conftest import INNER, OTHER, ROUTER, SECOND_ROUTER, Site
from host_tests.router.test_node import DIRECT, MAPPED

MICROPYTHON = Path(
    os.environ.get("MICROPYTHON_DIR") or PROJECT / "build" / "sources" / "micropython-1.25.0"
)


@pytest.fixture(params=("pcp", "nat_pmp"))
def router(site: Site, request: pytest.FixtureRequest) -> Iterator[None]:
    with site.serving(request.param):
        yield


def start(site: Site, env: dict[str, str] | None = None) -> str:
    """The device in the first home; its virtual address."""
    device = site.start_device(INNER, "port_mapping", env=env)
    site.addresses[INNER] = device.wait("up", START)["address"]
    ip: str = device.ask("ready", START, nwid=site.nwid, seconds=START)["addresses"][0]
    return ip


def bundle(folder: Path, *words: str) -> dict[str, str]:
    """The environment in which the interpreter takes a board's bundle in the place of what is frozen into it."""
    command = [sys.executable, "-m", "freeze.bundle", str(folder / "zerotier.py"), "--sockets"]
    command += ["--micropython", str(MICROPYTHON), *words]
    subprocess.run(command, check=True, cwd=PROJECT / "tools")
    return {"MICROPYPATH": f"{folder}:.frozen"}


def test_the_mapped_port_is_a_direct_path_and_goes_when_the_node_stops(
    site: Site, router: None
) -> None:
    ip = start(site)
    rules = until(lambda: site.homes.forwarded(ROUTER), MAPPED, "forwarded port")
    assert len(rules) == 1 and f"dnat ip to {site.lab.address(INNER)}:9993" in rules[0]
    until(lambda: site.is_direct(ip), DIRECT, "direct path")
    assert site.peer(OTHER, INNER)["endpoint"] == f"{site.lab.address(ROUTER)}/9993"
    site.nodes[INNER].ask("stop")
    until(lambda: not site.homes.forwarded(ROUTER), MAPPED, "end of the mapping")
    site.nodes[INNER].close()


def test_a_board_whose_manifest_wants_it_has_it(site: Site, tmp_path: Path) -> None:
    with site.serving("pcp"):
        start(site, bundle(tmp_path, "--mapping"))
        until(lambda: site.homes.forwarded(ROUTER), MAPPED, "forwarded port")
        site.nodes[INNER].close()


def test_another_board_says_that_it_has_none(site: Site, tmp_path: Path) -> None:
    device = site.start_device(INNER, "port_mapping", env=bundle(tmp_path))
    device.wait_line("ValueError: this image has no port mapping")
    device.close()


def test_a_router_that_knows_neither_is_nothing_to_care_about(site: Site) -> None:
    ip = start(site)
    until(lambda: site.ping(ip), MAPPED, "answer")

    def refused() -> bool:
        return "port_mapping_refused" in site.nodes[INNER].ask("stats")["stats"]

    until(refused, MAPPED, "refusal")
    assert site.ping(ip)
    site.nodes[INNER].close()


def test_another_router_is_asked_as_soon_as_it_is_the_default_one(site: Site) -> None:
    with site.serving("pcp"), site.serving("pcp", SECOND_ROUTER):
        start(site)
        until(lambda: site.homes.forwarded(ROUTER), MAPPED, "forwarded port")
        assert site.homes.forwarded(SECOND_ROUTER) == []
        site.homes.use_router(INNER, SECOND_ROUTER)
        until(lambda: site.homes.forwarded(SECOND_ROUTER), MAPPED, "port forwarded by the other")
        site.homes.use_router(INNER, ROUTER)
        site.nodes[INNER].close()
