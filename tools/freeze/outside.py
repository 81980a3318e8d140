"""The names that others say of our objects, or we of theirs: they stay as they are.

Owns where those are found: in C, MicroPython's and ours, and in the Python that a board runs besides the node.
Never what a name that is in none of them becomes (shorten.py).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
C_OF_MICROPYTHON = ("py", "extmod", "shared", "drivers", "ports")
C_OF_OURS = ("firmware/cmodule", "boards")
PYTHON_OF_MICROPYTHON = ("extmod/asyncio",)
PYTHON_OF_OURS = ("boards", "examples")
# A board's tests ask `zt.node.paths.local`; `node` and `paths` are said elsewhere, too.
LOOKED_AT = ("local",)

NAME = re.compile(rb"MP_QSTR_(\w+)")


def names(micropython: Path) -> set[str]:
    """Every name that C interns, and that Python besides the node says or defines."""
    if not (micropython / "py" / "obj.h").exists():
        raise SystemExit(f"freeze: {micropython} is no checkout of MicroPython")
    found = set(LOOKED_AT)
    for folder in [micropython / name for name in C_OF_MICROPYTHON] + [
        PROJECT / name for name in C_OF_OURS
    ]:
        for file in folder.rglob("*.[ch]"):
            found.update(name.decode() for name in NAME.findall(file.read_bytes()))
    for folder in [micropython / name for name in PYTHON_OF_MICROPYTHON] + [
        PROJECT / name for name in PYTHON_OF_OURS
    ]:
        for file in folder.rglob("*.py"):
            found |= names_in(file.read_text())
    return found


def names_in(text: str) -> set[str]:
    """The attributes, functions, classes and keywords that a program says."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)  # getattr(object, "name")
    return found
