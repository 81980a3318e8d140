"""The encrypted HELLO of protocol 13: the vectors of a running 1.16.0, its round trip, tampering, and its price."""

import _zerotier

from host_tests.unit.mesh import Mesh
from host_tests.unit.support import raises, vectors
from host_tests.unit.test_vl1_greeting import make_hello
from zerotier.identity import Identity
from zerotier.vl1.extended_hello import open_extended
from zerotier.wire.packet import CIPHER_POLY1305, FLAG_EXTENDED, FLAGS, MAC, PAYLOAD

EPHEMERAL = bytes(range(64))


def seal(hello: bytearray, receiver: Identity) -> bytearray:
    """What a sender of protocol 13 does (protocol/14 §14.2)."""
    key = _zerotier.agree(EPHEMERAL, receiver.public)[:32]
    body = bytearray(hello[MAC:])
    _zerotier.aes256_ctr(key, bytes(hello[:12]) + bytes(4), body)
    return hello[:MAC] + body + _zerotier.public_key(EPHEMERAL)[:32]


def extended_hello(sender: Identity, receiver: Identity, now: int) -> bytearray:
    hello = make_hello(sender, receiver, now)
    hello[FLAGS] |= FLAG_EXTENDED
    _zerotier.armor(sender.agree(receiver), hello, CIPHER_POLY1305)
    return seal(hello, receiver)


class Known:
    """A node and a peer that it knows."""

    def __init__(self) -> None:
        self.mesh = Mesh()
        self.one = self.mesh.add()
        self.other = self.mesh.add()
        self.peer = self.one.node.topology.add(self.other.identity, self.mesh.now)
        self.mesh.run(1000)
        self.answers: list = []
        self.mesh.tap = self.tap

    def tap(self, datagram: bytes, source: bytes, target: bytes) -> None:
        if source == self.one.endpoint and target == self.other.endpoint:
            self.answers.append(datagram)

    def receive(self, packet: bytearray) -> None:
        self.one.node.receive(bytearray(packet), self.other.endpoint, self.mesh.now)


def test_aes_answers_as_fips_197_says() -> None:
    key = bytes(range(32))
    block = bytearray(16)
    _zerotier.aes256_ctr(key, bytes.fromhex("00112233445566778899aabbccddeeff"), block)
    assert block.hex() == "8ea2b7ca516745bfeafc49904b496089"


def test_aes_counts_in_the_last_four_bytes_only() -> None:
    key = bytes(range(32))
    counter = b"\x55" * 12 + b"\xff\xff\xff\xff"
    both = bytearray(40)
    _zerotier.aes256_ctr(key, counter, both)
    second = bytearray(16)
    _zerotier.aes256_ctr(key, b"\x55" * 12 + bytes(4), second)
    assert both[16:32] == second
    _zerotier.aes256_ctr(key, counter, both)
    assert both == bytes(40)


def test_aes_refuses_wrong_lengths() -> None:
    aes = _zerotier.aes256_ctr
    assert raises(ValueError, aes, bytes(31), bytes(16), bytearray(1)) == "key must be 32 bytes"
    sentence = raises(ValueError, aes, bytes(32), bytes(15), bytearray(1))
    assert sentence == "counter block must be 16 bytes"


def test_hellos_of_a_running_node_are_opened_and_authentic() -> None:
    for case in vectors("encrypted_hello"):
        receiver = Identity.from_text(case["receiver_secret"])
        sender = Identity.from_text(case["sender_public"])
        opened = open_extended(bytearray(bytes.fromhex(case["wire"])), receiver.secret)
        assert opened.hex() == case["opened"]
        assert _zerotier.dearmor(receiver.agree(sender), opened)


def test_a_known_peer_gets_its_ok() -> None:
    known = Known()
    known.receive(extended_hello(known.other.identity, known.one.identity, known.mesh.now))
    assert len(known.answers) >= 1
    assert known.one.count("bad_mac") == 0


def test_a_changed_bit_is_noticed_wherever_it_is() -> None:
    known = Known()
    packet = extended_hello(known.other.identity, known.one.identity, known.mesh.now)
    for position in (MAC, MAC + 8, PAYLOAD + 5, len(packet) - 40, len(packet) - 1):
        changed = bytearray(packet)
        changed[position] ^= 1
        known.receive(changed)
        known.mesh.now += 1000
    assert known.answers == []


def test_a_stranger_costs_no_key_agreement() -> None:
    known = Known()
    stranger = known.mesh._identities[9]
    known.receive(extended_hello(stranger, known.one.identity, known.mesh.now))
    assert known.answers == []
    assert known.one.node.topology.get(stranger.address) is None


def test_one_peer_cannot_cause_many_key_agreements() -> None:
    known = Known()
    packet = extended_hello(known.other.identity, known.one.identity, known.mesh.now)
    for _ in range(50):
        known.receive(packet)
    assert known.one.count("extended_gate") == 49


def test_what_is_too_short_is_dropped() -> None:
    known = Known()
    packet = extended_hello(known.other.identity, known.one.identity, known.mesh.now)
    for size in range(28, 60):
        known.receive(packet[:size])
    assert known.one.count("extended_refused") == 32
