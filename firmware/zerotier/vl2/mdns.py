"""Multicast DNS: this node's own name, `<hostname>.local`, on one network (RFC 6762).

Owns the answer to questions for that name. It works on frames, so that it needs no socket, disturbs
nobody who has one at the same port, and tells each network only its own addresses. Never resolves
the names of others: the IP stack does.

    asked from port 5353        answered to the group, or to the asker if it wants that; 120 s
    asked from any other port   answered to the asker, with the question; 10 s (RFC 6762 §6.7)
"""

from ..const import const
from ..wire import address
from . import ethernet
from .packets import ip_udp, udp4, udp6

PORT = const(5353)
GROUP4 = b"\xe0\x00\x00\xfb"  # 224.0.0.251
GROUP6 = b"\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xfb"
MAC4 = b"\x01\x00\x5e\x00\x00\xfb"
MAC6 = b"\x33\x33\x00\x00\x00\xfb"
GROUPS = ((MAC4, 0), (MAC6, 0))

A = const(1)
AAAA = const(28)
_ANY = const(255)
_INTERNET = const(1)
_UNICAST = const(0x8000)  # in the class of a question: the answer need not go to everybody
_FLUSH = const(0x8000)  # in the class of an answer: it is all there is
_ANSWER = b"\x84\x00"  # flags: response, authoritative
_QUERY_MASK = const(0xF8)  # response bit and opcode, in the first octet of the flags
_HEADER = const(12)
_TTL = const(120)  # s
_LEGACY_TTL = const(10)
_MAX_QUESTIONS = const(32)
_MAX_LABELS = const(32)
_POINTER = const(0xC0)
_MAX_LABEL = const(63)
_ANNOUNCEMENTS = const(2)
_INTERVAL = const(1000)  # ms between two multicasts of the same answer
_QUIET = const(60000)


def encode_name(text: str) -> bytes:
    """A name as it is on the wire. ValueError if a label is empty or too long."""
    packed = b""
    for label in text.encode().split(b"."):
        if not 0 < len(label) <= _MAX_LABEL:
            raise ValueError("%s is not a host name" % text)
        packed += bytes((len(label),)) + label
    return packed + b"\x00"


def read_name(message: memoryview, offset: int) -> tuple[bytes, int]:
    """(a name without compression and in lower case, where it ends). ValueError if it is malformed."""
    name = b""
    end = 0
    for _ in range(_MAX_LABELS):
        if offset >= len(message):
            break
        size = message[offset]
        if size & _POINTER == _POINTER:
            if offset + 1 >= len(message):
                break
            end = end or offset + 2
            offset = (size & ~_POINTER) << 8 | message[offset + 1]
        elif size == 0:
            return name + b"\x00", end or offset + 1
        else:
            name += bytes(message[offset : offset + 1 + size]).lower()
            offset += 1 + size
    raise ValueError("a name in a DNS message is malformed")


def encode_query(name: str, kind: int, id: int = 0) -> bytes:
    """The message that asks for the addresses (A or AAAA) of a name."""
    question = encode_name(name) + bytes((0, kind, 0, _INTERNET))
    return id.to_bytes(2, "big") + b"\x00\x00\x00\x01" + bytes(6) + question


def parse_answers(message: memoryview) -> list[tuple[bytes, int, bytes]]:
    """(name, type, value) of the answers in a message. ValueError if it is malformed."""
    offset = _HEADER
    for _ in range(min(_u16(message, 4), _MAX_QUESTIONS)):
        offset = read_name(message, offset)[1] + 4
    answers = []
    for _ in range(min(_u16(message, 6), _MAX_QUESTIONS)):
        name, offset = read_name(message, offset)
        size = _u16(message, offset + 8)
        answers.append((name, _u16(message, offset), bytes(message[offset + 10 :][:size])))
        offset += 10 + size
    return answers


class Responder:
    """Answers on one network. `hostname`: without `.local`; ValueError if it cannot be a name."""

    def __init__(self, network, hostname: str) -> None:
        self._network = network
        self._name = encode_name(hostname + ".local")
        self._lower = self._name.lower()
        self._announcements = _ANNOUNCEMENTS
        self._next = 0  # of them
        self._answered = 0  # to the group

    def configure(self) -> None:
        """Our addresses changed: everybody is told."""
        self._announcements = _ANNOUNCEMENTS

    def tick(self, now: int) -> int:
        """Announce the name if it is time; when to look again."""
        if not self._announcements or not self._network.addresses:
            return now + _QUIET
        if now >= self._next:
            self._next = now + _INTERVAL
            self._announcements -= 1
            message = self._message(b"\x00\x00", b"", (A, AAAA), _TTL)
            self._to_group(message, True, now)
            self._to_group(message, False, now)
        return self._next if self._announcements else now + _QUIET

    def hear(self, frame: memoryview, now: int) -> None:
        """A frame from the network; most are none of ours."""
        destination = bytes(frame[: ethernet.SOURCE])
        if destination != MAC4 and destination != MAC6:
            return
        datagram = udp4(frame) if destination == MAC4 else udp6(frame)
        if datagram is None or datagram.port_to != PORT:
            return
        try:
            self._asked(datagram, frame, now)
        except ValueError:
            self._network.count("mdns_malformed")

    def _asked(self, datagram, frame: memoryview, now: int) -> None:
        message = datagram.payload
        if len(message) < _HEADER or message[2] & _QUERY_MASK:
            return
        kinds = []
        questions = b""
        unicast = True
        offset = _HEADER
        for _ in range(min(_u16(message, 4), _MAX_QUESTIONS)):
            name, offset = read_name(message, offset)
            kind, group = _u16(message, offset), _u16(message, offset + 2)
            offset += 4
            if name == self._lower and group & ~_UNICAST == _INTERNET:
                kinds += [known for known in (A, AAAA) if kind in (known, _ANY)]
                questions += self._name + bytes((0, kind, 0, _INTERNET))
                unicast = unicast and group & _UNICAST != 0
        if not kinds:
            return
        if datagram.port_from != PORT:
            id = bytes(message[:2])
            reply = self._message(id, questions, kinds, _LEGACY_TTL)
        else:
            reply = self._message(b"\x00\x00", b"", kinds, _TTL)
        if reply is None:
            return
        if datagram.port_from != PORT or unicast:
            mac = bytes(frame[ethernet.SOURCE : ethernet.ETHERTYPE])
            ours = self._source(len(datagram.source))
            if ours is not None:
                self._send(mac, ours, datagram.source, datagram.port_from, reply, now)
        elif now - self._answered >= _INTERVAL:
            self._answered = now
            self._to_group(reply, len(datagram.source) == address.IPV4_SIZE, now)

    def _message(self, id: bytes, questions: bytes, kinds, ttl: int) -> bytes | None:
        """A response with our addresses of these kinds; None if there are none."""
        group = _INTERNET if questions else _INTERNET | _FLUSH
        count = 0
        answers = b""
        for endpoint in self._network.addresses:
            ip = address.ip(endpoint)
            kind = A if len(ip) == address.IPV4_SIZE else AAAA
            if kind in kinds:
                head = kind.to_bytes(2, "big") + group.to_bytes(2, "big") + ttl.to_bytes(4, "big")
                answers += self._name + head + len(ip).to_bytes(2, "big") + ip
                count += 1
        if not count:
            return None
        asked = 1 if questions else 0
        questions = questions[: len(self._name) + 4]
        counts = bytes((0, asked, 0, count, 0, 0, 0, 0))
        return id + _ANSWER + counts + questions + answers

    def _to_group(self, message: bytes | None, is_ip4: bool, now: int) -> None:
        ours = self._source(address.IPV4_SIZE if is_ip4 else address.IPV6_SIZE)
        if message is not None and ours is not None:
            mac, group = (MAC4, GROUP4) if is_ip4 else (MAC6, GROUP6)
            self._send(mac, ours, group, PORT, message, now)

    def _source(self, size: int) -> bytes | None:
        """Our own address for an IP packet, None if we have none of that version."""
        for endpoint in self._network.addresses:
            if len(address.ip(endpoint)) == size:
                return bytes(address.ip(endpoint))
        if size == address.IPV6_SIZE:
            return ethernet.link_local(self._network.mac)
        return None

    def _send(
        self, mac: bytes, source: bytes, to: bytes, port: int, message: bytes, now: int
    ) -> None:
        packet = ip_udp(source, PORT, to, port, message)
        ethertype = b"\x08\x00" if len(source) == address.IPV4_SIZE else b"\x86\xdd"
        frame = mac + self._network.mac + ethertype + packet
        self._network.outbound.transmit(memoryview(frame), now)


def _u16(message: memoryview, offset: int) -> int:
    if offset + 2 > len(message):
        raise ValueError("a DNS message is cut off")
    return message[offset] << 8 | message[offset + 1]
