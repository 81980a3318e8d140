"""The relay of a network (protocol/14 §14.3), when direct ways and roots are blocked: a device relays between devices,
a machine with `zt node` does, and a device's frames reach an unmodified libzt 1.8.4 through it.
Owns which way datagrams take, which the router counts. libzt 1.8.4 knows nothing of relays: its own go by the root.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from host_tests.interop.site import DIRECT, LIBZT, PORT, RELAYED, START, Site, until

SUBNET = "10.123.0.0/24"
THIRD, HOST = "carol", "relay"
ECHO = 9300
CONFIGURED, REACHED = 30.0, 25  # seconds; tries, one a second
KNOWN = 20.0  # seconds; who reaches whom is looked at every few seconds
EXCHANGES = 10


@pytest.fixture(scope="module")
def relayed(site: Site, ips: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A network of alice, bob, carol, libzt and a machine, none of whom is its relay yet: nwid, ips."""
    nwid = site.controller("network", "create", "--name", "relayed", "--pool", SUBNET)["id"]
    for name in (THIRD, HOST):
        site.home(name).mkdir()
        site.lab.add(name)
        shutil.copy(site.folder / "planet", site.home(name) / "planet")
    site._start_device(THIRD)
    site.addresses[THIRD] = site.nodes[THIRD].wait("up", START)["address"]
    site.nodes[THIRD].ask("join", nwid=nwid)
    argv = [sys.executable, "-m", "zt.cli", "node", "--home", str(site.home(HOST)), "--join", nwid]
    options = ["--bind", site.lab.address(HOST), "--port", str(PORT), "--json"]
    site.nodes[HOST] = site.lab.start(HOST, [*argv, *options])
    site.addresses[HOST] = site.nodes[HOST].wait("ready", START)["address"]
    members = (RELAYED, DIRECT, THIRD, LIBZT, HOST)
    site.controller("member", "authorize", nwid, *(site.addresses[n] for n in members))
    for name in (RELAYED, DIRECT, LIBZT):
        site.nodes[name].ask("join", nwid=nwid)

    def ip(name: str) -> str | None:
        found = site.nodes[name].ask("network", nwid=nwid)["addresses"]
        return next((ip for ip in found if ip.startswith("10.123.")), None)

    devices = (RELAYED, DIRECT, THIRD, LIBZT)
    own = {n: until(lambda n=n: ip(n), CONFIGURED, f"address of {n}") for n in devices}
    for number, name in enumerate(devices):
        site.nodes[name].ask("udp_echo", port=ECHO + number)
    yield {"nwid": nwid, "ips": own, "ports": {n: ECHO + i for i, n in enumerate(devices)}}
    for name in (RELAYED, THIRD):
        site.lab.unblock(name, "root")
    site.lab.unblock(RELAYED, THIRD)
    site.nodes[THIRD].close()
    site.nodes[HOST].close()
    for name in (RELAYED, DIRECT, LIBZT):
        site.nodes[name].ask("leave", nwid=nwid)


def exchange(site: Site, relayed: dict[str, Any], one: str, other: str, size: int = 100) -> None:
    """An echo comes back unchanged."""
    target = {"ip": relayed["ips"][other], "port": relayed["ports"][other]}
    answer = site.nodes[one].ask("udp_exchange", REACHED + 5, **target, size=size, tries=REACHED)
    assert answer["same"]


def make_relay(site: Site, relayed: dict[str, Any], name: str) -> None:
    """The controller makes a member the only relay; alice and carol have direct paths to it."""
    for member in (DIRECT, HOST):
        role = "--relay" if member == name else "--no-relay"
        site.controller("member", "set", relayed["nwid"], site.addresses[member], role)
    for end in (RELAYED, THIRD):
        until(lambda e=end: site.has_direct_path(e, name), KNOWN, f"path of {end} to {name}")


@pytest.mark.parametrize("relay", (DIRECT, HOST))
def test_without_a_direct_way_and_without_a_root_members_talk_through_the_relay(
    site: Site, relayed: dict[str, Any], relay: str
) -> None:
    for name in (RELAYED, THIRD):
        site.lab.unblock(name, "root")
    site.lab.block(RELAYED, THIRD)
    make_relay(site, relayed, relay)
    exchange(site, relayed, RELAYED, THIRD)  # by whatever way: now they know each other
    for name in (RELAYED, THIRD):
        site.lab.block(name, "root")
    legs = [(RELAYED, relay), (relay, THIRD), (THIRD, relay), (relay, RELAYED)]
    before = [site.lab.passed(*leg) for leg in legs]
    for size in (20, 2500):
        for one, other in ((RELAYED, THIRD), (THIRD, RELAYED)):
            for _ in range(EXCHANGES // 2):
                exchange(site, relayed, one, other, size)
    passed = [site.lab.passed(*leg) - count for leg, count in zip(legs, before)]
    # Ten exchanges of each size; a large datagram takes two.
    assert min(passed) >= 3 * EXCHANGES, passed


def test_frames_of_a_device_reach_libzt_through_the_relay(
    site: Site, relayed: dict[str, Any]
) -> None:
    for name in (RELAYED, THIRD):
        site.lab.unblock(name, "root")
    make_relay(site, relayed, DIRECT)
    exchange(site, relayed, RELAYED, LIBZT)
    before = {
        leg: site.lab.passed(*leg)
        for leg in ((RELAYED, DIRECT), (DIRECT, LIBZT), (RELAYED, LIBZT), ("root", RELAYED))
    }
    for _ in range(EXCHANGES):
        exchange(site, relayed, RELAYED, LIBZT)
    after = {leg: site.lab.passed(*leg) - count for leg, count in before.items()}
    assert after[(RELAYED, LIBZT)] == 0  # the firewall
    assert min(after[(RELAYED, DIRECT)], after[(DIRECT, LIBZT)]) >= EXCHANGES, after
    assert after[("root", RELAYED)] >= EXCHANGES, after  # the echoes: libzt knows no other way
