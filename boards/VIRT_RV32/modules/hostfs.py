"""A folder of the machine that emulates, as a file system that can only be read. For tests.

Owns the shape of a file system. The files are read by `_virt.host_file`.
"""

import io
from errno import EISDIR

import _virt

_FOLDER = 0x4000
_FILE = 0x8000
_EROFS = 30  # the module errno does not have it


class HostFolder:
    """To be mounted: `vfs.mount(HostFolder("/home/me/project"), "/remote")`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._current = "/"

    def _path(self, path: str) -> str:
        return self._root + (path if path.startswith("/") else self._current + path)

    def mount(self, readonly: bool, mkfs: bool) -> None:
        pass

    def umount(self) -> None:
        pass

    def chdir(self, path: str) -> None:
        self._current = (path if path.startswith("/") else self._current + path).rstrip("/") + "/"

    def getcwd(self) -> str:
        return self._current

    def stat(self, path: str) -> tuple:
        content = _virt.host_file(self._path(path))
        if content is None:
            return (_FOLDER, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        return (_FILE, 0, 0, 0, 0, 0, len(content), 0, 0, 0)

    def open(self, path: str, mode: str):
        if "r" not in mode or "+" in mode:
            raise OSError(_EROFS)
        content = _virt.host_file(self._path(path))
        if content is None:
            raise OSError(EISDIR)
        return io.BytesIO(content) if "b" in mode else io.StringIO(str(content, "utf-8"))
