"""Groups between devices and an unmodified libzt 1.8.4, both ways, and what broadcast on and off changes.
Owns which groups each hears of the other. On the site of test_interop. libzt's stack can join none: it is in the
solicited-node group of its IPv6 address, and takes whatever group it is sent, as a bridge is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from host_tests.interop.site import DEVICES, DIRECT, ECHO_PORTS, LIBZT, Site
from zerotier.wire.address import ip_text, parse_ip

PORT = 9400
HEARD = 25  # seconds; libzt looks for new groups every 5 s
ALL_NODES = "ff02::1"
SOLICITED_NODE = parse_ip("ff02::1:ff00:0")[:13]
ORDINARY = "224.0.0.55"
EVERYBODY = "10.147.20.255"  # libzt has no route to 255.255.255.255
IN_FORCE = 2.0  # seconds after which a change of the network is in force
QUIET = 8  # seconds without a datagram that are long enough
SENT = 5  # datagrams, one a second

pairs = pytest.mark.parametrize("device", DEVICES)
ends = pytest.mark.parametrize("libzt_begins", (True, False), ids=("from_libzt", "to_libzt"))


def address(networks: dict[str, dict[str, Any]], name: str, version: int) -> str:
    """One of a member."""
    own: list[str] = networks[name]["addresses"]
    return next(ip for ip in own if (":" in ip) == (version == 6))


def test_multicast_of_ipv6_is_heard_by_devices(
    site: Site, networks: dict[str, dict[str, Any]], ips: dict[str, str]
) -> None:
    for device in DEVICES:
        place = {"group": ALL_NODES, "port": PORT}
        receiving = site.nodes[device].request(
            "group_receive", ip=ips[device], seconds=HEARD, **place
        )
        site.nodes[device].wait("listening", port=PORT)
        own = address(networks, LIBZT, 6)
        site.nodes[LIBZT].request("group_send", ip=own, text=device, seconds=HEARD, **place)
        received = site.nodes[device].answer(receiving, HEARD + 10)
        assert received["text"] == device and parse_ip(received["source"]) == parse_ip(own)


@pairs
def test_multicast_of_a_device_is_heard_by_libzt_in_the_group_that_it_is_in(
    site: Site, networks: dict[str, dict[str, Any]], ips: dict[str, str], device: str
) -> None:
    port = PORT + 1 + DEVICES.index(device)
    group = ip_text(SOLICITED_NODE + parse_ip(address(networks, LIBZT, 6))[13:])
    receiving = site.nodes[LIBZT].request("udp_receive", port=port, seconds=HEARD, version=6)
    site.nodes[LIBZT].wait("listening", port=port)
    own = address(networks, device, 6)
    site.nodes[device].ask("group_send", ip=own, group=group, port=port, text=device, seconds=SENT)
    received = site.nodes[LIBZT].answer(receiving, HEARD + 10)
    assert received["text"] == device and parse_ip(received["source"]) == parse_ip(own)


def test_a_member_that_is_a_bridge_hears_every_group(site: Site, ips: dict[str, str]) -> None:
    port = PORT + 5
    site.controller("member", "set", site.nwid, site.addresses[LIBZT], "--bridge")
    try:
        receiving = site.nodes[LIBZT].request("udp_receive", port=port, seconds=HEARD)
        site.nodes[LIBZT].wait("listening", port=port)
        place = {"ip": ips[DIRECT], "group": ORDINARY, "port": port}
        site.nodes[DIRECT].ask("group_send", 20, text=ORDINARY, seconds=SENT, **place)
        received = site.nodes[LIBZT].answer(receiving, HEARD + 10)
        assert (received["text"], received["source"]) == (ORDINARY, ips[DIRECT])
    finally:
        site.controller("member", "set", site.nwid, site.addresses[LIBZT], "--no-bridge")


@pytest.fixture(scope="module", params=(True, False), ids=("broadcast", "no_broadcast"))
def broadcast(request: pytest.FixtureRequest, site: Site, ips: dict[str, str]) -> Iterator[bool]:
    """Whether the network allows it."""
    allowed = bool(request.param)
    option = "--broadcast" if allowed else "--no-broadcast"
    site.controller("network", "set", site.nwid, option)
    time.sleep(IN_FORCE)
    yield allowed
    site.controller("network", "set", site.nwid, "--broadcast")


@pairs
@ends
def test_what_is_for_everybody_is_heard_if_the_network_allows_it(
    site: Site, ips: dict[str, str], broadcast: bool, device: str, libzt_begins: bool
) -> None:
    one, other = (LIBZT, device) if libzt_begins else (device, LIBZT)
    # An ARP request, which is for everybody too, is always heard.
    target = {"ip": ips[other], "port": ECHO_PORTS[4], "size": 20, "tries": SENT}
    assert site.nodes[one].ask("udp_exchange", 10, **target)["same"]
    port = PORT + 10 + 4 * broadcast + 2 * libzt_begins + DEVICES.index(device)
    counting = site.nodes[other].request("udp_count", port=port, seconds=QUIET)
    site.nodes[other].wait("listening", port=port)
    place = {"ip": ips[one], "group": EVERYBODY, "port": port}
    site.nodes[one].ask("group_send", 20, text=one, seconds=SENT, **place)
    count = site.nodes[other].answer(counting, QUIET + 10)["count"]
    assert count >= SENT - 2 if broadcast else count == 0
