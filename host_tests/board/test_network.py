"""A board among other members of a network: frames of all kinds, and what a reset does to them.

Owns what it must be able to do, by ordinary sockets.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from host_tests.board import place
from host_tests.board.site import BOARD, Site
from host_tests.interop.plain_site import POOL
from host_tests.interop.site import DEVICE, until

SIZE = 1_000_000  # bytes by TCP
HEAP = 400_000  # the script that does it is not frozen
UP = 20.0  # s
SETTLED = 2.0  # s after which the stack is in all its groups
ROUTED, BEHIND = "10.66.0.0/16", "10.66.1.2"  # by a gateway
SECOND = "10.147.21.201"  # a further address


@pytest.fixture(scope="module")
def ips(site: Site) -> dict[str, str]:
    """The virtual addresses of the board and of a desktop device, which have both joined."""
    site.power_off()
    site.provide_flash()
    traffic = DEVICE.with_name("device_node_traffic.py")
    place.write_files(
        site.flash, {"/lib/device_node_traffic.py": traffic.read_bytes(), "/main.py": b""}
    )
    site.power_on("--heap", str(HEAP), str(DEVICE), "/zerotier.d", "0.0.0.0")
    site.addresses[BOARD] = site.nodes[BOARD].wait("up", UP)["address"]
    site.nodes[BOARD].ask("ready", UP, nwid=site.nwid, seconds=UP)
    return {BOARD: site.network(BOARD)["addresses"][0], "other": site.ip(site.devices[0])}


def both_ways(site: Site, ips: dict[str, str]) -> list[tuple[Any, Any, str]]:
    board, other = site.nodes[BOARD], site.nodes[site.devices[0]]
    return [(board, other, ips["other"]), (other, board, ips[BOARD])]


def test_pings_pass_in_both_directions(site: Site, ips: dict[str, str]) -> None:
    for one, _, ip in both_ways(site, ips):
        assert one.ask("ping", 30, ip=ip, count=10)["lost"] == 0


def test_a_megabyte_passes_by_tcp_in_both_directions(site: Site, ips: dict[str, str]) -> None:
    for one, other, ip in both_ways(site, ips):
        receiving = other.request("tcp_receive", port=5001, size=SIZE)
        other.wait("listening")
        sent = one.ask("tcp_send", 60, ip=ip, port=5001, size=SIZE)
        received = other.answer(receiving, 60)
        assert received["sha256"] == sent["sha256"]


def test_datagrams_as_large_as_a_frame_pass(site: Site, ips: dict[str, str]) -> None:
    for one, _, ip in both_ways(site, ips):
        assert one.ask("ping", 30, ip=ip, count=3, size=2500)["lost"] == 0


@pytest.mark.parametrize("size", (1, 1000, 2700))
def test_udp_datagrams_come_back_unharmed_in_both_directions(
    site: Site, ips: dict[str, str], size: int
) -> None:
    for number, (one, other, ip) in enumerate(both_ways(site, ips)):
        port = 6000 + size + number
        other.ask("udp_echo", port=port)
        answer = one.ask("udp_exchange", 30, ip=ip, port=port, size=size)
        assert answer["same"] and answer["tries"] == 1


def test_managed_routes_and_further_addresses_are_used(site: Site, ips: dict[str, str]) -> None:
    board, other = site.nodes[BOARD], site.nodes[site.devices[0]]
    names = (BOARD, site.devices[0])
    assert not reaches(board, BEHIND)
    try:
        via = f"{ROUTED}@{ips['other']}"
        site.controller("network", "set", site.nwid, "--route", POOL, "--route", via)
        for name, own in zip(names, ((ips[BOARD], SECOND), (ips["other"], BEHIND))):
            words = [word for ip in own for word in ("--ip", ip)]
            site.controller("member", "set", site.nwid, site.addresses[name], *words)
        until(lambda: reaches(board, BEHIND), UP, "way through the gateway")
        until(lambda: reaches(other, SECOND), UP, "second address of the board")
        assert board.ask("ping", 30, ip=ips["other"], count=3)["lost"] == 0
    finally:
        site.controller("network", "set", site.nwid, "--route", POOL)
        for name, ip in zip(names, (ips[BOARD], ips["other"])):
            site.controller("member", "set", site.nwid, site.addresses[name], "--ip", ip)
    until(lambda: not reaches(board, BEHIND), UP, "end of the route")


def reaches(one: Any, ip: str) -> bool:
    try:
        return bool(one.ask("ping", 30, ip=ip, count=1)["lost"] == 0)
    except OSError:  # no route
        return False


def test_a_soft_reset_leaves_nothing_behind(site: Site) -> None:
    site.power_off()
    site.provide_flash()
    board = site.power_on()
    ip = board.wait("joined", UP)["ip"]
    time.sleep(SETTLED)
    before = site.evaluate("(_virt.malloced(), _virt.pools())")
    for _ in range(3):
        board.request("__import__('machine').soft_reset()")
        assert board.wait("joined", UP)["ip"] == ip
    time.sleep(SETTLED)
    after = site.evaluate("(_virt.malloced(), _virt.pools())")
    assert after[0] <= before[0] + 256
    assert {n: row[0] for n, row in after[1].items()} == {
        n: row[0] for n, row in before[1].items()
    }
    assert site.nodes[site.devices[0]].ask("ping", 30, ip=ip, count=5)["lost"] == 0
