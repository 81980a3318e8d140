"""A port forwarded by the router: PCP, NAT-PMP, routers that know neither, and answers of others."""

from zerotier.counters import Counters
from zerotier.vl1.port_mapping import PortMapping
from zerotier.wire import address

LOCAL = address.inet("192.168.1.20", 9993)
OUTSIDE = address.inet("40.1.2.3", 41000)
NOW = 1700000000000


class Router:
    """A node's side of it; `asked` is what reached the router, `mapped` what the node tells its peers."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.mapped: list[bytes] = []
        self.mapping = PortMapping(self.asked.append, self.take, Counters())
        self.mapping.begin(LOCAL, NOW)
        self.due = self.mapping.tick(NOW)

    def take(self, endpoints: list[bytes]) -> None:
        self.mapped = endpoints

    def run(self, milliseconds: int) -> None:
        end = self.due + milliseconds
        while self.due < end:
            self.due = self.mapping.tick(self.due)

    def pcp(self, request: bytes, result: int = 0, endpoint: bytes = OUTSIDE) -> bytes:
        head = bytes((2, 0x81, 0, result)) + (600).to_bytes(4, "big") + bytes(16)
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


def test_a_router_that_knows_neither_is_left_alone_for_ten_minutes() -> None:
    router = Router()
    router.run(30000)
    assert len(router.asked) == 4 + 2 * 4
    assert router.mapped == []


def test_answers_with_another_nonce_or_port_are_not_believed() -> None:
    router = Router()
    request = bytearray(router.asked[0])
    request[24] ^= 1
    router.mapping.receive(router.pcp(bytes(request)), NOW)
    router.mapping.receive(b"", NOW)
    router.mapping.receive(router.pcp(router.asked[0])[:59], NOW)
    assert router.mapped == []


def test_a_router_behind_another_nat_gives_nothing_that_helps() -> None:
    router = Router()
    private = address.inet("10.0.0.7", 41000)
    router.mapping.receive(router.pcp(router.asked[0], 0, private), NOW)
    assert router.mapped == []


def test_a_mapping_that_is_not_renewed_is_told_no_more() -> None:
    router = Router()
    router.mapping.receive(router.pcp(router.asked[0]), NOW)
    router.due = router.mapping.tick(NOW)
    router.run(60000)
    assert router.mapped == []
