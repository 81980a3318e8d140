"""One MicroPython device with the load of the benchmarks: JSON requests on its input, JSON lines out.
Owns our side of every measurement, by blocking sockets and buffers that exist before the clock starts.
Usage: micropython device_bench.py HOME BIND PORT. The requests are those of libzt_bench.c. It never judges a figure.
"""

import asyncio
import gc
import json
import socket
import struct
import sys
import time
from array import array

import zerotier

PIECE = 16384  # octets given to one call for TCP
ICMP = 1
ECHO_REQUEST = 8
ECHO_REPLY = 0
IDENT = 0x5A54
IP_HEADER_SIZE = 20
ICMP_HEADER_SIZE = 8
WAIT = 1  # seconds; longest wait for a datagram that must come
START = 3  # seconds; longest wait for the first one
CONNECT = 30  # seconds
LONGEST = 4095  # us of a round trip; what takes longer counts as that
END = 1  # in the first octet of the datagrams that close a row
ANY = "0.0.0.0"
US_PER_S = 1000000


def say(message: dict) -> None:
    """Print one JSON line."""
    sys.stdout.write(json.dumps(message) + "\n")


def seconds_since(begun: int) -> float:
    return time.ticks_diff(time.ticks_us(), begun) / US_PER_S


def checksum(octets: bytearray) -> int:
    """The Internet checksum of an even number of octets."""
    total = 0
    for index in range(0, len(octets), 2):
        total += octets[index] << 8 | octets[index + 1]
    total = (total >> 16) + (total & 0xFFFF)
    return ~((total >> 16) + total) & 0xFFFF


def bound(kind: int, port: int):
    """A socket at our port."""
    made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((ANY, port))
    return made


class RoundTrips:
    """How many round trips took how long, without memory that grows: exact to 1 us, up to LONGEST."""

    def __init__(self) -> None:
        self._counts = array("I", bytes(4 * (LONGEST + 1)))
        self.clear()

    def clear(self) -> None:
        """Forget what was measured before."""
        for taken in range(len(self._counts)):
            self._counts[taken] = 0
        self.count = self.lost = 0

    def add(self, taken: int) -> None:
        """One round trip of so many us."""
        self._counts[min(taken, LONGEST)] += 1
        self.count += 1

    def answer(self) -> dict:
        """us: the median; lost: how many did not come back in a second."""
        half = self.count // 2
        for taken, count in enumerate(self._counts):
            half -= count
            if half < 0:
                return {"us": taken, "count": self.count, "lost": self.lost}
        return {"us": 0, "count": self.count, "lost": self.lost}


class Bench:
    """Every method is a request."""

    def __init__(self, node) -> None:
        self.node = node
        self._piece = bytearray(PIECE)
        self._trips = RoundTrips()

    def join(self, nwid: str) -> dict:
        """Join a network; returns at once."""
        self.node.join(nwid)
        return {}

    def network(self, nwid: str) -> dict:
        """ip: our address; empty before the network is connected."""
        network = self.node.join(nwid)
        return {"ip": network.ifconfig()[0] if network.isconnected() else ""}

    def statistics(self) -> dict:
        """The node's counters."""
        return {"statistics": self.node.stats()}

    def tcp_receive(self, port: int) -> dict:
        """Accept one connection, after the event listening, and read to its end. seconds: from its first octet on."""
        listener = bound(socket.SOCK_STREAM, port)
        listener.listen(1)
        say({"event": "listening", "port": port})
        connection, _ = listener.accept()
        piece = self._piece
        readinto = connection.readinto
        received = connection.readinto(piece, 1)
        begun = time.ticks_us()
        while True:
            size = readinto(piece)
            if not size:
                break
            received += size
        seconds = seconds_since(begun)
        connection.close()
        listener.close()
        return {"octets": received, "seconds": seconds}

    def tcp_send(self, ip: str, port: int, seconds: float) -> dict:
        """Connect and write for so many seconds."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(CONNECT)
        connection.connect((ip, port))
        piece = self._piece
        write = connection.write
        sent = 0
        begun = time.ticks_us()
        limit = int(seconds * US_PER_S)
        while time.ticks_diff(time.ticks_us(), begun) < limit:
            sent += write(piece)
        connection.close()
        return {"octets": sent, "seconds": seconds_since(begun)}

    def ping(self, ip: str, size: int, seconds: float) -> dict:
        """One ICMP echo after the other."""
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP)
        raw.connect((ip, 0))
        raw.settimeout(WAIT)
        packet = bytearray(ICMP_HEADER_SIZE + size)
        reply = bytearray(IP_HEADER_SIZE + ICMP_HEADER_SIZE + size)
        trips = self._trips
        trips.clear()
        sequence = 0
        started = time.ticks_us()
        while seconds_since(started) < seconds:
            sequence = sequence + 1 & 0xFFFF
            struct.pack_into(">BBHHH", packet, 0, ECHO_REQUEST, 0, 0, IDENT, sequence)
            struct.pack_into(">H", packet, 2, checksum(packet))
            begun = time.ticks_us()
            raw.send(packet)
            try:
                raw.readinto(reply)
                while (
                    reply[IP_HEADER_SIZE] != ECHO_REPLY or reply[-size - 2 : -size] != packet[6:8]
                ):
                    raw.readinto(reply)
            except OSError:  # no reply in time
                trips.lost += 1
                continue
            trips.add(time.ticks_diff(time.ticks_us(), begun))
        raw.close()
        return trips.answer()

    def udp_echo(self, port: int, size: int, ip: str, back: int) -> dict:
        """Send every datagram back that comes from one end, until one that begins with END comes, or none."""
        udp = bound(socket.SOCK_DGRAM, port)
        udp.connect((ip, back))
        udp.settimeout(START)
        datagram = bytearray(size)
        send, readinto = udp.send, udp.readinto
        count = 0
        say({"event": "listening", "port": port})
        try:
            while readinto(datagram) and datagram[0] != END:
                send(datagram)
                count += 1
        except OSError:  # the other end is gone
            pass
        udp.close()
        return {"count": count}

    def udp_round_trips(self, ip: str, port: int, back: int, size: int, seconds: float) -> dict:
        """One datagram to an echo after the other."""
        udp = bound(socket.SOCK_DGRAM, back)
        udp.connect((ip, port))
        udp.settimeout(WAIT)
        datagram = bytearray(size)
        trips = self._trips
        trips.clear()
        started = time.ticks_us()
        while seconds_since(started) < seconds:
            begun = time.ticks_us()
            udp.send(datagram)
            try:
                udp.readinto(datagram)
            except OSError:
                trips.lost += 1
                continue
            trips.add(time.ticks_diff(time.ticks_us(), begun))
        datagram[0] = END
        udp.send(datagram)
        udp.close()
        return trips.answer()

    def udp_receive(self, port: int, size: int, every: int, ip: str, back: int) -> dict:
        """Take datagrams, and tell the sender how many came whenever that is a multiple of `every`.

        A row that begins with END is the last one. seconds: from the first datagram to the last acknowledgement.
        """
        udp = bound(socket.SOCK_DGRAM, port)
        udp.connect((ip, back))
        udp.settimeout(START)
        row = bytearray(size * every)
        rest = memoryview(row)[size:]
        acknowledgement = bytearray(4)
        pack_into, send, readinto, ticks_us = (
            struct.pack_into,
            udp.send,
            udp.readinto,
            time.ticks_us,
        )
        received = 0
        say({"event": "listening", "port": port})
        begun = last = ticks_us()
        try:
            readinto(row, size)
            begun = ticks_us()
            readinto(rest)
            while row[-size] != END:
                received += every
                pack_into(">I", acknowledgement, 0, received)
                send(acknowledgement)
                last = ticks_us()
                readinto(row)
        except OSError:  # something was lost, which shows in the numbers
            pass
        udp.close()
        return {"received": received, "seconds": time.ticks_diff(last, begun) / US_PER_S}

    def udp_send(
        self, ip: str, port: int, back: int, size: int, window: int, every: int, seconds: float
    ) -> dict:
        """Send datagrams for so many seconds, of which at most `window` are not yet acknowledged."""
        udp = bound(socket.SOCK_DGRAM, back)
        udp.connect((ip, port))
        udp.settimeout(WAIT)
        datagram = bytearray(size)
        acknowledgement = bytearray(4)
        send, readinto = udp.send, udp.readinto
        sent = acknowledged = 0
        begun = time.ticks_us()
        limit = int(seconds * US_PER_S)
        try:
            while True:
                if time.ticks_diff(time.ticks_us(), begun) < limit:
                    for _ in range(acknowledged + window - sent):
                        send(datagram)
                    sent = acknowledged + window
                if sent == acknowledged:
                    break
                readinto(acknowledgement)
                acknowledged = int.from_bytes(acknowledgement, "big")
        except OSError:  # something was lost, which shows in the numbers
            pass
        datagram[0] = END
        for _ in range(every):
            send(datagram)
        udp.close()
        return {"sent": sent, "acknowledged": acknowledged}


def do(bench: Bench, line: str) -> None:
    """Do one request and say its answer, or its error in words."""
    request = json.loads(line)
    number = request.pop("id")
    try:
        answer = getattr(bench, request.pop("do"))(**request)
        answer["id"] = number
        say(answer)
    except (OSError, ValueError, TypeError) as error:
        say({"id": number, "error": repr(error)})
    gc.collect()


async def main() -> None:
    home, bind, port = sys.argv[1:4]
    node = zerotier.ZeroTier(home, bind=bind, port=int(port))
    node.active(True)
    say({"event": "up", "address": node.address})
    bench = Bench(node)
    requests = asyncio.StreamReader(sys.stdin)
    while True:
        line = await requests.readline()
        if not line:
            return
        do(bench, line.decode() if isinstance(line, bytes) else line)


asyncio.run(main())
