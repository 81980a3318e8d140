"""ICMP echo by a raw socket. Owns nothing."""

import select
import socket
import struct

COUNT = 10
PAYLOAD = 56
WAIT = 1000  # ms
ICMP = 1
REPLY = 0


def checksum(octets: bytes) -> int:
    total = sum(struct.unpack(">%dH" % (len(octets) // 2), octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~((total >> 16) + total) & 0xFFFF


def ping(host: str, payload: int = PAYLOAD) -> int:
    """How many of ten echo requests were answered, each within a second."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP)
    poller = select.poll()
    poller.register(raw, select.POLLIN)
    answers = 0
    for number in range(COUNT):
        packet = bytearray(struct.pack(">BBHHH", 8, 0, 0, 1, number)) + bytes(payload)
        struct.pack_into(">H", packet, 2, checksum(packet))
        raw.sendto(packet, (host, 0))
        while poller.poll(WAIT):
            reply, source = raw.recvfrom(3000)
            if reply[20] == REPLY and source[0] == host and reply[26:] == packet[6:]:
                answers += 1
                break
    raw.close()
    return answers
