"""Packets armored by ZeroTierOne 1.14.1, and its HELLO tails, against armor, dearmor, hello_tail.

It owns cipher suites 0 and 1. The recorded packets of suite 3 show that other suites are refused.
"""

import _zerotier

from host_tests.unit.support import raises, unhex, vectors

HEADER = 27
MINIMUM = 28
FLAGS = 18
MAC = 19
ENCRYPTED_FLAG = 0x80
FRAGMENTED_FLAG = 0x40
CIPHERS = (0, 1)
KEY_A_B = unhex(
    "5634dd255d3f73e79b2c2b06a08c141e0c5bc5acf60f310d039c5038b4b7cde2d9a1928b977be1b1a192b99c1e0ea0c0"
)
PLAIN_A_B = unhex(
    "0123456789abcdef8f65490231f85afca4d60000000000000000000854686520717569636b2062726f776e20666f7820"
    "6a756d7073206f76657220746865206c617a7920646f672e"
)
WIRE_A_B = (
    unhex(
        "0123456789abcdef8f65490231f85afca4d600c3fc132eb7ae4f990854686520717569636b2062726f776e20666f7820"
        "6a756d7073206f76657220746865206c617a7920646f672e"
    ),
    unhex(
        "0123456789abcdef8f65490231f85afca4d6887cb18dbdaf52818b2317e589bfe2a441fe60cb9510a60491493b65756c"
        "510cdd7a4ba5f704bb911be9785bc9d122b0dbe25fb76245"
    ),
)
HELLO_A_B = unhex(
    "0123456789abcdef8f65490231f85afca4d600f74919a40df47c20010c010e00010000018bcfe56800f85afca4d60086"
    "88eafd4658505bbfcb3b42bcfc588177d96de5be496034502eafa44e41c75b2def84ae379365a6726fd6d2ef17725bec"
    "afe4569d2c8f06d01502be8254f8c50004c000020a27090000000008eac90a0000017ee95760cddfc4"
)


def recorded(suites=CIPHERS):
    return [case for case in vectors("packets") if case["cipher_suite"] in suites]


def plain(case):
    # The reference sets the old "encrypted" flag, which we only keep (protocol/02 §2.1).
    packet = bytearray(unhex(case["plain_packet"]))
    packet[FLAGS] |= unhex(case["wire"])[FLAGS] & ENCRYPTED_FLAG
    return packet


def pattern(length):
    return bytearray([(7 * i + 3) & 0xFF for i in range(length)])


def test_armor_makes_the_recorded_packets_byte_for_byte():
    cases = recorded()
    for case in cases:
        packet = plain(case)
        _zerotier.armor(unhex(case["agreed_key_48"]), packet, case["cipher_suite"])
        assert packet == unhex(case["wire"])
    assert len(cases) == 17


def test_dearmor_opens_the_recorded_packets():
    for case in recorded():
        packet = bytearray(unhex(case["wire"]))
        assert _zerotier.dearmor(unhex(case["agreed_key_48"]), packet) is True
        assert packet[:HEADER] == unhex(case["wire"])[:HEADER]
        assert packet[HEADER:] == unhex(case["plain_packet"])[HEADER:]


def test_packets_still_authenticate_after_two_hops():
    for case in recorded():
        packet = bytearray(unhex(case["wire_after_2_hops"]))
        assert _zerotier.dearmor(unhex(case["agreed_key_48"]), packet) is True
        assert packet[HEADER:] == unhex(case["plain_packet"])[HEADER:]


def test_every_tampered_packet_is_refused_and_left_as_it_was():
    refused = 0
    for case in recorded():
        for tampered in case["tampered"]:
            packet = bytearray(unhex(tampered["wire"]))
            assert _zerotier.dearmor(unhex(case["agreed_key_48"]), packet) is False
            assert packet == unhex(tampered["wire"])
            refused += 1
    assert refused == 133


def test_packets_of_another_suite_are_refused_and_left_as_they_were():
    for case in recorded((3,)):
        packet = bytearray(unhex(case["wire"]))
        assert _zerotier.dearmor(unhex(case["agreed_key_48"]), packet) is False
        assert packet == unhex(case["wire"])


def test_the_steps_of_the_armor_can_be_followed_with_the_primitives():
    for case in recorded():
        wire = unhex(case["wire"])
        first = bytearray(64)
        _zerotier.salsa20(unhex(case["per_packet_key"]), wire[:8], first)
        assert first[:32] == unhex(case["poly1305_key"])
        assert _zerotier.poly1305(first[:32], wire[HEADER:])[:8] == unhex(case["mac"])
        opened = bytearray(wire[HEADER:])
        if case["cipher_suite"] == 1:
            _zerotier.salsa20(unhex(case["per_packet_key"]), wire[:8], opened, 1)
        assert opened == unhex(case["plain_packet"])[HEADER:]


def test_armor_makes_the_packets_of_the_specification():
    for cipher in CIPHERS:
        packet = bytearray(PLAIN_A_B)
        packet[FLAGS] = WIRE_A_B[cipher][FLAGS] & ENCRYPTED_FLAG
        _zerotier.armor(KEY_A_B, packet, cipher)
        assert packet == WIRE_A_B[cipher]


def test_armor_never_sets_the_old_encrypted_flag():
    packet = bytearray(PLAIN_A_B)
    _zerotier.armor(KEY_A_B, packet, 1)
    assert packet[FLAGS] == 0x08
    assert _zerotier.dearmor(KEY_A_B, packet)
    assert packet[HEADER:] == PLAIN_A_B[HEADER:]


def test_armor_replaces_the_cipher_and_keeps_flags_and_hops():
    for before in range(256):
        for cipher in CIPHERS:
            packet = bytearray(PLAIN_A_B)
            packet[FLAGS] = before
            _zerotier.armor(KEY_A_B, packet, cipher)
            assert packet[FLAGS] == before & 0xC7 | cipher << 3


def test_the_mac_covers_the_fragmented_flag_but_not_the_hops():
    packet = bytearray(PLAIN_A_B)
    _zerotier.armor(KEY_A_B, packet, 0)
    for hops in range(8):
        packet[FLAGS] = hops
        assert _zerotier.dearmor(KEY_A_B, packet) is True
    packet[FLAGS] = FRAGMENTED_FLAG
    assert _zerotier.dearmor(KEY_A_B, packet) is False


def test_only_the_first_32_bytes_of_the_key_count():
    packet, other = bytearray(PLAIN_A_B), bytearray(PLAIN_A_B)
    _zerotier.armor(KEY_A_B, packet, 1)
    _zerotier.armor(KEY_A_B[:32], other, 1)
    assert packet == other


def test_packets_of_every_length_go_there_and_back():
    for length in list(range(MINIMUM, 700)) + [1432, 2828, 9999, 10024]:
        for cipher in CIPHERS:
            packet = pattern(length)
            _zerotier.armor(KEY_A_B, packet, cipher)
            assert _zerotier.dearmor(KEY_A_B, packet) is True
            assert packet[HEADER:] == pattern(length)[HEADER:]


def test_a_flipped_bit_in_any_byte_is_noticed():
    armored = pattern(100)
    _zerotier.armor(KEY_A_B, armored, 1)
    for at in range(len(armored)):
        packet = bytearray(armored)
        packet[at] ^= 0x40
        assert _zerotier.dearmor(KEY_A_B, packet) is False
        packet[at] ^= 0x40
        assert packet == armored


def test_a_packet_may_lie_anywhere_in_a_buffer():
    for start in range(9):
        buffer = bytearray(start) + bytearray(PLAIN_A_B) + bytearray(5)
        packet = memoryview(buffer)[start : start + len(PLAIN_A_B)]
        packet[FLAGS] = ENCRYPTED_FLAG
        _zerotier.armor(KEY_A_B, packet, 1)
        assert bytes(buffer) == bytes(start) + WIRE_A_B[1] + bytes(5)
        assert _zerotier.dearmor(KEY_A_B, packet) is True
        assert bytes(buffer[start + HEADER :]) == PLAIN_A_B[HEADER:] + bytes(5)


def test_armor_functions_refuse_short_keys_short_packets_and_other_ciphers():
    packet = bytearray(MINIMUM)
    short_key, short_packet = "key must be at least 32 bytes", "packet must be at least 28 bytes"
    assert raises(ValueError, _zerotier.armor, bytes(31), packet, 0) == short_key
    assert raises(ValueError, _zerotier.dearmor, bytes(31), packet) == short_key
    assert raises(ValueError, _zerotier.hello_tail, bytes(31), packet, 28) == short_key
    for length in (0, 27):
        short = bytearray(length)
        assert raises(ValueError, _zerotier.armor, KEY_A_B, short, 0) == short_packet
        assert raises(ValueError, _zerotier.dearmor, KEY_A_B, short) == short_packet
        assert raises(ValueError, _zerotier.hello_tail, KEY_A_B, short, 28) == short_packet
    for cipher in (-1, 2, 3, 256):
        sentence = raises(ValueError, _zerotier.armor, KEY_A_B, packet, cipher)
        assert sentence == "cipher must be 0 or 1"
    assert packet == bytearray(MINIMUM)


def test_armor_functions_refuse_packets_that_cannot_be_written():
    raises(TypeError, _zerotier.armor, KEY_A_B, PLAIN_A_B, 0)
    raises(TypeError, _zerotier.dearmor, KEY_A_B, PLAIN_A_B)
    raises(TypeError, _zerotier.hello_tail, KEY_A_B, PLAIN_A_B, 28)


def test_hello_tail_makes_the_recorded_tails_and_undoes_them():
    for case in vectors("hello_cryptfield"):
        key = unhex(case["agreed_key_48"])
        head = unhex(case["packet_id"]) + bytes(60)
        packet = bytearray(head + unhex(case["field_plain"]))
        _zerotier.hello_tail(key, packet, len(head))
        assert packet == head + unhex(case["field_crypted"])
        _zerotier.hello_tail(key, packet, len(head))
        assert packet == head + unhex(case["field_plain"])


def test_hello_tail_ignores_the_lowest_three_bits_of_the_packet_id():
    case = vectors("hello_cryptfield")[0]
    for low in range(8):
        packet = bytearray(unhex(case["packet_id"]) + bytes(20) + unhex(case["field_plain"]))
        packet[7] = packet[7] & 0xF8 | low
        _zerotier.hello_tail(unhex(case["agreed_key_48"]), packet, 28)
        assert packet[28:] == unhex(case["field_crypted"])


def test_the_hello_of_the_specification_opens_in_both_steps():
    packet = bytearray(HELLO_A_B)
    assert _zerotier.dearmor(KEY_A_B, packet) is True
    assert packet == HELLO_A_B
    _zerotier.hello_tail(KEY_A_B, packet, len(packet) - 2)
    assert packet == HELLO_A_B[:-2] + b"\x00\x00"


def test_hello_tail_may_be_empty_but_not_begin_outside_the_payload():
    packet = bytearray(HELLO_A_B)
    _zerotier.hello_tail(KEY_A_B, packet, len(packet))
    for offset in (-1, 0, 27, len(packet) + 1):
        sentence = raises(ValueError, _zerotier.hello_tail, KEY_A_B, packet, offset)
        assert sentence == "offset must be 28 to the length of the packet"
    assert packet == HELLO_A_B
