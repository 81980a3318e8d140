"""`zt backup`: copies the state of a board's node into a file: its identity, networks, peers and Wi-Fi.

Owns the form of that file. `zt restore` (restore.py) writes it back.
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
        "backup",
        help="save the state of a board's node in a file",
        description="Saves identity, planet, networks, known peers and Wi-Fi of a board. The file holds"
        " secrets: only you can read it. Never run two boards with one identity.",
    )
    parser.add_argument("--port", required=True, help="serial port")
    parser.add_argument("file", help="the file to make, a tar archive")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make the file. It is never overwritten."""
    files.refuse_existing(options.file)
    with boards.Board(options.port) as board:
        contents = {path: board.read(path) for path in board.files()}
    if boards.SECRET not in contents:
        raise OSError(f"{options.port}: the board has no identity: there is nothing to save")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, content in sorted(contents.items()):
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(content or b"")
            member.mode = 0o600
            tar.addfile(member, io.BytesIO(content or b""))
    files.write_new(options.file, archive.getvalue(), private=True)
    print(f"{options.file}: {len(contents)} files")
