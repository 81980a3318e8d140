"""Owns the fixtures of the tests with a board: the site, and the board on it.
Where it cannot be built the tests are skipped and say why; with CI in the environment they fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.board.desk import Authority
from host_tests.board.place import FIRMWARE
from host_tests.board.site import Site
from host_tests.interop.site import PROJECT, why_not
from zt.lab import Lab, Namespaces

DEVICES = tuple(f"peer{number}" for number in range(8))
LIBZT = (PROJECT / "build" / "libzt" / "libzt.so", PROJECT / "build" / "libzt" / "shim.so")


def refuse(reason: str) -> None:
    """Skip, or fail where everything must run."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Root, controller and eight devices; the board is off, its flash is as from the factory."""
    reason = why_not()
    if reason is not None:
        refuse(reason)
    folder: Path = tmp_path_factory.mktemp("board")
    with Lab(Namespaces(), folder / "log") as lab:
        site = Site(lab, folder, DEVICES, LIBZT if LIBZT[0].exists() else None)
        site.start()
        yield site


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """A root and controller on loopback, for boards that are provisioned."""
    with Authority(tmp_path_factory.mktemp("authority")) as authority:
        yield authority


@pytest.fixture(scope="session", autouse=True)
def firmware() -> None:
    """Every test here needs the board's firmware."""
    if not FIRMWARE.exists():
        refuse(f"{FIRMWARE.relative_to(PROJECT)} is missing: run `make qemu`")
