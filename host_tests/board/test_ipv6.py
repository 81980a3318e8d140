"""A board on an underlay without IPv4: its address comes from a router's advertisement, as on Wi-Fi.

Owns that it joins and talks over IPv6.
"""

from __future__ import annotations

import ipaddress
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.board.conftest import refuse
from host_tests.board.place import FIRMWARE, SCRIPTS
from host_tests.board.site import BOARD, Site
from host_tests.interop.plain_site import NO_LIBZT
from host_tests.interop.site import PORT, PROJECT, until, why_not
from zerotier.wire import address as addresses
from zt.lab import Lab, Namespaces

NETWORK = "fd77::/48"
DEVICE = "peer"
UP = 30.0  # s
DIRECT = 30.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Root, controller and a device; the board is on."""
    reason = why_not()
    if reason is None and not FIRMWARE.exists():
        reason = f"{FIRMWARE.relative_to(PROJECT)} is missing: run `make qemu`"
    if reason is not None:
        refuse(reason)
    folder: Path = tmp_path_factory.mktemp("board6")
    with Lab(Namespaces(NETWORK), folder / "log") as lab:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        site = Site(lab, folder, (DEVICE,), NO_LIBZT)
        site.start()
        advertise(lab)
        site.provide_flash()
        site.power_on()
        yield site


def subnet(lab: Lab) -> ipaddress.IPv6Network:
    """Of the board's place, which is the last one."""
    return ipaddress.IPv6Interface(f"{lab.address(BOARD)}/64").network


def advertise(lab: Lab) -> None:
    """The laboratory's router tells the board its subnet."""
    argv = [sys.executable, str(SCRIPTS / "advertise.py"), "node4", str(subnet(lab))]
    lab.start("router", argv, name="advertise").wait("advertising")


def test_it_joins_and_is_reached_directly(site: Site) -> None:
    board = site.nodes[BOARD]
    site.addresses[BOARD] = board.wait("up", UP)["address"]
    ip = board.wait("joined", UP)["ip"]
    device = site.nodes[DEVICE]

    def direct() -> bool:
        answered = device.ask("ping", 5, ip=ip, count=1, seconds=1)["lost"] == 0
        return answered and site.has_direct_path(DEVICE, BOARD)

    until(direct, DIRECT, "direct path")
    peers = {p["address"]: p["endpoint"] for p in device.ask("peers")["peers"]}
    ip, port = peers[site.addresses[BOARD]].split("/")
    assert ipaddress.ip_address(ip) in subnet(site.lab) and int(port) == PORT
    told = site.evaluate("[e.hex() for e in zt.node.paths.local]")
    assert addresses.inet(ip, PORT).hex() in told
