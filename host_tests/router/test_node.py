"""`zt node` behind a router that forwards ports if it is asked: miniupnpd, with each of its three protocols.

Owns what that is good for: two nodes behind NATs that let nobody through reach each other directly.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from host_tests.interop.site import until
from host_tests.router.conftest import INNER, OTHER, ROUTER, SECOND_ROUTER, Site

MAPPED = 15.0  # s; four tries each with PCP and NAT-PMP, and a search
DIRECT = 40.0
UNASKED = 2.0
RELAYED = 12  # tries, one a second
PROTOCOLS = ("pcp", "nat_pmp", "upnp")


@pytest.fixture(params=PROTOCOLS)
def router(site: Site, request: pytest.FixtureRequest) -> Iterator[None]:
    """The first home's router knows one protocol (or NAT-PMP besides PCP)."""
    with site.serving(request.param):
        yield


def test_without_a_mapping_these_homes_need_a_relay(site: Site) -> None:
    # A port that is not yet in the tables of the NATs, where entries stay for minutes.
    ip = site.start_node(INNER, "--port", "9994")
    until(lambda: site.ping(ip), MAPPED, "answer")
    assert [site.ping(ip) for _ in range(RELAYED)].count(True) >= RELAYED - 1
    assert not site.peer(OTHER, INNER)["direct"]
    site.nodes[INNER].close()


def test_the_mapped_port_is_a_direct_path_and_goes_when_the_node_stops(
    site: Site, router: None
) -> None:
    ip = site.start_node(INNER)
    rules = until(lambda: site.homes.forwarded(ROUTER), MAPPED, "forwarded port")
    assert len(rules) == 1 and f"dnat ip to {site.lab.address(INNER)}:9993" in rules[0]
    until(lambda: site.is_direct(ip), DIRECT, "direct path")
    endpoint = site.peer(OTHER, INNER)["endpoint"]
    assert endpoint == f"{site.lab.address(ROUTER)}/9993"
    site.nodes[INNER].close()
    assert site.homes.forwarded(ROUTER) == []


def test_without_the_library_for_upnp_the_node_works_and_says_so_once(site: Site) -> None:
    folder = site.folder / "without"
    folder.mkdir()
    (folder / "miniupnpc.py").write_text("raise ImportError\n")
    with site.serving("upnp"):
        ip = site.start_node(INNER, env={"PYTHONPATH": str(folder)})
        warning = site.nodes[INNER].wait("warning", MAPPED)
        assert "miniupnpc is not installed" in warning["text"]
        assert until(lambda: site.ping(ip), MAPPED, "answer")
        site.nodes[INNER].close()
    assert sum("miniupnpc" in line for line in site.nodes[INNER].lines) == 1


def test_it_is_not_asked_if_the_user_does_not_want_it(site: Site) -> None:
    with site.serving("pcp") as daemon:
        site.start_node(INNER, "--no-port-mapping")
        time.sleep(UNASKED)
        site.nodes[INNER].close()
    assert not any("request" in line.lower() for line in daemon.lines)


def test_another_router_is_asked_as_soon_as_it_is_the_default_one(site: Site) -> None:
    with site.serving("pcp"), site.serving("pcp", SECOND_ROUTER):
        site.start_node(INNER)
        until(lambda: site.homes.forwarded(ROUTER), MAPPED, "forwarded port")
        assert site.homes.forwarded(SECOND_ROUTER) == []
        site.homes.use_router(INNER, SECOND_ROUTER)
        until(lambda: site.homes.forwarded(SECOND_ROUTER), MAPPED, "port forwarded by the other")
        site.homes.use_router(INNER, ROUTER)
        site.nodes[INNER].close()
