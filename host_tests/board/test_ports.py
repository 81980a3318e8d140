"""Serial ports at which there is no board of ours: one sentence for each.

Owns what `zt` says of them. Nothing is written to any of them.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import serial

from host_tests.board import desk
from zt.emulator import free_port

NOT_MICROPYTHON = "nothing there answers like MicroPython"


@contextmanager
def device(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """The port of a device that answers each piece that it hears, an empty one for every moment of silence."""
    with desk.terminal() as (master, port):
        ended = threading.Event()

        def live() -> None:
            os.set_blocking(master, False)
            while not ended.is_set():
                heard = b""
                if select.select([master], [], [], 0.01)[0]:
                    heard = os.read(master, 1024)
                with suppress(BlockingIOError):
                    os.write(master, answer(heard))

        thread = threading.Thread(target=live)
        thread.start()
        try:
            yield port
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize("command", ("provision", "backup", "restore"))
def test_a_port_that_is_not_there(command: str, tmp_path: Path) -> None:
    words = {"backup": [str(tmp_path / "saved")], "restore": [str(saved(tmp_path))]}
    sentence = desk.refused(command, "--port", "/dev/ttyNOBODY", *words.get(command, []))
    assert sentence == "/dev/ttyNOBODY: there is no such port: is the board plugged in?"


def saved(folder: Path) -> Path:
    """A file that `zt restore` takes."""
    import tarfile

    content = folder / "identity.secret"
    content.write_text("secret")
    with tarfile.open(folder / "saved.tar", "w") as tar:
        tar.add(content, "zerotier.d/identity.secret")
    return folder / "saved.tar"


def test_a_port_that_another_program_uses() -> None:
    with desk.terminal() as (_, port), closing(serial.Serial(port, exclusive=True)):
        assert (
            desk.refused("provision", "--port", port) == f"{port}: another program uses this port"
        )


def test_a_file_that_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    port = str(tmp_path / "file")
    assert desk.refused("provision", "--port", port).startswith(f"{port}: ")


def test_a_device_that_is_silent() -> None:
    with desk.terminal() as (_, port):
        assert desk.refused("provision", "--port", port) == f"{port}: {NOT_MICROPYTHON}"


def test_a_device_that_echoes() -> None:
    with device(lambda heard: heard) as port:
        assert desk.refused("provision", "--port", port) == f"{port}: {NOT_MICROPYTHON}"


def test_a_device_that_never_stops_talking() -> None:
    with device(lambda _: os.urandom(512)) as port:
        assert desk.refused("provision", "--port", port) == f"{port}: {NOT_MICROPYTHON}"


def test_a_micropython_without_the_node() -> None:
    def answer(heard: bytes) -> bytes:
        if heard.endswith(b"\x01") and b"\x05" not in heard:
            return b"raw REPL; CTRL-B to exit\r\n>"
        if b"\x05A\x01" in heard:
            return b"R\x00"
        if heard.endswith(b"\x04"):
            return b"OK\x04Traceback:\r\nImportError: no module named '_zerotier'\r\n\x04>"
        return b""

    with device(answer) as port:
        sentence = desk.refused("provision", "--port", port)
    assert sentence == f"{port}: this MicroPython is without MicroZT: flash an image first"


def test_a_server_that_says_nothing() -> None:
    number = free_port()
    port = f"socket://127.0.0.1:{number}"
    with closing(socket.create_server(("127.0.0.1", number))):
        assert desk.refused("provision", "--port", port) == f"{port}: {NOT_MICROPYTHON}"


def test_no_board_at_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    import zt.board
    import zt.cli

    monkeypatch.setattr(zt.board, "comports", lambda: [])
    assert zt.cli.main(["provision", "--all"]) == 1
    assert capsys.readouterr().err == "zt: no board is plugged in\n"
