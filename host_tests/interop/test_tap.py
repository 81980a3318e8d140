"""`zt node`: a member on Linux, whose TAP interface any program uses, beside a device and libzt.
Owns what such programs must see; the node is started with the command that a user has.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from host_tests.interop.site import DIRECT, LIBZT, PORT, START, Site
from zt.lab import Process

HOST = "host"
PAGE = "The same page, whoever fetches it.\n" * 1000
HTTP_PORT = 8080
FETCH = "import sys, urllib.request as r; sys.stdout.buffer.write(r.urlopen(sys.argv[1], timeout=10).read())"


@dataclass
class Host:
    """A machine with `zt node`."""

    node: Process
    ip: str


@pytest.fixture(scope="module")
def host(site: Site, ips: dict[str, str]) -> Iterator[Host]:
    """It has joined and has its addresses on the interface."""
    home = site.home(HOST)
    home.mkdir()
    site.lab.add(HOST)
    shutil.copy(site.folder / "planet", home / "planet")
    argv = [sys.executable, "-m", "zt.cli", "node", "--home", str(home), "--join", site.nwid]
    options = ["--bind", site.lab.address(HOST), "--port", str(PORT), "--json"]
    node = site.lab.start(HOST, [*argv, *options])
    address = node.wait("ready", START)["address"]
    site.controller("member", "authorize", site.nwid, address)
    network = node.wait("network", START, status=1)
    yield Host(node, network["addresses"][0])


def test_a_device_pings_the_machine(site: Site, host: Host) -> None:
    answer = site.nodes[DIRECT].ask("ping", 30, ip=host.ip, count=10)
    assert answer["lost"] <= 1  # the first may go while the addresses are found


def test_a_device_fetches_a_page_from_a_web_server_of_the_machine(site: Site, host: Host) -> None:
    folder = site.folder / "pages"
    folder.mkdir()
    (folder / "index.html").write_text(PAGE)
    argv = [sys.executable, "-u", "-m", "http.server", str(HTTP_PORT), "--bind", host.ip]
    server = site.lab.start(HOST, [*argv, "--directory", str(folder)], name="server")
    server.wait_line("Serving HTTP")
    page = site.nodes[DIRECT].ask("http_get", 30, ip=host.ip, port=HTTP_PORT)
    assert page["body"] == PAGE


def test_a_program_of_the_machine_fetches_the_page_of_a_device(
    site: Site, host: Host, ips: dict[str, str]
) -> None:
    device = site.nodes[DIRECT]
    serving = device.request("http_serve", ip=ips[DIRECT])
    device.wait("listening")
    url = f"http://{ips[DIRECT]}/"
    browser = site.lab.start(HOST, [sys.executable, "-c", FETCH, url], name="browser")
    assert browser.wait_end(20) == 0
    assert device.answer(serving, 20)["peer"] == host.ip
    assert site.addresses[DIRECT] in "".join(browser.lines)


def test_libzt_and_the_machine_exchange_datagrams(
    site: Site, host: Host, ips: dict[str, str]
) -> None:
    code = (
        "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
        " s.bind((sys.argv[1], 7000)); print('bound', flush=True);"
        " [s.sendto(*s.recvfrom(65535)) for _ in iter(int, 1)]"
    )
    echo = site.lab.start(HOST, [sys.executable, "-c", code, host.ip], name="echo")
    echo.wait_line("bound")
    for size in (20, 4000):
        answer = site.nodes[LIBZT].ask(
            "udp_exchange", 40, ip=host.ip, port=7000, size=size, tries=20
        )
        assert answer["same"]
