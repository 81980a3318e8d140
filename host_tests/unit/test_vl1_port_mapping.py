"""A port forwarded by the router: PCP, NAT-PMP, routers that know neither, and answers of others."""

from zerotier.counters import Counters
from zerotier.vl1.port_mapping import PortMapping
from zerotier.wire import address

LOCAL = address.inet("192.168.1.20", 9993)
OUTSIDE = address.inet("40.1.2.3", 41000)
NOW = 1700000000000


def sign(message: bytes) -> bytes:
    """In the place of an identity's signature."""
    return bytes([len(message)]) * 96


class Router:
    """A node's side of it; `asked` is what reached the router, `mapped` what the node tells its peers."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.mapped: list[bytes] = []
        self.refusals = 0
        self.mapping = PortMapping(self.asked.append, self.take, sign, Counters())
        self.mapping.on_refused = self.refused
        self.mapping.begin(LOCAL, NOW)
        self.due = self.mapping.tick(NOW)

    def refused(self) -> None:
        self.refusals += 1

    def take(self, endpoints: list[bytes]) -> None:
        self.mapped = endpoints

    def run(self, milliseconds: int) -> None:
        end = self.due + milliseconds
        while self.due < end:
            self.due = self.mapping.tick(self.due)

    def pcp(
        self, request: bytes, result: int = 0, endpoint: bytes = OUTSIDE, lifetime: int = 600
    ) -> bytes:
        head = bytes((2, 0x81, 0, result)) + lifetime.to_bytes(4, "big") + bytes(16)
        port = endpoint[-2:]
        return head + request[24:42] + port + bytes(10) + b"\xff\xff" + address.ip(endpoint)


def test_pcp_is_asked_first_and_its_answer_is_told_to_peers() -> None:
    router = Router()
    request = router.asked[0]
    assert (len(request), request[:2], request[36]) == (60, b"\x02\x01", 17)
    assert request[40:42] == LOCAL[-2:]
    router.mapping.receive(router.pcp(request), NOW)
    assert router.mapped == [OUTSIDE]
    assert router.mapping.tick(NOW) == NOW + 300000


def test_a_router_of_nat_pmp_says_so_and_is_asked_in_its_words() -> None:
    router = Router()
    router.mapping.receive(b"\x00\x81\x00\x01" + bytes(8), NOW)
    router.asked.clear()
    router.mapping.tick(NOW)
    assert router.asked == [b"\x00\x00", b"\x00\x01\x00\x00\x27\x09\x27\x09\x00\x00\x02\x58"]
    router.mapping.receive(b"\x00\x80\x00\x00\x00\x00\x00\x01\x28\x01\x02\x03", NOW)
    answer = b"\x00\x81\x00\x00\x00\x00\x00\x01\x27\x09\xa0\x28\x00\x00\x02\x58"
    router.mapping.receive(answer, NOW)
    assert router.mapped == [OUTSIDE]
    router.asked.clear()
    router.mapping.release()
    assert router.asked == [b"\x00\x01\x00\x00\x27\x09\x00\x00\x00\x00\x00\x00"]


def test_a_router_that_knows_neither_is_asked_more_and_more_seldom() -> None:
    router = Router()
    router.run(30000)
    assert len(router.asked) == 4 + 2 * 4
    assert router.refusals == 1
    router.run(24 * 3600 * 1000)
    assert router.refusals < 32
    assert router.mapped == []


def test_a_router_that_says_so_itself_is_given_up_at_once_but_not_while_it_restarts() -> None:
    router = Router()
    router.mapping.nobody_listens(NOW)
    assert router.refusals == 1
    router = Router()
    router.mapping.receive(router.pcp(router.asked[0]), NOW)
    router.mapping.nobody_listens(NOW)
    assert router.refusals == 0
    assert router.mapped == [OUTSIDE]


def test_answers_with_another_nonce_or_port_are_not_believed() -> None:
    router = Router()
    request = bytearray(router.asked[0])
    request[24] ^= 1
    router.mapping.receive(router.pcp(bytes(request)), NOW)
    router.mapping.receive(b"", NOW)
    router.mapping.receive(router.pcp(router.asked[0])[:59], NOW)
    assert router.mapped == []


def test_the_endpoint_at_a_second_nat_is_told_to_peers_who_are_behind_that_one_too() -> None:
    router = Router()
    private = address.inet("10.0.0.7", 41000)
    router.mapping.receive(router.pcp(router.asked[0], 0, private), NOW)
    assert router.mapped == [private]


def test_a_router_cannot_send_peers_where_nobody_is() -> None:
    for ip in ("0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255"):
        router = Router()
        router.mapping.receive(router.pcp(router.asked[0], 0, address.inet(ip, 9993)), NOW)
        assert router.mapped == []
    for nowhere in (address.inet("40.1.2.3", 0), LOCAL):
        router = Router()
        router.mapping.receive(router.pcp(router.asked[0], 0, nowhere), NOW)
        assert router.mapped == []


def test_it_is_renewed_in_half_of_its_lifetime_but_at_least_every_five_minutes() -> None:
    for lifetime, renewal in ((1, 30), (120, 60), (600, 300), (0xFFFFFFFF, 300)):
        router = Router()
        router.mapping.receive(router.pcp(router.asked[0], lifetime=lifetime), NOW)
        router.asked.clear()
        assert router.mapping.tick(NOW) == NOW + renewal * 1000
        router.mapping.tick(NOW + renewal * 1000)
        assert len(router.asked) == 1
        assert router.mapped == [OUTSIDE]


def test_a_node_that_stops_takes_its_mapping_away() -> None:
    router = Router()
    request = router.asked[0]
    router.mapping.receive(router.pcp(request), NOW)
    router.asked.clear()
    router.mapping.release()
    assert router.asked == [request[:4] + bytes(4) + request[8:]]
    assert router.mapped == []
    router.mapping.release()
    router.mapping.receive(router.pcp(request), NOW)
    assert len(router.asked) == 1
    assert router.mapped == []


def test_a_node_that_has_none_says_nothing_when_it_stops() -> None:
    router = Router()
    router.asked.clear()
    router.mapping.release()
    assert router.asked == []


def test_after_a_restart_it_is_known_as_the_owner_of_its_mapping() -> None:
    one, other = Router(), Router()
    assert one.asked[0] == other.asked[0]


def test_a_mapping_that_is_not_renewed_is_told_no_more() -> None:
    router = Router()
    router.mapping.receive(router.pcp(router.asked[0]), NOW)
    router.due = router.mapping.tick(NOW)
    router.run(60000)
    assert router.mapped == []
