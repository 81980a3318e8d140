"""Paths between our devices and an unmodified libzt: found, lost, and found again.

Owns what must happen within which time, and prints the times. A site of its own, since addresses change and the root
is restarted here.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.interop.site import (
    DEVICE,
    DEVICES,
    ECHO_PORTS,
    LIBZT,
    MEMBERS,
    MICROPYTHON,
    PORT,
    RELAYED,
    SERVICES,
    Site,
    running,
    until,
)

INTRODUCED = 40.0  # seconds: a root introduces a pair every 30 s
ROOT_GAP = 10.0
MOVED_GAP = 3.0
UPDATED = 60.0
ORBITED = 90.0
SETTLED = 65.0  # a full greeting once a minute


class RoamingSite(Site):
    """Devices use whatever address their place has."""

    def _start_device(self, name: str) -> None:
        argv = [str(MICROPYTHON), str(DEVICE), str(self.home(name)), "0.0.0.0", str(PORT)]
        self.nodes[name] = self.lab.start(name, argv)

    def _make_world(self) -> None:
        """libzt starts with an older edition of the planet; the controller is also the root of a moon."""
        super()._make_world()
        planet = self.folder / "planet"
        shutil.copy(planet, self.folder / "planet.older")
        root = (self.home("root") / "identity.public").read_text()
        self.zt(
            *("world", "planet", "--update", "--out", str(planet)),
            *("--root", f"{root}@{self.lab.address('root')}/{PORT}"),
            *("--key", str(self.folder / "world.key")),
        )
        for name in (*SERVICES, *DEVICES):
            shutil.copy(planet, self.home(name) / "planet")
        identity = (self.home("controller") / "identity.public").read_text()
        self.moon = "000000" + identity[:10]
        self.zt(
            *("world", "moon", "--root", f"{identity}@{self.lab.address('controller')}/{PORT}"),
            *("--out", str(self.home("controller") / "moons.d" / f"{self.moon}.moon")),
            *("--key", str(self.folder / "moon.key")),
        )

    def _libzt_planet(self) -> Path:
        return self.folder / "planet.older"

    def in_place(self, name: str, words: str) -> None:
        """Run a command in the namespace of a node."""
        subprocess.run(self.lab.underlay.command(name, words.split()), check=True)

    def move(self, name: str, host: int) -> None:
        """Another address in the same subnet, as after another lease."""
        old = self.lab.address(name)
        subnet = old.rpartition(".")[0]
        self.in_place(name, "ip addr flush dev eth0")
        self.in_place(name, f"ip addr add {subnet}.{host}/24 dev eth0")
        self.in_place(name, f"ip route replace default via {subnet}.1")

    def restart_root(self) -> None:
        self.nodes["root"].close()
        self._start_service("root", "root", "--home", str(self.home("root")))


class Pings:
    """A ping that runs all the time; `answers` are the times at which one came back."""

    def __init__(self, site: Site, device: str, ip: str) -> None:
        self.answers: list[float] = []
        self._site = site
        self._device = device
        self._ip = ip
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        node = self._site.nodes[self._device]
        while self._running:
            if not node.ask("ping", 5, ip=self._ip, count=1, seconds=0.2)["lost"]:
                self.answers.append(time.monotonic())
            time.sleep(0.05)

    def __enter__(self) -> Pings:
        self._thread.start()
        time.sleep(2)
        return self

    def __exit__(self, *reason: object) -> None:
        self._running = False
        self._thread.join(10)

    def gap(self, since: float, seconds: float) -> float:
        """The longest time without an answer in the `seconds` after `since`."""
        time.sleep(max(0.0, since + seconds - time.monotonic()))
        times = [since] + [t for t in self.answers if t > since] + [time.monotonic()]
        return max(b - a for a, b in zip(times, times[1:]))


@pytest.fixture(scope="module")
def roaming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoamingSite]:
    """All members are configured and echo UDP; between alice and libzt is a firewall."""
    with running(RoamingSite, tmp_path_factory.mktemp("roaming")) as site:
        for name in MEMBERS:
            site.nodes[name].ask("join", nwid=site.nwid)
            until(lambda n=name: site.member(n), 20, f"request of {name}")
        site.controller("member", "authorize", site.nwid, *(site.addresses[n] for n in MEMBERS))
        for name in MEMBERS:
            until(lambda n=name: site.network(n)["addresses"], 30, f"addresses of {name}")
            site.nodes[name].ask("udp_echo", port=ECHO_PORTS[4], version=4)
        yield site


@pytest.fixture(scope="module")
def ip(roaming: RoamingSite) -> str:
    """libzt's address in the network, when both devices have reached it."""
    found = next(ip for ip in roaming.network(LIBZT)["addresses"] if ":" not in ip)
    target = {"ip": found, "port": ECHO_PORTS[4]}
    for device in DEVICES:
        roaming.nodes[device].ask("udp_exchange", 30, **target, size=20, tries=20)
    return found


def be_relayed(site: RoamingSite) -> None:
    """Alice and libzt cannot reach each other directly, and know it."""
    site.lab.block(RELAYED, LIBZT)
    until(lambda: not site.has_direct_path(RELAYED, LIBZT), INTRODUCED, "relay")


def test_libzt_takes_a_newer_planet_from_our_root(roaming: RoamingSite) -> None:
    newer = (roaming.folder / "planet").read_bytes()
    kept = roaming.home(LIBZT) / "roots"  # where libzt keeps its planet
    until(lambda: kept.exists() and kept.read_bytes() == newer, UPDATED, "newer planet")


def test_libzt_orbits_a_moon_of_ours(roaming: RoamingSite) -> None:
    begun = time.monotonic()
    roaming.nodes[LIBZT].ask("orbit", moon=roaming.moon, seed=roaming.moon[6:])
    until(lambda: roaming.counters("controller").get("worlds_sent"), ORBITED, "moon")
    print(f"moon in-band to libzt: {time.monotonic() - begun:.1f} s")
    time.sleep(SETTLED)
    assert roaming.counters("controller")["worlds_sent"] == 1  # libzt names it in its HELLOs now


def test_a_restart_of_the_root_is_not_noticed(roaming: RoamingSite, ip: str) -> None:
    be_relayed(roaming)
    with Pings(roaming, RELAYED, ip) as pings:
        restarted = time.monotonic()
        roaming.restart_root()
        gap = pings.gap(restarted, 20)
    print(f"root restarted under relayed traffic: gap {gap:.2f} s")
    assert gap < ROOT_GAP


def test_relayed_traffic_becomes_direct_when_the_way_is_free(
    roaming: RoamingSite, ip: str
) -> None:
    be_relayed(roaming)
    with Pings(roaming, RELAYED, ip) as pings:
        roaming.lab.unblock(RELAYED, LIBZT)
        begun = time.monotonic()
        until(lambda: roaming.has_direct_path(RELAYED, LIBZT), INTRODUCED, "direct path")
        took = time.monotonic() - begun
        gap = pings.gap(begun, took + 1)
    print(f"relay to direct: {took:.1f} s, gap {gap:.2f} s")
    assert gap < 2


def test_a_device_whose_address_changes_is_reached_again(roaming: RoamingSite, ip: str) -> None:
    roaming.lab.unblock(RELAYED, LIBZT)
    with Pings(roaming, RELAYED, ip):
        until(lambda: roaming.has_direct_path(RELAYED, LIBZT), INTRODUCED, "direct path")
    for number, host in enumerate((77, 78, 79, 2)):
        if number:
            time.sleep(8)
        with Pings(roaming, RELAYED, ip) as pings:
            moved = time.monotonic()
            roaming.move(RELAYED, host)
            gap = pings.gap(moved, 8)
        print(f"address change of our device, towards libzt: gap {gap:.2f} s")
        assert gap < MOVED_GAP
