"""Where rules end (protocol/07 §7.7)."""

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import raises, vectors
from zerotier.wire.rule_list import base_end, parse_counted, value_length


def recorded() -> list:
    return [bytes.fromhex(case["binary"]) for case in vectors("rules")["rules"]]


def test_every_recorded_rule_has_the_length_of_its_type() -> None:
    for rule in recorded():
        assert value_length(rule[0]) == len(rule) - 2
        assert base_end(rule) == len(rule)
        assert parse_counted(rule, 0, 1) == (rule, len(rule))


def test_not_and_or_bits_do_not_change_the_length() -> None:
    for bits in (0x00, 0x40, 0x80, 0xC0):
        assert value_length(bits | 37) == 2
        assert value_length(bits | 51) == 19


def test_types_without_a_name_have_no_length() -> None:
    for kind in list(range(7, 24)) + list(range(52, 64)):
        assert value_length(kind) == -1


def test_a_list_ends_after_the_rules_asked_for() -> None:
    rules = recorded()
    blob = b"".join(rules)
    assert base_end(blob) == len(blob)
    assert base_end(blob, 3) == len(rules[0] + rules[1] + rules[2])
    assert base_end(blob, 0) == base_end(b"") == 0
    assert parse_counted(memoryview(blob), 0, len(rules)) == (blob, len(blob))
    assert parse_counted(b"##" + blob, 2, 1) == (rules[0], 2 + len(rules[0]))


def test_the_last_base_rule_may_announce_more_than_there_is_but_no_capability_may() -> None:
    assert base_end(b"\x25\x09\x08\x00") == 4
    raises(ValueError, parse_counted, b"\x25\x09\x08\x00", 0, 1)
    raises(ValueError, base_end, b"\x25\x02\x08")
    raises(ValueError, base_end, b"\x25")
    assert base_end(b"\x3f\x09") == 2


def test_cut_off_and_damaged_lists_raise_nothing_but_value_errors() -> None:
    rules = recorded()[:35]
    blob = b"".join(rules)

    def counted(broken: bytes) -> object:
        return parse_counted(broken, 0, len(rules))

    survives_truncation(base_end, blob)
    assert survives_truncation(counted, blob) == 0
    survives_bit_flips(base_end, blob)
    survives_bit_flips(counted, blob, 3)
