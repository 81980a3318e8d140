"""A virtual Ethernet between two interpreters: frames travel as datagrams on the loopback interface.

Owns the interface, the socket and the pump of one end: a stand-in for the node, so that these tests
judge the stack, the interface and the background alone. Never any check.
"""

import sys

import _zerotier
import usocket

MTU = 2800
HOST = "127.0.0.1"
PREFIX4 = 24
PREFIX6 = 64
ENDS = {
    "a": (b"\x02\x00\x00\x00\x00\x0a", "10.77.0.1", "fd77::1"),
    "b": (b"\x02\x00\x00\x00\x00\x0b", "10.77.0.2", "fd77::2"),
}
IDLE = 1000  # ms


class Bridge:
    """One end, "a" or "b", bound to `port`, which sends to `peer_port` and loses every `lose`-th frame (0: none)."""

    def __init__(self, end: str, port: int, peer_port: int, lose: int = 0) -> None:
        mac, self.ip4, self.ip6 = ENDS[end]
        self.peer4, self.peer6 = ENDS["b" if end == "a" else "a"][1:]
        self._socket = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        self._socket.bind(usocket.getaddrinfo(HOST, port)[0][-1])
        self._socket.setblocking(False)
        self._peer = usocket.getaddrinfo(HOST, peer_port)[0][-1]
        self._frame = memoryview(bytearray(MTU + 14))
        self._lose = lose
        self._count = 0
        self._is_inside = False
        self.netif = _zerotier.Netif(mac, MTU)
        self.netif.ip4(self.ip4, PREFIX4)
        self.netif.ip6(self.ip6, PREFIX6)
        self.netif.active(True)
        _zerotier.background(self.pump, self._socket.fileno())

    def pump(self) -> int:
        assert not self._is_inside
        self._is_inside = True
        for _ in range(32):
            try:
                frame = self._socket.recv(MTU + 14)
            except OSError:
                break
            self.netif.input(frame)
        while True:
            size = self.netif.receive_into(self._frame)
            if not size:
                break
            self._count += 1
            if self._lose and self._count % self._lose == 0:
                continue
            try:
                self._socket.sendto(self._frame[:size], self._peer)
            except OSError:
                pass  # the other end is not there yet
        self._is_inside = False
        return IDLE


def from_arguments(end: str) -> Bridge:
    """The end with the ports of the command line: own port, port of the other end, frames to lose."""
    return Bridge(
        end, int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    )
