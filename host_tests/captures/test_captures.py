"""Every datagram of three captures between reference nodes is opened, understood and written again."""

import json

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from host_tests.captures import gmac_siv
from host_tests.captures.pcap import datagrams
from host_tests.unit.opening import INCOMPLETE, JUNK, Opener
from host_tests.unit.reencode import reencoded
from zerotier.identity import Identity
from zerotier.wire import address, messages, verbs
from zerotier.wire.chunk import Chunk
from zerotier.wire.config import NetworkConfig
from zerotier.wire.verbs import VERB_ECHO, VERB_HELLO, VERB_OK, verb_name

CAPTURES = "host_tests/vectors/captures/"
JOIN = "01_join_and_ping"
RELAY = "02_relay_then_direct"
PROTOCOL_11 = "09_protocol_11_join"


class FullOpener(Opener):
    """Opens all three ciphers."""

    def dearmor(self, key: bytes, packet: bytearray) -> bool:
        if packet[18] >> 3 & 7 == gmac_siv.CIPHER:
            return gmac_siv.dearmor(key, packet)
        return super().dearmor(key, packet)


def secrets(name: str) -> dict:
    with open(f"{CAPTURES}{name}.ids.json") as file:
        return json.load(file)


def opened(name: str) -> list[tuple[str | int, bytes]]:
    """(verb, or JUNK or INCOMPLETE; payload) of every datagram of a capture."""
    opener = FullOpener(secrets(name)["identities"])
    contents = []
    for source, destination, datagram in datagrams(f"{CAPTURES}{name}.pcap"):
        link = address.text(source) + " " + address.text(destination)
        contents.append(opener.open(datagram, link))
    assert not opener.counters.snapshot()
    return contents


@pytest.mark.parametrize(
    ("name", "total", "junk"), [(JOIN, 294, 3), (RELAY, 408, 2), (PROTOCOL_11, 181, 2)]
)
def test_every_datagram_is_authentic_understood_and_written_again(
    name: str, total: int, junk: int
) -> None:
    contents = opened(name)
    assert len(contents) == total
    assert [verb for verb, _ in contents].count(JUNK) == junk
    for number, (verb, payload) in enumerate(contents):
        if verb not in (JUNK, INCOMPLETE):
            assert reencoded(verb, payload) == payload, (number, verb_name(verb))
            assert reencoded(verb, memoryview(payload)) == payload, (number, verb_name(verb))


def test_captures_hold_what_their_description_says() -> None:
    counts: dict[str, int] = {}
    for verb, payload in opened(JOIN):
        if verb in (JUNK, INCOMPLETE):
            continue
        name = verb_name(verb)
        if verb == VERB_OK:
            name += " " + verb_name(messages.parse_ok(payload)[0])
        counts[name] = counts.get(name, 0) + 1
    assert counts["HELLO"] == counts["OK HELLO"] == 16
    assert counts["WHOIS"] == counts["OK WHOIS"] == 46
    assert counts["NETWORK_CONFIG"] == 2 and counts["ERROR"] == 3
    assert counts["MULTICAST_FRAME"] == counts["OK MULTICAST_FRAME"] == 5


def test_the_decode_of_capture_09_is_the_recorded_one() -> None:
    with open(f"{CAPTURES}{PROTOCOL_11}.json") as file:
        recorded = json.load(file)["packets"]
    with open(f"{CAPTURES}{PROTOCOL_11}.lines") as file:
        lines = [json.loads(line) for line in file]
    contents = opened(PROTOCOL_11)
    assert len(recorded) == len(contents) == len(lines)
    files = zip(datagrams(f"{CAPTURES}{PROTOCOL_11}.pcap"), recorded, lines, contents, strict=True)
    for (source, destination, datagram), packet, line, (verb, payload) in files:
        assert datagram.hex() == packet["wire"]
        assert address.text(source) == packet["udp_src"]
        assert address.text(destination) == packet["udp_dst"]
        whole = packet.get("assembled", packet)
        said = [packet[key] for key in ("n", "udp_src", "udp_dst", "wire")]
        assert line == said + [whole.get("verb"), whole.get("payload")]
        if packet["kind"] == "short":
            assert verb == JUNK
        elif packet["kind"] == "packet" or "assembled" in packet:
            assert verb_name(verb) == whole["verb"]
            end = len(payload) - 2 if verb == VERB_HELLO else len(payload)
            assert payload[:end].hex() == whole["payload"][: 2 * end]
            assert len(payload) == whole["payload_len"]
        else:
            assert verb == INCOMPLETE


@pytest.mark.parametrize("name", [JOIN, RELAY, PROTOCOL_11])
def test_configs_in_a_capture_are_signed_and_written_as_they_were_read(name: str) -> None:
    controller = Identity.from_text(secrets(name)["identities"]["ctl"])
    found = 0
    for verb, payload in opened(name):
        body: bytes | None = None
        if verb == verbs.VERB_NETWORK_CONFIG:
            body = payload
        elif verb == VERB_OK and payload[0] == verbs.VERB_NETWORK_CONFIG_REQUEST:
            body = messages.parse_ok(payload)[2]
        if body is None:
            continue
        chunk = Chunk.parse(body)
        assert chunk.total == len(chunk.piece)
        assert controller.verify(bytes(chunk.signed_bytes()), chunk.signature or b"")
        network = NetworkConfig.parse(bytes(chunk.piece))
        assert network.encode() == bytes(chunk.piece)
        assert network.nwid == chunk.nwid and network.dropped == 0
        for credential in [network.membership, *network.tags, *network.ownerships]:
            if credential is not None:
                assert controller.verify(credential.signed_bytes(), credential.signature)
        found += 1
    assert found >= 2


def test_the_answer_to_a_pushed_config_is_an_ok_to_echo() -> None:
    found = 0
    for verb, payload in opened(JOIN):
        if verb == VERB_OK and payload[0] == VERB_ECHO:
            body = messages.parse_ok(payload)[2]
            if len(body) == 16:
                expected = messages.encode_config_acknowledgement(body[:8], body[8:])
                assert expected == body
                found += 1
    assert found == 2


def test_encrypted_blocks_are_those_of_aes_256() -> None:
    with open("host_tests/vectors/aes_gmac_siv.json") as file:
        case = json.load(file)["aes256_block"]
    cipher = Cipher(algorithms.AES(bytes.fromhex(case["key"])), modes.ECB())
    assert cipher.encryptor().update(bytes.fromhex(case["in"])).hex() == case["out"]
