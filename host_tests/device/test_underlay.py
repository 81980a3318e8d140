"""The sockets over which a device's node talks, on an underlay without IPv4.

Owns that its datagrams travel over IPv6, bound to an address or to all, and leave from another port if need be.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest

from host_tests.board.conftest import refuse
from host_tests.interop.plain_site import PlainSite
from host_tests.interop.site import DEVICE, MICROPYTHON, PORT, START, until, why_not
from zt.lab import Lab, Namespaces

NETWORK = "fd77:0:0::/48"
BOUND = "bound"  # to its IPv6 address
FREE = "free"  # bound to all addresses
BLOCKED = "blocked"  # whose usual port nothing comes out of
DIRECT = 20.0  # s
SWITCHED = 30.0  # s; it is patient for 15


class Site(PlainSite):
    def _start_device(self, name: str) -> None:
        bind = "0.0.0.0" if name == FREE else self.lab.address(name)
        argv = [str(MICROPYTHON), str(DEVICE), str(self.home(name)), bind, str(PORT)]
        self.nodes[name] = self.lab.start(name, argv)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two devices have joined; nobody has IPv4."""
    reason = why_not()
    if reason is not None:
        refuse(reason)
    folder = tmp_path_factory.mktemp("ipv6")
    with Lab(Namespaces(NETWORK), folder / "log") as lab:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        site = Site(lab, folder, (BOUND, FREE))
        site.start()
        yield site


@pytest.mark.parametrize(("one", "other"), ((BOUND, FREE), (FREE, BOUND)))
def test_devices_reach_each_other_directly_over_ipv6(site: Site, one: str, other: str) -> None:
    ip = site.ip(other)

    def direct() -> bool:
        answered = site.nodes[one].ask("ping", 5, ip=ip, count=1, seconds=1)["lost"] == 0
        return answered and site.has_direct_path(one, other)

    until(direct, DIRECT, "direct path")
    peers = {p["address"]: p for p in site.nodes[one].ask("peers")["peers"]}
    assert peers[site.addresses[other]]["endpoint"] == f"{site.lab.address(other)}/{PORT}"
    assert site.nodes[one].ask("ping", START, ip=ip, count=10)["lost"] == 0


def test_a_device_whose_port_is_blocked_uses_another_one(site: Site) -> None:
    site.lab.add(BLOCKED)
    site.home(BLOCKED).mkdir()
    shutil.copy(site.folder / "planet", site.home(BLOCKED) / "planet")
    rule = f"from {site.lab.address(BLOCKED)} ipproto udp sport {PORT} priority 100 blackhole"
    command = site.lab.underlay.command("router", ["ip", "-6", "rule", "add", *rule.split()])
    subprocess.run(command, check=True)
    site._start_device(BLOCKED)
    device = site.nodes[BLOCKED]
    site.addresses[BLOCKED] = device.wait("up", START)["address"]
    device.ask("ready", SWITCHED + 5, nwid=site.nwid, seconds=SWITCHED)
    assert device.ask("stats")["stats"]["port_switched"] == 1
    assert device.ask("ping", START, ip=site.ip(FREE), count=10)["lost"] <= 1
