"""`zt provision` with emulated boards at the other end of serial cables: from a bare board to a joined one.

Owns what it promises when all is well: one command, what is written, that a second run changes nothing, several boards
at once, and passwords that nobody sees. What can go wrong is test_provision_trouble.py's.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import zt.board
import zt.cli
from host_tests.board import desk
from host_tests.board.desk import PASSWORD, SSID, Authority, Cable
from zerotier.identity import Identity
from zt import wifi

AIR = f"{SSID},{PASSWORD}"
SECRET = {wifi.PASSWORD: PASSWORD}
POOL = ipaddress.ip_network("10.147.30.0/24")
PROVISIONED = ("board.json", "identity.public", "identity.secret", "planet")


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    with desk.board(tmp_path, wifi=AIR) as cable:
        yield cable


def test_one_command_takes_a_bare_board_into_a_network(cable: Cable, authority: Authority) -> None:
    words = ("--wifi", SSID, *authority.words(authority.public))
    done = desk.zt("provision", "--port", cable.path, *words, **SECRET)
    port, address, ip, _, nwid, changed = done.stdout.rstrip("\n").split(" ", 5)
    assert (port, nwid) == (cable.path + ":", authority.public)
    assert ipaddress.ip_address(ip) in POOL
    assert changed == f"(changed: Wi-Fi, planet, {nwid}, identity)"
    secret = desk.files(cable.path)["/zerotier.d/identity.secret"][1]
    assert Identity.from_text(secret.decode()).address.hex() == address


def test_the_second_run_changes_nothing_it_need_not(cable: Cable, authority: Authority) -> None:
    words = ("--wifi", SSID, *authority.words(authority.public))
    first = desk.provision(cable.path, *words, **SECRET)
    before = desk.files(cable.path)
    time.sleep(1.1)  # a file system counts in seconds
    second = desk.provision(cable.path, *words, **SECRET)
    assert second == {**first, "changed": []}
    after = desk.files(cable.path)
    for name in (*PROVISIONED, f"networks.d/{authority.public}.conf"):
        assert after[f"/zerotier.d/{name}"] == before[f"/zerotier.d/{name}"]


def test_the_board_stays_in_the_network_after_it_was_provisioned(
    cable: Cable, authority: Authority
) -> None:
    words = ("--wifi", SSID, *authority.words(authority.public))
    first = desk.provision(cable.path, *words, **SECRET)
    time.sleep(1)  # the interrupt would end boot.py
    net = f"zerotier.node.join({authority.public!r})"
    expression = f"({net}.wait(20), {net}.ifconfig()[0])"
    assert desk.inside(cable.path, expression, "zerotier")[1] == first["networks"][0]["ip"]


def test_only_what_differs_is_written(cable: Cable, authority: Authority) -> None:
    first = desk.provision(cable.path)
    assert first["changed"] == ["boot", "identity"]
    second = desk.provision(cable.path, "--wifi", SSID, **SECRET)
    assert second == {**first, "changed": ["Wi-Fi"]}
    third = desk.provision(cable.path, *authority.words(authority.public))
    assert third["changed"] == ["planet", authority.public]
    assert third["address"] == first["address"]


def test_a_new_identity_comes_only_if_it_is_asked_for(cable: Cable) -> None:
    first = desk.provision(cable.path)
    second = desk.provision(cable.path, "--new-identity")
    assert second["address"] != first["address"]
    assert second["changed"] == ["identity"]
    assert desk.provision(cable.path) == {**second, "changed": []}


def test_without_waiting_it_only_writes(cable: Cable, authority: Authority) -> None:
    words = ("--wifi", "elsewhere", "--no-wait", "--network", authority.unknown)
    answer = desk.provision(cable.path, *words, **SECRET)
    assert answer["changed"] == ["Wi-Fi", authority.unknown, "identity"]
    assert answer["networks"] == []


def test_a_member_that_is_authorised_while_it_waits_is_in(
    cable: Cable, authority: Authority
) -> None:
    desk.provision(cable.path, "--wifi", SSID, **SECRET)
    address = desk.provision(cable.path)["address"]
    words = ("provision", "--port", cable.path, "--json", *authority.words(authority.private))
    with subprocess.Popen(
        [sys.executable, "-m", "zt.cli", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        until_asked(authority, address)
        authority.controller("member", "authorize", authority.private, address)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(output)["networks"][0]["ip"].startswith("10.147.31.")


def until_asked(authority: Authority, address: str) -> None:
    """Until the controller knows that this node wants to join the private network."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        members = authority.controller("member", "list", authority.private)
        if address in [member["id"] for member in members]:
            return
    raise TimeoutError(f"{address} has not asked")


def test_all_boards_that_are_plugged_in_are_provisioned_at_once(
    tmp_path: Path,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with contextlib.ExitStack() as stack:
        cables = []
        for number in range(3):
            folder = tmp_path / str(number)
            folder.mkdir()
            cables.append(stack.enter_context(desk.board(folder, wifi=AIR)))
        monkeypatch.setattr(zt.board, "comports", lambda: [Port(c.path) for c in cables])
        monkeypatch.setenv(wifi.PASSWORD, PASSWORD)
        words = ["provision", "--all", "--json", "--wifi", SSID]
        assert zt.cli.main([*words, *authority.words(authority.public)]) == 0
        answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {answer["port"] for answer in answers} == {cable.path for cable in cables}
        assert len({answer["address"] for answer in answers}) == 3
        assert len({answer["networks"][0]["ip"] for answer in answers}) == 3


class Port:
    """What pyserial tells of a serial port."""

    vid = 0x303A

    def __init__(self, device: str) -> None:
        self.device = device


def test_one_board_that_fails_does_not_hinder_the_others(cable: Cable) -> None:
    words = ("--port", "/dev/ttyNOBODY", "--port", cable.path)
    done = desk.zt("provision", *words, status=1)
    assert done.stdout.startswith(f"{cable.path}: ") and done.stdout.count("\n") == 1
    assert done.stderr.startswith("zt: /dev/ttyNOBODY: ") and done.stderr.count("\n") == 1


def on_a_terminal(*words: str, typed: str = "", **env: str) -> tuple[str, list[str]]:
    """Run `zt` on a terminal where somebody types: (what the terminal showed, arguments of its processes)."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "zt.cli", *words], {**os.environ, **env})
    shown, arguments = "", []
    with contextlib.suppress(OSError):  # the terminal's other side is gone
        while piece := os.read(terminal, 1024):
            shown += piece.decode()
            with contextlib.suppress(OSError):
                arguments.append(Path(f"/proc/{child}/cmdline").read_text())
            if typed and "Password" in shown:
                os.write(terminal, typed.encode() + b"\n")
                typed = ""
    os.close(terminal)
    os.waitpid(child, 0)
    return shown, arguments


def test_on_a_terminal_each_board_has_a_line_that_tells_what_it_is_doing(
    cable: Cable, authority: Authority
) -> None:
    words = ("--port", cable.path, *authority.words(authority.public))
    shown, _ = on_a_terminal("provision", "--wifi", SSID, *words, **SECRET)
    states = (
        "connecting",
        f"trying Wi-Fi {SSID}",
        "writing",
        f"network {authority.public}: joining",
    )
    places = [shown.index(f"{cable.path}: {state}") for state in states]
    assert places == sorted(places)
    assert shown.splitlines()[-1].endswith(
        f"(changed: Wi-Fi, planet, {authority.public}, identity)"
    )


def test_a_password_that_is_typed_is_not_shown(cable: Cable) -> None:
    words = ("provision", "--port", cable.path, "--wifi", SSID)
    shown, arguments = on_a_terminal(*words, typed=PASSWORD)
    assert "(changed: Wi-Fi, identity)" in shown
    assert PASSWORD not in shown
    assert arguments and not any(PASSWORD in words for words in arguments)


def test_a_password_is_in_no_message(cable: Cable) -> None:
    wrong = "not-" + PASSWORD
    for ssid, key in ((SSID, PASSWORD), (SSID, wrong), ("elsewhere", wrong)):
        words = ("provision", "--port", cable.path, "--wifi", ssid, "--json")
        done = desk.zt(*words, status=int(key == wrong), **{wifi.PASSWORD: key})
        assert key not in done.stdout + done.stderr
