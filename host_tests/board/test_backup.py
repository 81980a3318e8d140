"""`zt backup` and `zt restore` with an emulated board at the end of the cable.

Owns that a node comes back as it was, and that nothing is given up unasked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.board import desk
from host_tests.board.desk import Cable

NWID = "8056c2e21c000001"


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    with desk.board(tmp_path, network="none") as cable:
        yield cable


def test_a_backup_brings_the_same_node_back(cable: Cable, tmp_path: Path) -> None:
    first = desk.provision(cable.path, "--network", NWID, "--no-wait")
    before = desk.files(cable.path)
    saved = tmp_path / "saved.tar"
    desk.zt("backup", "--port", cable.path, str(saved))
    assert saved.stat().st_mode & 0o077 == 0
    desk.provision(cable.path, "--new-identity")
    refused = desk.refused("restore", "--port", cable.path, str(saved))
    assert "has an identity of its own" in refused
    desk.zt("restore", "--port", cable.path, "--replace", str(saved))
    assert desk.provision(cable.path)["address"] == first["address"]
    after = desk.files(cable.path)
    for path in ("identity.secret", f"networks.d/{NWID}.conf"):
        assert after["/zerotier.d/" + path][1] == before["/zerotier.d/" + path][1]


def test_a_board_that_has_the_identity_of_the_backup_needs_no_word(
    cable: Cable, tmp_path: Path
) -> None:
    desk.provision(cable.path)
    saved = str(tmp_path / "saved.tar")
    desk.zt("backup", "--port", cable.path, saved)
    desk.zt("restore", "--port", cable.path, saved)


def test_a_restore_that_was_cut_off_goes_on(cable: Cable, tmp_path: Path) -> None:
    first = desk.provision(cable.path, "--network", NWID, "--no-wait")
    saved = str(tmp_path / "saved.tar")
    desk.zt("backup", "--port", cable.path, saved)
    (tmp_path / "other").mkdir()
    with desk.board(tmp_path / "other", network="none") as other:
        other.cut_after(900)
        assert "the connection was lost" in desk.refused("restore", "--port", other.path, saved)
        assert other.wait_until_cut()
        other.plug_in()
        desk.zt("restore", "--port", other.path, saved)
        assert desk.provision(other.path)["address"] == first["address"]


def test_a_board_without_a_node_has_nothing_to_save(cable: Cable, tmp_path: Path) -> None:
    saved = tmp_path / "saved.tar"
    sentence = desk.refused("backup", "--port", cable.path, str(saved))
    assert sentence.endswith("the board has no identity: there is nothing to save")
    assert not saved.exists()


def test_a_file_that_is_no_backup_is_not_written(cable: Cable, tmp_path: Path) -> None:
    (tmp_path / "saved.tar").write_bytes(b"hello")
    saved = str(tmp_path / "saved.tar")
    assert (
        desk.refused("restore", "--port", cable.path, saved)
        == f"{saved} is not a backup of a board"
    )
    assert desk.files(cable.path) == {}


def test_a_backup_is_never_overwritten(cable: Cable, tmp_path: Path) -> None:
    desk.provision(cable.path)
    saved = tmp_path / "saved.tar"
    saved.write_bytes(b"hello")
    assert "exists already" in desk.refused("backup", "--port", cable.path, str(saved))
    assert saved.read_bytes() == b"hello"
