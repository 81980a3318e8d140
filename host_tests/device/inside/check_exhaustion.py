"""What a device does when all is full: frames are lost and counted, control packets come through, and it goes on.

Owns a peer made of a UDP socket and the node's own functions. Runs inside MicroPython, by runner.py.
"""

import select
import socket
import struct
import time
from os import urandom

import _zerotier
import usocket

from host_tests.unit.support import raises
from zerotier.underlay import Underlay
from zerotier.vl2.ethernet import mac_of
from zerotier.wire import address as addresses
from zerotier.wire.packet import DEFAULT_MTU, fragment, fragment_count, write_header
from zerotier.wire.verbs import VERB_ECHO, VERB_FRAME

HOST = "127.0.0.1"
PORT = 19977
NWID = bytes.fromhex("8056c2e21c000001")
OURS = bytes.fromhex("0102030405")
THEIRS = bytes.fromhex("a1a2a3a4a5")
KEY = bytes(range(32))
MTU = 2800
RING = 65536
SLOTS = 4
PACKET = 1
ADMITTED_AND_OPEN = 3
IP = b"\x0a\x4d\x00\x01"
PEER_IP = b"\x0a\x4d\x00\x02"
TYPE_IPV4 = b"\x08\x00"
UDP = 17
BODY = 28  # of a packet, behind the verb
FIRST_PORT = 6000
MANY_SOCKETS = 100
LARGE = 1300  # bytes of a datagram
BURST = 40  # datagrams that surely fit into the receive buffer of the operating system


class Device:
    """An interface of lwIP, its datapath, and the one peer of it; a context."""

    def __enter__(self):
        mac = mac_of(OURS, NWID)
        self._underlay = Underlay(addresses.inet(HOST, PORT))
        self._wire = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        self._to = usocket.getaddrinfo(HOST, PORT)[0][-1]
        self.netif = _zerotier.Netif(mac, MTU)
        self.datapath = _zerotier.Datapath(OURS, 1, 1, SLOTS, RING)
        self.datapath.set_peer(THEIRS, KEY)
        self.datapath.add_network(NWID, mac, MTU, self.netif)
        self.datapath.set_member(NWID, THEIRS, ADMITTED_AND_OPEN)
        self.netif.ip4(IP, 24)
        self.netif.active(True)
        self.datapath.attach(time.ticks_ms())
        _zerotier.background(lambda: 1000, *self._underlay.sockets())
        self.packets()
        return self

    def __exit__(self, *error) -> None:
        _zerotier.background(None)
        self.datapath.detach()
        self.netif.close()
        self._underlay.close()
        self._wire.close()

    def send(self, verb: int, payload: bytes) -> None:
        """The peer sends a packet, in fragments if need be."""
        packet = bytearray(BODY + len(payload))
        write_header(packet, urandom(8), OURS, THEIRS, verb)
        packet[BODY:] = payload
        total = fragment_count(len(packet), DEFAULT_MTU)
        if total > 1:
            packet[18] |= 0x40
        _zerotier.armor(KEY, packet, 1)
        self._wire.sendto(memoryview(packet)[:DEFAULT_MTU], self._to)
        for number in range(1, total):
            self._wire.sendto(fragment(packet, number, total, DEFAULT_MTU), self._to)

    def send_datagram(self, port: int, payload: bytes) -> None:
        """The peer sends a UDP datagram inside the network."""
        datagram = struct.pack(">HHHH", 4000, port, 8 + len(payload), 0) + payload
        head = (
            struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 1, 0, 64, UDP, 0) + PEER_IP + IP
        )
        total = sum(struct.unpack(">10H", head))
        total = (total >> 16) + (total & 0xFFFF)
        head = head[:10] + (~total & 0xFFFF).to_bytes(2, "big") + head[12:]
        self.send(VERB_FRAME, NWID + TYPE_IPV4 + head + datagram)

    def count(self, name: str) -> int:
        """A counter, after all that was sent has arrived."""
        look()
        return self.datapath.counters()[name]

    def packets(self) -> int:
        """How many control packets have come since the last time."""
        look()
        found = 0
        while True:
            record = self.datapath.next()
            if record is None:
                return found
            found += record[0] == PACKET


def look() -> None:
    """The device takes what the underlay has."""
    for _ in range(BURST):
        select.poll().poll(0)


def open_sockets() -> list:
    """Programs that do not read."""
    sockets = []
    for number in range(MANY_SOCKETS):
        sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sockets[-1].bind(("", FIRST_PORT + number))
        sockets[-1].setblocking(False)
    return sockets


def fill(device) -> int:
    """Send datagrams to sockets that nobody reads until the heap of the stack is full: how many it took."""
    sent = 0
    while device.count("no_memory") == 0:
        assert sent < BURST * MANY_SOCKETS, "the heap has no end"
        for _ in range(BURST):
            device.send_datagram(FIRST_PORT + sent // BURST, bytes(LARGE))
        sent += BURST
    return sent


def test_a_full_heap_loses_frames_and_nothing_else() -> None:
    taken = []
    for _ in range(2):  # the second time as much fits as the first time: nothing has leaked
        with Device() as device:
            sockets = open_sockets()
            taken.append(fill(device))
            before = device.count("frame_not_taken"), device.count("frames_in")
            for _ in range(10):
                device.send_datagram(FIRST_PORT + MANY_SOCKETS - 1, bytes(LARGE))
            assert device.count("frame_not_taken") == before[0] + 10
            assert device.count("frames_in") == before[1]
            device.packets()
            for _ in range(10):
                device.send(VERB_ECHO, bytes(LARGE))
            assert device.packets() == 10
            for udp in sockets[:-1]:
                udp.close()
            device.send_datagram(FIRST_PORT + MANY_SOCKETS - 1, b"again")
            look()
            assert sockets[-1].recv(LARGE) == b"again"
            sockets[-1].close()
    assert taken[0] == taken[1]


def test_a_socket_that_nobody_reads_has_a_bounded_queue() -> None:
    with Device() as device:
        slow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        slow.bind(("", FIRST_PORT))
        slow.setblocking(False)
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind(("", FIRST_PORT + 1))
        other.setblocking(False)
        for _ in range(10):
            for _ in range(BURST):
                device.send_datagram(FIRST_PORT, bytes(LARGE))
            look()
        device.send_datagram(FIRST_PORT + 1, b"x")
        look()
        assert other.recv(10) == b"x"
        waiting = 0
        while True:
            try:
                waiting += len(slow.recv(LARGE))
            except OSError:
                break
        assert 0 < waiting <= 65 * 1024
        slow.close()
        other.close()


def test_packets_in_fragments_keep_coming_while_the_stack_holds_some() -> None:
    with Device() as device:
        slow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        slow.bind(("", FIRST_PORT))
        slow.setblocking(False)
        for round in range(3):  # what is freed can be lent again
            sent = [bytes([round, number]) * (MTU // 2 - 14) for number in range(2 * SLOTS)]
            for payload in sent:
                device.send_datagram(FIRST_PORT, payload)
                look()
            assert [slow.recv(MTU) for _ in sent] == sent
        slow.close()


def test_the_stack_may_keep_packets_of_a_datapath_that_is_gone() -> None:
    slow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    slow.bind(("", FIRST_PORT))
    slow.setblocking(False)
    payload = bytes(range(256)) * 10
    with Device() as device:
        device.send_datagram(FIRST_PORT, payload)
        look()
        device.datapath.__del__()
        raises(OSError, device.datapath.counters)
        assert slow.recv(MTU) == payload
        device.datapath = _zerotier.Datapath(OURS, 1, 1, SLOTS, RING)
    slow.close()


def test_a_flood_for_python_leaves_room_for_control_packets() -> None:
    with Device() as device:
        for _ in range(4):
            for _ in range(BURST):  # from somebody unknown: it is Python who must judge
                device.send(VERB_FRAME, bytes(8) + TYPE_IPV4 + bytes(LARGE))
            look()
        assert device.count("ring_full_frame_in") > 0
        device.send(VERB_ECHO, b"x" * LARGE)
        assert device.packets() > 0
        assert device.count("ring_full_control") == 0
