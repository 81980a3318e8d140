"""examples/many_boards.py with emulated boards: all that are plugged in, into a private network.

Owns that it lets in exactly those, and that it can be run again.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from host_tests.board import desk
from host_tests.board.desk import PASSWORD, SSID, Authority
from host_tests.board.place import PROJECT
from zt import wifi

EXAMPLE = PROJECT / "examples" / "many_boards.py"
COUNT = 2


def run(authority: Authority, *ports: str) -> list[list[str]]:
    """The words of the lines that it prints."""
    words = (str(authority.home), str(authority.planet), authority.private, SSID)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *words, *ports],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PATH": path, wifi.PASSWORD: PASSWORD},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_all_boards_are_let_into_the_private_network(tmp_path: Path, authority: Authority) -> None:
    with contextlib.ExitStack() as stack:
        ports = []
        for number in range(COUNT):
            folder = tmp_path / str(number)
            folder.mkdir()
            board = desk.board(folder, wifi=f"{SSID},{PASSWORD}")
            ports.append(stack.enter_context(board).path)
        lines = run(authority, *ports)
        assert {port for port, _, _ in lines} == set(ports)
        assert len({ip for _, _, ip in lines}) == COUNT
        assert sorted(run(authority, *ports)) == sorted(lines)
