"""The UDP sockets of a device, over which the node talks: on WLAN or Ethernet, or on the operating system's network.

Owns the sockets, what the node's control packets need to be sent, and which addresses are ours. Never looks into a
datagram. Receives nothing: the datapath reads the sockets in C. It has the methods of `_zerotier.Underlay`, in whose
place it stands where lwIP does not carry the physical network.
"""

import sys
from os import urandom

import usocket  # the port's own sockets, whatever a program finds under the name `socket`

from .const import const
from .wire import address as addresses

_IS_LINUX = sys.platform == "linux"
_KNOWN = const(32)  # destinations whose socket address is remembered
_IPV4_ENDPOINT_SIZE = const(7)
_IPV6_ENDPOINT_SIZE = const(19)
_IPPROTO_IPV6 = const(41)
_V6ONLY_LINUX = const(26)
_V6ONLY_LWIP = const(27)
# The second port is one of these (protocol/04 §4.10).
_FIRST_PORT = const(20000)
_PORTS = const(45500)
_LOCAL_TABLE = "/proc/net/fib_trie"  # Linux: this machine's IPv4 addresses
_IPV6_TABLE = "/proc/net/if_inet6"  # and its IPv6 ones
_SKIPPED_INTERFACES = ("lo", "zt", "tun", "tap")
_UNSTEADY = const(0x69)  # temporary, duplicate, deprecated or tentative


class Underlay:
    """Bound UDP sockets. `endpoint`: IP and port to bind to; 0.0.0.0 stands for all addresses, of both families."""

    def __init__(self, endpoint: bytes) -> None:
        """OSError if the port cannot be had."""
        self.endpoint = endpoint
        self._is_anywhere = addresses.scope(endpoint) == addresses.SCOPE_NONE
        # By port; then by size of an endpoint. The first port is the one that is sent from.
        self._ports: list[dict[int, usocket.socket]] = []
        self._known: dict[bytes, object] = {}
        self._add_port(addresses.port(endpoint))

    def _add_port(self, port: int) -> None:
        sockets = {len(self.endpoint): _bound(addresses.with_port(self.endpoint, port))}
        if self._is_anywhere and len(self.endpoint) == _IPV4_ENDPOINT_SIZE:
            try:
                sockets[_IPV6_ENDPOINT_SIZE] = _bound(addresses.inet("::", port))
            except OSError:
                pass  # this machine has no IPv6
        self._ports.insert(0, sockets)

    def sockets(self) -> tuple[int, ...]:
        """What `_zerotier.background` watches; it sends by the first one of a family."""
        return tuple([udp.fileno() for sockets in self._ports for udp in sockets.values()])

    def close(self) -> None:
        for sockets in self._ports:
            for udp in sockets.values():
                udp.close()
        self._ports = []

    def switch_port(self) -> None:
        """Send from the other port from now on; both are heard. The second one is opened when it is first needed."""
        if len(self._ports) > 1:
            self._ports.reverse()
            return
        try:
            self._add_port(_FIRST_PORT + int.from_bytes(urandom(2), "big") % _PORTS)
        except OSError:
            pass  # taken: another one the next time

    def send(self, datagram: memoryview, endpoint: bytes) -> bool:
        """Send; False if it cannot be sent now or never (no route, no such family)."""
        udp = self._ports[0].get(len(endpoint)) if self._ports else None
        if udp is None:
            return False
        known = self._known.get(endpoint)
        if known is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            known = self._known[endpoint] = _socket_address(endpoint)
        try:
            udp.sendto(datagram, known)
        except OSError:
            return False
        return True

    def local_endpoints(self) -> list[bytes]:
        """Our own addresses with the port: what peers on the same network may be told."""
        if not self._is_anywhere:
            return [self.endpoint]
        port = addresses.port(self.endpoint)
        found = [addresses.inet(ip, port) for ip in _local_ips()]
        return [e for e in found if len(e) in self._ports[0]]


def _bound(endpoint: bytes):
    """A socket bound to an endpoint. OSError if that cannot be had."""
    is_ipv4 = len(endpoint) == _IPV4_ENDPOINT_SIZE
    udp = usocket.socket(usocket.AF_INET if is_ipv4 else usocket.AF_INET6, usocket.SOCK_DGRAM)
    try:
        if not is_ipv4:
            only = _V6ONLY_LINUX if _IS_LINUX else _V6ONLY_LWIP
            udp.setsockopt(_IPPROTO_IPV6, only, 1)
        udp.bind(_socket_address(endpoint))
    except OSError:
        udp.close()
        raise
    udp.setblocking(False)
    return udp


def _socket_address(endpoint: bytes) -> object:
    host = addresses.ip_text(addresses.ip(endpoint))
    found = usocket.getaddrinfo(host, addresses.port(endpoint))
    return found[0][-1]


def _local_ips() -> list[str]:
    """The addresses of this machine, of both families, but loopback and link local ones, as text."""
    if _IS_LINUX:
        return _local_ipv4_of_linux() + _local_ipv6_of_linux()
    import network

    found = []
    for name in ("STA_IF", "AP_IF"):
        kind = getattr(network, name, None)
        if kind is not None and network.WLAN(kind).isconnected():
            found.append(network.WLAN(kind).ifconfig()[0])
    return found


def _local_ipv4_of_linux() -> list[str]:
    found = []
    try:
        with open(_LOCAL_TABLE) as table:
            ip = ""
            for line in table:
                if "|-- " in line:
                    ip = line.split()[-1]
                elif "host LOCAL" in line and ip not in found and not ip.startswith("127."):
                    found.append(ip)
    except OSError:
        pass  # peers find us through our roots
    return found


def _local_ipv6_of_linux() -> list[str]:
    """Global and unique local addresses of physical interfaces that are meant to last."""
    found = []
    try:
        with open(_IPV6_TABLE) as table:
            for line in table:
                digits, _, _, scope, flags, name = line.split()
                if scope == "00" and not int(flags, 16) & _UNSTEADY:
                    if not name.startswith(_SKIPPED_INTERFACES):
                        found.append(addresses.ip_text(bytes.fromhex(digits)))
    except OSError:
        pass  # no IPv6
    return found
