"""boot.py of the image on an emulated board: what it starts, and that nothing in its files keeps main.py away.

Owns every way in which those files can be broken. How they are written is test_provision.py's.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_tests.board import place
from host_tests.board.desk import PASSWORD, SSID
from zerotier.identity import Identity

HOME = "/zerotier.d/"
SETTINGS = HOME + "board.json"
SECRET = HOME + "identity.secret"
UP = 20.0  # s
NWID = "8056c2e21c000001"
IDENTITY = Identity.generate()
AIR = f"{SSID},{PASSWORD}"
# Says in one line of JSON how it found the board; then writes the files that it is given, and starts again.
MAIN = """
import json, machine, network, os, sys, zerotier
from binascii import hexlify, unhexlify
def content(path):
    try:
        with open(path, "rb") as file:
            return hexlify(file.read()).decode()
    except OSError:
        return None
def remove(folder):
    for entry in list(os.ilistdir(folder)):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            remove(path)
        else:
            os.remove(path)
    os.rmdir(folder)
node = getattr(zerotier, "node", None)
wifi = network.WLAN()
said = {"node": node.address if node else None, "wifi": wifi.isconnected()}
said["networks"] = [net.id for net in node.networks()] if node else []
said["secret"] = content("/zerotier.d/identity.secret")
said["before"] = globals().get("before")
print(json.dumps(said))
files = json.loads(sys.stdin.readline())
if node:
    node.active(False)
wifi.disconnect()
if "zerotier.d" in os.listdir("/"):
    remove("/zerotier.d")
for folder in ("", "/networks.d", "/peers.d", "/moons.d"):
    os.mkdir("/zerotier.d" + folder)
for path, text in files.items():
    with open(path, "wb") as file:
        file.write(unhexlify(text))
machine.soft_reset()
"""


class Started:
    """A board in which main.py runs. A context."""

    def __init__(self, folder: Path, air: str, files: dict[str, bytes]) -> None:
        place.write_files(folder / "flash", {"/main.py": MAIN.encode(), **files})
        self._process = subprocess.Popen(
            place.emulate(folder / "flash", "--wifi", air),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def again(self, files: dict[str, bytes]) -> tuple[Any, list[str]]:
        """As `said`, after a soft reset with nothing but these files."""
        assert self._process.stdin is not None
        named = {path: content.hex() for path, content in files.items()}
        self._process.stdin.write(json.dumps(named) + "\n")
        self._process.stdin.flush()
        return self.said()

    def said(self) -> tuple[Any, list[str]]:
        """(what main.py found, what was printed before it). At the prompt it is None."""
        assert self._process.stdout is not None
        lines: list[str] = []
        watchdog = threading.Timer(UP, self._process.kill)
        watchdog.start()
        try:
            for line in self._process.stdout:
                if line.startswith("{"):
                    return json.loads(line), lines
                if line.startswith("MicroPython "):
                    return None, lines
                if line.strip() not in ("", "MPY: soft reboot"):
                    lines.append(line.rstrip())
        finally:
            watchdog.cancel()
        raise AssertionError(f"it said nothing more within {UP:g} s: {lines}")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """One for all tests: a start takes longer than they do."""
    with Started(tmp_path_factory.mktemp("boot"), AIR, {}) as board:
        board.said()
        yield board


def whole(**more: bytes) -> dict[str, bytes]:
    """The files of a board that was provisioned; a name with `__` for `/`."""
    files = {
        SETTINGS: json.dumps({"ssid": SSID, "key": PASSWORD}).encode(),
        SECRET: IDENTITY.to_text(True).encode(),
        HOME + f"networks.d/{NWID}.conf": b"\n",
    }
    files.update({HOME + name.replace("__", "/"): value for name, value in more.items()})
    return files


def test_a_board_that_was_not_provisioned_is_left_alone(board: Started) -> None:
    said, lines = board.again({})
    assert said == {"node": None, "wifi": False, "networks": [], "before": None, "secret": None}
    assert lines == []


def test_wifi_and_node_are_there_when_main_begins(board: Started) -> None:
    said, lines = board.again(whole())
    assert said["node"] == IDENTITY.address.hex()
    assert said["wifi"] and said["networks"] == [NWID]
    assert lines == []


def test_a_node_that_was_not_provisioned_is_left_to_main(board: Started) -> None:
    files = whole()
    del files[SETTINGS]
    said, lines = board.again(files)
    assert said["node"] is None and lines == []


def test_a_programs_own_boot_runs_after_it(tmp_path: Path) -> None:
    own = b"import zerotier\nbefore = zerotier.node.address\n"
    with Started(tmp_path, AIR, {**whole(), "/boot.py": own}) as board:
        said, _ = board.said()
    assert said["before"] == IDENTITY.address.hex()


def test_an_error_in_a_programs_own_boot_ends_at_the_prompt_as_everywhere(tmp_path: Path) -> None:
    with Started(tmp_path, AIR, {**whole(), "/boot.py": b"\n\n1 / 0\n"}) as board:
        said, lines = board.said()
    assert said is None
    assert '  File "/boot.py", line 3, in <module>' in lines
    assert "ZeroDivisionError: divide by zero" in lines


def test_wifi_that_is_not_in_reach_does_not_keep_the_node_away(board: Started) -> None:
    said, lines = board.again(whole(**{"board.json": b'{"ssid": "elsewhere", "key": "x"}'}))
    assert said["node"] == IDENTITY.address.hex() and not said["wifi"]
    assert lines == []


@pytest.mark.parametrize(
    "content",
    (
        b"",
        b"hello",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"17",
        b'"ssid"',
        b'{"ssid": 17}',
        b'{"ssid": null}',
        b'{"ssid": "home", "key": 12345678}',
        b'{"ssid": "home", "key": null}',
    ),
)
def test_broken_settings_are_told_and_the_node_starts(board: Started, content: bytes) -> None:
    said, lines = board.again(whole(**{"board.json": content}))
    assert said["node"] == IDENTITY.address.hex() and not said["wifi"]
    assert len(lines) == 1 and lines[0].startswith(f"zerotier: {SETTINGS}: ")


@pytest.mark.parametrize("content", (b"{}", b"{", b'{"key": "x"}', b'{"ssid": ""}'))
def test_settings_without_wifi_are_no_error(board: Started, content: bytes) -> None:
    said, lines = board.again(whole(**{"board.json": content}))
    assert said["node"] == IDENTITY.address.hex() and lines == []


def test_an_open_wifi_needs_no_key(tmp_path: Path) -> None:
    with Started(tmp_path, "home,", whole(**{"board.json": b'{"ssid": "home"}'})) as board:
        assert board.said()[0]["wifi"]


@pytest.mark.parametrize(
    "content",
    (
        b"",
        IDENTITY.to_text(True).encode()[:10],
        IDENTITY.to_text(True).encode()[:-1],
        IDENTITY.to_text().encode(),
        b"\xff" * 270,
    ),
    ids=("empty", "truncated", "one less", "public", "erased"),
)
def test_a_broken_identity_is_told_and_kept_and_wifi_is_up(board: Started, content: bytes) -> None:
    said, lines = board.again(whole(**{"identity.secret": content}))
    assert said["node"] is None and said["wifi"] and said["secret"] == content.hex()
    assert lines == [f"zerotier: {SECRET}: identity.secret does not hold a secret identity"]


@pytest.mark.parametrize("content", (b"hello", b"\x01" + b"\xff" * 200))
def test_a_broken_planet_is_told(board: Started, content: bytes) -> None:
    said, lines = board.again(whole(planet=content))
    assert said["node"] is None and said["wifi"]
    assert len(lines) == 1 and "the planet cannot be read" in lines[0]


@pytest.mark.parametrize(
    "name",
    (
        f"networks.d__{NWID}.conf",
        f"networks.d__{NWID}.local.conf",
        "networks.d__hello.conf",
        "moons.d__000000deadbeef00.moon",
        "peers.d__deadbeef00.peer",
        "peers.d__keys.secret",
        "packet_epoch",
    ),
)
@pytest.mark.parametrize("content", (b"", b"\xff" * 300), ids=("empty", "erased"))
def test_whatever_else_is_broken_is_made_anew(board: Started, name: str, content: bytes) -> None:
    said, lines = board.again(whole(**{name: content}))
    assert said["node"] == IDENTITY.address.hex()
    assert said["networks"] == [NWID] and lines == []
