"""Another interface of a device, its Ethernet or its soft access point, as the port of a bridge.

Owns the tap in that interface. Which frames cross the bridge is decided by vl2/bridge.py.
"""

from errno import EALREADY, ENODEV

import _zerotier

from .const import const

_BATCH = const(16)  # frames that one call of `pump` moves at most
_LARGEST = const(1514)


class Ethernet:
    """`name`: what lwIP calls the interface. OSError, in one sentence, if it cannot be tapped."""

    def __init__(self, name: str, count) -> None:
        try:
            self._tap = _zerotier.Tap(name)
        except OSError as error:
            if error.errno == ENODEV:
                raise OSError(ENODEV, "there is no interface %s" % name)
            raise OSError(
                EALREADY, "%s has no MAC, or another interface is bridged already" % name
            )
        self._count = count
        self._buffer = memoryview(bytearray(_LARGEST))
        self.bridge = None  # vl2/bridge.py

    def deliver(self, frame: memoryview) -> None:
        """A frame from the network, for this Ethernet."""
        if not self._tap.send(frame):
            self._count("bridge_not_sent")

    def pump(self, now: int) -> None:
        """Hand over what was heard."""
        for _ in range(_BATCH):
            size = self._tap.receive_into(self._buffer)
            if not size:
                return
            if self.bridge is not None:
                self.bridge.receive(self._buffer[:size], now)

    def close(self) -> None:
        """The bridge ends."""
        self._tap.close()
