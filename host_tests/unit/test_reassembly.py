"""Cutting packets into fragments and putting them together again (protocol/02 §2.4, §2.5)."""

from _zerotier import dearmor

from host_tests.unit.support import vectors
from zerotier.counters import Counters
from zerotier.identity import Identity
from zerotier.limits import QUEUE_TIMEOUT
from zerotier.vl1.reassembly import Reassembly
from zerotier.wire.packet import PAYLOAD, fragment, fragment_count

NOW = 1_000_000


def datagrams_of(case: dict) -> list:
    return [bytes.fromhex(text) for text in case["datagrams"]]


def feed(reassembly: Reassembly, datagram: bytes, now: int = NOW):
    if datagram[13] == 0xFF:
        return reassembly.add_fragment(datagram, now)
    return reassembly.add_head(datagram, now)


def collected(reassembly: Reassembly, datagrams: list):
    """What feeding all of them gives, and after how many."""
    for number, datagram in enumerate(datagrams):
        packet = feed(reassembly, datagram)
        if packet is not None:
            return bytes(packet), number + 1
    return None, 0


def test_every_vector_is_put_together_in_order_and_opens() -> None:
    for case in vectors("fragments"):
        datagrams = datagrams_of(case)
        packet, count = collected(Reassembly(2, Counters()), datagrams)
        assert count == len(datagrams)
        if case["cipher_suite"] != 1:
            continue
        ours = Identity.from_text(case["dst_identity"])
        key = ours.agree(Identity.from_text(case["src_identity"]))
        opened = bytearray(packet)
        assert dearmor(key, opened)
        assert bytes(opened[PAYLOAD:]).hex() == case["plain_payload"]


def test_the_head_may_come_last_and_fragments_in_any_order() -> None:
    for case in vectors("fragments"):
        datagrams = datagrams_of(case)
        expected, _ = collected(Reassembly(2, Counters()), datagrams)
        datagrams.reverse()
        packet, count = collected(Reassembly(2, Counters()), datagrams)
        assert packet == expected
        assert count == len(datagrams)


def test_cutting_a_vector_gives_the_datagrams_of_the_reference() -> None:
    for case in vectors("fragments"):
        datagrams = datagrams_of(case)
        packet, _ = collected(Reassembly(2, Counters()), datagrams)
        mtu = case["mtu"]
        total = fragment_count(len(packet), mtu)
        assert total == len(datagrams)
        assert packet[:mtu] == datagrams[0]
        for number in range(1, total):
            assert bytes(fragment(packet, number, total, mtu)) == datagrams[number]


def test_the_fragment_counts_of_the_specification() -> None:
    assert fragment_count(28, 1432) == 1
    assert fragment_count(1432, 1432) == 1
    assert fragment_count(1433, 1432) == 2
    assert fragment_count(1432 + 1416, 1432) == 2
    assert fragment_count(1432 + 1417, 1432) == 3
    assert fragment_count(2838, 1432) == 2
    assert fragment_count(9903, 1432) == 7


def test_a_duplicate_fragment_changes_nothing() -> None:
    case = vectors("fragments")[-1]
    datagrams = datagrams_of(case)
    expected, _ = collected(Reassembly(2, Counters()), datagrams)
    counters = Counters()
    doubled = []
    for datagram in datagrams:
        doubled += [datagram, datagram]
    packet, _ = collected(Reassembly(2, counters), doubled)
    assert packet == expected
    assert counters.get("duplicate_fragment") == len(datagrams) - 1


def make_fragment(packet_id: bytes, number: int, total: int, size: int = 100) -> bytes:
    return packet_id + bytes(5) + bytes([0xFF, total << 4 | number, 0]) + bytes(size)


def test_impossible_fragment_numbers_are_counted_and_dropped() -> None:
    counters = Counters()
    reassembly = Reassembly(2, counters)
    for total, number in ((0, 1), (1, 1), (8, 1), (15, 3), (2, 0), (2, 2), (3, 7)):
        assert reassembly.add_fragment(make_fragment(b"12345678", number, total), NOW) is None
    assert counters.get("malformed_fragment") == 7


def test_slots_are_bounded_and_the_oldest_gives_way() -> None:
    counters = Counters()
    reassembly = Reassembly(4, counters)
    for index in range(1000):
        packet_id = index.to_bytes(8, "big")
        assert reassembly.add_fragment(make_fragment(packet_id, 1, 2), NOW) is None
    assert len(reassembly._slots) == 4
    assert counters.get("reassembly_incomplete") == 996
    # The newest set can still be completed, the oldest cannot.
    head = (999).to_bytes(8, "big") + bytes(30)
    assert reassembly.add_head(head, NOW) is not None
    assert reassembly.add_head(bytes(8) + bytes(30), NOW) is None


def test_a_set_that_is_too_old_is_not_completed() -> None:
    reassembly = Reassembly(4, Counters())
    assert reassembly.add_fragment(make_fragment(b"12345678", 1, 2), NOW) is None
    head = b"12345678" + bytes(30)
    assert reassembly.add_head(head, NOW + QUEUE_TIMEOUT) is None


def test_a_set_above_the_largest_packet_is_dropped() -> None:
    counters = Counters()
    reassembly = Reassembly(2, counters)
    for number in range(1, 7):
        assert reassembly.add_fragment(make_fragment(b"12345678", number, 7, 2000), NOW) is None
    assert reassembly.add_head(b"12345678" + bytes(2000), NOW) is None
    assert counters.get("oversized_packet") == 1
