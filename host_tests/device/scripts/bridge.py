"""Two interpreters as members of one network: their datapaths know each other, without a node, a root or a controller.

Owns the interface, the socket and the datapath of one end: a stand-in for the node, so that these tests judge the
datapath, the stack, the interface and the background alone. Never any check.
"""

import sys
import time
from os import urandom

import _zerotier

from zerotier.underlay import Underlay
from zerotier.vl2.ethernet import mac_of
from zerotier.wire import address as addresses
from zerotier.wire.packet import write_header
from zerotier.wire.verbs import VERB_EXT_FRAME

MTU = 2800
HOST = "127.0.0.1"
NWID = bytes.fromhex("8056c2e21c000001")
KEY = bytes(range(32))
PREFIX4 = 24
PREFIX6 = 64
ENDS = {
    "a": (b"\x0a\x0a\x0a\x0a\x0a", "10.77.0.1", "fd77::1"),
    "b": (b"\x0b\x0b\x0b\x0b\x0b", "10.77.0.2", "fd77::2"),
}
RING = 65536
PACKET = 1  # kinds of records
FRAME = 3
ADMITTED_AND_OPEN = 3
FRAME_START = 37  # of an EXT_FRAME without a certificate (protocol/03 §3.10)
SALSA20 = 1
IDLE = 1000  # ms


class Bridge:
    """One end, "a" or "b", bound to `port`, whose peer is at `peer_port`."""

    def __init__(self, end: str, port: int, peer_port: int) -> None:
        self._address, self.ip4, self.ip6 = ENDS[end]
        self._peer_address, self.peer4, self.peer6 = ENDS["b" if end == "a" else "a"]
        self._peer = addresses.inet(HOST, peer_port)
        self._underlay = Underlay(addresses.inet(HOST, port))
        self._is_inside = False
        mac = mac_of(self._address, NWID)
        self.netif = _zerotier.Netif(mac, MTU)
        self.datapath = _zerotier.Datapath(self._address, 1, 1, 4, RING)
        self.datapath.set_peer(self._peer_address, KEY)
        self.datapath.set_paths(self._peer_address, (self._peer,), self._peer)
        self.datapath.add_network(NWID, mac, MTU, self.netif)
        self.datapath.set_member(NWID, self._peer_address, ADMITTED_AND_OPEN)
        self.datapath.set_ids(urandom(5))
        self.netif.ip4(self.ip4, PREFIX4)
        self.netif.ip6(self.ip6, PREFIX6)
        self.netif.active(True)
        self.datapath.attach(time.ticks_ms())
        _zerotier.background(self.pump, *self._underlay.sockets())

    def pump(self) -> int:
        """What the datapath leaves to Python: frames to and from groups."""
        assert not self._is_inside
        self._is_inside = True
        while True:
            record = self.datapath.next()
            if record is None:
                break
            kind, octets, _ = record
            if kind == FRAME:
                self._send(octets)
            elif kind == PACKET:
                self.netif.input(octets[FRAME_START:])
        self._is_inside = False
        return IDLE

    def _send(self, frame: memoryview) -> None:
        packet = bytearray(FRAME_START + len(frame))
        write_header(packet, urandom(8), self._peer_address, self._address, VERB_EXT_FRAME)
        packet[28:36] = NWID
        packet[FRAME_START:] = frame
        _zerotier.armor(KEY, packet, SALSA20)
        self._underlay.send(packet, self._peer)


def from_arguments(end: str) -> Bridge:
    """The end with the ports of the command line: own port, port of the other end."""
    return Bridge(end, int(sys.argv[1]), int(sys.argv[2]))
