"""Rules in JSON and in bytes, as an unmodified controller wrote and sent them (protocol/07 §7.7)."""

from host_tests.unit.support import raises, vectors
from zerotier.wire.rules import ACCEPT_ALL, count_rules, decode_rules, encode_rules

RULES = vectors("rules")["rules"]  # type: ignore[call-overload]


def test_each_rule_is_encoded_as_the_reference_does() -> None:
    for vector in RULES:
        assert encode_rules([vector["json"]]).hex() == vector["binary"], vector


def test_each_rule_is_shown_as_the_reference_does() -> None:
    for vector in RULES:
        assert decode_rules(bytes.fromhex(vector["binary"])) == [vector["json"]], vector


def test_the_rules_of_a_whole_network_keep_their_order() -> None:
    blob = encode_rules([vector["json"] for vector in RULES])
    assert blob.hex() == "".join([vector["binary"] for vector in RULES])
    assert decode_rules(blob) == [vector["json"] for vector in RULES]
    assert count_rules(blob) == len(RULES) == 120


def test_missing_fields_are_zero_and_a_range_without_end_has_one_member() -> None:
    for rule, binary in (
        ({"type": "MATCH_IP_DEST_PORT_RANGE", "start": 53}, "280400350035"),
        ({"type": "MATCH_ETHERTYPE"}, "25020000"),
        ({"type": "ACTION_TEE"}, "020e" + "00" * 14),
    ):
        assert encode_rules([rule]).hex() == binary


def test_actions_have_neither_not_nor_or() -> None:
    assert encode_rules([{"type": "ACTION_ACCEPT", "not": True, "or": True}]) == ACCEPT_ALL


def test_types_that_only_other_controllers_issue_have_a_form_too() -> None:
    rule = {"type": "INTEGER_RANGE", "start": "10", "end": "2f", "idx": 6, "bits": 16}
    rule["little"] = True
    blob = encode_rules([rule])
    assert blob.hex() == "33130000000000000010000000000000002f00068f"
    shown = decode_rules(blob)[0]
    assert (shown["start"], shown["bits"], shown["little"]) == ("0000000000000010", 16, True)
    assert decode_rules(b"\x06\x00") == [{"type": "ACTION_PRIORITY"}]


def test_an_unknown_type_keeps_its_place_when_shown() -> None:
    assert decode_rules(bytes.fromhex("bf0201020100")) == [
        {"type": "UNKNOWN_63", "not": True, "or": False},
        {"type": "ACTION_ACCEPT"},
    ]


def test_a_rule_that_cannot_be_meant_is_refused_by_its_number() -> None:
    for rules, reason in (
        ([{"type": "MATCH_NOTHING"}], "rule 1: there is no type 'MATCH_NOTHING'"),
        ([{"type": "ACTION_DROP"}, {}], "rule 2: there is no type None"),
        (["ACTION_DROP"], "rule 1: it must be an object with a type"),
        ({"type": "ACTION_DROP"}, "rules must be a list"),
        ([{"type": "MATCH_ETHERTYPE", "etherType": 65536}], "etherType must be a number from 0"),
        ([{"type": "MATCH_ETHERTYPE", "etherType": -1}], "etherType must be a number from 0"),
        ([{"type": "MATCH_ETHERTYPE", "etherType": "ip"}], "etherType must be a number from 0"),
        ([{"type": "MATCH_IPV4_DEST", "ip": "10.0.0.1"}], "10.0.0.1 needs a prefix length"),
        ([{"type": "MATCH_IPV4_DEST", "ip": "fd00::1/8"}], "fd00::1 is not an IPv4 address"),
        ([{"type": "MATCH_MAC_DEST", "mac": "02:11"}], "is not a MAC address"),
        ([{"type": "MATCH_CHARACTERISTICS", "mask": "tcp"}], "mask must be up to 16 hex digits"),
        ([{"type": "MATCH_SOURCE_ZEROTIER_ADDRESS", "zt": 5}], "zt must be a string"),
        ([{"type": "INTEGER_RANGE", "bits": 65}], "bits must be 1 to 64"),
    ):
        assert reason in raises(ValueError, encode_rules, rules)


def test_bytes_that_run_off_the_end_are_refused() -> None:
    for digits in ("25", "2502", "250208", "020e0000"):
        raises(ValueError, decode_rules, bytes.fromhex(digits))
