"""Owns the calls into libzt 1.8.4 by ctypes: their types, and a negative result becomes OSError.
Network ids and addresses are ints here, as they are in libzt's interface.
It never decides anything: `libzt_node.py` does.
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import struct
from ctypes import (
    POINTER,
    byref,
    c_char_p,
    c_int,
    c_size_t,
    c_ssize_t,
    c_uint,
    c_uint64,
    c_ushort,
    c_void_p,
)
from pathlib import Path

AF_INET, AF_INET6 = 2, 10
SOCK_STREAM, SOCK_DGRAM = 1, 2
SOL_TCP, TCP_NODELAY = 6, 1
SOL_IP, IP_MULTICAST_IF = 0, 6  # as in lwIP
SOL_SOCKET, SO_BROADCAST = 0xFFF, 0x20
LARGEST = 65536
LAST_ADDRESS = (1 << 40) - 1
TEXT = 127  # octets for a text; some functions insist on this number for a name
SOCKADDR_IPV4 = 16  # octets
SOCKADDR = 28  # octets of the longest sockaddr, that of IPv6

STATUSES = (
    "REQUESTING_CONFIGURATION",
    "OK",
    "ACCESS_DENIED",
    "NOT_FOUND",
    "PORT_ERROR",
    "CLIENT_TOO_OLD",
)

End = tuple[str, int]

PROTOTYPES: dict[str, tuple[type, tuple[type, ...]]] = {
    "zts_init_set_roots": (c_int, (c_char_p, c_uint)),
    "zts_init_from_storage": (c_int, (c_char_p,)),
    "zts_init_set_port": (c_int, (c_ushort,)),
    "zts_init_allow_secondary_port": (c_int, (c_uint,)),
    "zts_init_allow_port_mapping": (c_int, (c_uint,)),
    "zts_node_start": (c_int, ()),
    "zts_node_stop": (c_int, ()),
    "zts_node_is_online": (c_int, ()),
    "zts_node_get_id": (c_uint64, ()),
    "zts_moon_orbit": (c_int, (c_uint64, c_uint64)),
    "zts_net_join": (c_int, (c_uint64,)),
    "zts_net_leave": (c_int, (c_uint64,)),
    "zts_net_get_status": (c_int, (c_uint64,)),
    "zts_net_get_mtu": (c_int, (c_uint64,)),
    "zts_net_get_mac_str": (c_int, (c_uint64, c_char_p, c_uint)),
    "zts_net_get_name": (c_int, (c_uint64, c_char_p, c_uint)),
    "zts_addr_is_assigned": (c_int, (c_uint64, c_uint)),
    "zts_addr_get_str": (c_int, (c_uint64, c_uint, c_char_p, c_uint)),
    "zts_bsd_socket": (c_int, (c_int, c_int, c_int)),
    "zts_bind": (c_int, (c_int, c_char_p, c_ushort)),
    "zts_listen": (c_int, (c_int, c_int)),
    "zts_bsd_connect": (c_int, (c_int, c_char_p, c_uint)),
    "zts_bsd_accept": (c_int, (c_int, c_char_p, POINTER(c_uint))),
    "zts_bsd_close": (c_int, (c_int,)),
    "zts_shutdown_wr": (c_int, (c_int,)),
    "zts_set_recv_timeout": (c_int, (c_int, c_int, c_int)),
    "zts_read": (c_ssize_t, (c_int, c_void_p, c_size_t)),
    "zts_write": (c_ssize_t, (c_int, c_void_p, c_size_t)),
    "zts_bsd_sendto": (c_ssize_t, (c_int, c_void_p, c_size_t, c_int, c_void_p, c_uint)),
    "zts_bsd_recvfrom": (
        c_ssize_t,
        (c_int, c_char_p, c_size_t, c_int, c_char_p, POINTER(c_uint)),
    ),
    "zts_bsd_setsockopt": (c_int, (c_int, c_int, c_int, c_void_p, c_ushort)),
}


def sockaddr(end: End) -> bytes:
    """The sockaddr of (ip, port): with a length octet, as in lwIP, not as in Linux."""
    ip = ipaddress.ip_address(end[0])
    if ip.version == 4:
        return struct.pack(">BBH4s8x", SOCKADDR_IPV4, AF_INET, end[1], ip.packed)
    return struct.pack(">BBHI16sI", SOCKADDR, AF_INET6, end[1], 0, ip.packed, 0)


def end_of(raw: bytes) -> End:
    """(ip, port) of a sockaddr."""
    _, family, port = struct.unpack_from(">BBH", raw)
    if family == AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), port
    return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port


def family_of(ip: str) -> int:
    """libzt's address family of an address given as text."""
    return AF_INET6 if ":" in ip else AF_INET


class Libzt:
    """One libzt node: there can be only one in a process."""

    def __init__(self, library: Path, shim: Path) -> None:
        # The shim must be global and first; what it lacks and CPython has, CPython gives.
        ctypes.CDLL(str(shim), ctypes.RTLD_GLOBAL)
        self._library = ctypes.CDLL(str(library))
        for name, (result, arguments) in PROTOTYPES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    def call(self, name: str, *arguments: object) -> int:
        """Calls a function by name. OSError if the result is negative."""
        result = int(getattr(self._library, name)(*arguments))
        if result < 0:
            number = ctypes.c_int.in_dll(self._library, "zts_errno").value
            raise OSError(f"{name} returned {result} (errno {number})")
        return result

    def start(self, home: Path, planet: bytes, port: int) -> None:
        """Starts the node with one UDP port. It is not online yet."""
        self.call("zts_init_set_roots", planet, len(planet))
        self.call("zts_init_from_storage", str(home).encode())
        self.call("zts_init_set_port", port)
        self.call("zts_init_allow_secondary_port", 0)
        self.call("zts_init_allow_port_mapping", 0)
        self.call("zts_node_start")

    def address(self) -> int | None:
        """The node's address; None in the first moments, before it has its identity."""
        address = int(self._library.zts_node_get_id())
        return address if 0 < address <= LAST_ADDRESS else None

    def online(self) -> bool:
        """Whether a root answered lately."""
        return int(self._library.zts_node_is_online()) == 1

    def text(self, name: str, *arguments: object) -> str:
        """A text that a function writes to its last two arguments (buffer, size)."""
        buffer = ctypes.create_string_buffer(TEXT)
        self.call(name, *arguments, buffer, TEXT)
        return buffer.value.decode()

    def addresses(self, nwid: int) -> list[str]:
        """The addresses that the network gave to this node."""
        assigned = [f for f in (AF_INET, AF_INET6) if self.call("zts_addr_is_assigned", nwid, f)]
        return [self.text("zts_addr_get_str", nwid, family).lower() for family in assigned]

    def mac(self, nwid: int) -> str:
        """The node's MAC on a network; libzt writes it without leading zeros."""
        octets = self.text("zts_net_get_mac_str", nwid).split(":")
        return ":".join(f"{int(octet, 16):02x}" for octet in octets)

    def udp(self, ip: str, port: int) -> int:
        """A UDP socket bound to (ip, port)."""
        descriptor = self.call("zts_bsd_socket", family_of(ip), SOCK_DGRAM, 0)
        self.call("zts_bind", descriptor, ip.encode(), port)
        return descriptor

    def listen(self, ip: str, port: int) -> int:
        """A TCP socket that accepts connections at (ip, port)."""
        descriptor = self.call("zts_bsd_socket", family_of(ip), SOCK_STREAM, 0)
        self.call("zts_bind", descriptor, ip.encode(), port)
        self.call("zts_listen", descriptor, 4)
        return descriptor

    def connect(self, end: End) -> int:
        """A TCP socket connected to (ip, port)."""
        descriptor = self.call("zts_bsd_socket", family_of(end[0]), SOCK_STREAM, 0)
        address = sockaddr(end)
        self.call("zts_bsd_connect", descriptor, address, len(address))
        return descriptor

    def accept(self, descriptor: int) -> tuple[int, End]:
        """(socket, whose it is) of the next connection."""
        raw, size = ctypes.create_string_buffer(SOCKADDR), c_uint(SOCKADDR)
        accepted = self.call("zts_bsd_accept", descriptor, raw, byref(size))
        return accepted, end_of(raw.raw)

    def _set(self, descriptor: int, level: int, option: int, value: bytes) -> None:
        self.call("zts_bsd_setsockopt", descriptor, level, option, value, len(value))

    def send_groups_by(self, descriptor: int, ip: str) -> None:
        """Lets what a UDP socket sends to groups leave by the interface that has the address `ip`."""
        self._set(descriptor, SOL_IP, IP_MULTICAST_IF, ipaddress.ip_address(ip).packed)

    def allow_broadcast(self, descriptor: int) -> None:
        """Lets a UDP socket take and send what is for everybody."""
        self._set(descriptor, SOL_SOCKET, SO_BROADCAST, struct.pack("i", 1))

    def send_to(self, descriptor: int, datagram: bytes, end: End) -> None:
        """Sends one UDP datagram."""
        address = sockaddr(end)
        self.call("zts_bsd_sendto", descriptor, datagram, len(datagram), 0, address, len(address))

    def receive_from(self, descriptor: int) -> tuple[bytes, End]:
        """(datagram, source). OSError if the socket's time is over."""
        buffer, raw = ctypes.create_string_buffer(LARGEST), ctypes.create_string_buffer(SOCKADDR)
        size = c_uint(SOCKADDR)
        received = self.call("zts_bsd_recvfrom", descriptor, buffer, LARGEST, 0, raw, byref(size))
        return buffer.raw[:received], end_of(raw.raw)

    def read(self, descriptor: int, size: int) -> bytes:
        """At most `size` octets from a TCP socket; empty at its end."""
        buffer = ctypes.create_string_buffer(min(size, LARGEST))
        received = self.call("zts_read", descriptor, buffer, len(buffer))
        return buffer.raw[:received]

    def write(self, descriptor: int, octets: bytes) -> None:
        """Writes all octets to a TCP socket."""
        while octets:
            octets = octets[self.call("zts_write", descriptor, octets, len(octets)) :]

    def close(self, descriptor: int) -> None:
        """Closes a socket."""
        self.call("zts_bsd_close", descriptor)
