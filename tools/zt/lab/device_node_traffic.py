"""The traffic of a MicroPython device of a laboratory: ping, UDP, TCP and HTTP by ordinary sockets.
Owns the requests of device_node.py that use a socket; names and answers are those of libzt_node.py.
It never knows the node: sockets reach the virtual network as they would reach any other.
"""

import asyncio
import hashlib
import json
import select
import socket
import struct
import sys
import time
from binascii import hexlify

PAGE = "<!doctype html><title>MicroZT</title><p>Hello from %s, a MicroPython device at %s.</p>\n"
ICMP = 1
ECHO_REQUEST = 8
ECHO_REPLY = 0
IDENT = 0x5A54
LARGEST = 8192  # octets of a datagram that comes back
PIECE = 16384  # octets read at once from a connection
ANY = {4: "0.0.0.0", 6: "::"}


def say(message: dict) -> None:
    """Print one JSON line."""
    sys.stdout.write(json.dumps(message) + "\n")


def checksum(octets) -> int:
    """The Internet checksum."""
    total = 0
    for index in range(0, len(octets) - 1, 2):
        total += octets[index] << 8 | octets[index + 1]
    if len(octets) & 1:
        total += octets[-1] << 8
    total = (total >> 16) + (total & 0xFFFF)
    return ~((total >> 16) + total) & 0xFFFF


def octets(seed: int, size: int) -> bytearray:
    """Content of which no part is like another, so that a lost or doubled part shows."""
    content = bytearray(size)
    state = seed & 0xFFFFFFFF
    for index in range(size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        content[index] = state >> 24
    return content


def hexdigest(state) -> str:
    return hexlify(state.digest()).decode()


def open_socket(ip: str, kind: int):
    """A socket of the family of an address."""
    return socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, kind)


def listen(port: int, version: int, seconds: float):
    """A TCP socket that accepts connections."""
    listener = open_socket(ANY[version], socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((ANY[version], port))
    listener.listen(1)
    listener.settimeout(seconds)
    say({"event": "listening", "port": port})
    return listener


def connect(ip: str, port: int, seconds: float):
    """A TCP socket that is connected."""
    connection = open_socket(ip, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    connection.connect((ip, port))
    return connection


async def echo(udp) -> None:
    """Send every datagram back, for ever."""
    while True:
        yield asyncio.core._io_queue.queue_read(udp)
        datagram, source = udp.recvfrom(LARGEST)
        udp.sendto(datagram, source)


class Traffic:
    """Every method without a leading underscore is a request."""

    def __init__(self) -> None:
        self._sequence = 0

    def _name(self) -> str:
        raise NotImplementedError

    def ping(self, ip: str, count: int = 5, size: int = 56, seconds: float = 1) -> dict:
        """ICMP echo over IPv4. ms: the round trips; lost: how many did not come back in `seconds`."""
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP)
        raw.setblocking(False)
        times = []
        for _ in range(count):
            self._sequence += 1
            packet = bytearray(8 + size)
            struct.pack_into(">BBHHH", packet, 0, ECHO_REQUEST, 0, 0, IDENT, self._sequence)
            struct.pack_into(">H", packet, 2, checksum(packet))
            begun = time.ticks_us()
            raw.sendto(packet, (ip, 0))
            if self._await_reply(raw, ip, self._sequence, seconds):
                times.append(time.ticks_diff(time.ticks_us(), begun) / 1000)
        raw.close()
        return {"ms": times, "lost": count - len(times)}

    def _await_reply(self, raw, ip: str, sequence: int, seconds: float) -> bool:
        end = time.ticks_add(time.ticks_ms(), int(seconds * 1000))
        poller = select.poll()
        poller.register(raw, select.POLLIN)
        while True:
            left = time.ticks_diff(end, time.ticks_ms())
            if left <= 0 or not poller.poll(left):
                return False
            packet, source = raw.recvfrom(2000)
            header = (packet[0] & 15) * 4
            kind, _, _, ident, number = struct.unpack_from(">BBHHH", packet, header)
            if kind == ECHO_REPLY and ident == IDENT and number == sequence and source[0] == ip:
                return True

    def udp_echo(self, port: int, version: int = 4) -> dict:
        """From now on send every datagram that comes to a UDP port back, between two requests."""
        udp = open_socket(ANY[version], socket.SOCK_DGRAM)
        udp.bind((ANY[version], port))
        asyncio.create_task(echo(udp))
        return {}

    def udp_exchange(self, ip: str, port: int, size: int, seed: int = 1, tries: int = 5) -> dict:
        """Send a datagram to an echo, once a second until it is back, and compare it.

        same: whether it came back unchanged; tries: how many were sent; ms: the time of the last.
        """
        datagram = octets(seed, size)
        udp = open_socket(ip, socket.SOCK_DGRAM)
        udp.settimeout(1)
        try:
            for attempt in range(1, tries + 1):
                begun = time.ticks_us()
                udp.sendto(datagram, (ip, port))
                try:
                    echoed, _ = udp.recvfrom(LARGEST)
                except OSError:  # no echo in time
                    continue
                taken = time.ticks_diff(time.ticks_us(), begun) / 1000
                return {"same": echoed == datagram, "tries": attempt, "ms": taken}
        finally:
            udp.close()
        raise OSError("no echo of %d octets from %s port %d in %d tries" % (size, ip, port, tries))

    def udp_stream(self, ip: str, port: int, seconds: float, gap: int = 20) -> dict:
        """Send small datagrams, one each `gap` ms. sent: how many."""
        udp = open_socket(ip, socket.SOCK_DGRAM)
        end = time.ticks_add(time.ticks_ms(), int(seconds * 1000))
        sent = 0
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            udp.sendto(b"%d" % sent, (ip, port))
            sent += 1
            time.sleep_ms(gap)
        udp.close()
        return {"sent": sent}

    def udp_count(self, port: int, seconds: float, version: int = 4) -> dict:
        """Count the datagrams that come to a port, after the event listening. last: when the last came, in ns."""
        udp = open_socket(ANY[version], socket.SOCK_DGRAM)
        udp.bind((ANY[version], port))
        udp.settimeout(0.1)
        say({"event": "listening", "port": port})
        end = time.ticks_add(time.ticks_ms(), int(seconds * 1000))
        count = last = 0
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            try:
                udp.recvfrom(LARGEST)
            except OSError:  # none in time
                continue
            count += 1
            last = time.time_ns()
        udp.close()
        return {"count": count, "last": last}

    def http_serve(self, ip: str, port: int = 80, seconds: float = 10) -> dict:
        """Serve one page, at our address `ip`, by a blocking socket; the answer comes when it was fetched."""
        listener = listen(port, 4, seconds)
        connection, peer = listener.accept()
        connection.settimeout(seconds)
        request = connection.recv(1024)
        page = (PAGE % (self._name(), ip)).encode()
        head = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
        connection.write(head % len(page) + page)
        connection.close()
        listener.close()
        return {"peer": peer[0], "request": request.split(b"\r\n")[0].decode()}

    def http_get(self, ip: str, port: int = 80, seconds: float = 10) -> dict:
        """Fetch a page by a blocking socket: status, body, ms."""
        begun = time.ticks_ms()
        connection = connect(ip, port, seconds)
        connection.write(b"GET / HTTP/1.0\r\nHost: %s\r\n\r\n" % ip.encode())
        answer = b""
        while True:
            piece = connection.recv(1024)
            if not piece:
                break
            answer += piece
        connection.close()
        head, _, body = answer.decode().partition("\r\n\r\n")
        taken = time.ticks_diff(time.ticks_ms(), begun)
        return {"status": head.split("\r\n")[0], "body": body, "ms": taken}

    def group_receive(self, group: str, ip: str, port: int, seconds: int) -> dict:
        """Listen to an IPv4 group on the interface with the address `ip`, or to all nodes of IPv6, after the event
        listening.

        text: of the first datagram; source: who sent it.
        """
        udp = open_socket(group, socket.SOCK_DGRAM)
        try:
            udp.bind((ANY[6 if ":" in group else 4], port))
            if ":" not in group:
                membership = bytes([int(octet) for octet in (group + "." + ip).split(".")])
                udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            udp.settimeout(seconds)
            say({"event": "listening", "port": port})
            datagram, source = udp.recvfrom(LARGEST)
            return {"text": datagram.decode(), "source": source[0]}
        finally:
            udp.close()

    def group_send(self, group: str, ip: str, port: int, text: str, seconds: int) -> dict:
        """Send a datagram to a group, or to everybody, once a second, by the interface with the address `ip`."""
        udp = open_socket(ip, socket.SOCK_DGRAM)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            udp.bind((ip, 0))
            for _ in range(seconds):
                udp.sendto(text.encode(), (group, port))
                time.sleep(1)
        finally:
            udp.close()
        return {}

    def tcp_receive(self, port: int, size: int, version: int = 4, seconds: float = 60) -> dict:
        """Accept one connection, after the event listening, and read `size` octets from it.

        received: how many came before its end; sha256: of these; peer: who sent them; ms.
        """
        listener = listen(port, version, seconds)
        connection, peer = listener.accept()
        connection.settimeout(seconds)
        begun = time.ticks_ms()
        state = hashlib.sha256()
        received = 0
        while received < size:
            piece = connection.recv(min(PIECE, size - received))
            if not piece:
                break
            state.update(piece)
            received += len(piece)
        taken = time.ticks_diff(time.ticks_ms(), begun)
        connection.close()
        listener.close()
        return {"received": received, "sha256": hexdigest(state), "peer": peer[0], "ms": taken}

    def tcp_send(self, ip: str, port: int, size: int, seed: int = 1, seconds: float = 60) -> dict:
        """Connect and send `size` octets. sha256: of what was sent; ms."""
        connection = connect(ip, port, seconds)
        begun = time.ticks_ms()
        state = hashlib.sha256()
        block = octets(seed, 8192)
        sent = 0
        while sent < size:
            struct.pack_into(">I", block, 0, sent)  # no two blocks are alike
            piece = memoryview(block)[: min(len(block), size - sent)]
            state.update(piece)
            connection.write(piece)
            sent += len(piece)
        connection.close()
        taken = time.ticks_diff(time.ticks_ms(), begun)
        return {"sent": sent, "sha256": hexdigest(state), "ms": taken}
