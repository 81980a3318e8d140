"""The names of the node's own bundle that stay.

Owns that everything that a user, C or a program on a board says is still there.
"""

from __future__ import annotations

import argparse
import ast
import re

import pytest

from freeze import bundle, outside
from host_tests.unit_cpython.freezing import MICROPYTHON, PROJECT

Options = tuple[bool, bool, bool]
ALL: tuple[Options, ...] = ((False, False, False), (True, True, True))
# What a program may say of the node and of a network; README.md and docs/ tell of each.
OF_NODE = (
    "address identity join leave networks active isconnected status peers stats orbit deorbit"
)
OF_NETWORK = "wait ready status reason ifconfig ipconfig isconnected"


def made(options: Options) -> ast.Module:
    roles, sockets, mapping = options
    arguments = argparse.Namespace(
        micropython=MICROPYTHON, roles=roles, sockets=sockets, mapping=mapping
    )
    return ast.parse(bundle.source(arguments))


@pytest.fixture(scope="module", params=ALL, ids=("small", "everything"))
def tree(request: pytest.FixtureRequest) -> ast.Module:
    return made(request.param)


def members(tree: ast.Module, name: str) -> set[str]:
    """What a class and its bases define."""
    [found] = [s for s in tree.body if isinstance(s, ast.ClassDef) and s.name == name]
    names = {getattr(member, "name", "") for member in found.body}
    for base in found.bases:
        names |= members(tree, ast.unparse(base))
    return names


def test_a_user_finds_everything(tree: ast.Module) -> None:
    assert set(OF_NODE.split()) <= members(tree, "ZeroTier")
    assert set(OF_NETWORK.split()) <= members(tree, "Network")
    assert {"get", "put", "delete", "list"} <= members(tree, "FileStore")
    exported = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id.isupper()
    }
    assert {"OK", "NOT_FOUND", "ACCESS_DENIED"} <= exported


def test_what_modules_of_c_are_asked_for_stays(tree: ast.Module) -> None:
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) in ("_zerotier", "time", "os")
    }
    assert {"Datapath", "background", "ticks_ms", "listdir"} <= asked
    assert not [name for name in asked if re.match(r"_\d", name)]


def test_most_other_names_are_short(tree: ast.Module) -> None:
    known = outside.names(MICROPYTHON)
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    methods = {
        member.name
        for statement in tree.body
        if isinstance(statement, ast.ClassDef)
        for member in statement.body
        if isinstance(member, ast.FunctionDef)
    }
    long = {n for n in methods - known - texts if not re.match(r"_\d", n) and n[:2] != "__"}
    seen = set()
    for module in bundle.FIRST:
        file = bundle.PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
        seen |= outside.names_in(file.read_text())
    for statement in tree.body:
        if getattr(statement, "name", "") in bundle.public_names(roles=True):
            seen |= members(tree, statement.name)  # type: ignore[attr-defined]
    assert sorted(long - seen) == []
    assert len(methods) > 200


@pytest.mark.parametrize("folder", ("boards", "examples"))
def test_what_programs_on_a_board_say_is_known(folder: str) -> None:
    said = {
        name
        for file in (PROJECT / folder).rglob("*.py")
        for name in outside.names_in(file.read_text())
    }
    assert said and said <= outside.names(MICROPYTHON)


def test_what_the_tests_of_boards_ask_of_the_inside_is_still_there(tree: ast.Module) -> None:
    """`zt.node.paths.local`: each part of it is an attribute that somebody sets."""
    asked = "".join(file.read_text() for file in (PROJECT / "host_tests" / "board").glob("*.py"))
    chains = re.findall(r"\bzt\.node((?:\.\w+)+)", asked)
    assert chains
    given = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    for chain in chains:
        assert set(chain.strip(".").split(".")) <= given, chain


def test_a_folder_without_micropython_is_named() -> None:
    with pytest.raises(SystemExit, match="/nowhere is no checkout of MicroPython"):
        outside.names(bundle.Path("/nowhere"))


def test_roles_are_there_if_they_are_wanted() -> None:
    small, everything = (made(options) for options in ALL)
    names = {getattr(statement, "name", "") for statement in small.body}
    assert not names.intersection(bundle.ROLE_CLASSES)
    assert {"Controller", "Root", "GroupDatabase"} == set(bundle.ROLE_CLASSES)
    assert {"authorised", "receive_request", "tick"} <= members(everything, "Controller")
    assert {"relay", "tick"} <= members(everything, "Root")
