"""`socket` on the desktop board: the virtual networks, as on every other board.

Owns which stack a program's `import socket` gets. Never the sockets themselves, which are lwIP's;
those of the operating system, over which the node itself talks, are in `usocket`.
"""

from lwip import *

del reset  # noqa: F821  would start the running stack a second time
