"""Pings the other end of a bridge by a raw socket: ping.py PORT PEER_PORT. Prints the answers that came."""

import select
import socket
import struct
import time

import bridge

COUNT = 20
PAYLOAD = 1000
HEADER = 20 + 8


def checksum(octets) -> int:
    total = sum(struct.unpack(">%dH" % (len(octets) // 2), octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~((total >> 16) + total) & 0xFFFF


end = bridge.from_arguments("a")
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
poller = select.poll()
poller.register(raw, select.POLLIN)
answers = 0
begun = time.ticks_ms()
for number in range(COUNT):
    packet = bytearray(struct.pack(">BBHHH", 8, 0, 0, 1, number)) + bytes(PAYLOAD)
    struct.pack_into(">H", packet, 2, checksum(packet))
    raw.sendto(packet, (end.peer4, 0))
    while poller.poll(1000):
        reply, source = raw.recvfrom(HEADER + PAYLOAD)
        if reply[20] == 0:
            assert (
                source[0] == end.peer4
                and reply[26:28] == packet[6:8]
                and len(reply) == HEADER + PAYLOAD
            )
            answers += 1
            break
print(answers, time.ticks_diff(time.ticks_ms(), begun))
