"""The helper that opens cipher 3, against its own vectors (protocol/02 §2.7.3)."""

import json

from host_tests.captures import gmac_siv
from host_tests.unit.support import vectors


def unhex(case: dict, *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


def test_gmac_vectors() -> None:
    for case in vectors("aes_gmac_siv")["gmac"]:
        key, iv, message = unhex(case, "key", "iv12", "message")
        assert gmac_siv.gmac(key, iv, message).hex() == case["tag16"]


def test_gmac_siv_vectors_both_ways() -> None:
    for case in vectors("aes_gmac_siv")["gmac_siv"]:
        k0, k1, iv, aad, plaintext = unhex(case, "k0", "k1", "iv8", "aad", "plaintext")
        tag, ciphertext = unhex(case, "tag16", "ciphertext")
        assert gmac_siv.seal(k0, k1, iv, aad, plaintext) == (tag, ciphertext)
        assert gmac_siv.open_sealed(k0, k1, tag, aad, ciphertext) == plaintext
        wrong = bytes((tag[0] ^ 1,)) + tag[1:]
        assert gmac_siv.open_sealed(k0, k1, wrong, aad, ciphertext) is None


def test_keys_are_derived_as_recorded() -> None:
    for case in vectors("ecdh"):
        shared = bytes.fromhex(case["agreed_key_48"])
        assert gmac_siv.derive(shared, b"0").hex() == case["kbkdf_k0_48"]
        assert gmac_siv.derive(shared, b"1").hex() == case["kbkdf_k1_48"]


def suite_3() -> list[dict]:
    return [case for case in vectors("packets") if case["cipher_suite"] == gmac_siv.CIPHER]


def test_recorded_packets_open_also_after_two_hops() -> None:
    assert len(suite_3()) == 10
    for case in suite_3():
        key = bytes.fromhex(case["agreed_key_48"])
        plain = case.get("plain_after_compress", case["plain_packet"])
        for wire in (case["wire"], case["wire_after_2_hops"]):
            packet = bytearray.fromhex(wire)
            assert gmac_siv.dearmor(key, packet), case["note"]
            assert packet[27:].hex() == plain[54:]


def test_recorded_packets_are_sealed_the_same() -> None:
    for case in suite_3():
        packet = bytearray.fromhex(case["plain_packet"])
        gmac_siv.armor(bytes.fromhex(case["agreed_key_48"]), packet)
        assert packet.hex() == case["wire"]


def test_tampered_packets_do_not_open() -> None:
    count = 0
    for case in suite_3():
        for tampered in case["tampered"]:
            packet = bytearray.fromhex(tampered["wire"])
            key = bytes.fromhex(case["agreed_key_48"])
            assert len(packet) < 28 or not gmac_siv.dearmor(key, packet), tampered["changed"]
            count += 1
    assert count > 70


def test_fragmented_packets_of_cipher_3_open_when_put_together() -> None:
    with open("host_tests/vectors/fragments.json") as file:
        cases = [case for case in json.load(file) if case["cipher_suite"] == gmac_siv.CIPHER]
    assert len(cases) == 3
    for case in cases:
        pieces = [bytes.fromhex(piece) for piece in case["datagrams"]]
        packet = bytearray(pieces[0] + b"".join(piece[16:] for piece in pieces[1:]))
        source, destination = case["src_identity"], case["dst_identity"]
        key = _agree(source, destination)
        assert gmac_siv.dearmor(key, packet)
        assert packet[28:].hex() == case["plain_payload"]


def _agree(source: str, destination: str) -> bytes:
    from zerotier.identity import Identity

    own, other = Identity.from_text(source), Identity.from_text(destination)
    if own.secret is None:
        own, other = other, own
    return own.agree(other)
