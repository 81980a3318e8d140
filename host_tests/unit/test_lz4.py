"""LZ4 blocks, made by the reference and by hand, against lz4_decompress (protocol/13 §13.5).

It owns what a peer may send as a compressed payload: right ones, and each way of being wrong.
"""

import _zerotier

from host_tests.unit.support import raises, unhex, vectors

PAYLOAD = 28
COMPRESSED = 0x80
VERB = 27
MAX_PAYLOAD = 9996
REFERENCE_BLOCK = unhex("8f41424344454647480800ff21504445464748")
REFERENCE_OUTPUT = b"ABCDEFGH" * 40


def decompress(block, capacity=MAX_PAYLOAD):
    destination = bytearray(capacity)
    return bytes(destination[: _zerotier.lz4_decompress(block, destination)])


def malformed(block, capacity=MAX_PAYLOAD):
    sentence = raises(ValueError, _zerotier.lz4_decompress, block, bytearray(capacity))
    return sentence == "malformed LZ4 block"


def repeated(head, offset, count, tail):
    output = bytearray(head)
    for _ in range(count):
        output.append(output[-offset])
    return bytes(output) + tail


def test_the_block_of_the_specification_decompresses():
    assert decompress(REFERENCE_BLOCK) == REFERENCE_OUTPUT


def test_the_recorded_compressed_packet_decompresses_to_its_payload():
    compressed = 0
    for case in vectors("packets"):
        packet = bytearray(unhex(case["wire"]))
        if _zerotier.dearmor(unhex(case["agreed_key_48"]), packet) and packet[VERB] & COMPRESSED:
            assert decompress(packet[PAYLOAD:]) == unhex(case["plain_payload"])
            compressed += 1
    assert compressed == 1


def test_literals_alone_are_a_block():
    assert decompress(b"\x10A") == b"A"
    assert decompress(b"\xe0" + bytes(range(14))) == bytes(range(14))
    assert decompress(b"\xf0\x00" + bytes(range(15))) == bytes(range(15))
    assert decompress(b"\xf0\xff\x00" + b"x" * 270) == b"x" * 270
    assert decompress(b"\xf0\xff\xff\x05" + b"x" * 530) == b"x" * 530


def test_a_match_may_reach_into_its_own_output():
    assert decompress(b"\x10A\x01\x00\x10B") == repeated(b"A", 1, 4, b"B")
    assert decompress(b"\x1fA\x01\x00\xff\x00\x10B") == repeated(b"A", 1, 274, b"B")
    assert decompress(b"\x31ABC\x02\x00\x10D") == b"ABC" + b"BCBCB" + b"D"


def test_a_match_may_reach_back_to_the_first_byte_and_no_further():
    assert decompress(b"\x40ABCD\x04\x00\x10E") == b"ABCDABCDE"
    assert malformed(b"\x40ABCD\x05\x00\x10E")
    assert malformed(b"\x40ABCD\xff\xff\x10E")


def test_an_offset_of_zero_is_malformed():
    assert malformed(b"\x40ABCD\x00\x00\x10E")


def test_a_block_must_end_with_literals():
    assert malformed(b"\x40ABCD\x04\x00")
    assert decompress(b"\x40ABCD\x04\x00\x00") == b"ABCDABCD"
    assert malformed(b"\x11A")


def test_nothing_is_malformed():
    assert malformed(b"")
    assert malformed(b"\x00")


def test_every_shortened_block_is_malformed():
    for length in range(len(REFERENCE_BLOCK)):
        # Also cut right behind the first literals: their token announces a match.
        assert malformed(REFERENCE_BLOCK[:length])


def test_output_may_fill_the_destination_and_no_more():
    assert decompress(REFERENCE_BLOCK, 320) == REFERENCE_OUTPUT
    for capacity in (0, 1, 7, 8, 9, 11, 12, 314, 315, 319):
        assert malformed(REFERENCE_BLOCK, capacity)
    assert decompress(b"\x30ABC", 3) == b"ABC"
    assert malformed(b"\x30ABC", 2)


def test_the_longest_payload_decompresses():
    # 1 literal, a match of 9994 = 4 + 15 + 39 * 255 + 30, and 1 literal.
    block = b"\x1fA\x01\x00" + b"\xff" * 39 + b"\x1e\x10B"
    assert decompress(block) == b"A" * 9995 + b"B"
    assert malformed(block, MAX_PAYLOAD - 1)


def test_endless_counts_are_malformed():
    assert malformed(b"\xf0" + b"\xff" * 5000)
    assert malformed(b"\x1fA\x01\x00" + b"\xff" * 5000)


def test_bytes_behind_the_output_stay_as_they_were():
    destination = bytearray(b"z" * 400)
    assert _zerotier.lz4_decompress(REFERENCE_BLOCK, destination) == 320
    assert bytes(destination) == REFERENCE_OUTPUT + b"z" * 80


def test_a_part_of_a_buffer_serves_as_destination():
    buffer = bytearray(b"z" * 400)
    written = _zerotier.lz4_decompress(REFERENCE_BLOCK, memoryview(buffer)[5:325])
    assert bytes(buffer) == b"z" * 5 + REFERENCE_OUTPUT[:written] + b"z" * 75


def test_a_destination_that_cannot_be_written_is_refused():
    raises(TypeError, _zerotier.lz4_decompress, REFERENCE_BLOCK, bytes(320))
