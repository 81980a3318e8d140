"""A board and an unmodified libzt on one network.

Owns what they must be able to do together; how libzt is run is host_tests/interop's.
"""

from __future__ import annotations

import pytest

from host_tests.board import place
from host_tests.board.conftest import LIBZT as FILES
from host_tests.board.conftest import refuse
from host_tests.board.site import BOARD, Site
from host_tests.interop.site import DEVICE, LIBZT, until

SIZE = 200_000  # bytes by TCP
HEAP = 400_000
UP = 30.0  # s
PORT = 5002
UDP_PORT = 5003


@pytest.fixture(scope="module")
def ips(site: Site) -> dict[str, str]:
    """The virtual addresses of the board and of libzt, which have both joined."""
    if not all(file.exists() for file in FILES):
        refuse("build/libzt is missing: run host_tests/interop first")
    site.home(LIBZT).mkdir()
    site.lab.add(LIBZT)
    site.start_libzt()
    libzt = site.nodes[LIBZT]
    libzt.wait("up", UP)
    libzt.ask("join", nwid=site.nwid)
    site.power_off()
    site.provide_flash()
    traffic = DEVICE.with_name("device_node_traffic.py").read_bytes()
    place.write_files(site.flash, {"/lib/device_node_traffic.py": traffic, "/main.py": b""})
    board = site.power_on("--heap", str(HEAP), str(DEVICE), "/zerotier.d", "0.0.0.0")
    board.wait("up", UP)
    board.ask("ready", UP, nwid=site.nwid, seconds=UP)
    libzts = until(lambda: ipv4(site, LIBZT), UP, "address of libzt")
    until(lambda: board.ask("ping", 30, ip=libzts, count=1)["lost"] == 0, UP, "answer of libzt")
    return {BOARD: ipv4(site, BOARD), LIBZT: libzts}


def ipv4(site: Site, name: str) -> str:
    """The virtual IPv4 address of a member; empty if it has none yet."""
    return next((ip for ip in site.network(name)["addresses"] if ":" not in ip), "")


def test_libzt_answers_the_pings_of_the_board(site: Site, ips: dict[str, str]) -> None:
    assert site.nodes[BOARD].ask("ping", 60, ip=ips[LIBZT], count=10, seconds=2)["lost"] == 0


@pytest.mark.parametrize("sender", (BOARD, LIBZT))
def test_udp_datagrams_come_back_unharmed(site: Site, ips: dict[str, str], sender: str) -> None:
    receiver = LIBZT if sender == BOARD else BOARD
    site.nodes[receiver].ask("udp_echo", 30, port=UDP_PORT)
    for size in (1, 1000, 2500):
        answer = site.nodes[sender].ask(
            "udp_exchange", 60, ip=ips[receiver], port=UDP_PORT, size=size
        )
        assert answer["same"]


@pytest.mark.parametrize("sender", (BOARD, LIBZT))
def test_tcp_passes_unharmed(site: Site, ips: dict[str, str], sender: str) -> None:
    receiver = LIBZT if sender == BOARD else BOARD
    receiving = site.nodes[receiver].request("tcp_receive", port=PORT, size=SIZE)
    site.nodes[receiver].wait("listening", UP)
    sent = site.nodes[sender].ask("tcp_send", 90, ip=ips[receiver], port=PORT, size=SIZE)
    received = site.nodes[receiver].answer(receiving, 90)
    assert received["sha256"] == sent["sha256"]
