"""Another interface of a device, its Ethernet or its soft access point, as the port of a bridge.

Owns the tap in that interface. Which frames cross the bridge is decided by vl2/bridge.py, and moved by C.
"""

from errno import EALREADY, ENODEV, EOPNOTSUPP

import _zerotier


class Ethernet:
    """`name`: what lwIP calls the interface. OSError, in one sentence, if it cannot be tapped."""

    def __init__(self, name: str, count) -> None:
        if not hasattr(_zerotier, "Tap"):  # lwIP has a thread of its own
            raise OSError(EOPNOTSUPP, "this board cannot bridge")
        try:
            self.tap = _zerotier.Tap(name)
        except OSError as error:
            if error.errno == ENODEV:
                raise OSError(ENODEV, "there is no interface %s" % name)
            raise OSError(
                EALREADY, "%s has no MAC, or another interface is bridged already" % name
            )
        self._count = count

    def deliver(self, frame: memoryview) -> None:
        """A frame from the network, for this Ethernet."""
        if not self.tap.send(frame):
            self._count("bridge_not_sent")

    def close(self) -> None:
        """The bridge ends."""
        self.tap.close()
