"""Owns the fixtures of the interoperability tests: one site for all of them, and how far it is.
Where it cannot be built the tests are skipped and say why; with CI in the environment they fail.
It never holds an expectation about a node: tests do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from host_tests.interop.site import (
    CONFIGURED,
    DEVICES,
    ECHO_PORTS,
    LIBZT,
    MEMBERS,
    RUNNING,
    Site,
    running,
    until,
)

ASKED = 20.0  # seconds; libzt looks after its networks every 5 s


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """A test whose predecessor ended libzt finds another in its place, before any fixture asks it."""
    for site in RUNNING:
        if site.nodes[LIBZT].end() is not None:
            site.revive()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Whatever a test made of an end of libzt: it has failed, for this reason."""
    try:
        return (yield)
    finally:
        for site in RUNNING:
            sentence = site.nodes[LIBZT].end()
            if sentence is not None:
                pytest.fail(sentence, pytrace=False)


@dataclass
class Refusal:
    """What was seen before anybody was authorised."""

    denied: int  # times that the controller refused libzt, which was alone then
    records: dict[str, dict[str, Any]]
    networks: dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """All nodes run; none has joined. Logs, homes and the capture are in one temporary folder."""
    with running(Site, tmp_path_factory.mktemp("interop")) as site:
        yield site


@pytest.fixture(scope="session")
def refusal(site: Site) -> Refusal:
    """Everybody has asked for the network, and nobody is authorised."""
    records, networks = {}, {}
    for name in MEMBERS:  # libzt is the first, and alone until the controller refused it
        site.nodes[name].ask("join", nwid=site.nwid)
        records[name] = until(lambda n=name: site.member(n), ASKED, f"request of {name}")
        if name == LIBZT:
            denied = until(
                lambda: site.counters("controller").get("controller_denied"), ASKED, "refusal"
            )
    for name in DEVICES:
        until(lambda n=name: site.network(n)["status"] < 0, ASKED, f"status of {name}")
    for name in MEMBERS:
        networks[name] = site.network(name)
    return Refusal(denied, records, networks)


@pytest.fixture(scope="session")
def networks(site: Site, refusal: Refusal) -> dict[str, dict[str, Any]]:
    """How each member sees the network after an administrator has authorised all."""
    site.controller("member", "authorize", site.nwid, *(site.addresses[n] for n in MEMBERS))

    def configured(name: str) -> dict[str, Any] | None:
        network = site.network(name)
        return network if len(network["addresses"]) == 2 else None

    return {
        name: until(lambda n=name: configured(n), CONFIGURED, f"addresses of {name}")
        for name in MEMBERS
    }


@pytest.fixture(scope="session")
def ips(site: Site, networks: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The IPv4 addresses of members who have reached each other, and who echo UDP."""
    ips = {
        name: next(ip for ip in network["addresses"] if ":" not in ip)
        for name, network in networks.items()
    }
    for name in MEMBERS:
        for version, port in ECHO_PORTS.items():
            site.nodes[name].ask("udp_echo", port=port, version=version)
    for device in DEVICES:
        site.reach(ips[device], device, ips[LIBZT])
    return ips
