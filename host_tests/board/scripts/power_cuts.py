"""Cuts the power at every moment of a write into the store, on LittleFS: in the middle of the first write or erasure
of the flash, of the second, and so on. After each cut the file system is mounted again.

Owns a flash in RAM that stops. Prints how many moments there were; an exception says that a value was lost.
"""

import gc
import os

import vfs

from zerotier import FileStore

BLOCK = 4096
BLOCKS = 16
KEY = "networks.d/8056c2e21c000001.conf"


class Flash:
    """A flash that loses its power after `operations` writes and erasures."""

    def __init__(self, content: bytearray, operations: int) -> None:
        self.content = content
        self.left = operations

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:
        at = block * BLOCK + offset
        buffer[:] = memoryview(self.content)[at : at + len(buffer)]

    def writeblocks(self, block: int, buffer, offset: int = 0) -> None:
        size = self._may(len(buffer))
        at = block * BLOCK + offset
        for i in range(size):
            assert self.content[at + i] == 0xFF, "written without being erased"
            self.content[at + i] = buffer[i]

    def ioctl(self, operation: int, argument: int):
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return BLOCK
        if operation == 6:
            at = argument * BLOCK
            size = self._may(BLOCK)
            self.content[at : at + size] = b"\xff" * size
        return 0

    def _may(self, size: int) -> int:
        """How many of `size` bytes are still done."""
        self.left -= 1
        if self.left == 0:
            return size // 2
        return size if self.left > 0 else 0


def stored(flash: Flash):
    """What a board finds after it got its power back."""
    vfs.mount(flash, "/ram")
    store = FileStore("/ram/zt")
    value = store.get(KEY)
    keys = store.list("")
    vfs.umount("/ram")
    return value, keys


def write(flash: Flash, value: bytes) -> None:
    vfs.mount(flash, "/ram")
    try:
        FileStore("/ram/zt").put(KEY, value)
    except OSError:
        pass  # the board would be off
    vfs.umount("/ram")


def cut_everywhere(before: bytes | None, after: bytes) -> int:
    """The number of moments at which the power was cut."""
    first = Flash(bytearray(b"\xff" * BLOCK * BLOCKS), 1 << 30)
    vfs.VfsLfs2.mkfs(first)
    if before is not None:
        write(first, before)
    else:
        write(first, b"")
    moment = 1
    while True:
        flash = Flash(bytearray(first.content), moment)
        write(flash, after)
        is_whole = flash.left > 0
        flash.left = 1 << 30
        value, keys = stored(flash)
        assert value in (before if before is not None else b"", after), (moment, value)
        assert all(key == KEY for key in keys), keys
        write(flash, after)  # and it can be written again
        assert stored(flash)[0] == after
        gc.collect()
        if is_whole:
            assert value == after
            return moment - 1
        moment += 1


os.mkdir("/ram") if "ram" not in os.listdir("/") else None
print("moments", cut_everywhere(b"old" * 100, b"new" * 500), cut_everywhere(None, b"first" * 20))
