"""Files that users name: read with a clear error, written whole, private where they must be.

Owns how the command line touches single files. Homes of nodes are `zerotier.store`'s.
"""

import errno
import os
import sys
from typing import BinaryIO

STANDARD = "-"  # as a file name: standard input or output
_KEPT = "the file exists already and is kept"


def read(path: str) -> bytes:
    """The content of a file; `-` is standard input."""
    if path == STANDARD:
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def write_new(path: str, content: bytes, private: bool) -> None:
    """Make a file, and the folders that lead to it.

    FileExistsError if there is one already: it is never overwritten.
    """
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    mode = 0o600 if private else 0o644
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise FileExistsError(error.errno, _KEPT, path) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, content)
    except BaseException:
        os.unlink(path)
        raise


def refuse_existing(path: str) -> None:
    """FileExistsError if there is such a file: to say so before any work is done."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, _KEPT, path)


def replace(path: str, content: bytes) -> None:
    """Give a file new content. A reader sees the old or the new one."""
    new = f"{path}.{os.getpid()}.new"
    write_new(new, content, False)
    os.replace(new, path)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
