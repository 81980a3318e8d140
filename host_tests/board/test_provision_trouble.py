"""What can go wrong while a board is provisioned: one sentence each; the board is as before, or the command goes on.

Owns troubles of Wi-Fi, networks, files and cables. What is no board at all is test_ports.py's.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.board import desk
from host_tests.board.desk import PASSWORD, SSID, Authority, Cable
from host_tests.board.place import PROJECT
from zt import wifi
from zt.board import Board

AIR = f"{SSID},{PASSWORD}"
SECRET = {wifi.PASSWORD: PASSWORD}
IDENTITY = "/zerotier.d/identity.secret"
SMALL_FLASH = 65536  # bytes: soon full
FILL = """
import os
try:
    for i in range(99):
        with open('/%d' % i, 'wb') as f:
            f.write(bytes(4000))
except OSError:
    pass
"""
# Octets that go to a bare board until it is provisioned: from the first interrupt to the last file.
MOMENTS = (2, 60, 400, 900, 1500, 2100, 2700)


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    with desk.board(tmp_path, wifi=AIR) as cable:
        yield cable


def refused(cable: Cable, *words: str, **env: str) -> str:
    """The sentence of a provisioning that must fail, without the port."""
    sentence = desk.refused("provision", "--port", cable.path, *words, **env)
    assert sentence.startswith(f"{cable.path}: ")
    return sentence[len(cable.path) + 2 :]


def contents(cable: Cable) -> dict[str, bytes | None]:
    return {path: content for path, (_, content) in desk.files(cable.path).items()}


@pytest.mark.parametrize(
    ("ssid", "password", "reason"),
    (
        (SSID, "wrong-password", "the Wi-Fi refuses the password"),
        ("elsewhere", PASSWORD, "no such Wi-Fi is in reach"),
    ),
)
def test_wifi_that_does_not_work_is_not_written(
    cable: Cable, authority: Authority, ssid: str, password: str, reason: str
) -> None:
    desk.provision(cable.path, "--wifi", SSID, *authority.words(authority.public), **SECRET)
    before = contents(cable)["/zerotier.d/board.json"]
    words = ("--wifi", ssid, "--new-identity")
    assert refused(cable, *words, **{wifi.PASSWORD: password}) == f"Wi-Fi {ssid}: {reason}"
    assert contents(cable)["/zerotier.d/board.json"] == before
    assert desk.provision(cable.path, *authority.words(authority.public))["changed"] == []


def test_a_bare_board_with_the_wrong_wifi_stays_bare(cable: Cable) -> None:
    refused(cable, "--wifi", SSID, **{wifi.PASSWORD: "wrong-password"})
    assert contents(cable) == {}


def test_a_board_without_wifi_says_so(tmp_path: Path) -> None:
    with desk.board(tmp_path) as cable:
        assert "this board has no Wi-Fi" in refused(cable, "--wifi", SSID, **SECRET)


def test_a_network_that_refuses_is_told_with_its_reason_and_kept(
    cable: Cable, authority: Authority
) -> None:
    words = ("--wifi", SSID, *authority.words(authority.private, 4))
    sentence = refused(cable, *words, **SECRET)
    address = desk.provision(cable.path)["address"]
    assert sentence == (
        f"network {authority.private}: not joined after 4 s: the network is private and its administrator has"
        f" not authorised this node ({address})"
    )
    authority.controller("member", "authorize", authority.private, address)
    answer = desk.provision(cable.path, "--wifi", SSID, *words[2:], **SECRET)
    assert answer["changed"] == [] and answer["address"] == address


def test_a_network_that_does_not_exist_is_not_kept(cable: Cable, authority: Authority) -> None:
    words = ("--wifi", SSID, *authority.words(authority.unknown))
    reason = "the controller does not know this network"
    assert refused(cable, *words, **SECRET) == f"network {authority.unknown}: {reason}"
    assert not [path for path in contents(cable) if authority.unknown in path]


def test_a_board_that_finds_no_root_is_resumable(cable: Cable, authority: Authority) -> None:
    words = ("--network", authority.public, "--timeout", "2")
    sentence = refused(cable, *words)
    assert sentence.startswith(
        f"network {authority.public}: not joined after 2 s: no root answers"
    )
    answer = desk.provision(
        cable.path, "--wifi", SSID, *authority.words(authority.public), **SECRET
    )
    assert answer["changed"] == ["Wi-Fi", "planet"]


def test_a_file_that_is_no_planet_reaches_no_board(cable: Cable, tmp_path: Path) -> None:
    (tmp_path / "planet").write_bytes(b"hello")
    planet = str(tmp_path / "planet")
    sentence = desk.refused("provision", "--port", cable.path, "--planet", planet)
    assert sentence.startswith(f"{planet} is not a planet")
    assert contents(cable) == {}


def test_a_damaged_identity_is_not_replaced_unasked(cable: Cable) -> None:
    desk.provision(cable.path)
    with Board(cable.path) as board:
        damaged = (board.read(IDENTITY) or b"")[:40]
        board.write(IDENTITY, damaged)
    assert "the board's identity is damaged" in refused(cable)
    assert contents(cable)[IDENTITY] == damaged
    assert desk.provision(cable.path, "--new-identity")["changed"] == ["identity"]


@pytest.mark.parametrize("octets", MOMENTS)
def test_a_cable_that_is_pulled_out_half_way_costs_nothing(
    cable: Cable, authority: Authority, octets: int
) -> None:
    words = ("--wifi", SSID, *authority.words(authority.public))
    cable.cut_after(octets)
    desk.refused("provision", "--port", cable.path, *words, **SECRET)
    assert cable.wait_until_cut()
    cable.plug_in()
    answer = desk.provision(cable.path, *words, **SECRET)
    assert answer["networks"][0]["ip"].startswith("10.147.30.")
    written = ("board.json", "planet", "identity.public", "identity.secret")
    assert not {f"/zerotier.d/{name}.new" for name in written} & set(contents(cable))


def test_a_wifi_with_every_kind_of_character_is_found_at_the_next_start_too(
    tmp_path: Path,
) -> None:
    ssid, key = "h\"o'm\\e%s\u00fc\U0001f4f6", "pass'\"\\%s\u00fc\U0001f4f6"
    with desk.board(tmp_path, wifi=f"{ssid},{key}") as cable:
        desk.provision(cable.path, "--wifi", ssid, **{wifi.PASSWORD: key})
        assert desk.inside(cable.path, "network.WLAN().isconnected()", "network")


def test_a_full_file_system_is_said_and_costs_nothing(tmp_path: Path) -> None:
    with (tmp_path / "flash").open("wb") as flash:
        flash.truncate(SMALL_FLASH)
    with desk.board(tmp_path, wifi=AIR) as cable:
        with Board(cable.path) as board:
            board.run(FILL, 30)
        sentence = "the board's file system is full"
        assert refused(cable, "--no-wait") == sentence
        with Board(cable.path) as board:
            assert not [path for path in board.files() if path.endswith((".new", ".secret"))]
            board.run("import os\nfor n in os.listdir('/'):\n if n.isdigit(): os.remove(n)")
        assert "identity" in desk.provision(cable.path)["changed"]


def test_a_file_system_that_can_only_be_read_is_said(cable: Cable) -> None:
    with Board(cable.path) as board:
        lines = "import os, vfs\nreal = open\nimport builtins\n"
        lines += "def refuse(path, mode='r'):\n if 'w' in mode: raise OSError(30)\n return real(path, mode)\n"
        board.run(lines + "builtins.open = refuse")
        with pytest.raises(OSError, match="file system can only be read"):
            board.write("/zerotier.d/planet", b"x")


def test_who_prints_in_between_is_told_so(cable: Cable) -> None:
    with Board(cable.path) as board:
        board.run("f = open('/file', 'wb')\nf.close()")
        board.run("import builtins\nreal = print\nbuiltins.print = lambda *w: real('hello', *w)")
        with pytest.raises(OSError, match="/file cannot be read: the board prints in between"):
            board.read("/file")


def test_an_interrupt_while_it_waits_ends_it_at_once(cable: Cable, authority: Authority) -> None:
    desk.provision(cable.path, "--wifi", SSID, *authority.words(authority.public), **SECRET)
    words = ("provision", "--port", cable.path, *authority.words(authority.private, 100))
    with subprocess.Popen(
        [sys.executable, "-m", "zt.cli", *words],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs, and so perhaps this test, ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        time.sleep(6)  # it is connected, at the latest by now it writes or waits
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and output == ""
    assert errors == f"zt: {cable.path}: interrupted\n"
    assert desk.provision(cable.path)["changed"] == []


def test_of_a_file_for_which_there_is_no_room_nothing_stays(tmp_path: Path) -> None:
    with (tmp_path / "flash").open("wb") as flash:
        flash.truncate(SMALL_FLASH)
    with desk.board(tmp_path) as cable, Board(cable.path) as board:
        board.write("/zerotier.d/planet", b"old")
        board.run(FILL, 30)
        with pytest.raises(OSError, match="the board's file system is full"):
            board.write("/zerotier.d/planet", bytes(4000))
        assert board.files() == ["/zerotier.d/planet"]
        assert board.read("/zerotier.d/planet") == b"old"
