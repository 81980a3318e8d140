"""The file store on a PC: secrets are private, and the disk is left alone when nothing changed."""

import os
import stat

from zerotier.store import FileStore


def test_secrets_are_readable_for_the_owner_only(tmp_path) -> None:
    store = FileStore(str(tmp_path / "home"))
    for value in (b"private", b"another"):
        store.put("identity.secret", value)
        assert stat.S_IMODE(os.stat(tmp_path / "home" / "identity.secret").st_mode) == 0o600


def test_an_unchanged_value_is_not_written_again(tmp_path) -> None:
    store = FileStore(str(tmp_path))
    store.put("planet", b"world")
    before = os.stat(tmp_path / "planet").st_ino
    store.put("planet", b"world")
    assert os.stat(tmp_path / "planet").st_ino == before
    store.put("planet", b"newer")
    assert os.stat(tmp_path / "planet").st_ino != before


def test_a_value_that_another_process_deletes_meanwhile_is_none(tmp_path, monkeypatch) -> None:
    store = FileStore(str(tmp_path))
    monkeypatch.setattr("zerotier.store._kind", lambda path: 0x8000)
    assert store.get("planet") is None
    store.delete("planet")
