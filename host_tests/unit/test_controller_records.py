"""Records of networks and members: what is read, and the sentence for what cannot be (08 §8.6)."""

from host_tests.unit.support import raises
from zerotier.controller_records import (
    MemberRecord,
    NetworkRecord,
    new_member,
    new_network,
    parse_prefix,
    set_authorized,
)

NWID = "f85afca4d6123456"
MEMBER = "8f65490231"


def test_a_record_with_nothing_but_its_id_has_the_defaults() -> None:
    network = NetworkRecord({"id": NWID})
    assert network.private and network.broadcast
    assert (network.mtu, network.multicast_limit, network.window) == (2800, 32, 1800000)
    assert network.rules == b"\x01\x00"
    assert network.routes == [] and network.pools == [] and network.dns_servers == []
    member = MemberRecord({"address": MEMBER})
    assert not member.authorized and member.ips == [] and member.tags == {}


def test_null_is_the_same_as_missing() -> None:
    fields = {"nwid": NWID, "mtu": None, "routes": None, "authTokens": None, "dns": []}
    network = NetworkRecord(fields)
    assert network.mtu == 2800 and network.tokens == {} and network.dns_domain == ""


def test_new_records_are_valid() -> None:
    network = NetworkRecord(new_network(bytes.fromhex(NWID), "lab", 5))
    assert network.private and network.name == "lab"
    member = MemberRecord(new_member(network.nwid, bytes.fromhex(MEMBER), 5))
    assert not member.authorized


def test_unknown_fields_are_kept() -> None:
    fields = {"address": MEMBER, "note": {"room": 5}}
    assert MemberRecord(fields).with_ips([b"\x0a\x00\x00\x01"]).fields == {
        "address": MEMBER,
        "note": {"room": 5},
        "ipAssignments": ["10.0.0.1"],
    }


def test_an_empty_list_of_rules_drops_everything() -> None:
    assert NetworkRecord({"id": NWID, "rules": []}).rules == b""


def test_unusable_fields_of_a_network_are_named() -> None:
    for fields, reason in (
        ({"private": "yes"}, "private must be true or false"),
        ({"mtu": "2800"}, "mtu must be a number"),
        ({"mtu": True}, "mtu must be a number"),
        ({"multicastLimit": -1}, "multicastLimit must be a number from 0"),
        ({"name": "x" * 128}, "name must not be longer than 127 bytes"),
        ({"routes": {}}, "routes must be a list"),
        ({"routes": ["10.0.0.0/8"]}, "every entry of routes must be an object"),
        ({"routes": [{"target": "10.0.0.0"}]}, "is not an address with a prefix length"),
        ({"routes": [{"target": "10.0.0.0/33"}]}, "is not an address with a prefix length"),
        ({"routes": [{"target": "10.0.0.0/8", "via": "fd00::1"}]}, "the gateway fd00::1 cannot"),
        ({"routes": [{"target": "10.0.0.0/8"}] * 129}, "must not have more than 128 entries"),
        ({"ipAssignmentPools": [{"ipRangeStart": "10.0.0.1"}]}, "is not an IP address"),
        (
            {"ipAssignmentPools": [{"ipRangeStart": "10.0.0.2", "ipRangeEnd": "10.0.0.1"}]},
            "must be the two ends of one range",
        ),
        ({"v4AssignMode": True}, "v4AssignMode must be an object"),
        ({"rules": [{"type": "ACTION_DENY"}]}, "rule 1: there is no type 'ACTION_DENY'"),
        ({"rules": [{"type": "ACTION_DROP"}] * 1025}, "must not be more than 1024 rules"),
        ({"capabilities": [{"id": -1}]}, "id must be a number from 0"),
        ({"capabilities": [{"rules": [{"type": "ACTION_DROP"}] * 65}]}, "more than 64 rules"),
        ({"tags": [{"id": 1, "default": "red"}]}, "default must be a number"),
        ({"authTokens": ["sesame"]}, "authTokens must be an object"),
        ({"authTokens": {"sesame": "never"}}, "sesame must be a number"),
        ({"dns": "10.0.0.1"}, "dns must be an object"),
        ({"dns": {"servers": ["10.0.0.1"] * 5}}, "must not be more than 4 DNS servers"),
        ({"dns": {"domain": "x" * 128}}, "must not be longer than 127 bytes"),
    ):
        sentence = raises(ValueError, NetworkRecord, dict(fields, id=NWID))
        assert reason in sentence, sentence


def test_unusable_fields_of_a_member_are_named() -> None:
    for fields, reason in (
        ({"address": "8f6549023"}, "must be 10 hex digits"),
        ({"authorized": 1}, "authorized must be true or false"),
        ({"identity": 5}, "identity must be a string"),
        ({"ipAssignments": ["10.0.0.1/24"]}, "is not an IP address"),
        ({"ipAssignments": [5]}, "every entry of ipAssignments must be a string"),
        ({"tags": [[1]]}, "every entry of tags must be [id, value]"),
        ({"tags": [[1, "red"]]}, "value must be a number"),
        ({"capabilities": ["admin"]}, "every entry of capabilities must be a number"),
    ):
        sentence = raises(ValueError, MemberRecord, dict({"address": MEMBER}, **fields))
        assert reason in sentence, sentence
    assert "JSON object" in raises(ValueError, MemberRecord, [])


def test_a_change_of_authorisation_is_dated() -> None:
    fields = new_member(bytes.fromhex(NWID), bytes.fromhex(MEMBER), 1)
    set_authorized(fields, True, ("api", ""), 5)
    set_authorized(fields, True, ("token", "x"), 6)
    assert fields["lastAuthorizedTime"] == 5
    assert fields["lastAuthorizedCredentialType"] == "api"
    set_authorized(fields, False, ("api", ""), 7)
    assert fields["lastDeauthorizedTime"] == 7 and not fields["authorized"]


def test_a_prefix_is_an_address_with_a_length() -> None:
    assert parse_prefix("10.147.20.0/24") == (b"\x0a\x93\x14\x00", 24)
    assert parse_prefix("::/0") == (bytes(16), 0)
    for text in ("10.147.20.0", "10.147.20.0/", "10.147.20.0/-1", "fd00::/129", "/8", ""):
        raises(ValueError, parse_prefix, text)
