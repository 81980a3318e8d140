"""examples/console.py on a board: mpremote, on a PC in the network, reaches the board's prompt through the overlay.

Owns that way. mpremote is the ordinary one, and its connection an ordinary TCP connection over the PC's TAP interface.
A slow reader is a program of our own, because mpremote reads as fast as it can.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.board import place
from host_tests.board.site import BOARD, Site
from host_tests.interop.site import PORT, PROJECT, START

PC = "pc"
EXAMPLE = PROJECT / "examples" / "console.py"
NWID = "8056c2e21c000001"  # in the example
HEAP = "200000"  # bytes; the example is not frozen
LISTENS = (
    '\nprint(\'{"event": "listening", "ip": "%s"}\' % zerotier.node.networks()[0].ifconfig()[0])\n'
)

# On the PC: runs a program at the board's raw prompt, reads nothing of its output for so many seconds, then all.
READ_SLOWLY = """
import socket, sys, time
ip, program, pause = sys.argv[1], sys.argv[2].encode(), float(sys.argv[3])
prompt = socket.socket()
prompt.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
prompt.settimeout(30)
prompt.connect((ip, 2323))
def read_until(end):
    text = b""
    while not text.endswith(end):
        piece = prompt.recv(256)
        assert piece, text
        text += piece
    return text
prompt.sendall(b"\\r\\x01")
read_until(b"raw REPL; CTRL-B to exit\\r\\n>")
prompt.sendall(program + b"\\x04")
time.sleep(pause)
sys.stdout.write(read_until(b"\\x04\\x04>").decode())
"""
PRINTS_MUCH = "for i in range(500): print(i, 'x' * 40)"


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[str]:
    """What mpremote connects to."""
    site.power_off()
    site.provide_flash()
    program = EXAMPLE.read_text().replace(NWID, site.nwid) + LISTENS
    place.write_files(site.flash, {"/zerotier.d/board.json": b"{}", "/main.py": program.encode()})
    board = site.power_on("--heap", HEAP)
    ip = board.wait("listening", START)["ip"]
    home = site.home(PC)
    home.mkdir()
    site.lab.add(PC)
    shutil.copy(site.folder / "planet", home / "planet")
    argv = [sys.executable, "-m", "zt.cli", "node", "--home", str(home), "--join", site.nwid]
    options = ["--bind", site.lab.address(PC), "--port", str(PORT), "--json"]
    node = site.lab.start(PC, [*argv, *options])
    node.wait("network", START, status=1)
    yield f"socket://{ip}:2323"
    node.kill()
    site.power_off()


def mpremote(site: Site, port: str, *words: str) -> str:
    """What mpremote prints, on the PC."""
    program = str(Path(sys.executable).with_name("mpremote"))
    argv = site.lab.underlay.command(PC, [program, "connect", port, *words])
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_mpremote_evaluates_on_the_board(site: Site, port: str) -> None:
    secret = (site.home(BOARD) / "identity.secret").read_text()
    answer = mpremote(site, port, "resume", "eval", "__import__('zerotier').node.address")
    assert answer == secret[:10]


def test_mpremote_runs_a_program_that_prints_much(site: Site, port: str) -> None:
    lines = mpremote(site, port, "resume", "exec", PRINTS_MUCH)
    assert [line.split()[0] for line in lines.splitlines()] == [str(i) for i in range(500)]


def reader(site: Site, port: str, program: str, pause: float) -> subprocess.Popen[str]:
    """A reader that takes nothing for `pause` seconds after its program has begun."""
    ip = port.removeprefix("socket://").partition(":")[0]
    words = [sys.executable, "-c", READ_SLOWLY, ip, program, str(pause)]
    argv = site.lab.underlay.command(PC, words)
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def test_a_slow_reader_loses_nothing(site: Site, port: str) -> None:
    slow = reader(site, port, PRINTS_MUCH, 3)
    output = slow.communicate(timeout=60)[0]
    assert slow.returncode == 0
    lines = output.removeprefix("OK").partition("\x04")[0].splitlines()
    assert lines == [f"{i} {'x' * 40}" for i in range(500)]


def test_a_dead_reader_does_not_stop_the_board(site: Site, port: str) -> None:
    event = '; print(\'\\n{"event": "went on", "ended": %d}\' % (os.dupterm(None) is None))'
    program = f"import os\n{PRINTS_MUCH}\nif 1: pass{event}"
    dead = reader(site, port, program, 60)
    try:
        assert site.nodes[BOARD].wait("went on", START)["ended"] == 1
    finally:
        dead.kill()
        dead.communicate()
    assert mpremote(site, port, "resume", "eval", "6 * 7") == "42"


def test_mpremote_copies_a_file_in_both_directions(site: Site, port: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40
    (tmp_path / "there").write_bytes(content)
    mpremote(site, port, "resume", "cp", str(tmp_path / "there"), ":there")
    mpremote(site, port, "resume", "cp", ":there", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content
