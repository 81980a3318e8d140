"""Owns nothing but the names: a laboratory in which nodes of any make run on one machine.
`Lab` runs programs on an underlay: `Namespaces` (root; any node) or `Loopback` (only our nodes).
It never is part of what runs on a device.
"""

from .lab import Lab
from .loopback import Loopback
from .namespaces import Namespaces
from .process import Process
from .underlay import Underlay

__all__ = ["Lab", "Loopback", "Namespaces", "Process", "Underlay"]
