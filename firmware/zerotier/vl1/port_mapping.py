"""Asking the router to forward our UDP port: PCP (RFC 6887), and NAT-PMP (RFC 6886) of older ones.

Owns the messages, and when they are sent. No I/O: the driver sends what comes out to port 5351 of the gateway, from a
socket of its own, and hands in the answers. The endpoint that the router gives us is told to peers, and no more.
"""

from os import urandom

from ..const import const
from ..wire import address

PORT = const(5351)
_LIFETIME = const(600)  # seconds; renewed after half of them
_RETRY = const(250)  # ms, doubled with each try
_TRIES = const(4)  # with each of the two protocols
_PAUSE = const(600000)  # then the router is left alone for a while
_PCP = const(2)
_NAT_PMP = const(0)
_MAP = const(1)
_ADDRESS = const(0)
_ANSWER = const(0x80)
_UDP = const(17)
_PCP_SIZE = const(60)
_NONCE_SIZE = const(12)
_MAPPED = b"\x00" * 10 + b"\xff\xff"


class PortMapping:
    """The mapping of one port. `send(datagram)`: to the gateway; `on_mapped(endpoints)`: what peers may be told."""

    def __init__(self, send, on_mapped, counters) -> None:
        self._send = send
        self._on_mapped = on_mapped
        self._counters = counters
        self._local = address.NIL
        self._version = _PCP
        self._nonce = b""
        self._tries = 0
        self._due = 0
        self._external_ip = b""
        self._mapped = address.NIL

    def begin(self, local: bytes, now: int) -> None:
        """Ask for a mapping of this IPv4 endpoint of ours; NIL: we have none now."""
        self._local = local
        self._version = _PCP
        self._nonce = urandom(_NONCE_SIZE)
        self._tries = 0
        self._due = now
        self._external_ip = b""
        self._give([])

    def _give(self, endpoints: list[bytes]) -> None:
        mapped = endpoints[0] if endpoints else address.NIL
        if mapped != self._mapped:
            self._mapped = mapped
            self._on_mapped(endpoints)

    def tick(self, now: int) -> int:
        """Ask, again if need be; when to call next."""
        if len(self._local) == 1:
            return now + _PAUSE
        if now < self._due:
            return self._due
        if self._tries >= _TRIES:
            if self._version == _PCP:
                self._version = _NAT_PMP
                self._tries = 0
            else:
                self._give([])
                self._version = _PCP
                self._tries = 0
                self._due = now + _PAUSE
                self._counters.count("port_mapping_refused")
                return self._due
        self._ask()
        self._due = now + (_RETRY << self._tries)
        self._tries += 1
        return self._due

    def _ask(self) -> None:
        port = self._local[-2:]
        if self._version == _PCP:
            head = bytes((_PCP, _MAP, 0, 0)) + _LIFETIME.to_bytes(4, "big")
            client = _MAPPED + address.ip(self._local)
            wanted = bytes((_UDP, 0, 0, 0)) + port + port + _MAPPED + bytes(4)
            self._send(head + client + self._nonce + wanted)
        else:
            self._send(bytes((_NAT_PMP, _ADDRESS)))
            request = bytes((_NAT_PMP, _MAP, 0, 0)) + port + port
            self._send(request + _LIFETIME.to_bytes(4, "big"))

    def receive(self, datagram: bytes, now: int) -> None:
        """An answer from the gateway. What is no answer to our question is dropped."""
        if len(datagram) < 4 or datagram[0] != self._version or not datagram[1] & _ANSWER:
            if len(datagram) >= 4 and self._version == _PCP and datagram[0] == _NAT_PMP:
                self._version = _NAT_PMP  # an older router tells that it is one
                self._tries = 0
                self._due = now
            return
        if self._version == _PCP:
            self._receive_pcp(datagram, now)
        else:
            self._receive_nat_pmp(datagram, now)

    def _receive_pcp(self, answer: bytes, now: int) -> None:
        if len(answer) < _PCP_SIZE or answer[1] != _ANSWER | _MAP or answer[24:36] != self._nonce:
            return
        if answer[3] != 0 or answer[40:42] != self._local[-2:]:
            self._tries = _TRIES
            return
        self._granted(answer[44:60], answer[42:44], int.from_bytes(answer[4:8], "big"), now)

    def _receive_nat_pmp(self, answer: bytes, now: int) -> None:
        if len(answer) < 12 or answer[2:4] != b"\x00\x00":
            self._tries = _TRIES
            return
        if answer[1] == _ANSWER | _ADDRESS:
            self._external_ip = _MAPPED + answer[8:12]
        elif answer[1] == _ANSWER | _MAP and len(answer) >= 16 and self._external_ip:
            if answer[8:10] == self._local[-2:]:
                lifetime = int.from_bytes(answer[12:16], "big")
                self._granted(self._external_ip, answer[10:12], lifetime, now)

    def _granted(self, ip: bytes, port: bytes, lifetime: int, now: int) -> None:
        endpoint = address.inet_raw(ip, int.from_bytes(port, "big"))
        # A private address is that of a second NAT, which nobody outside can reach.
        if lifetime and address.scope(endpoint) == address.SCOPE_GLOBAL and address.port(endpoint):
            self._give([endpoint])
        self._tries = 0
        self._due = now + max(lifetime, 60) * 1000 // 2
