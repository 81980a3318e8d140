"""What a network can be besides a subnet of IPv4, between an unmodified libzt 1.8.4 and our devices: IPv6 by
RFC 4193 and 6PLANE, multicast, an ad-hoc network, two networks at once, other MTUs. On the site of test_interop.
Owns what both kinds of node must agree on. It never looks into a packet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from host_tests.interop.site import (
    DEVICES,
    DIRECT,
    ECHO_PORTS,
    LIBZT,
    MEMBERS,
    RELAYED,
    Site,
    until,
)
from zerotier.vl2.addresses import rfc4193, sixplane
from zerotier.wire.address import ip_text

CONFIGURED = 30.0  # seconds
REACHED = 25  # tries, one a second
GROUP = "224.0.0.177"
GROUP_PORT = 7788
HEARD = 25  # seconds; libzt looks for new groups every 5 s
SMALL = 1000  # octets; libzt does not put fragments of IPv6 together
SMALL_MTU, DEFAULT_MTU = 1280, 2800
EVERYBODY = "255.255.255.255"
HEADERS = 28  # octets of IPv4 and UDP
AD_HOC = "ff0400040a000000"  # ports 1024 to 1034
AD_HOC_PORT = 1027
SUBNET = "10.121.0.0/24"

pairs = pytest.mark.parametrize("device", DEVICES)
ends = pytest.mark.parametrize("libzt_begins", (True, False), ids=("from_libzt", "to_libzt"))
schemes = pytest.mark.parametrize("scheme", (rfc4193, sixplane), ids=("rfc4193", "6plane"))


def order(device: str, libzt_begins: bool) -> tuple[str, str]:
    """(who begins, the other)."""
    return (LIBZT, device) if libzt_begins else (device, LIBZT)


def exchanged(site: Site, one: str, ip: str, port: int, size: int) -> bool:
    """Whether an echo brings a datagram back as it was."""
    target = {"ip": ip, "port": port, "size": size, "tries": REACHED}
    return bool(site.nodes[one].ask("udp_exchange", REACHED + 10, **target)["same"])


@pytest.fixture(scope="module")
def second(site: Site, ips: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Another network that all have joined besides the first: nwid, ips of the members."""
    created = site.controller(
        *("network", "create", "--name", "second", "--pool", SUBNET),
        *("--6plane", "--mtu", str(SMALL_MTU)),  # libzt takes one IPv6 address of a network
    )
    nwid = created["id"]
    site.controller("member", "authorize", nwid, *(site.addresses[n] for n in MEMBERS))
    for name in MEMBERS:
        site.nodes[name].ask("join", nwid=nwid)

    def first_ip(name: str) -> str | None:
        network = site.nodes[name].ask("network", nwid=nwid)
        return next((ip for ip in network["addresses"] if ip.startswith("10.121.")), None)

    found = {
        name: until(lambda n=name: first_ip(n), CONFIGURED, f"address of {name}")
        for name in MEMBERS
    }
    yield {"nwid": nwid, "ips": found}
    for name in MEMBERS:
        site.nodes[name].ask("leave", nwid=nwid)


def computed(site: Site, nwid: str, scheme: Any, name: str) -> str:
    """The address that a member of a network has by its form."""
    return ip_text(scheme(bytes.fromhex(nwid), bytes.fromhex(site.addresses[name])))


@pairs
@ends
def test_two_networks_at_once_reach_everybody_on_both(
    site: Site, ips: dict[str, str], second: dict[str, Any], device: str, libzt_begins: bool
) -> None:
    one, other = order(device, libzt_begins)
    for target in (ips[other], second["ips"][other]):
        assert exchanged(site, one, target, ECHO_PORTS[4], SMALL)


@pairs
@ends
@schemes
def test_computed_ipv6_addresses_are_reached(
    site: Site,
    ips: dict[str, str],
    second: dict[str, Any],
    device: str,
    libzt_begins: bool,
    scheme: Any,
) -> None:
    one, other = order(device, libzt_begins)
    nwid = site.nwid if scheme is rfc4193 else second["nwid"]
    target = computed(site, nwid, scheme, other)
    assert exchanged(site, one, target, ECHO_PORTS[6], SMALL)


@pairs
def test_multicast_of_libzt_is_heard_by_devices_that_listen(
    site: Site, ips: dict[str, str], device: str
) -> None:
    port = GROUP_PORT + DEVICES.index(device)
    receiving = site.nodes[device].request(
        "group_receive", group=GROUP, ip=ips[device], port=port, seconds=HEARD
    )
    site.nodes[device].wait("listening", port=port)
    place = {"group": GROUP, "ip": ips[LIBZT], "port": port}
    site.nodes[LIBZT].request("group_send", **place, text=GROUP, seconds=HEARD)
    received = site.nodes[device].answer(receiving, HEARD + 10)
    assert (received["text"], received["source"]) == (GROUP, ips[LIBZT])


@pairs
def test_what_a_device_sends_to_everybody_is_heard_by_libzt(
    site: Site, ips: dict[str, str], device: str
) -> None:
    port = GROUP_PORT + 10 + DEVICES.index(device)
    receiving = site.nodes[LIBZT].request("udp_receive", port=port, seconds=HEARD)
    site.nodes[LIBZT].wait("listening", port=port)
    place = {"group": EVERYBODY, "ip": ips[device], "port": port}
    site.nodes[device].request("group_send", **place, text=EVERYBODY, seconds=5)
    received = site.nodes[LIBZT].answer(receiving, HEARD + 10)
    assert (received["text"], received["source"]) == (EVERYBODY, ips[device])


def test_datagrams_of_every_size_arrive_with_every_mtu(
    site: Site, ips: dict[str, str], second: dict[str, Any]
) -> None:
    for nwid, mtu, targets in (
        (second["nwid"], SMALL_MTU, second["ips"]),
        (site.nwid, DEFAULT_MTU, ips),
    ):
        assert site.nodes[LIBZT].ask("network", nwid=nwid)["mtu"] == mtu
        for device in DEVICES:
            for one, other in ((LIBZT, device), (device, LIBZT)):
                for size in (mtu - HEADERS, mtu - HEADERS + 1, 2 * mtu):
                    assert exchanged(site, one, targets[other], ECHO_PORTS[4], size)


def test_an_ad_hoc_network_needs_no_controller(site: Site, ips: dict[str, str]) -> None:
    for name in MEMBERS:
        site.nodes[name].ask("join", nwid=AD_HOC)
        site.nodes[name].ask("udp_echo", port=AD_HOC_PORT, version=6)

    def is_joined(name: str) -> bool:
        return site.nodes[name].ask("network", nwid=AD_HOC)["status"] in (1, "OK")

    for name in MEMBERS:
        until(lambda n=name: is_joined(n), CONFIGURED, f"ad-hoc network of {name}")
    for device in (RELAYED, DIRECT):
        for one, other in ((LIBZT, device), (device, LIBZT)):
            target = computed(site, AD_HOC, sixplane, other)
            assert exchanged(site, one, target, AD_HOC_PORT, SMALL)
    for name in MEMBERS:
        site.nodes[name].ask("leave", nwid=AD_HOC)
