"""Rules of our controller, judged by an unmodified libzt 1.8.4 and by our devices.
Owns what both kinds of node must let through and what neither may; runs on the site of test_interop.
It never asks who of the two dropped a frame, but where nothing may even leave.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from host_tests.interop.site import (
    DEVICES,
    DIRECT,
    ECHO_PORTS,
    LIBZT,
    LOOK,
    MEMBERS,
    RELAYED,
    Site,
    until,
)

CLOSED = 7001  # a port that the rules close
IN_FORCE = 45.0  # seconds; libzt 1.8.4 tells a member of its new credentials once in 30 s
COPIED = 3  # exchanges, or echoes
QUIET = 1.5  # seconds without an answer that are long enough
ACCEPT = {"type": "ACTION_ACCEPT"}
DROP = {"type": "ACTION_DROP"}
ARP = {"type": "MATCH_ETHERTYPE", "etherType": 0x0806}
ICMP = {"type": "MATCH_IP_PROTOCOL", "ipProtocol": 1}
TCP = {"type": "MATCH_IP_PROTOCOL", "ipProtocol": 6}
UDP = {"type": "MATCH_IP_PROTOCOL", "ipProtocol": 17}
CLOSE = {"type": "MATCH_IP_DEST_PORT_RANGE", "start": CLOSED, "end": CLOSED}
TCP_PORTS = itertools.count(7100)  # libzt keeps a port on which nobody called
TCP_SIZE = 1000  # octets
TCP_WAIT = 6.0  # seconds without a connection that are long enough: it is tried again after 3

pairs = pytest.mark.parametrize("device", DEVICES)
ends = pytest.mark.parametrize("libzt_begins", (True, False), ids=("from_libzt", "to_libzt"))


@pytest.fixture(scope="module")
def open_again(site: Site, ips: dict[str, str]) -> Iterator[dict[str, str]]:
    """The addresses; afterwards everything is allowed again."""
    for name in MEMBERS:
        site.nodes[name].ask("udp_echo", port=CLOSED, version=4)
    yield ips
    enforce(site, [ACCEPT])


def enforce(site: Site, rules: list[dict[str, Any]], **fields: Any) -> None:
    """Give the network other rules."""
    path = site.folder / "rules.json"
    path.write_text(json.dumps({"rules": rules, **fields}))
    site.controller("network", "set", site.nwid, "--rules", str(path))


def answers(site: Site, one: str, ip: str, port: int, seconds: float) -> bool:
    """Whether an echo of UDP comes back in time."""
    tries = max(1, int(seconds))
    try:
        answer = site.nodes[one].ask(
            "udp_exchange", seconds + 5, ip=ip, port=port, size=20, tries=tries
        )
    except Exception:
        return False
    return bool(answer["same"])


def becomes(site: Site, one: str, ip: str, port: int, expected: bool) -> bool:
    """Waits until an echo comes back, or comes back no more."""
    deadline = time.monotonic() + IN_FORCE
    while answers(site, one, ip, port, QUIET) != expected:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK)
    return True


def all_pass(
    site: Site, ips: dict[str, str], device: str, libzt_begins: bool
) -> tuple[str, str, str]:
    """Rules that let everything pass are in force. Who begins, with whom, at which IP."""
    one, other = (LIBZT, device) if libzt_begins else (device, LIBZT)
    enforce(site, [ACCEPT])
    assert becomes(site, one, ips[other], CLOSED, True)
    return one, other, ips[other]


@pairs
@ends
def test_a_port_that_the_rules_close_is_closed_and_others_are_not(
    site: Site, open_again: dict[str, str], device: str, libzt_begins: bool
) -> None:
    one, _, ip = all_pass(site, open_again, device, libzt_begins)
    enforce(site, [CLOSE, DROP, ACCEPT])
    assert becomes(site, one, ip, CLOSED, False)
    assert answers(site, one, ip, ECHO_PORTS[4], 5)
    assert not answers(site, one, ip, CLOSED, QUIET)


def pings(site: Site, device: str, ip: str) -> bool:
    """Whether an ICMP echo of a device comes back."""
    return bool(site.nodes[device].ask("ping", 5, ip=ip, count=1, seconds=QUIET)["lost"] == 0)


def connects(site: Site, one: str, other: str, ip: str) -> bool:
    """Whether octets arrive over TCP in time."""
    port = next(TCP_PORTS)
    # Devices do one thing after the other, so that theirs must end; libzt knows no end.
    wait = {name: {"seconds": TCP_WAIT} for name in DEVICES}
    receiving = site.nodes[other].request(
        "tcp_receive", port=port, size=TCP_SIZE, **wait.get(other, {})
    )
    site.nodes[other].wait("listening", port=port)
    site.nodes[one].request("tcp_send", ip=ip, port=port, size=TCP_SIZE, **wait.get(one, {}))
    try:
        return bool(site.nodes[other].answer(receiving, TCP_WAIT + 2)["received"] == TCP_SIZE)
    except OSError:
        return False


@pairs
@ends
def test_a_protocol_that_the_rules_deny_does_not_pass_and_others_do(
    site: Site, open_again: dict[str, str], device: str, libzt_begins: bool
) -> None:
    one, other, ip = all_pass(site, open_again, device, libzt_begins)
    assert connects(site, one, other, ip)
    assert pings(site, device, open_again[LIBZT])
    enforce(site, [TCP, DROP, CLOSE, DROP, ACCEPT])
    assert becomes(site, one, ip, CLOSED, False)
    assert not connects(site, one, other, ip)
    assert answers(site, one, ip, ECHO_PORTS[4], 5)
    assert pings(site, device, open_again[LIBZT])


@pairs
@ends
def test_one_protocol_alone_passes_if_the_rules_let_no_other_through(
    site: Site, open_again: dict[str, str], device: str, libzt_begins: bool
) -> None:
    one, other, ip = all_pass(site, open_again, device, libzt_begins)
    enforce(site, [CLOSE, DROP, ARP, ACCEPT, UDP, ACCEPT, DROP])
    assert becomes(site, one, ip, CLOSED, False)
    assert answers(site, one, ip, ECHO_PORTS[4], 5)
    assert not pings(site, device, open_again[LIBZT])
    assert not connects(site, one, other, ip)


@pairs
@ends
def test_who_sends_a_protocol_that_the_rules_deny_is_the_first_to_judge_it(
    site: Site, open_again: dict[str, str], device: str, libzt_begins: bool
) -> None:
    one = LIBZT if libzt_begins else device  # sends the echo, or its answer
    sender = {"type": "MATCH_SOURCE_ZEROTIER_ADDRESS", "zt": site.addresses[one]}
    enforce(site, [ACCEPT])
    until(lambda: pings(site, device, open_again[LIBZT]), IN_FORCE, "echo")
    enforce(site, [sender, ICMP, DROP, ACCEPT])

    def stops_it() -> bool:
        """Whether the sender itself drops them all: a receiver with the new rules may be earlier."""
        came_in, went_out = dropped(site, device)
        if any(pings(site, device, open_again[LIBZT]) for _ in range(COPIED)):
            return False
        own = 0 if libzt_begins else COPIED
        return dropped(site, device) == (came_in, went_out + own)

    until(stops_it, IN_FORCE, "silence that the sender makes")
    assert answers(site, device, open_again[LIBZT], ECHO_PORTS[4], 5)


def dropped(site: Site, device: str) -> tuple[int, int]:
    """Frames that the rules did not let (in, out) of a device."""
    stats = site.nodes[device].ask("stats")["stats"]
    return int(stats.get("rules_drop_in", 0)), int(stats.get("rules_drop_out", 0))


@ends
def test_tags_say_who_may_talk_to_libzt(
    site: Site, open_again: dict[str, str], libzt_begins: bool
) -> None:
    for name, tag in ((LIBZT, 5), (RELAYED, 5), (DIRECT, 6)):
        site.controller("member", "set", site.nwid, site.addresses[name], "--tag", f"1={tag}")
    same = {"type": "MATCH_TAGS_DIFFERENCE", "id": 1, "value": 0}
    enforce(site, [ARP, ACCEPT, same, ACCEPT, DROP], tags=[{"id": 1, "default": 0}])
    for device, expected in ((DIRECT, False), (RELAYED, True)):
        one, other = (LIBZT, device) if libzt_begins else (device, LIBZT)
        assert becomes(site, one, open_again[other], ECHO_PORTS[4], expected)
    one, other = (LIBZT, DIRECT) if libzt_begins else (DIRECT, LIBZT)
    assert not answers(site, one, open_again[other], ECHO_PORTS[4], QUIET)


def inspected(site: Site) -> int:
    """Frames that bob, the observer, let in whatever their MACs were: copies, while nobody talks to him."""
    return int(site.nodes[DIRECT].ask("stats")["stats"].get("rules_super_in", 0))


def in_force(site: Site, one: str, ip: str, port: int) -> bool:
    """Waits until bob sees what goes to a port."""
    deadline = time.monotonic() + IN_FORCE
    before = inspected(site)
    while inspected(site) == before:
        if time.monotonic() > deadline:
            return False
        answers(site, one, ip, port, 1)
    return True


@pytest.mark.parametrize("kind", ("ACTION_TEE", "ACTION_WATCH"))
@ends
def test_an_observer_gets_copies_from_both_ends_of_a_conversation_with_libzt(
    site: Site, open_again: dict[str, str], libzt_begins: bool, kind: str
) -> None:
    one, other = (LIBZT, RELAYED) if libzt_begins else (RELAYED, LIBZT)
    ip = open_again[other]
    copy = {"type": kind, "address": site.addresses[DIRECT], "flags": 0, "length": 0}
    enforce(site, [CLOSE, copy, ACCEPT])
    assert in_force(site, one, ip, CLOSED)
    # What goes the other way is not copied, so that each exchange makes two: of sender and receiver.
    deadline = time.monotonic() + IN_FORCE
    while True:
        before = inspected(site)
        assert all(answers(site, one, ip, CLOSED, 5) for _ in range(COPIED))
        time.sleep(QUIET)
        if inspected(site) - before >= 2 * COPIED:
            break
        assert time.monotonic() < deadline, inspected(site) - before
    before = inspected(site)
    assert answers(site, one, ip, ECHO_PORTS[4], 5)
    assert inspected(site) == before


@ends
def test_a_redirected_frame_arrives_at_the_observer_alone(
    site: Site, open_again: dict[str, str], libzt_begins: bool
) -> None:
    one, other = (LIBZT, RELAYED) if libzt_begins else (RELAYED, LIBZT)
    ip = open_again[other]
    redirect = {"type": "ACTION_REDIRECT", "address": site.addresses[DIRECT], "flags": 0}
    enforce(site, [ACCEPT])
    assert becomes(site, one, ip, CLOSED, True)
    enforce(site, [CLOSE, redirect, ACCEPT])
    assert becomes(site, one, ip, CLOSED, False)
    assert in_force(site, one, ip, CLOSED)
    before = inspected(site)
    assert not answers(site, one, ip, CLOSED, QUIET)
    assert inspected(site) > before
    assert answers(site, one, ip, ECHO_PORTS[4], 5)


@pairs
def test_senders_that_own_their_addresses_are_let_through_by_both(
    site: Site, open_again: dict[str, str], device: str
) -> None:
    owner = {"type": "MATCH_CHARACTERISTICS", "mask": "1000000000000000", "not": True}
    enforce(site, [owner, DROP, ACCEPT])
    assert becomes(site, device, open_again[LIBZT], ECHO_PORTS[4], True)
    assert becomes(site, LIBZT, open_again[device], ECHO_PORTS[4], True)


@ends
def test_a_capability_opens_what_the_rules_leave_closed(
    site: Site, open_again: dict[str, str], libzt_begins: bool
) -> None:
    echo = {"type": "MATCH_IP_DEST_PORT_RANGE", "start": ECHO_PORTS[4], "end": ECHO_PORTS[4]}
    answer = {"type": "MATCH_IP_SOURCE_PORT_RANGE", "start": ECHO_PORTS[4], "end": ECHO_PORTS[4]}
    capability = {"id": 4, "default": False, "rules": [echo, ACCEPT]}
    enforce(site, [ARP, ACCEPT, answer, ACCEPT], capabilities=[capability])
    one, other = (LIBZT, DIRECT) if libzt_begins else (DIRECT, LIBZT)
    ip = open_again[other]
    assert becomes(site, one, ip, ECHO_PORTS[4], False)
    site.controller("member", "set", site.nwid, site.addresses[one], "--capability", "4")
    assert becomes(site, one, ip, ECHO_PORTS[4], True)
    assert not answers(site, one, ip, CLOSED, QUIET)
