"""`zt provision`, `zt backup` and `zt restore` with an emulated board on the other side of the cable.

Owns what they promise: what is written, that a second run changes nothing, and one sentence for each trouble.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.board.place import FIRMWARE, PROJECT
from zt.emulator import Emulator, free_port

NWID = "8056c2e21c000001"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[str]:
    if not FIRMWARE.exists():
        pytest.skip("build/qemu/firmware.elf is missing: run `make qemu`")
    with Emulator(firmware=FIRMWARE, flash=tmp_path / "flash", network="none") as board:
        yield board.url


def zt(*words: str, status: int = 0) -> subprocess.CompletedProcess:
    argv = [sys.executable, "-m", "zt.cli", *words]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def provision(port: str, *words: str) -> dict:
    return json.loads(zt("provision", "--port", port, "--json", *words).stdout)


def test_the_second_run_changes_nothing_and_the_identity_stays(port: str) -> None:
    first = provision(port)
    assert first["changed"] == ["identity", "boot"]
    second = provision(port)
    assert second["changed"] == []
    assert second["address"] == first["address"]


def test_a_new_identity_comes_only_if_it_is_asked_for(port: str) -> None:
    first = provision(port)
    second = provision(port, "--new-identity")
    assert second["address"] != first["address"]
    assert second["changed"] == ["identity"]


def test_a_network_that_is_not_reached_is_said_in_one_sentence_and_remembered(port: str) -> None:
    words = ("--network", NWID, "--timeout", "2")
    done = zt("provision", "--port", port, *words, status=1)
    assert done.stderr.count("\n") == 1
    assert f"network {NWID}: not joined after 2 s: no root answers" in done.stderr
    assert provision(port)["changed"] == []


def test_a_backup_brings_the_same_node_back(port: str, tmp_path: Path) -> None:
    first = provision(port)
    saved = tmp_path / "saved.tar"
    zt("backup", "--port", port, str(saved))
    assert saved.stat().st_mode & 0o077 == 0
    provision(port, "--new-identity")
    refused = zt("restore", "--port", port, str(saved), status=1)
    assert "has an identity of its own" in refused.stderr
    zt("restore", "--port", port, "--replace", str(saved))
    assert provision(port)["address"] == first["address"]


def test_passwords_are_not_printed(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZT_WIFI_PASSWORD", "correct horse")
    done = zt("provision", "--port", port, "--wifi", "home", "--json", status=0)
    assert "correct horse" not in done.stdout + done.stderr
    assert "Wi-Fi" in json.loads(done.stdout)["changed"]


def test_a_port_that_is_not_there_is_one_sentence() -> None:
    done = zt("provision", "--port", "/dev/ttyNOBODY", status=1)
    assert done.stderr.startswith("zt: /dev/ttyNOBODY: cannot be opened")
    assert done.stderr.count("\n") == 1


def test_something_that_is_no_micropython_is_one_sentence() -> None:
    number = free_port()
    with contextlib.closing(socket.create_server(("127.0.0.1", number))):
        done = zt("provision", "--port", f"socket://127.0.0.1:{number}", status=1)
    assert "nothing there answers like MicroPython" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_no_image_is_not_flashed(tmp_path: Path) -> None:
    image = tmp_path / "firmware.bin"
    image.write_bytes(b"hello")
    assert (
        "is not an image for an ESP32"
        in zt("flash", "--port", "/dev/ttyNOBODY", str(image), status=1).stderr
    )
