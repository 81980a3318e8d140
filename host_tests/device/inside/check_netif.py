"""The virtual Ethernet interface, frame by frame. Runs inside MicroPython, by runner.py.

Owns what the interface promises in _zerotier.pyi. Each check opens its interfaces and closes them again.
"""

import errno
import socket
import struct

import _zerotier

from host_tests.unit.support import raises

MAC = b"\x02\x00\x00\x00\x00\x0a"
PEER = b"\x02\x00\x00\x00\x00\x0b"
BRIDGE = b"\x06\x00\x00\x00\x00\x0c"  # the first octet follows from NWID (protocol/06 §6.2)
BROADCAST = b"\xff" * 6
IP = b"\x0a\x4d\x00\x01"
PEER_IP = b"\x0a\x4d\x00\x02"
MTU = 2800
RING = 65536
NWID = bytes(range(8))
FRAME = 3  # kinds of records
BRIDGED = 5
ETHERNET = 14
IPV4 = 20
IPV6 = 40
ARP_REQUEST = b"\x00\x01\x08\x00\x06\x04\x00\x01"
ARP_REPLY = b"\x00\x01\x08\x00\x06\x04\x00\x02"
TYPE_IPV4 = b"\x08\x00"
TYPE_ARP = b"\x08\x06"
TYPE_IPV6 = b"\x86\xdd"
IGMP = 2
HOP_BY_HOP = 0  # what MLD begins with
REPORTS = 8  # more than are sent within a test
NUMBER_OF_NETIFS = 4
TCP_SYN = 2
TCP_OPTION_MSS = 2
MSS = 1334


class Interface:
    """An interface that is up, as a context, with a datapath that knows nobody: it hands back what the stack sends.

    Everything else of a Netif shows through.
    """

    def __init__(self, mac: bytes = MAC, ip: bytes = IP) -> None:
        self.datapath = _zerotier.Datapath(bytes(5), 1, 1, 1, RING)
        self.netif = _zerotier.Netif(mac, MTU)
        self.datapath.add_network(NWID, mac, MTU, self.netif)
        if ip:
            self.netif.ip4(ip, 24)
        self.netif.active(True)
        frames(self)

    def __getattr__(self, name: str):
        return getattr(self.netif, name)

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.netif.close()


def is_report(frame: bytes) -> bool:
    """Whether it tells which groups the stack listens to; it does so at times of its own."""
    if frame[12:14] == TYPE_IPV4:
        return frame[ETHERNET + 9] == IGMP
    return frame[12:14] == TYPE_IPV6 and frame[ETHERNET + 6] == HOP_BY_HOP


def frames(interface) -> list[bytes]:
    """What the stack has sent, in order, but for reports about groups."""
    taken = []
    while True:
        record = interface.datapath.next()
        if record is None:
            return taken
        kind, frame, nwid = record
        assert kind == FRAME and nwid == NWID
        if not is_report(frame):
            taken.append(bytes(frame))


def checksum(octets: bytes) -> int:
    if len(octets) & 1:
        octets += b"\x00"
    total = sum(struct.unpack(">%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def ipv4(protocol: int, payload: bytes, identity: int = 1, fragment: int = 0) -> bytes:
    """An Ethernet frame from the peer to us; `fragment`: flags and offset."""
    head = struct.pack(
        ">BBHHHBBH", 0x45, 0, IPV4 + len(payload), identity, fragment, 64, protocol, 0
    )
    head += PEER_IP + IP
    head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
    return MAC + PEER + TYPE_IPV4 + head + payload


def udp(payload: bytes, port: int = 5000) -> bytes:
    return struct.pack(">HHHH", 4000, port, 8 + len(payload), 0) + payload


def echo_request(size: int) -> bytes:
    packet = struct.pack(">BBHHH", 8, 0, 0, 1, 1) + bytes(size)
    return packet[:2] + checksum(packet).to_bytes(2, "big") + packet[4:]


def introduce(netif) -> None:
    """Let the stack learn the peer's MAC."""
    netif.input(BROADCAST + PEER + TYPE_ARP + ARP_REQUEST + PEER + PEER_IP + bytes(6) + IP)
    frames(netif)


def test_it_answers_arp() -> None:
    with Interface() as netif:
        request = BROADCAST + PEER + TYPE_ARP + ARP_REQUEST + PEER + PEER_IP + bytes(6) + IP
        assert netif.input(request)
        answer = PEER + MAC + TYPE_ARP + ARP_REPLY + MAC + IP + PEER + PEER_IP
        assert [frame[: len(answer)] for frame in frames(netif)] == [answer]


def test_going_up_announces_the_address() -> None:
    with Interface() as netif:
        netif.active(False)
        netif.active(True)
        announced = [frame[28:32] for frame in frames(netif) if frame[12:14] == TYPE_ARP]
        assert announced == [IP]


def test_it_answers_a_ping_as_large_as_the_mtu() -> None:
    with Interface() as netif:
        introduce(netif)
        for size in (0, 56, 1000, MTU - IPV4 - 8):
            assert netif.input(ipv4(1, echo_request(size)))
            answers = frames(netif)
            assert len(answers) == 1
            assert len(answers[0]) == ETHERNET + IPV4 + 8 + size
            assert answers[0][ETHERNET + IPV4] == 0


def test_a_frame_that_cannot_be_right_is_dropped_and_counted() -> None:
    with Interface() as netif:
        assert not netif.input(b"")
        assert not netif.input(bytes(ETHERNET - 1))
        assert not netif.input(ipv4(1, echo_request(MTU - IPV4 - 8 + 1)))
        assert netif.stats()[3] == 3
        netif.active(False)
        assert not netif.input(ipv4(1, echo_request(0)))
        assert netif.stats()[3] == 4


def test_a_datagram_in_fragments_arrives_in_any_order() -> None:
    with Interface() as netif:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("", 5000))
        receiver.setblocking(False)
        payload = bytes(i & 0xFF for i in range(4000))
        datagram = udp(payload)
        cut = 1480
        parts = [
            ipv4(
                17,
                datagram[at : at + cut],
                7,
                at // 8 | (0x2000 if at + cut < len(datagram) else 0),
            )
            for at in range(0, len(datagram), cut)
        ]
        for part in reversed(parts):
            netif.input(part)
        assert receiver.recv(5000) == payload
        receiver.close()


def test_a_large_datagram_leaves_in_fragments() -> None:
    with Interface() as netif:
        introduce(netif)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.sendto(bytes(4000), ("10.77.0.2", 5000))
        sent = frames(netif)
        assert len(sent) == 2
        assert sum(len(frame) - ETHERNET - IPV4 for frame in sent) == 8 + 4000
        sender.close()


def test_many_datagrams_wait_for_a_slow_reader() -> None:
    with Interface() as netif:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("", 5000))
        receiver.setblocking(False)
        for number in range(100):
            netif.input(ipv4(17, udp(bytes([number])), number))
        got = []
        while True:
            try:
                got.append(receiver.recv(100)[0])
            except OSError:
                break
        assert 64 <= len(got) <= 65
        assert got == list(range(len(got)))
        receiver.close()


def syn(netif, host: str) -> bytes:
    """The SYN that a connection to `host` starts with, from the TCP header on."""
    connection = socket.socket()
    connection.setblocking(False)
    try:
        connection.connect((host, 80))
    except OSError:
        pass
    found = [frame for frame in frames(netif) if frame[12:14] != TYPE_ARP]
    connection.close()
    assert len(found) == 1
    return found[0][ETHERNET + IPV4 :]


def test_a_tcp_segment_fits_one_datagram() -> None:
    with Interface() as netif:
        introduce(netif)
        segment = syn(netif, "10.77.0.2")
        assert segment[13] == TCP_SYN
        assert segment[20] == TCP_OPTION_MSS
        assert int.from_bytes(segment[22:24], "big") == MSS


def test_ports_and_sequence_numbers_cannot_be_guessed() -> None:
    with Interface() as netif:
        introduce(netif)
        numbers = {syn(netif, "10.77.0.2")[4:8] for _ in range(8)}
        assert len(numbers) == 8
        assert len({number[0] for number in numbers}) > 2


def test_it_is_never_the_default_route() -> None:
    with Interface():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for host in ("8.8.8.8", "2001:db8::1"):
            try:
                sender.sendto(b"x", (host, 53))
            except OSError as error:
                assert error.errno == errno.EHOSTUNREACH
            else:
                raise AssertionError(host)
        sender.close()


def solicited(netif, target: str) -> list[bytes]:
    """The last three octets of the targets of the neighbour solicitations that a datagram causes."""
    sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sender.sendto(b"x", (target, 5000))
    sender.close()
    sent = frames(netif)
    return [
        frame[3:6] for frame in sent if frame[12:14] == TYPE_IPV6 and frame[:3] == b"\x33\x33\xff"
    ]


def test_every_prefix_length_of_ipv6_is_on_the_link() -> None:
    # 6PLANE: /40, and the members differ right behind it (protocol/06 §6.9).
    with Interface(ip=b"") as netif:
        netif.ip6("fcaa:bbcc:dd11:2233:4455::1", 40)
        frames(netif)
        assert solicited(netif, "fcaa:bbcc:dd99:8877:6655::1") == [b"\x00\x00\x01"]
        raises(OSError, solicited, netif, "fcaa:bbcc:de99:8877:6655::1")
    with Interface(ip=b"") as netif:
        netif.ip6("fdaa:bbcc:dd11:2233:9999:9300:0000:0001", 88)
        frames(netif)
        assert solicited(netif, "fdaa:bbcc:dd11:2233:9999:9344:5566:7788") == [b"\x66\x77\x88"]


def test_addresses_can_be_bytes_or_text() -> None:
    with Interface(ip=b"") as netif:
        netif.ip4("10.1.2.3", 8)
        netif.ip4(b"\x0a\x01\x02\x03", 32)
        netif.ip6("fd00::1", 64)
        netif.ip6(b"\xfd" + bytes(14) + b"\x02", 128)
        assert raises(ValueError, netif.ip4, "nonsense", 24) == "not an IP address"
        assert raises(ValueError, netif.ip4, bytes(5), 24) == "an IP address must be 4 or 16 bytes"
        assert raises(ValueError, netif.ip4, "fd00::1", 24) == "not an IPv4 address"
        assert raises(ValueError, netif.ip6, "10.1.2.3", 24) == "not an IPv6 address"
        assert raises(ValueError, netif.ip6, bytes(4), 24) == "not an IPv6 address"
        assert raises(ValueError, netif.ip4, IP, 33) == "the prefix is longer than the address"
        assert (
            raises(ValueError, netif.ip6, bytes(16), -1) == "the prefix is longer than the address"
        )


def test_cleared_addresses_are_gone() -> None:
    with Interface() as netif:
        netif.ip6("fd00::1", 64)
        netif.clear_addresses()
        frames(netif)
        netif.input(BROADCAST + PEER + TYPE_ARP + ARP_REQUEST + PEER + PEER_IP + bytes(6) + IP)
        assert frames(netif) == []
        raises(OSError, solicited, netif, "fd00::2")


def test_groups_follow_the_addresses() -> None:
    with Interface(ip=b"") as netif:
        before = netif.groups_version()
        assert b"\x33\x33\x00\x00\x00\x01" in netif.groups()
        assert b"\x01\x00\x5e\x00\x00\x01" in netif.groups()
        netif.ip6("fd00::12:3456", 64)
        assert b"\x33\x33\xff\x12\x34\x56" in netif.groups()
        assert netif.groups_version() != before
        netif.clear_addresses()
        assert b"\x33\x33\xff\x12\x34\x56" not in netif.groups()


def test_there_are_four_and_a_closed_one_is_free_again() -> None:
    netifs = [_zerotier.Netif(bytes([2, 0, 0, 0, 0, i]), MTU) for i in range(NUMBER_OF_NETIFS)]
    raises(OSError, _zerotier.Netif, MAC, MTU)
    netifs[1].close()
    netifs[1] = _zerotier.Netif(MAC, MTU)
    for netif in netifs:
        netif.close()
        netif.close()
        raises(OSError, netif.mtu)


def test_two_networks_do_not_mix() -> None:
    with Interface() as one, Interface(PEER, b"\x0a\x4e\x00\x01") as other:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.sendto(b"x", ("10.77.0.9", 5000))
        assert len(frames(one)) == 1 and frames(other) == []
        sender.sendto(b"x", ("10.78.0.9", 5000))
        assert frames(one) == [] and len(frames(other)) == 1
        sender.close()


def test_multicast_leaves_by_the_interface_of_the_sender() -> None:
    with Interface() as one, Interface(PEER, b"\x0a\x4e\x00\x01") as other:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind(("10.78.0.1", 0))
        sender.sendto(b"x", ("224.0.0.251", 5353))
        assert [frame[:6] for frame in frames(other)] == [b"\x01\x00\x5e\x00\x00\xfb"]
        assert frames(one) == []
        sender.close()


def test_a_full_ring_drops_and_counts_and_is_no_error() -> None:
    with Interface() as netif:
        introduce(netif)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(2):  # once it is emptied, there is room again
            before = netif.datapath.counters()["ring_full_frame_out"]
            for _ in range(200):
                sender.sendto(bytes(1400), ("10.77.0.2", 5000))
            dropped = netif.datapath.counters()["ring_full_frame_out"] - before
            taken = frames(netif)
            assert 0 < dropped < 200 and 200 <= len(taken) + dropped <= 200 + REPORTS
            assert all(len(frame) == ETHERNET + IPV4 + 8 + 1400 for frame in taken)
        sender.close()


def test_frames_of_an_interface_without_a_datapath_are_dropped_and_counted() -> None:
    with Interface() as netif:
        introduce(netif)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        before = netif.stats()
        netif.datapath.remove_network(NWID)
        sender.sendto(b"x", ("10.77.0.2", 5000))
        assert netif.stats()[0] == before[0]
        assert netif.stats()[2] == before[2] + 1
        netif.datapath.add_network(NWID, MAC, MTU, netif.netif)
        sender.sendto(b"x", ("10.77.0.2", 5000))
        sender.close()
        assert len(frames(netif)) == 1


def test_an_interface_that_moves_to_another_datapath_leaves_the_first() -> None:
    with Interface() as netif, Interface(PEER, b"\x0a\x4e\x00\x01") as other:
        introduce(netif)
        other.datapath.add_network(NWID, MAC, MTU, netif.netif)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.sendto(b"x", ("10.77.0.2", 5000))
        sender.close()
        assert frames(netif) == []
        assert len(frames(other)) == 1


def test_arguments_are_checked() -> None:
    assert raises(ValueError, _zerotier.Netif, bytes(5), MTU) == "mac must be 6 bytes"
    assert raises(ValueError, _zerotier.Netif, MAC, 1279) == "mtu must be 1280 to 10000"
    with Interface() as netif:
        assert netif.mtu(1280) == 1280
        assert netif.mtu() == 1280
        assert netif.mtu(10000) in (2800, 10000)  # by board
        assert raises(ValueError, netif.mtu, 10001) == "mtu must be 1280 to 10000"
    assert raises(TypeError, _zerotier.background, 7) == "the callback must be callable or None"


def test_a_program_can_talk_to_itself() -> None:
    with Interface():
        for host in ("127.0.0.1", "10.77.0.1"):
            receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            receiver.bind((host, 5000))
            receiver.settimeout(1)
            receiver.sendto(b"x", (host, 5000))
            assert receiver.recv(10) == b"x"
            receiver.close()


def arp_for(ip: bytes) -> bytes:
    return BROADCAST + PEER + TYPE_ARP + ARP_REQUEST + PEER + PEER_IP + bytes(6) + ip


def to_ip(frame: bytes, ip: bytes) -> bytes:
    """An IPv4 frame without options, for another destination."""
    head = (
        frame[ETHERNET : ETHERNET + 10] + b"\x00\x00" + frame[ETHERNET + 12 : ETHERNET + 16] + ip
    )
    head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
    return frame[:ETHERNET] + head + frame[ETHERNET + IPV4 :]


def sent_by(netif, host: str, port: int = 5000) -> list[bytes]:
    """The frames that a datagram causes."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sender = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sender.sendto(b"x", (host, port))
    finally:
        sender.close()
    return frames(netif)


def test_further_addresses_are_addresses_too() -> None:
    second, third = b"\x0a\x4e\x00\x01", b"\x0a\x4f\x00\x01"
    with Interface() as netif:
        netif.ip4_also(second, 24)
        netif.ip4_also("10.79.0.1", 16)
        frames(netif)
        for ip in (IP, second, third):
            netif.input(arp_for(ip))
            (answer,) = frames(netif)
            assert answer[:22] == PEER + MAC + TYPE_ARP + ARP_REPLY
            assert answer[22:32] == MAC + ip
            assert netif.input(to_ip(ipv4(1, echo_request(5)), ip))
            (answer,) = [f for f in frames(netif) if f[12:14] == TYPE_IPV4] or [b""]
            assert answer[26:34] == ip + PEER_IP
        (asked,) = sent_by(netif, "10.78.0.7")
        assert asked[28:32] == second and asked[38:42] == b"\x0a\x4e\x00\x07"
        netif.clear_addresses()
        frames(netif)
        netif.input(arp_for(second))
        assert frames(netif) == []


def test_further_addresses_have_an_end_and_come_back() -> None:
    with Interface() as netif:
        for _ in range(2):
            added = 0
            try:
                for number in range(20):
                    netif.ip4_also(bytes((10, 90, number, 1)), 24)
                    added += 1
            except OSError as error:
                assert error.errno == errno.ENOMEM
            assert 2 <= added < 20
            netif.clear_addresses()


def test_they_follow_the_interface_down() -> None:
    second = b"\x0a\x4e\x00\x01"
    with Interface() as netif:
        netif.ip4_also(second, 24)
        netif.active(False)
        frames(netif)
        raises(OSError, sent_by, netif, "10.78.0.7")
        netif.active(True)
        assert frames(netif) != []
        assert len(sent_by(netif, "10.78.0.7")) == 1


def test_routes_lead_to_gateways() -> None:
    with Interface() as netif:
        raises(OSError, sent_by, netif, "10.200.1.1")
        netif.route("10.200.0.0", 16, PEER_IP)
        netif.route(b"\x0a\xc8\x01\x00", 24, "10.77.0.3")
        netif.route("10.201.0.0", 16, None)
        for host, asked_for in (
            ("10.200.9.9", PEER_IP),
            ("10.200.1.9", b"\x0a\x4d\x00\x03"),
            ("10.201.4.5", b"\x0a\xc9\x04\x05"),
        ):
            (frame,) = sent_by(netif, host)
            assert frame[12:14] == TYPE_ARP and frame[38:42] == asked_for, host
        introduce(netif)
        (frame,) = sent_by(netif, "10.200.9.10")
        assert frame[:6] == PEER and frame[30:34] == b"\x0a\xc8\x09\x0a"
        raises(OSError, sent_by, netif, "10.202.0.1")
        netif.clear_routes()
        raises(OSError, sent_by, netif, "10.200.9.10")


def test_the_default_route_is_one_like_others() -> None:
    with Interface() as netif:
        netif.route("0.0.0.0", 0, PEER_IP)
        introduce(netif)
        (frame,) = sent_by(netif, "8.8.8.8")
        assert frame[:6] == PEER and frame[30:34] == b"\x08\x08\x08\x08"
        (frame,) = sent_by(netif, "10.77.0.9")  # the own subnet goes first
        assert frame[12:14] == TYPE_ARP and frame[38:42] == b"\x0a\x4d\x00\x09"


def test_routes_of_ipv6_lead_to_gateways() -> None:
    with Interface(ip=b"") as netif:
        netif.ip6("fd00::1", 64)
        frames(netif)
        raises(OSError, solicited, netif, "fd01::1:2:3")
        netif.route("fd01::", 16, "fd00::77:8899")
        netif.route("fd02::", 16, None)
        netif.route("::", 0, "fd00::11:2233")
        assert solicited(netif, "fd01::1:2:3") == [b"\x77\x88\x99"]
        assert solicited(netif, "fd02::44:5566") == [b"\x44\x55\x66"]
        assert solicited(netif, "2001:db8::1") == [b"\x11\x22\x33"]
        assert solicited(netif, "fd00::12:3456") == [b"\x12\x34\x56"]
        netif.clear_routes()
        raises(OSError, solicited, netif, "fd01::1:2:4")


def test_wrong_routes_are_refused() -> None:
    with Interface() as netif:
        assert raises(ValueError, netif.route, "nowhere", 16, None) == "not an IP address"
        assert (
            raises(ValueError, netif.route, "10.0.0.0", 33, None)
            == "the prefix is longer than the address"
        )
        assert (
            raises(ValueError, netif.route, "10.0.0.0", 8, "fd00::1")
            == "target and gateway must be of one version of IP"
        )
        added = 0
        try:
            for number in range(100):
                netif.route(bytes((10, 1, number, 0)), 24, None)
                added += 1
        except OSError as error:
            assert error.errno == errno.ENOMEM
        assert 8 <= added < 100


def test_an_interface_takes_nothing_that_is_for_another_one() -> None:
    other_ip = b"\x0a\x4e\x00\x01"
    with Interface() as netif, Interface(PEER, other_ip) as other:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("", 5000))
        receiver.setblocking(False)
        netif.input(ipv4(17, udp(b"ours")))
        assert receiver.recv(10) == b"ours"
        netif.input(to_ip(ipv4(17, udp(b"not ours"), 2), other_ip))
        raises(OSError, receiver.recv, 10)
        netif.input(to_ip(ipv4(17, udp(b"loop"), 3), b"\x7f\x00\x00\x01"))
        raises(OSError, receiver.recv, 10)
        netif.input(to_ip(ipv4(17, udp(b"all"), 4), b"\x0a\x4d\x00\xff"))
        assert receiver.recv(10) == b"all"
        receiver.close()
        assert frames(other) is not None


def test_programs_of_one_device_reach_each_other_by_any_of_its_addresses() -> None:
    with Interface() as netif, Interface(PEER, b"\x0a\x4e\x00\x01"):
        netif.ip4_also("10.79.0.1", 24)
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("", 5000))
        receiver.settimeout(2)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for host in ("10.77.0.1", "10.78.0.1", "10.79.0.1", "127.0.0.1"):
            sender.sendto(host.encode(), (host, 5000))
            assert receiver.recv(20) == host.encode()
        sender.close()
        receiver.close()


def test_name_servers_are_set_and_told() -> None:
    before = _zerotier.name_servers()
    servers = (PEER_IP, b"\xfd" + bytes(15))
    assert _zerotier.name_servers(servers) == servers
    assert _zerotier.name_servers() == servers
    raises(ValueError, _zerotier.name_servers, [b"\x01"])
    assert _zerotier.name_servers(before) == before


class Bridge:
    """A tap in an interface, joined to a network of another datapath: hands back what was heard, and is its port."""

    def __init__(self, name: str) -> None:
        self.delivered: list[bytes] = []
        self.datapath = _zerotier.Datapath(b"ours!", 1, 1, 1, RING)
        self.datapath.add_network(NWID, BRIDGE, MTU, self)
        self.tap = _zerotier.Tap(name)

    def deliver(self, frame) -> None:
        self.delivered.append(bytes(frame))

    def heard(self) -> list[bytes]:
        taken = []
        while True:
            record = self.datapath.next()
            if record is None:
                return taken
            kind, frame, nwid = record
            assert kind == BRIDGED and nwid == NWID
            taken.append(bytes(frame))


def test_a_tap_hears_and_sends_what_is_not_for_the_stack() -> None:
    with Interface() as netif:
        name = name_of_interface()
        bridge = Bridge(name)
        raises(OSError, _zerotier.Tap, name)
        foreign = b"\x0a\x00\x00\x00\x00\x01" + PEER + TYPE_IPV4 + b"bridged"
        netif.input(foreign)
        assert bridge.heard() == [] and bridge.tap.dropped() == 1  # it is joined to no network
        assert not bridge.datapath.join_ethernet(bytes(8), bridge.tap)
        assert bridge.datapath.join_ethernet(NWID, bridge.tap)
        netif.input(foreign)
        assert bridge.heard() == [foreign]
        introduce(netif)  # a broadcast: for both
        assert [frame[:6] for frame in bridge.heard()] == [BROADCAST]
        netif.input(ipv4(1, echo_request(5)))  # for the stack alone
        assert bridge.heard() == [] and len(frames(netif)) == 1
        out = PEER + b"\x0a\x00\x00\x00\x00\x01" + TYPE_IPV4 + bytes(60)
        assert bridge.tap.send(out) and frames(netif) == [out]
        assert not bridge.tap.send(bytes(14)) and not bridge.tap.send(PEER + bytes(MTU + 9))
        bridge.tap.close()
        bridge.tap.close()
        raises(OSError, bridge.tap.send, out)
        raises(OSError, bridge.datapath.join_ethernet, NWID, bridge.tap)
        netif.input(foreign)
        assert bridge.heard() == []
    raises(OSError, _zerotier.Tap, "xx0")
    assert raises(OSError, _zerotier.Tap, "lo0")


def test_hosts_that_are_known_are_bridged_without_python() -> None:
    with Interface() as netif:
        bridge = Bridge(name_of_interface())
        bridge.datapath.join_ethernet(NWID, bridge.tap)
        assert bridge.datapath.set_host(NWID, PEER, b"ours!", 1)
        to_bridge = BRIDGE + PEER + TYPE_IPV4 + b"to the bridge"
        netif.input(to_bridge)
        assert bridge.delivered == [to_bridge] and bridge.heard() == []
        answer = PEER + BRIDGE + TYPE_IPV4 + b"from the bridge"
        bridge.datapath.transmit(NWID, answer, 1000)
        assert frames(netif) == [answer] and bridge.heard() == []
        # A datapath that is gone is asked no more, and neither is a tap.
        bridge.datapath.__del__()
        netif.input(to_bridge)
        assert bridge.tap.dropped() == 1
        bridge.tap.close()


def name_of_interface() -> str:
    """What lwIP calls the only one that there is; it counts on."""
    for number in range(256):
        try:
            _zerotier.Tap("zt%d" % number).close()
        except OSError:
            continue
        return "zt%d" % number
    raise AssertionError("there is no interface")
