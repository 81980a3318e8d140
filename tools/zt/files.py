"""Files that users name: read with a clear error, written whole, private where they must be.

Owns how the command line touches single files. Homes of nodes are `zerotier.store`'s.
"""

import os
import sys

STANDARD = "-"  # as a file name: standard input or output


def read(path: str) -> bytes:
    """The content of a file; `-` is standard input."""
    if path == STANDARD:
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def write_new(path: str, content: bytes, private: bool) -> None:
    """Make a file. FileExistsError if there is one already: it is never overwritten."""
    mode = 0o600 if private else 0o644
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise FileExistsError(error.errno, "the file exists already and is kept", path) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, content)
    except BaseException:
        os.unlink(path)
        raise


def replace(path: str, content: bytes) -> None:
    """Give a file new content. A reader sees the old or the new one."""
    new = f"{path}.{os.getpid()}.new"
    write_new(new, content, False)
    os.replace(new, path)


def _write(file, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
