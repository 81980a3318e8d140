"""Asking the router to forward our UDP port: PCP (RFC 6887), and NAT-PMP (RFC 6886) of older ones.

Owns the messages, and when they are sent. No I/O: the driver sends what comes out to port 5351 of the gateway, from a
socket of its own, and hands in the answers. The endpoint that the router gives us is told to peers, and no more.
"""

from ..const import const
from ..wire import address

PORT = const(5351)
LIFETIME = const(600)  # seconds; renewed after half of them
_SHORTEST = const(60)  # seconds: no router makes us ask more often than twice in these
_RETRY = const(250)  # ms, doubled with each try
_TRIES = const(4)  # with each of the two protocols
# A router that does not want to is asked again after so many ms, then after twice as many, and so on.
_PAUSE = const(60000)
_LONGEST_PAUSE = const(3600000)
_PCP = const(2)
_NAT_PMP = const(0)
_MAP = const(1)
_ADDRESS = const(0)
_ANSWER = const(0x80)
_UDP = const(17)
_PCP_SIZE = const(60)
_NONCE_SIZE = const(12)
_MAPPED = b"\x00" * 10 + b"\xff\xff"
# A private one is that of a second NAT: peers behind that one reach us there, even if it does not hairpin.
_BELIEVABLE = (address.SCOPE_GLOBAL, address.SCOPE_PRIVATE)


def is_believable(endpoint: bytes, local: bytes) -> bool:
    """May peers be told that our `local` endpoint is reached at this one, as a router says?"""
    if address.port(endpoint) == 0 or address.ip(endpoint) == address.ip(local):
        return False
    return address.scope(endpoint) in _BELIEVABLE


def _nobody() -> None:
    """There is nobody else to ask."""


class PortMapping:
    """The mapping of one port.

    `send(datagram)`: to the gateway. `on_mapped(endpoints)`: what peers may be told. `sign`: the identity's.
    """

    def __init__(self, send, on_mapped, sign, counters) -> None:
        self._send = send
        self._on_mapped = on_mapped
        self._sign = sign
        self._counters = counters
        self.on_refused = _nobody  # the router has not answered, or does not want to
        self._local = address.NIL
        self._version = _PCP
        self._nonce = b""
        self._tries = 0
        self._due = 0
        self._pause = _PAUSE
        self._external_ip = b""
        self._mapped = address.NIL

    def begin(self, local: bytes, now: int) -> None:
        """Ask for a mapping of this IPv4 endpoint of ours; NIL: we have none now."""
        self._local = local
        self._version = _PCP
        # A router keeps a mapping for who knows its nonce (RFC 6887 §11.3), so we know it after a restart, too. Nobody
        # else does: it is a part of a signature that is never shown.
        if len(local) > 1:
            self._nonce = self._sign(b"PCP" + local)[:_NONCE_SIZE]
        self._tries = 0
        self._due = now
        self._pause = _PAUSE
        self._external_ip = b""
        self._give([])

    def release(self) -> None:
        """We stop: the router need not forward the port any more. Said once; its lifetime is short."""
        if self._mapped != address.NIL:
            self._ask(0)
            self._give([])
        self._local = address.NIL

    def _give(self, endpoints: list[bytes]) -> None:
        mapped = endpoints[0] if endpoints else address.NIL
        if mapped != self._mapped:
            self._mapped = mapped
            self._on_mapped(endpoints)

    def tick(self, now: int) -> int:
        """Ask, again if need be; when to call next."""
        if len(self._local) == 1:
            return now + _LONGEST_PAUSE
        if now < self._due:
            return self._due
        if self._tries < _TRIES:
            self._ask(LIFETIME)
            self._due = now + (_RETRY << self._tries)
            self._tries += 1
        elif self._version == _PCP:
            self._version = _NAT_PMP
            self._tries = 0
        else:
            self._refused(now)
        return self._due

    def _refused(self, now: int) -> None:
        self._give([])
        self._version = _PCP
        self._tries = 0
        self._due = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._counters.count("port_mapping_refused")
        self.on_refused()

    def nobody_listens(self, now: int) -> None:
        """The router itself said that it knows neither protocol. One that has, and is restarting, gets its tries."""
        if len(self._local) > 1 and self._mapped == address.NIL:
            self._refused(now)

    def _ask(self, lifetime: int) -> None:
        """Lifetime in s; 0 removes the mapping."""
        port = self._local[-2:]
        if self._version == _PCP:
            head = bytes((_PCP, _MAP, 0, 0)) + lifetime.to_bytes(4, "big")
            client = _MAPPED + address.ip(self._local)
            wanted = bytes((_UDP, 0, 0, 0)) + port + port + _MAPPED + bytes(4)
            self._send(head + client + self._nonce + wanted)
            return
        if lifetime:
            self._send(bytes((_NAT_PMP, _ADDRESS)))
        request = bytes((_NAT_PMP, _MAP, 0, 0)) + port
        external = port if lifetime else b"\x00\x00"  # RFC 6886 §3.4
        self._send(request + external + lifetime.to_bytes(4, "big"))

    def receive(self, datagram: bytes, now: int) -> None:
        """An answer from the gateway. What is no answer to our question is dropped."""
        if len(self._local) == 1:
            return
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
        # A lifetime of nothing answers our last word, or means it.
        self._give([endpoint] if lifetime and is_believable(endpoint, self._local) else [])
        self._tries = 0
        self._pause = _PAUSE
        # A router that promises a year may restart meanwhile, and know nothing of it.
        self._due = now + min(max(lifetime, _SHORTEST), LIFETIME) * 1000 // 2
