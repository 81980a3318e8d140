"""The UDP sockets of a node on CPython: IPv4 and IPv6 on the same port, and a second port for bad times.

Owns sockets and what the system says about our addresses. Never looks into a datagram.
"""

import asyncio
import errno
import os
import socket

from .wire import address as addresses

_SOCKET_BUFFER = 4 << 20  # bytes: a root gets bursts from many
_DATAGRAM = 65535
_BATCH = 64  # datagrams, then other tasks may run
# Passes our NAT and its carrier's, and dies before the other side (protocol/04 §4.10).
_NEAR_TTL = 2
_USUAL_TTL = 64
_SECOND_PORTS = (20000, 65000)
_IPV6_TABLE = "/proc/net/if_inet6"
_SKIPPED_INTERFACES = ("lo", "zt", "tun", "tap")
_GLOBAL_SCOPE = "00"
_UNSTEADY = 0x01 | 0x08 | 0x20 | 0x40  # temporary, duplicate, deprecated, tentative


class HostUnderlay:
    """Bound sockets. `ip`: 0.0.0.0 stands for all addresses, of both families; any other for itself alone.

    `on_datagram(datagram, endpoint)` is called with each datagram, `on_batch()` after some. OSError, in one sentence,
    if the port cannot be had.
    """

    def __init__(self, ip: str, port: int, on_datagram, on_batch, counters) -> None:
        self._on_datagram = on_datagram
        self._on_batch = on_batch
        self._counters = counters
        self._bind = addresses.inet(ip, port)
        is_anywhere = addresses.scope(self._bind) == addresses.SCOPE_NONE
        self._is_anywhere = is_anywhere
        # By port; then by size of an endpoint.
        self._sockets: list[dict[int, socket.socket]] = [{}]
        self._current = 0
        family = socket.AF_INET6 if len(self._bind) > 7 else socket.AF_INET
        self._add(0, family, ip, port)
        self.ip, self.port = self._sockets[0][len(self._bind)].getsockname()[:2]
        if is_anywhere and family == socket.AF_INET:
            self._try_to_add(0, socket.AF_INET6, "::", self.port)

    def _add(self, index: int, family: int, ip: str, port: int) -> None:
        udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
            if family == socket.AF_INET6:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            udp.bind((ip, port))
        except OSError as error:
            udp.close()
            where = addresses.text(addresses.inet(ip, port))
            if error.errno == errno.EADDRINUSE:
                raise OSError(error.errno, "UDP port %s is in use" % where)
            raise OSError(error.errno, "cannot use %s: %s" % (where, error.strerror))
        self._sockets[index][19 if family == socket.AF_INET6 else 7] = udp
        asyncio.get_running_loop().add_reader(udp, self._readable, udp)

    def _try_to_add(self, index: int, family: int, ip: str, port: int) -> None:
        try:
            self._add(index, family, ip, port)
        except OSError:
            self._counters.count("no_ipv6" if family == socket.AF_INET6 else "no_second_port")

    def close(self) -> None:
        for sockets in self._sockets:
            for udp in sockets.values():
                asyncio.get_running_loop().remove_reader(udp)
                udp.close()
        self._sockets = [{}]

    def switch_port(self) -> None:
        """Send from the other port from now on; both are heard. The second one is opened when it is first needed."""
        if len(self._sockets) == 1:
            first, last = _SECOND_PORTS
            port = first + int.from_bytes(os.urandom(2), "big") % (last - first)
            self._sockets.append({})
            ip = "0.0.0.0" if self._is_anywhere else addresses.ip_text(addresses.ip(self._bind))
            family = socket.AF_INET6 if len(self._bind) > 7 else socket.AF_INET
            self._try_to_add(1, family, ip, port)
            if self._is_anywhere:
                self._try_to_add(1, socket.AF_INET6, "::", port)
        self._current = 1 - self._current

    def _socket_for(self, endpoint: bytes) -> socket.socket | None:
        size = len(endpoint)
        return self._sockets[self._current].get(size) or self._sockets[0].get(size)

    def send(self, datagram, endpoint: bytes) -> bool:
        """Send; False if it cannot be sent now or never (no route, no such family)."""
        udp = self._socket_for(endpoint)
        if udp is None:
            return False
        try:
            udp.sendto(datagram, _socket_address(endpoint))
        except OSError:
            return False
        return True

    def send_near(self, datagram, endpoint: bytes) -> bool:
        """Like `send`, but the datagram dies after two hops. IPv4 only; over IPv6 there is no NAT to open."""
        udp = self._socket_for(endpoint)
        if udp is None or udp.family != socket.AF_INET:
            return False
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, _NEAR_TTL)
        try:
            return self.send(datagram, endpoint)
        finally:
            udp.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, _USUAL_TTL)

    def _readable(self, udp: socket.socket) -> None:
        for _ in range(_BATCH):
            if udp.fileno() < 0:
                return
            try:
                datagram, source = udp.recvfrom(_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                self._counters.count("receive_failed")
                continue
            self._on_datagram(datagram, addresses.inet(source[0].split("%")[0], source[1]))
        self._on_batch()

    def local_endpoints(self, towards: list[bytes]) -> list[bytes]:
        """Our addresses: those that datagrams to these endpoints would leave from, and steady IPv6 ones."""
        if not self._is_anywhere:
            return [addresses.with_port(self._bind, self.port)]
        found = set()
        for endpoint in towards:
            local = _local_ip_towards(endpoint)
            if local is not None:
                found.add(addresses.inet(local, self.port))
        if 19 in self._sockets[0]:
            found.update(addresses.inet_raw(ip, self.port) for ip in _ipv6_addresses())
        return sorted(found)


def _socket_address(endpoint: bytes) -> tuple[str, int]:
    return (addresses.ip_text(addresses.ip(endpoint)), addresses.port(endpoint))


def _local_ip_towards(endpoint: bytes) -> str | None:
    """The local address that packets to this endpoint would leave from; sends nothing."""
    family = socket.AF_INET6 if len(endpoint) > 7 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_socket_address(endpoint))
        except OSError:
            return None
        local: str = probe.getsockname()[0]
        return local


def _ipv6_addresses() -> list[bytes]:
    """Global and unique local addresses of physical interfaces that are meant to last (Linux)."""
    found = []
    try:
        with open(_IPV6_TABLE) as table:
            for line in table:
                digits, _, _, scope, flags, name = line.split()
                if scope == _GLOBAL_SCOPE and not int(flags, 16) & _UNSTEADY:
                    if not name.startswith(_SKIPPED_INTERFACES):
                        found.append(bytes.fromhex(digits))
    except OSError:
        pass  # not Linux: peers learn of IPv6 from what roots see
    return found
