"""The file store: values are replaced whole, and never outside the folder."""

import os

from host_tests.unit.support import raises
from zerotier.store import FileStore

HOME = "build/test_store"


def empty_store() -> FileStore:
    """A store without values in a folder of its own."""
    store = FileStore(HOME)
    for key in store.list(""):
        store.delete(key)
    return store


def test_a_key_that_was_never_set_reads_as_none() -> None:
    assert empty_store().get("planet") is None
    assert FileStore(HOME + "/nowhere").get("planet") is None
    assert FileStore(HOME + "/nowhere").list("") == []


def test_a_value_comes_back_and_can_be_replaced_and_deleted() -> None:
    store = empty_store()
    store.put("networks.d/8056c2e21c000001.conf", b"\n")
    assert store.get("networks.d/8056c2e21c000001.conf") == b"\n"
    store.put("networks.d/8056c2e21c000001.conf", b"v=7")
    assert store.get("networks.d/8056c2e21c000001.conf") == b"v=7"
    store.delete("networks.d/8056c2e21c000001.conf")
    store.delete("networks.d/8056c2e21c000001.conf")
    assert store.get("networks.d/8056c2e21c000001.conf") is None


def test_an_empty_value_is_a_value() -> None:
    store = empty_store()
    store.put("peers.d/f85afca4d6.peer", b"")
    assert store.get("peers.d/f85afca4d6.peer") == b""


def test_list_names_all_keys_with_a_prefix_in_all_folders() -> None:
    store = empty_store()
    for key in ("planet", "controller.d/network/a.json", "controller.d/network/a/member/b.json"):
        store.put(key, b"{}")
    assert store.list("controller.d/network/") == [
        "controller.d/network/a.json",
        "controller.d/network/a/member/b.json",
    ]
    assert store.list("pla") == ["planet"]
    assert store.list("moons.d/") == []
    assert len(store.list("")) == 3


def test_a_write_that_was_cut_off_leaves_the_old_value_and_is_not_listed() -> None:
    store = empty_store()
    store.put("planet", b"world")
    with open(HOME + "/planet.new", "wb") as file:
        file.write(b"wor")
    assert store.get("planet") == b"world"
    assert store.list("") == ["planet"]
    os.remove(HOME + "/planet.new")


def test_a_folder_is_not_a_value() -> None:
    store = empty_store()
    store.put("networks.d/a.conf", b"\n")
    assert store.get("networks.d") is None


def test_a_key_cannot_leave_the_folder() -> None:
    store = empty_store()
    for key in ("", "/etc/passwd", "../planet", "a/../../b", "a//b", "./a", "a\0b"):
        raises(ValueError, store.get, key)
        raises(ValueError, store.put, key, b"")
