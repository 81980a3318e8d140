"""Configs put together from chunks: nothing missing, nothing twice, nothing too large."""

from host_tests.unit.support import raises, unhex, vectors
from zerotier.vl2.assembly import Assembly
from zerotier.wire.chunk import MAX_PIECE, split

_LARGEST = 65536
_CHUNKS = 8


def _chunks(update_id: bytes = b"update-1") -> tuple:
    """The recorded config of 20125 bytes, in three chunks."""
    configs = [case for case in vectors("netconf")["configs"] if case["chunks"] == 3]
    dictionary = unhex(configs[0]["raw"])
    return dictionary, split(unhex(configs[0]["network"]), dictionary, update_id)


def _add(assembly: Assembly, chunk) -> bytes | None:
    return assembly.add(chunk.update_id, chunk.total, chunk.index, chunk.piece)


def test_a_config_in_one_chunk_is_whole_at_once():
    assembly = Assembly(_LARGEST, _CHUNKS)
    assert assembly.add(b"update-1", 5, 0, memoryview(b"v=7\nx")) == b"v=7\nx"


def test_chunks_make_a_config_in_any_order():
    dictionary, chunks = _chunks()
    assert len(chunks) == 3
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        assembly = Assembly(_LARGEST, _CHUNKS)
        assert _add(assembly, chunks[order[0]]) is None
        assert _add(assembly, chunks[order[1]]) is None
        assert _add(assembly, chunks[order[2]]) == dictionary


def test_a_repeated_chunk_does_not_stand_in_for_a_missing_one():
    dictionary, chunks = _chunks()
    assembly = Assembly(_LARGEST, _CHUNKS)
    for _ in range(5):
        assert _add(assembly, chunks[0]) is None
    assert _add(assembly, chunks[1]) is None
    assert _add(assembly, chunks[2]) == dictionary


def test_overlapping_chunks_whose_lengths_add_up_leave_no_hole():
    assembly = Assembly(_LARGEST, _CHUNKS)
    assert assembly.add(b"update-1", 100, 0, bytes(60)) is None
    assert "overlap" in raises(ValueError, assembly.add, b"update-1", 100, 30, bytes(40))
    assert assembly.add(b"update-1", 100, 60, bytes(40)) == bytes(100)


def test_chunks_outside_of_their_config_are_refused():
    assembly = Assembly(_LARGEST, _CHUNKS)
    for index, size in ((0, 101), (50, 51), (100, 1), (0xFFFFFFFF, 1), (10, 0)):
        raises(ValueError, assembly.add, b"update-1", 100, index, bytes(size))


def test_chunks_that_disagree_about_the_total_are_refused():
    assembly = Assembly(_LARGEST, _CHUNKS)
    assembly.add(b"update-1", 100, 0, bytes(60))
    raises(ValueError, assembly.add, b"update-1", 101, 60, bytes(40))


def test_a_config_larger_than_the_limit_is_refused_before_memory_is_taken():
    assembly = Assembly(16384, _CHUNKS)
    sentence = raises(ValueError, assembly.add, b"update-1", 16385, 0, bytes(MAX_PIECE))
    assert sentence == "the configuration is larger than this node accepts"
    raises(ValueError, assembly.add, b"update-1", 0xFFFFFFFF, 0, bytes(10))


def test_a_config_in_too_many_chunks_is_refused():
    assembly = Assembly(_LARGEST, 3)
    for index in range(3):
        assert assembly.add(b"update-1", 100, index, bytes(1)) is None
    raises(ValueError, assembly.add, b"update-1", 100, 3, bytes(1))


def test_two_updates_are_put_together_at_the_same_time():
    dictionary, first = _chunks(b"update-1")
    _, second = _chunks(b"update-2")
    assembly = Assembly(_LARGEST, _CHUNKS)
    for index in range(2):
        assert _add(assembly, first[index]) is None
        assert _add(assembly, second[index]) is None
    assert _add(assembly, second[2]) == dictionary
    assert _add(assembly, first[2]) == dictionary


def test_a_third_update_takes_the_place_of_the_oldest():
    dictionary, chunks = _chunks(b"update-1")
    assembly = Assembly(_LARGEST, _CHUNKS)
    assert _add(assembly, chunks[0]) is None
    for update in (b"update-2", b"update-3"):
        assert assembly.add(update, 100, 0, bytes(10)) is None
    assert _add(assembly, chunks[1]) is None
    assert _add(assembly, chunks[2]) is None
    assert _add(assembly, chunks[0]) == dictionary
