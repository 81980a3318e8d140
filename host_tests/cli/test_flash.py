"""`zt flash`, `make flash` and `make monitor`: what is refused before anything is written, and how esptool is told.

Owns images made here, of which only the headers are real. No chip is there.
"""

from __future__ import annotations

import os
import struct
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import serial

from host_tests.cli.command import refused, zt
from host_tests.cli.rom import READ_REGISTER, SECURITY, SYNC, Rom

PROJECT = Path(__file__).resolve().parents[2]
ESP32, C3, S3, C6 = 0, 5, 9, 13
TABLE, APPLICATION = 0x8000, 0x10000
PARTITION = 0x100000
# In the place of esptool: what it was told to do, in a file.
RECORDER = """
import os, sys
with open(os.environ["RECORD"], "w") as file:
    file.write(" ".join(sys.argv[1:]))
"""


def program(chip: int, size: int) -> bytes:
    """An application or a bootloader."""
    return (bytes([0xE9]) + bytes(11) + struct.pack("<H", chip)).ljust(size, b"\0")


def image(folder: Path, chip: int, *, application: int | None = None, size: int = 4096) -> str:
    """The name of an image; `application`: for another chip; `size`: of the application."""
    start = 0x1000 if chip == ESP32 else 0
    entry = struct.Struct("<2sBBII16sI")
    table = entry.pack(b"\xaa\x50", 1, 2, 0x9000, 0x6000, b"nvs", 0)
    table += entry.pack(b"\xaa\x50", 0, 0, APPLICATION, PARTITION, b"factory", 0)
    content = program(chip, TABLE - start) + table.ljust(APPLICATION - TABLE, b"\xff")
    content += program(chip if application is None else application, size)
    (folder / "firmware.bin").write_bytes(content)
    return str(folder / "firmware.bin")


@pytest.fixture
def esptool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what esptool was told is found."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "esptool.py").write_text(RECORDER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    return tmp_path / "record"


@pytest.mark.parametrize(
    ("chip", "name", "offset"),
    (
        (ESP32, "esp32", "0x1000"),
        (C3, "esp32c3", "0x0"),
        (S3, "esp32s3", "0x0"),
        (C6, "esp32c6", "0x0"),
    ),
)
def test_an_image_goes_where_its_chip_wants_it(
    tmp_path: Path, esptool: Path, chip: int, name: str, offset: str
) -> None:
    file = image(tmp_path, chip)
    with Rom() as rom:
        assert zt("flash", "--port", rom.port, file).returncode == 0
        words = f"--chip {name} --port {rom.port} --baud 460800 write-flash {offset} {file}"
        assert esptool.read_text() == words
        assert zt("flash", "--baud", "9600", "--port", rom.port, file).returncode == 0
        assert esptool.read_text() == words.replace("460800", "9600")
        assert zt("flash", "--erase", "--port", rom.port, file).returncode == 0
        assert esptool.read_text() == words.replace("write-flash", "write-flash --erase-all")


def test_an_image_for_another_chip_is_not_written(tmp_path: Path) -> None:
    with Rom() as rom:
        sentence = refused("flash", "--port", rom.port, image(tmp_path, ESP32))
    assert sentence.startswith(f"{rom.port}: This chip is ESP32-C3, not ESP32.")
    assert set(rom.commands) <= {SYNC, READ_REGISTER, SECURITY}


def test_a_board_that_does_not_answer(tmp_path: Path) -> None:
    master, slave = os.openpty()
    port = os.ttyname(slave)
    sentence = refused("flash", "--port", port, image(tmp_path, C3))
    assert sentence.startswith(f"{port}: Failed to connect to ESP32-C3")
    os.close(slave)
    os.close(master)


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    sentence = refused("flash", "--port", "/dev/ttyNOBODY", image(tmp_path, C3))
    assert sentence == "/dev/ttyNOBODY: there is no such port: is the board plugged in?"


def test_a_port_that_another_program_uses(tmp_path: Path) -> None:
    with Rom() as rom, closing(serial.Serial(rom.port, exclusive=True)):
        sentence = refused("flash", "--port", rom.port, image(tmp_path, C3))
    assert sentence == f"{rom.port}: another program uses this port"


def test_an_image_too_large_for_its_partition(tmp_path: Path) -> None:
    file = image(tmp_path, C3, size=PARTITION + 1)
    size = f"its application has {PARTITION + 1} bytes, the partition for it {PARTITION}"
    assert refused("flash", "--port", "/dev/ttyNOBODY", file) == f"{file} is too large: {size}"


def test_an_application_for_another_chip_in_an_image(tmp_path: Path) -> None:
    file = image(tmp_path, C3, application=S3)
    assert "has no application for esp32c3" in refused("flash", "--port", "/dev/ttyX", file)


def test_an_image_that_is_cut_off(tmp_path: Path) -> None:
    file = Path(image(tmp_path, C3))
    file.write_bytes(file.read_bytes()[:APPLICATION])
    assert "is it cut off?" in refused("flash", "--port", "/dev/ttyX", file)


def test_an_application_alone(tmp_path: Path) -> None:
    (tmp_path / "micropython.bin").write_bytes(program(C3, 0x20000))
    sentence = refused("flash", "--port", "/dev/ttyX", tmp_path / "micropython.bin")
    assert sentence.endswith(
        "not a whole image, from the bootloader on: take the file firmware.bin"
    )


@pytest.mark.parametrize("content", (b"", b"hello", b"\xe9", b"\x7fELF" + bytes(100)))
def test_a_file_that_is_no_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    sentence = refused("flash", "--port", "/dev/ttyX", tmp_path / "file")
    assert sentence == f"{tmp_path / 'file'} is not an image for an ESP32"


def test_an_image_for_a_chip_that_we_do_not_know(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(program(0x77, 0x20000))
    assert "a chip that is not supported" in refused(
        "flash", "--port", "/dev/ttyX", tmp_path / "file"
    )


def test_an_image_that_is_not_there(tmp_path: Path) -> None:
    sentence = refused("flash", "--port", "/dev/ttyX", tmp_path / "file")
    assert sentence == f"{tmp_path / 'file'}: No such file or directory"


@pytest.mark.parametrize(
    ("words", "sentence"),
    (
        (("flash",), "name the board's serial port: PORT=/dev/ttyUSB0"),
        (
            ("flash", "PORT=/dev/ttyX", "BOARD=ESP32_NOBODY"),
            "firmware.bin is missing: first make firmware BOARD=...",
        ),
        (("monitor",), "name the board's serial port: PORT=/dev/ttyUSB0"),
    ),
)
def test_make_says_what_is_missing(words: tuple[str, ...], sentence: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("PORT", "BOARD")}
    made = subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert made.returncode == 2
    assert sentence in made.stderr, made
