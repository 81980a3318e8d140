"""Devices with a real node, a root and a controller: what the driver promises to a user.

Owns the tests of device.py. Traffic between devices in earnest is the matter of host_tests/interop.
"""

import signal
import time

import pytest

from host_tests.device import interpreter
from host_tests.device.site import Site

EHOSTUNREACH = 113
WAYS = ("prompt", "sleep", "busy", "accept", "asyncio_sleep", "poll_posix", "stdin")


@pytest.fixture(scope="module")
def site():
    with Site() as site:
        yield site


class Member:
    """A running device that has joined; killed at the end."""

    def __init__(self, site, name, way, *more, nwid=None) -> None:
        arguments = (
            str(site.home / name),
            site.place(name),
            str(site.planet),
            nwid or site.public,
        )
        options = ("-i",) if way == "prompt" else ()
        self.process = interpreter.start("member", *arguments, way, *more, options=options)

    def __enter__(self):
        line = interpreter.line_of(self.process)
        words = line.split()
        if len(words) != 2:
            raise AssertionError(line + interpreter.finish(self.process))
        self.address, self.ip = words
        return self

    def __exit__(self, *error) -> None:
        self.process.kill()
        self.process.wait()

    def output(self) -> list[str]:
        """What it prints until it ends."""
        text = interpreter.finish(self.process)
        assert self.process.returncode == 0, text
        return text.splitlines()


@pytest.mark.parametrize("way", WAYS)
def test_the_node_lives_whatever_the_program_does(site, way):
    with Member(site, "a", way) as device, Member(site, "b", "ping", device.ip) as other:
        assert other.output() == ["10"]


@pytest.mark.parametrize("way", ("sleep", "busy", "accept", "asyncio_sleep"))
def test_control_c_reaches_the_program(site, way):
    with Member(site, "a", way) as device:
        time.sleep(0.1)
        device.process.send_signal(signal.SIGINT)
        text = interpreter.finish(device.process, timeout=5)
        assert "KeyboardInterrupt" in text


def test_identity_and_networks_survive_a_restart(site):
    with Member(site, "c", "sleep") as device:
        address, ip = device.address, device.ip
    with Member(site, "c", "remember") as device:
        assert (device.address, device.ip) == (address, ip)
        assert device.output() == [f"['{site.public}']"]


def test_it_can_be_stopped_and_started(site):
    with Member(site, "a", "sleep") as device, Member(site, "b", "rest", device.ip) as other:
        assert other.output() == ["False False 0", "True True 1", "10"]


def test_a_network_that_was_left_is_unreachable(site):
    with Member(site, "a", "sleep") as device, Member(site, "d", "leave", device.ip) as other:
        assert other.output() == ["[]", str(EHOSTUNREACH)]


def test_computed_ipv6_addresses_reach_each_other(site):
    with Member(site, "a", "serve6") as device:
        hosts = interpreter.line_of(device.process).split()
        assert len(hosts) == 2  # RFC 4193 and 6PLANE
        with Member(site, "b", "sockets6", ",".join(hosts)) as other:
            assert other.output() == ["b'hello'", "b'hello'"]


def test_there_is_one_node_per_device(site):
    with Member(site, "e", "twice") as device:
        assert device.output() == [
            "[Errno 114] EALREADY: another ZeroTier object runs: one per device"
        ]


def test_a_node_whose_start_is_interrupted_leaves_the_device_to_another(site):
    with Member(site, "g", "interrupted") as device:
        assert device.output() == ["interrupted", "True"]


def test_a_port_in_use_is_said_in_one_sentence(site):
    place = site.place("f")
    arguments = (str(site.home / "f"), place, str(site.planet), site.public, "sleep")
    first = interpreter.start("member", *arguments)
    try:
        assert interpreter.line_of(first)
        second = interpreter.start("member", *arguments)
        text = interpreter.finish(second)
        assert f"OSError: [Errno 98] EADDRINUSE: UDP port {place}/9993 is in use" in text
    finally:
        first.kill()
        first.wait()


def test_a_private_network_says_why_it_cannot_be_joined(site):
    member = Member(site, "g", "denied", nwid=site.private)
    text = interpreter.finish(member.process)
    assert f"OSError: [Errno 13] EACCES: network {site.private}: the network is private" in text
