"""The file store: values are replaced whole, private where they must be, and never outside the folder."""

import os
import stat

import pytest

from zerotier.store import FileStore


@pytest.fixture
def store(tmp_path):
    return FileStore(str(tmp_path / "home"))


def test_a_key_that_was_never_set_reads_as_none(store):
    assert store.get("planet") is None


def test_a_value_comes_back_and_can_be_replaced_and_deleted(store):
    store.put("networks.d/8056c2e21c000001.conf", b"\n")
    assert store.get("networks.d/8056c2e21c000001.conf") == b"\n"
    store.put("networks.d/8056c2e21c000001.conf", b"v=7")
    assert store.get("networks.d/8056c2e21c000001.conf") == b"v=7"
    store.delete("networks.d/8056c2e21c000001.conf")
    store.delete("networks.d/8056c2e21c000001.conf")
    assert store.get("networks.d/8056c2e21c000001.conf") is None


def test_an_empty_value_is_a_value(store):
    store.put("peers.d/f85afca4d6.peer", b"")
    assert store.get("peers.d/f85afca4d6.peer") == b""


def test_list_names_all_keys_with_a_prefix_in_all_folders(store):
    for key in ("planet", "controller.d/network/a.json", "controller.d/network/a/member/b.json"):
        store.put(key, b"{}")
    assert store.list("controller.d/network/") == [
        "controller.d/network/a.json",
        "controller.d/network/a/member/b.json",
    ]
    assert store.list("pla") == ["planet"]
    assert store.list("moons.d/") == []
    assert len(store.list("")) == 3


def test_secrets_are_readable_for_the_owner_only(store):
    store.put("identity.secret", b"private")
    assert stat.S_IMODE(os.stat(store.path + "/identity.secret").st_mode) == 0o600
    store.put("identity.secret", b"another")
    assert stat.S_IMODE(os.stat(store.path + "/identity.secret").st_mode) == 0o600


def test_an_unchanged_value_is_not_written_again(store):
    store.put("planet", b"world")
    before = os.stat(store.path + "/planet").st_ino
    store.put("planet", b"world")
    assert os.stat(store.path + "/planet").st_ino == before
    store.put("planet", b"newer")
    assert os.stat(store.path + "/planet").st_ino != before


def test_a_write_that_was_cut_off_leaves_the_old_value_and_is_not_listed(store):
    store.put("planet", b"world")
    with open(store.path + "/planet.new", "wb") as file:
        file.write(b"wor")
    assert store.get("planet") == b"world"
    assert store.list("") == ["planet"]


def test_a_folder_is_not_a_value(store):
    store.put("networks.d/a.conf", b"\n")
    assert store.get("networks.d") is None


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../planet", "a/../../b", "a//b", "./a", "a\0b"]
)
def test_a_key_cannot_leave_the_folder(store, key):
    with pytest.raises(ValueError):
        store.get(key)
    with pytest.raises(ValueError):
        store.put(key, b"")
