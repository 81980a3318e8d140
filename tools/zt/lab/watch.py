"""Owns counting: how many UDP datagrams the router passed on from one IPv4 address to another.
It runs as a process in the router's namespace, answers JSON lines, and can write a pcap file.
It never looks into a datagram: who is reached directly shows in the addresses alone.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
import time
from collections import Counter
from typing import BinaryIO

ETHERNET_HEADER = 14
ETHERTYPE = slice(12, 14)
IPV4 = b"\x08\x00"
IPV4_SOURCE = ETHERNET_HEADER + 12
IPV4_MINIMUM = ETHERNET_HEADER + 20
IPV4_PROTOCOL = ETHERNET_HEADER + 9
IPV4_FRAGMENT = ETHERNET_HEADER + 6
FRAGMENT_OFFSET_MASK = 0x1FFF
UDP = 17
UDP_HEADER = 8
SOL_PACKET = 263
PACKET_VNET_HDR = 15  # Linux; Python's socket module does not name it
# What the kernel then puts before each frame: flags, kind of run, header length, size of a piece, two offsets.
VNET_HEADER = struct.Struct("=BBHHHH")
ETH_P_ALL = 3  # a socket for IPv4 alone would not see what the router sends
LARGEST = 65535
RECEIVE_BUFFER = 8 << 20  # octets: 1 MB transfers come in bursts
SO_RCVBUFFORCE = 33  # Linux; Python's socket module does not name it
PCAP_MAGIC, PCAP_VERSION, LINK_ETHERNET = 0xA1B2C3D4, (2, 4), 1

Pair = tuple[bytes, bytes]


def udp_ends(frame: bytes) -> Pair | None:
    """(source, target) of a UDP datagram; None for anything else and for later IPv4 fragments."""
    if len(frame) < IPV4_MINIMUM or frame[ETHERTYPE] != IPV4 or frame[IPV4_PROTOCOL] != UDP:
        return None
    if struct.unpack_from(">H", frame, IPV4_FRAGMENT)[0] & FRAGMENT_OFFSET_MASK:
        return None
    return frame[IPV4_SOURCE : IPV4_SOURCE + 4], frame[IPV4_SOURCE + 4 : IPV4_SOURCE + 8]


def datagrams(frame: bytes, piece: int) -> list[bytes]:
    """The frames on the wire: a device sends a run of datagrams by one call, and the kernel's virtual cables pass it
    on as one frame, which a real card would cut into pieces of `piece` octets (0: no run).
    """
    start = IPV4_MINIMUM + UDP_HEADER  # no node here sends IPv4 options
    if not piece or len(frame) <= start + piece:
        return [frame]
    cut = []
    for at in range(start, len(frame), piece):
        payload = frame[at : at + piece]
        head = bytearray(frame[:start])
        struct.pack_into(">H", head, ETHERNET_HEADER + 2, start - ETHERNET_HEADER + len(payload))
        struct.pack_into(">H", head, IPV4_MINIMUM + 4, UDP_HEADER + len(payload))
        cut.append(bytes(head) + payload)
    return cut


class Watch:
    """Counts, one frame after the other; a question is answered when no frame waits any more."""

    def __init__(self, listener: socket.socket, capture: BinaryIO | None) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._capture = capture
        self._counts: Counter[Pair] = Counter()

    def take(self) -> None:
        """Counts all frames that wait. What a node has received has waited here before."""
        while True:
            try:
                received, origin = self._listener.recvfrom(VNET_HEADER.size + LARGEST)
            except BlockingIOError:
                return
            # The router sees a datagram coming and going; what it blocks never goes.
            if origin[2] == socket.PACKET_OUTGOING:
                piece = VNET_HEADER.unpack_from(received)[3]
                for frame in datagrams(received[VNET_HEADER.size :], piece):
                    self._count(frame)

    def answer(self, line: bytes) -> None:
        """{"id": n, "do": "count", "ends": [source, target]}"""
        request = json.loads(line)
        source, target = (socket.inet_aton(end) for end in request["ends"])
        print(json.dumps({"id": request["id"], "count": self._counts[source, target]}), flush=True)

    def _count(self, frame: bytes) -> None:
        ends = udp_ends(frame)
        if ends is not None:
            self._counts[ends] += 1
        if self._capture is not None:
            seconds, nanoseconds = divmod(time.time_ns(), 10**9)
            size = len(frame)
            head = struct.pack("=IIII", seconds, nanoseconds // 1000, size, size)
            self._capture.write(head + frame)


def main() -> None:
    """Answers questions until the end of input."""
    capture = open(sys.argv[1], "wb", buffering=0) if len(sys.argv) > 1 else None
    if capture is not None:
        capture.write(
            struct.pack("=IHHiIII", PCAP_MAGIC, *PCAP_VERSION, 0, 0, LARGEST, LINK_ETHERNET)
        )
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    listener.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    watch = Watch(listener, capture)
    print(json.dumps({"event": "watching"}), flush=True)
    unread = b""
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        watch.take()
        if sys.stdin in ready:
            read = os.read(sys.stdin.fileno(), LARGEST)
            if not read:
                return
            *lines, unread = (unread + read).split(b"\n")
            for line in lines:
                watch.answer(line)


if __name__ == "__main__":
    main()
