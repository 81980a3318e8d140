"""`make firmware`: what it says when something is missing or too large, and what the ESP32 boards include.

Owns trees that look like ESP-IDF and MicroPython, of which only what `make firmware` looks at is there. Nothing is
compiled for a chip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BOARDS = sorted(path.name for path in (PROJECT / "boards").glob("ESP32_*"))
BOARD = "BOARD=ESP32_GENERIC_C3"
VERSION = "set(IDF_VERSION_MAJOR {})\nset(IDF_VERSION_MINOR {})\nset(IDF_VERSION_PATCH 9)\n"
# In the place of MicroPython's port: it shows what it was told, and ends as the test wants.
PORT = (
    "all:\n\t@echo '$(BOARD) $(BOARD_VARIANT) $(CMAKE_ARGS)'; cat $(SAYS); test -f $(ENDS_WELL)\n"
)


class Trees:
    """ESP-IDF and MicroPython in a folder, and what `make` needs of this project, with a build folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.idf = folder / "idf"
        self.micropython = folder / "micropython"
        self.project = folder / "project"
        self.path = str(self.idf / "tools")
        (self.idf / "tools" / "cmake").mkdir(parents=True)
        (self.idf / "tools" / "idf.py").write_text("#!/bin/sh\n")
        (self.idf / "tools" / "idf.py").chmod(0o755)
        self.idf_version(5, 3)
        for tree in ("ports/esp32", "py", "lib/micropython-lib"):
            (self.micropython / tree).mkdir(parents=True)
        (self.micropython / "ports" / "esp32" / "Makefile").write_text(PORT)
        (self.micropython / "lib" / "micropython-lib" / "README.md").touch()
        self.micropython_version(1, 28)
        self.project.mkdir()
        shutil.copy(PROJECT / "Makefile", self.project)
        for name in ("boards", "tools"):
            (self.project / name).symlink_to(PROJECT / name)
        (self.project / "build").mkdir()
        for stamp in (".system", ".venv"):
            (self.project / "build" / stamp).touch()
        (folder / "says").touch()
        (folder / "ends_well").touch()

    def idf_version(self, major: int, minor: int) -> None:
        (self.idf / "tools" / "cmake" / "version.cmake").write_text(VERSION.format(major, minor))

    def micropython_version(self, major: int, minor: int) -> None:
        (self.micropython / "py" / "mpconfig.h").write_text(
            f"#define MICROPY_VERSION_MAJOR {major}\n#define MICROPY_VERSION_MINOR {minor}\n"
        )

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        known = (
            "IDF_PATH",
            "BOARD",
            "BOARD_VARIANT",
            "ZT_FREEZE_WITH",
            "MICROPYTHON_DIR",
            "MAKEFLAGS",
            "MAKELEVEL",
        )
        environment = {k: v for k, v in os.environ.items() if k not in known}
        environment["PATH"] += os.pathsep + self.path
        folder = self.project.parent
        return subprocess.run(
            ["make", "--no-print-directory", "firmware", f"SODIUM_DIR={folder}"]
            + [f"SAYS={folder / 'says'}", f"ENDS_WELL={folder / 'ends_well'}"]
            + [f"IDF_PATH={self.idf}", f"MICROPYTHON_DIR={self.micropython}", *words],
            cwd=self.project,
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
        )

    def refused(self, *words: str) -> str:
        """The one sentence."""
        made = self.make(*words)
        assert made.returncode == 2, made
        assert made.stdout == ""
        said, _, rest = made.stderr.partition("\n")
        assert rest.startswith("make: ***") and rest.count("\n") == 1, made
        return said.removeprefix("make: ")

    def log(self, name: str) -> str:
        return (self.project / "build" / f"{name}.log").read_text()


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    return Trees(tmp_path)


def test_no_such_board(trees: Trees) -> None:
    sentence = "name a board: BOARD= one of " + " ".join(BOARDS)
    assert trees.refused() == sentence
    assert trees.refused("BOARD=ESP32_NOBODY") == sentence


def test_no_such_variant(trees: Trees) -> None:
    sentence = trees.refused(BOARD, "BOARD_VARIANT=SPIRAM")
    assert sentence == "ESP32_GENERIC_C3 has no variant SPIRAM: it has DEBUG OTA"


def test_nothing_of_that_name_to_freeze(trees: Trees) -> None:
    sentence = trees.refused(BOARD, "ZT_FREEZE_WITH=--roles --root")
    assert sentence == "ZT_FREEZE_WITH=--roles --root: it can be --roles and --mapping"


def test_no_esp_idf(trees: Trees, tmp_path: Path) -> None:
    assert trees.refused(BOARD, "IDF_PATH=").startswith("IDF_PATH is not set: get ESP-IDF 5.3")
    assert trees.refused(BOARD, f"IDF_PATH={tmp_path}") == f"IDF_PATH={tmp_path} is no ESP-IDF"


@pytest.mark.parametrize(
    ("major", "minor", "is_enough"), ((4, 4, False), (5, 2, False), (5, 10, True), (6, 0, True))
)
def test_the_version_of_esp_idf(trees: Trees, major: int, minor: int, is_enough: bool) -> None:
    trees.idf_version(major, minor)
    if is_enough:
        assert trees.make(BOARD).returncode == 0
    else:
        sentence = f"IDF_PATH={trees.idf} is ESP-IDF {major}.{minor}: 5.3 or newer is needed"
        assert trees.refused(BOARD) == sentence


def test_esp_idf_whose_tools_are_not_there(trees: Trees) -> None:
    trees.path = "/nowhere"
    assert trees.refused(BOARD) == f"idf.py is not found: run . {trees.idf}/export.sh first"


def test_the_tools_of_another_esp_idf(trees: Trees, tmp_path: Path) -> None:
    shutil.copytree(trees.idf, tmp_path / "other")
    trees.path = str(tmp_path / "other" / "tools")
    assert (
        trees.refused(BOARD)
        == f"idf.py is that of another ESP-IDF: run . {trees.idf}/export.sh first"
    )


def test_no_micropython(trees: Trees, tmp_path: Path) -> None:
    sentence = trees.refused(BOARD, f"MICROPYTHON_DIR={tmp_path}")
    assert sentence == f"MICROPYTHON_DIR={tmp_path} is no MicroPython: get 1.28 or newer"


def test_an_old_micropython(trees: Trees) -> None:
    trees.micropython_version(1, 27)
    sentence = trees.refused(BOARD)
    assert (
        sentence
        == f"MICROPYTHON_DIR={trees.micropython} is MicroPython 1.27: 1.28 or newer is needed"
    )


def test_micropython_without_submodules(trees: Trees) -> None:
    (trees.micropython / "lib" / "micropython-lib" / "README.md").unlink()
    sentence = trees.refused(BOARD)
    assert sentence.endswith(f"run make -C {trees.micropython}/ports/esp32 submodules")


def test_what_the_port_is_told(trees: Trees, tmp_path: Path) -> None:
    made = trees.make(
        BOARD, "BOARD_VARIANT=OTA", "ZT_FREEZE_WITH=--roles --mapping", "IDF_PATH=../idf"
    )
    assert made.stdout.splitlines()[-1] == "ready   build/ESP32_GENERIC_C3-OTA/firmware.bin"
    module = trees.project / "firmware" / "cmodule" / "micropython.cmake"
    told = f"ESP32_GENERIC_C3 OTA -DUSER_C_MODULES={module} -DZT_FREEZE_WITH=--roles --mapping"
    assert trees.log("ESP32_GENERIC_C3-OTA").splitlines()[0] == told


@pytest.mark.parametrize(
    "says",
    (
        "ld: region `iram0_0_seg' overflowed by 52 bytes",
        "Error: app partition is too small for binary micropython.bin size 0x1f5000:",
    ),
)
def test_an_image_that_is_too_large(trees: Trees, tmp_path: Path, says: str) -> None:
    (tmp_path / "says").write_text(says + "\n")
    (tmp_path / "ends_well").unlink()
    made = trees.make(BOARD)
    assert made.returncode == 2
    assert made.stderr.startswith("make: the image is larger than its partition: ")
    assert made.stdout.splitlines()[1:] == [
        "*** ESP32_GENERIC_C3 failed, the whole log is build/ESP32_GENERIC_C3.log"
    ]


def test_what_does_not_compile_is_shown_and_is_no_large_image(
    trees: Trees, tmp_path: Path
) -> None:
    """The words of the compiler's command line are no failure."""
    (tmp_path / "says").write_text("gcc -Werror -Wformat-overflow=2 -c a.c\na.c:1:2: error: no\n")
    (tmp_path / "ends_well").unlink()
    made = trees.make(BOARD)
    assert made.returncode == 2
    assert "larger" not in made.stderr
    assert made.stdout.splitlines()[1] == "a.c:1:2: error: no"


def test_an_image_of_before_does_not_survive_a_failure(trees: Trees, tmp_path: Path) -> None:
    image = trees.project / "build" / "ESP32_GENERIC_C3" / "firmware.bin"
    image.parent.mkdir()
    image.touch()
    (tmp_path / "ends_well").unlink()
    assert trees.make(BOARD).returncode == 2
    assert not image.exists()


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_includes_micropythons_of_the_same_name(tmp_path: Path, board: str) -> None:
    """And not itself, although this project is where the compiler looks, too, and before MicroPython."""
    port = tmp_path / "ports" / "esp32"
    theirs = port / "boards" / board
    theirs.mkdir(parents=True)
    (theirs / "mpconfigboard.h").write_text("#define THEIRS\n")
    (tmp_path / "a.c").write_text(
        '#include "mpconfigboard.h"\n#ifndef THEIRS\n#error not included\n#endif\n'
    )
    folders = (PROJECT / "boards" / board, PROJECT, tmp_path, port)
    made = subprocess.run(
        ["gcc", "-fsyntax-only", *(f"-I{folder}" for folder in folders), str(tmp_path / "a.c")],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
