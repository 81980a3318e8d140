"""The UDP socket of a device, over which the node talks: on WLAN or Ethernet, or on the operating system's network.

Owns the socket, what the node's control packets need to be sent, and which addresses are ours. Never looks into a
datagram. Receives nothing: the datapath reads the socket in C. It has the methods of `_zerotier.Underlay`, in whose
place it stands where lwIP does not carry the physical network.
"""

import usocket  # the port's own sockets, whatever a program finds under the name `socket`

from .const import const
from .wire import address as addresses

_KNOWN = const(32)  # destinations whose socket address is remembered
_IPV4_ENDPOINT_SIZE = const(7)
_LOCAL_TABLE = "/proc/net/fib_trie"  # Linux: this machine's IPv4 addresses


class Underlay:
    """A bound UDP socket. `endpoint`: IP and port to bind to; 0.0.0.0 stands for all addresses."""

    def __init__(self, endpoint: bytes) -> None:
        """OSError if the port cannot be had."""
        is_ipv4 = len(endpoint) == _IPV4_ENDPOINT_SIZE
        family = usocket.AF_INET if is_ipv4 else usocket.AF_INET6
        self.endpoint = endpoint
        self._socket = usocket.socket(family, usocket.SOCK_DGRAM)
        self._known: dict[bytes, object] = {}
        self._size = len(endpoint)
        self._source: tuple | bytes = b""
        try:
            self._socket.bind(self._socket_address(endpoint))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)

    def sockets(self) -> tuple[int]:
        """What `_zerotier.background` watches."""
        return (self._socket.fileno(),)

    def close(self) -> None:
        self._socket.close()

    def send(self, datagram: memoryview, endpoint: bytes) -> bool:
        """Send; False if it cannot be sent now or never (no route, other address family)."""
        if len(endpoint) != self._size:
            return False
        known = self._known.get(endpoint)
        if known is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            known = self._known[endpoint] = self._socket_address(endpoint)
        try:
            self._socket.sendto(datagram, known)
        except OSError:
            return False
        return True

    def local_endpoints(self) -> list[bytes]:
        """Our own addresses with the port: what peers on the same network may be told."""
        if addresses.scope(self.endpoint) != addresses.SCOPE_NONE:
            return [self.endpoint]
        port = addresses.port(self.endpoint)
        return [addresses.inet(ip, port) for ip in _local_ips()]

    def _socket_address(self, endpoint: bytes) -> object:
        host = addresses.ip_text(addresses.ip(endpoint))
        found = usocket.getaddrinfo(host, addresses.port(endpoint))
        return found[0][-1]


def _local_ips() -> list[str]:
    """The IPv4 addresses of this machine but loopback, as text."""
    try:
        import network
    except ImportError:
        return _local_ips_of_linux()
    found = []
    for name in ("STA_IF", "AP_IF"):
        kind = getattr(network, name, None)
        if kind is not None and network.WLAN(kind).isconnected():
            found.append(network.WLAN(kind).ifconfig()[0])
    return found


def _local_ips_of_linux() -> list[str]:
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
        pass  # not Linux: peers find us through our roots
    return found
