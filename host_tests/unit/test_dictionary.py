"""Dictionaries: lines, escapes and numbers (protocol/06 §6.3)."""

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import vectors
from zerotier.wire import dictionary


def test_bytes_that_mean_something_are_escaped_and_come_back() -> None:
    value = b"\x00\r\n\\=plain\xff\x80"
    blob = dictionary.encode([("k", value)])
    assert blob == b"k=\\0\\r\\n\\\\\\eplain\xff\x80"
    assert dictionary.parse(blob) == {"k": value}


def test_every_byte_value_comes_back() -> None:
    value = bytes(range(256)) * 2
    assert dictionary.parse(dictionary.encode([("a", value), ("b", b"")])) == {
        "a": value,
        "b": b"",
    }


def test_entries_are_separated_by_one_lf_and_nothing_ends_the_last() -> None:
    assert dictionary.encode([("a", b"1"), ("b", b"2")]) == b"a=1\nb=2"
    assert dictionary.encode([]) == b""
    assert dictionary.parse(b"") == {}
    assert dictionary.parse(b"\n") == {}


def test_cr_and_lf_both_end_an_entry_and_nul_ends_all() -> None:
    assert dictionary.parse(b"a=1\r\nb=2\rc=3\n\nd=4\0e=5") == {
        "a": b"1", "b": b"2", "c": b"3", "d": b"4",
    }  # fmt: skip


def test_lines_without_an_equals_sign_are_no_entries() -> None:
    assert dictionary.parse(b"junk\na=1\nmore junk\n=x\nb=2") == {"a": b"1", "b": b"2"}


def test_the_first_of_equal_keys_wins() -> None:
    assert dictionary.parse(b"a=1\na=2")["a"] == b"1"


def test_a_raw_equals_sign_in_a_value_is_an_ordinary_byte() -> None:
    assert dictionary.parse(b"a=b=c")["a"] == b"b=c"


def test_an_unknown_escape_is_the_letter_itself() -> None:
    assert dictionary.parse(b"a=\\x\\y\\\xfe")["a"] == b"xy\xfe"


def test_a_backslash_protects_no_end() -> None:
    assert dictionary.parse(b"a=1\\\nb=2\\\rc=3\\\0d=4") == {"a": b"1", "b": b"2", "c": b"3"}
    assert dictionary.parse(b"a=1\\") == {"a": b"1"}
    assert dictionary.parse(b"a=\\") == {"a": b""}


def test_a_key_is_matched_whole() -> None:
    items = dictionary.parse(b"nwid=1\nn=2")
    assert items["n"] == b"2" and items["nwid"] == b"1"


def test_numbers_are_written_with_16_digits_and_read_with_any() -> None:
    assert dictionary.hex16(0x1F) == b"000000000000001f"
    assert dictionary.hex16(0xFFFFFFFFFFFFFFFF) == b"ffffffffffffffff"
    assert dictionary.hex16(-2) == b"-0000000000000002"
    items = {
        "a": b"1F",
        "b": b"-2",
        "c": b"12zz",
        "d": b"",
        "e": b"1" + b"0" * 16,
        "f": b"ffffffffffffffff",
    }
    assert [dictionary.get_int(items, key) for key in "abcdef"] == [31, -2, 18, 0, 0, 2**64 - 1]
    assert dictionary.get_int(items, "none") == 0
    assert dictionary.get_int(items, "none", 2800) == 2800


def test_booleans_are_read_by_their_first_letter() -> None:
    items = {"a": b"1", "b": b"true", "c": b"T", "d": b"0", "e": b"", "f": b"yes"}
    assert [dictionary.get_bool(items, key) for key in "abcdefg"] == [True] * 3 + [False] * 4


def test_views_are_read_too() -> None:
    assert dictionary.parse(memoryview(b"a=1\nb=2")) == {"a": b"1", "b": b"2"}
    assert dictionary.parse(bytearray(b"a=1")) == {"a": b"1"}


def test_recorded_configs_have_their_values() -> None:
    for case in vectors("netconf")["configs"]:
        raw = bytes.fromhex(case["raw"])
        items = dictionary.parse(raw)
        assert sorted(items) == sorted(case["parsed"])
        for key, value in case["parsed"].items():
            if isinstance(value, str):
                assert items[key].decode() == value
        order = [line.split(b"=")[0].decode() for line in raw.split(b"\n")]
        assert dictionary.encode([(key, items[key]) for key in order]) == raw


def test_the_request_of_a_reference_node_is_reproduced() -> None:
    text = vectors("protocol_12")["metadata"]
    pairs = [line.split("=") for line in text.split("\n")]
    assert len(text) == 263
    assert dictionary.encode([(key, value.encode()) for key, value in pairs]).decode() == text


def test_no_blob_is_refused() -> None:
    blob = b"v=0000000000000007\nC=\\0\\r\\n\\\\\\e\xff\nn=net\r"
    assert survives_truncation(dictionary.parse, blob) == 2 * len(blob)
    assert survives_bit_flips(dictionary.parse, blob) == 8 * len(blob)
