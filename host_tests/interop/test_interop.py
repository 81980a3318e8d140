"""An unmodified libzt 1.8.4 and our devices on one network, served by our root and controller.
Owns what the nodes must see of each other; how they are run is site.py's.
It never measures speed.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from host_tests.interop.conftest import Refusal
from host_tests.interop.site import (
    DEVICES,
    DIRECT,
    ECHO_PORTS,
    LIBZT,
    MEMBERS,
    NAME,
    RELAYED,
    Site,
    Way,
    until,
)

ACCESS_DENIED = -2
OK = 1
DEFAULT_MTU = 2800
MEGABYTE = 1 << 20
WITHIN_MTU = 2000  # octets in two datagrams; libzt does not put fragments of IPv6 together
LARGEST_DATAGRAM = 1432  # octets, of those that carry fragments
TCP_PORTS = itertools.count(5000)  # libzt may keep one for a while
TCP_SECONDS = 60.0
HOUSEKEEPING = 100  # datagrams; more than nodes say by the way while a test runs
CONFIRMED = 20.0  # seconds for a direct path

pairs = pytest.mark.parametrize("device", DEVICES)
ends = pytest.mark.parametrize("libzt_begins", (True, False), ids=("from_libzt", "to_libzt"))
Networks = dict[str, dict[str, Any]]


def order(device: str, libzt_begins: bool) -> tuple[str, str]:
    """(who begins, the other)."""
    return (LIBZT, device) if libzt_begins else (device, LIBZT)


def assert_way(way: Way, device: str, datagrams: int) -> None:
    """Both directions took the way that this device has to libzt, by so many datagrams at least."""
    if device == RELAYED:
        assert not way.any_direct()
        assert way.relayed() >= datagrams
    else:
        assert way.direct() >= datagrams
        assert way.relayed() < HOUSEKEEPING


@pytest.mark.parametrize("name", MEMBERS)
def test_who_is_not_authorised_is_refused(refusal: Refusal, name: str) -> None:
    assert not refusal.records[name]["authorized"]
    assert refusal.networks[name]["addresses"] == []


def test_the_controller_answers_libzt_that_it_is_refused(refusal: Refusal) -> None:
    assert refusal.denied >= 1
    assert refusal.networks[LIBZT]["status"] != "OK"  # libzt 1.8.4 never says ACCESS_DENIED


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_tells_the_reason_of_the_controller(refusal: Refusal, name: str) -> None:
    assert refusal.networks[name]["status"] == ACCESS_DENIED
    assert "the network is private" in refusal.networks[name]["reason"]


def test_libzt_is_configured_once_it_is_authorised(site: Site, networks: Networks) -> None:
    network, record = networks[LIBZT], site.member(LIBZT)
    assert record is not None and record["authorized"]
    assert network["status"] == "OK"
    assert (network["name"], network["mtu"]) == (NAME, DEFAULT_MTU)
    assert [ip for ip in network["addresses"] if ":" not in ip] == record["ipAssignments"]


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_configured_once_it_is_authorised(
    site: Site, networks: Networks, name: str
) -> None:
    record = site.member(name)
    assert record is not None and record["authorized"]
    assert (networks[name]["status"], networks[name]["reason"]) == (OK, "")
    assert networks[name]["name"] == NAME
    assert [ip for ip in networks[name]["addresses"] if ":" not in ip] == record["ipAssignments"]


def test_the_firewall_leaves_only_the_root_between_alice_and_libzt(
    site: Site, ips: dict[str, str]
) -> None:
    assert not site.has_direct_path(RELAYED, LIBZT)
    assert site.lab.passed(RELAYED, LIBZT) == site.lab.passed(LIBZT, RELAYED) == 0


def test_bob_and_libzt_find_a_direct_path(site: Site, ips: dict[str, str]) -> None:
    until(lambda: site.has_direct_path(DIRECT, LIBZT), CONFIRMED, "direct path")


@pairs
def test_libzt_answers_pings(site: Site, ips: dict[str, str], device: str) -> None:
    way = Way(site.lab, device, LIBZT)
    ping = site.nodes[device].ask("ping", 20, ip=ips[LIBZT], count=10)
    assert ping["lost"] == 0
    assert_way(way, device, 10)


def test_devices_answer_pings(site: Site, ips: dict[str, str]) -> None:
    for one, other in (DEVICES, DEVICES[::-1]):
        assert site.nodes[one].ask("ping", 20, ip=ips[other], count=10)["lost"] == 0


@pairs
@ends
@pytest.mark.parametrize(("size", "datagrams"), ((20, 1), (4000, 3)))
def test_udp_comes_back_unchanged(
    site: Site, ips: dict[str, str], device: str, libzt_begins: bool, size: int, datagrams: int
) -> None:
    one, other = order(device, libzt_begins)
    way = Way(site.lab, device, LIBZT)
    target = {"ip": ips[other], "port": ECHO_PORTS[4]}
    answer = site.nodes[one].ask("udp_exchange", **target, size=size, seed=size)
    assert answer["same"]
    assert_way(way, device, datagrams)


@pairs
@ends
def test_udp_comes_back_over_ipv6(
    site: Site, ips: dict[str, str], networks: Networks, device: str, libzt_begins: bool
) -> None:
    one, other = order(device, libzt_begins)
    ip = next(ip for ip in networks[other]["addresses"] if ":" in ip)
    target = {"ip": ip, "port": ECHO_PORTS[6]}
    assert site.nodes[one].ask("udp_exchange", **target, size=WITHIN_MTU)["same"]


@pairs
@ends
def test_a_megabyte_arrives_over_tcp(
    site: Site, ips: dict[str, str], device: str, libzt_begins: bool
) -> None:
    one, other = order(device, libzt_begins)
    sender, receiver = site.nodes[one], site.nodes[other]
    way = Way(site.lab, one, other)
    port = next(TCP_PORTS)
    receiving = receiver.request("tcp_receive", port=port, size=MEGABYTE)
    receiver.wait("listening", port=port)
    sent = sender.ask("tcp_send", TCP_SECONDS, ip=ips[other], port=port, size=MEGABYTE, seed=7)
    received = receiver.answer(receiving, TCP_SECONDS)
    assert received["peer"] == ips[one]
    assert received["received"] == sent["sent"] == MEGABYTE
    assert received["sha256"] == sent["sha256"]
    acknowledgements = MEGABYTE // LARGEST_DATAGRAM // 8  # the direction with fewer datagrams
    assert_way(way, device, acknowledgements)
