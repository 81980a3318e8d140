"""Before boot.py: the file system in flash, and Ethernet.

Owns what a board's port does on an ESP32. Never the node: that is boot.py's.
"""

import sys

import _virt
import network
import vfs

try:
    flash = _virt.Flash()
except OSError:
    flash = None  # the emulator was started without one: nothing is remembered
if flash is not None:
    try:
        vfs.mount(flash, "/")
    except OSError:
        vfs.VfsLfs2.mkfs(flash)
        vfs.mount(flash, "/")
sys.path.append("/lib")
if network.LAN.exists():
    network.LAN().active(True)
