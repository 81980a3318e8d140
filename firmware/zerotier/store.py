"""A store that keeps each value in a file of its own, below one folder.

Owns how a value gets onto the disk: whole or not at all, and only when it changed.
Never knows what a value means, except that keys with "secret" in them are private.
"""

import io
import os
from errno import ENOENT

from .const import const

_FOLDER = const(0x4000)  # file type bits of stat(), equal on every port
_TYPE_MASK = const(0xF000)
_NEW = ".new"  # a value that is being written


class FileStore:
    """Keys are relative paths with `/`, as in protocol/10 §10.1: "networks.d/8056c2e21c000001.conf".

    Values are bytes. A key that names no file reads as None; every other trouble of the file system
    is an OSError, and a key that would leave the folder is a ValueError.
    """

    def __init__(self, path: str) -> None:
        self.path = path.rstrip("/")

    def __repr__(self) -> str:
        return f"FileStore({self.path!r})"

    def get(self, key: str) -> bytes | None:
        """The value of `key`, or None."""
        path = self._file(key)
        if _kind(path) in (None, _FOLDER):
            return None
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno != ENOENT:
                raise
            return None  # another process has just deleted it

    def put(self, key: str, value: bytes) -> None:
        """Set `key`; folders are made as needed. A reader sees the old value or the new one.

        Nothing is written if the value is there already: flash wears out.
        """
        path = self._file(key)
        if self.get(key) == value:
            return
        _make_folders(path)
        new = _temporary(path)
        with _create(new, "secret" in key) as file:
            file.write(value)
            file.flush()
            _to_disk(file)
        os.rename(new, path)

    def append(self, key: str, value: bytes) -> None:
        """Put bytes at the end of `key`, which may be new. Who is killed has written all of it or nothing.

        Only losing power may cost it, or the end of it: nothing waits for the disk.
        """
        path = self._file(key)
        _make_folders(path)
        with open(path, "ab") as file:
            file.write(value)

    def delete(self, key: str) -> None:
        """Forget `key`; no error if there is none."""
        path = self._file(key)
        if _kind(path) in (None, _FOLDER):
            return
        try:
            os.remove(path)
        except OSError as error:
            if error.errno != ENOENT:  # another process was faster
                raise

    def list(self, prefix: str) -> list[str]:
        """All keys that begin with `prefix`, in all folders below it, sorted."""
        folder = prefix[: prefix.rfind("/") + 1]
        keys = [key for key in _keys_below(self.path, folder) if key.startswith(prefix)]
        keys.sort()
        return keys

    if hasattr(os, "scandir"):

        def stamps(self, folder: str) -> dict[str, tuple]:
            """What changes when a file does, of each file in `folder`, which ends with "/".

            Ten thousand files take about 30 ms, a tenth of reading them.
            """
            found: dict[str, tuple] = {}
            path = f"{self.path}/{folder}"
            if _kind(path.rstrip("/")) != _FOLDER:
                return found
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.name.endswith(_NEW):
                        continue
                    try:
                        stat = entry.stat()
                    except FileNotFoundError:
                        continue
                    found[entry.name] = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            return found

        def stamp(self, key: str) -> tuple | None:
            """What changes when a file, or one in a folder, comes, goes or is replaced; None if it is not there."""
            try:
                stat = os.stat(f"{self.path}/{key}")
            except FileNotFoundError:
                return None
            return (stat.st_mtime_ns, stat.st_ino)

    def _file(self, key: str) -> str:
        for part in key.split("/"):
            if part in ("", ".", "..") or "\\" in part or "\0" in part:
                raise ValueError(f"{key!r} is not a key of a store")
        return f"{self.path}/{key}"


def _keys_below(root: str, folder: str) -> list[str]:
    """The keys of all files under `folder`, which is "" or ends with "/"."""
    found: list[str] = []
    folders = [folder]
    while folders:
        folder = folders.pop()
        path = f"{root}/{folder}".rstrip("/") or "/"
        if _kind(path) != _FOLDER:
            continue
        for name in os.listdir(path):
            kind = _kind(f"{root}/{folder}{name}")
            if kind == _FOLDER:
                folders.append(f"{folder}{name}/")
            elif kind is not None and not name.endswith(_NEW):
                found.append(folder + name)
    return found


def _kind(path: str) -> int | None:
    """The file type bits of `path`, or None if there is nothing."""
    try:
        return os.stat(path)[0] & _TYPE_MASK
    except OSError:
        return None


def _make_folders(path: str) -> None:
    """Make the folders that lead to the file `path`."""
    end = path.find("/", 1)
    while end > 0:
        if _kind(path[:end]) is None:
            os.mkdir(path[:end])
        end = path.find("/", end + 1)


def _temporary(path: str) -> str:
    """Where the new value of `path` is written first: beside it, or rename would not be atomic.

    Two processes may share a folder (a running controller and the command line), so each has its own.
    A device has one process and one name, so that a power cut leaves at most one such file.
    """
    if hasattr(os, "getpid"):
        return f"{path}.{os.getpid()}{_NEW}"
    return path + _NEW


def _create(path: str, private: bool) -> io.BufferedWriter:
    """Open `path` for writing; a private file is never readable for others, not even at first."""
    if private and hasattr(os, "fdopen"):
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
    return open(path, "wb")


def _to_disk(file: io.BufferedWriter) -> None:
    """Ask for the bytes to be on the disk before the rename; closing does it on a device."""
    if hasattr(os, "fsync"):
        os.fsync(file.fileno())
