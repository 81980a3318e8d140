"""A whole join between a node that announces protocol 11 and reference nodes, as it was recorded.

Each line of the capture is [number, source, destination, datagram, verb, payload]; a fragmented packet
is under the datagram that completed it.
"""

import json

from host_tests.unit.opening import INCOMPLETE, JUNK, Opener
from host_tests.unit.reencode import reencoded
from host_tests.unit.support import vectors
from zerotier.wire.verbs import VERB_HELLO, verb_name

CAPTURE = "host_tests/vectors/captures/09_protocol_11_join.lines"
CIPHER_MASK = 0x38
LARGEST_OPENED = 0x08  # ciphers 0 and 1; AES-GMAC-SIV is left to host_tests/captures


def lines() -> object:
    """The lines of the capture, one at a time: all of them would need much memory."""
    with open(CAPTURE) as file:
        for line in file:
            yield json.loads(line)


def test_every_datagram_of_ciphers_0_and_1_opens_to_what_was_recorded() -> None:
    opener = Opener(vectors("captures/09_protocol_11_join.ids")["identities"])
    seen: dict = {}
    skipped = 0
    for number, source, destination, wire, verb, payload in lines():
        datagram = bytes.fromhex(wire)
        fragment = len(datagram) > 16 and datagram[13] == 0xFF
        if len(datagram) > 18 and not fragment and datagram[18] & CIPHER_MASK > LARGEST_OPENED:
            skipped += 1
            continue
        got, opened = opener.open(datagram, source + destination)
        name = got if got in (JUNK, INCOMPLETE) else verb_name(got)
        seen[name] = seen.get(name, 0) + 1
        if got in (JUNK, INCOMPLETE):
            assert verb is None
            continue
        assert name == verb, number
        if got == VERB_HELLO:  # recorded with its tail encrypted
            assert opened[:-2] == bytes.fromhex(payload[:-4]), number
        else:
            assert opened == bytes.fromhex(payload), number
        assert reencoded(got, opened) == opened, number
    assert skipped == 38
    assert seen == {
        JUNK: 2,
        INCOMPLETE: 22,
        "HELLO": 10,
        "OK": 20,
        "ERROR": 3,
        "WHOIS": 2,
        "RENDEZVOUS": 2,
        "ECHO": 3,
        "FRAME": 55,
        "EXT_FRAME": 1,
        "MULTICAST_LIKE": 5,
        "MULTICAST_GATHER": 2,
        "MULTICAST_FRAME": 3,
        "NETWORK_CREDENTIALS": 4,
        "NETWORK_CONFIG_REQUEST": 5,
        "NETWORK_CONFIG": 1,
        "PUSH_DIRECT_PATHS": 3,
    }
    assert not opener.counters.snapshot()


def test_a_damaged_datagram_does_not_open() -> None:
    opener = Opener(vectors("captures/09_protocol_11_join.ids")["identities"])
    for _, source, destination, wire, verb, _ in lines():
        datagram = bytearray(bytes.fromhex(wire))
        if verb != "HELLO":
            continue
        datagram[-1] ^= 1
        try:
            opener.open(bytes(datagram), source + destination)
        except AssertionError:
            continue
        raise RuntimeError("a damaged HELLO was authentic")
