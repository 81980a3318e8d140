"""Owns counting: how many UDP datagrams the router passed on from one IPv4 address to another.
It runs as a process in the router's namespace, answers JSON lines, and can write a pcap file.
It never looks into a datagram: who is reached directly shows in the addresses alone.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
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


def count(listener: socket.socket, counts: Counter[Pair], capture: BinaryIO | None) -> None:
    """Counts for ever. The router sees a datagram coming and going; what it blocks never goes."""
    while True:
        frame, origin = listener.recvfrom(LARGEST)
        if origin[2] != socket.PACKET_OUTGOING:
            continue
        ends = udp_ends(frame)
        if ends is not None:
            counts[ends] += 1
        if capture is not None:
            seconds, nanoseconds = divmod(time.time_ns(), 10**9)
            size = len(frame)
            capture.write(struct.pack("=IIII", seconds, nanoseconds // 1000, size, size) + frame)


def main() -> None:
    """Answers {"id": n, "do": "count", "ends": [source, target]} until the end of input."""
    capture = open(sys.argv[1], "wb", buffering=0) if len(sys.argv) > 1 else None
    if capture is not None:
        capture.write(
            struct.pack("=IHHiIII", PCAP_MAGIC, *PCAP_VERSION, 0, 0, LARGEST, LINK_ETHERNET)
        )
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    counts: Counter[Pair] = Counter()
    threading.Thread(target=count, args=(listener, counts, capture), daemon=True).start()
    print(json.dumps({"event": "watching"}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        source, target = (socket.inet_aton(end) for end in request["ends"])
        print(json.dumps({"id": request["id"], "count": counts[source, target]}), flush=True)


if __name__ == "__main__":
    main()
