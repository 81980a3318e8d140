"""`zt restore`: writes into a board what `zt backup` saved.

Owns that nothing of an older state stays between it. The form of the file is backup.py's.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from typing import Any

from . import board as boards
from . import files


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "restore",
        help="write the saved state of a node into a board",
        description="Writes what `zt backup` saved, and removes the node's other files. A board that has"
        " an identity already keeps it, unless --replace is given.",
    )
    parser.add_argument("--port", required=True, help="serial port")
    parser.add_argument("--replace", action="store_true", help="replace the board's own identity")
    parser.add_argument("file", help="a file made by `zt backup`")
    parser.set_defaults(run=run)


def read(path: str) -> dict[str, bytes]:
    """The files of a backup. ValueError if it is none."""
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(files.read(path)), mode="r:") as tar:
            for member in tar.getmembers():
                file = tar.extractfile(member) if member.isreg() else None
                if file is not None:
                    contents["/" + member.name] = file.read()
    except tarfile.TarError:
        contents = {}
    if boards.SECRET not in contents or not all(map(_is_the_nodes, contents)):
        raise ValueError(f"{path} is not a backup of a board")
    return contents


def _is_the_nodes(path: str) -> bool:
    """Whether a file is in the node's folder: from elsewhere it might be a program."""
    return path.startswith(boards.HOME + "/") and ".." not in path.split("/")


def run(options: argparse.Namespace) -> None:
    """Bring the board to the saved state."""
    contents = read(options.file)
    with boards.Board(options.port) as board:
        present = board.read(boards.SECRET)
        if present is not None and present != contents[boards.SECRET] and not options.replace:
            raise OSError(
                f"{options.port}: the board has an identity of its own: --replace gives it up"
            )
        # The identity last: until it is there the board is as resumable as an empty one.
        for path in sorted(contents, key=lambda path: path == boards.SECRET):
            board.write(path, contents[path])
        for path in board.files():
            if path not in contents:
                board.remove(path)
    print(f"{options.port}: {len(contents)} files")
