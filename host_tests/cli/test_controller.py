"""`zt controller network` and `zt controller member`: records are changed whole, or not at all."""

import json

import pytest

from host_tests.cli.command import answer, done, refused
from host_tests.cli.conftest import SECRETS, make_home

CONTROLLER = SECRETS[1][:10]
MEMBER = "8f65490231"
OTHER = "f85afca4d6"


def controller(home, *words):
    return answer("controller", "--home", home, *words)


@pytest.fixture
def nwid(home):
    """A network with a pool of IPv4 addresses."""
    words = ("--name", "lab", "--pool", "10.147.20.0/24", "--rfc4193")
    return done("controller", "network", "create", "--home", home, *words).strip()


def record(home, *path):
    return json.loads(home.joinpath("controller.d", "network", *path).read_text())


def test_a_new_network_has_an_id_of_its_controller_and_what_was_asked_for(home, nwid):
    assert nwid[:10] == CONTROLLER and len(nwid) == 16
    network = record(home, f"{nwid}.json")
    assert network["private"] is True and network["revision"] == 1
    assert network["routes"] == [{"target": "10.147.20.0/24", "via": None}]
    assert network["ipAssignmentPools"] == [
        {"ipRangeStart": "10.147.20.1", "ipRangeEnd": "10.147.20.254"}
    ]
    assert network["v4AssignMode"] == {"zt": True}
    assert network["v6AssignMode"] == {"zt": False, "6plane": False, "rfc4193": True}
    assert controller(home, "network", "show", nwid) == network


def test_an_ipv6_pool_and_routes_with_gateways_can_be_given(home):
    network = controller(
        *(home, "network", "create", "--public", "--pool", "fd00:5::/64", "--6plane"),
        *("--route", "192.168.5.7/24@10.147.20.9", "--no-broadcast", "--mtu", 1400),
        *("--dns-domain", "lab.example", "--dns-server", "10.147.20.1", "--token", "sesame"),
    )
    assert network["private"] is False and network["enableBroadcast"] is False
    assert network["v4AssignMode"] == {"zt": False}
    assert network["v6AssignMode"] == {"zt": True, "6plane": True, "rfc4193": False}
    assert network["routes"] == [
        {"target": "192.168.5.0/24", "via": "10.147.20.9"},
        {"target": "fd00:5::/64", "via": None},
    ]
    assert network["mtu"] == 1400 and network["authTokens"] == {"sesame": 0}
    assert network["dns"] == {"domain": "lab.example", "servers": ["10.147.20.1"]}


def test_a_change_keeps_what_is_not_mentioned_and_counts_the_revision(home, nwid):
    before = record(home, f"{nwid}.json")
    done("controller", "--home", home, "network", "set", nwid, "--name", "renamed")
    assert record(home, f"{nwid}.json") == {**before, "name": "renamed", "revision": 2}
    done("controller", "--home", home, "network", "set", nwid, "--name", "renamed")
    assert record(home, f"{nwid}.json")["revision"] == 2  # nothing changed
    changed = controller(home, "network", "set", nwid, "--no-pool", "--no-rfc4193")
    assert changed["ipAssignmentPools"] == [] and changed["v4AssignMode"] == {"zt": False}
    assert changed["v6AssignMode"]["rfc4193"] is False
    assert changed["routes"] == before["routes"]


def test_networks_are_listed_and_shown_for_people(home, nwid):
    done("controller", "--home", home, "member", "authorize", nwid, MEMBER)
    listed = done("controller", "--home", home, "network", "list").splitlines()
    assert listed[1].split() == [nwid, "private", "1/1", "lab"]
    shown = done("controller", "--home", home, "network", "show", nwid)
    assert "10.147.20.1 - 10.147.20.254" in shown and "RFC 4193" in shown
    assert [network["id"] for network in controller(home, "network", "list")] == [nwid]


def test_a_deleted_network_takes_its_members_with_it(home, nwid):
    done("controller", "--home", home, "member", "authorize", nwid, MEMBER)
    done("controller", "--home", home, "network", "delete", nwid)
    assert [path for path in (home / "controller.d").rglob("*") if path.is_file()] == []
    assert "there is no network" in refused("controller", "--home", home, "network", "show", nwid)
    assert "there is no network" in refused(
        "controller", "--home", home, "network", "delete", nwid
    )


def test_rules_come_from_a_file_and_are_checked(home, nwid, tmp_path):
    rules = tmp_path / "rules.json"
    words = ("controller", "--home", home, "network", "set", nwid, "--rules", rules)
    rules.write_text(
        '[{"type": "MATCH_ETHERTYPE", "etherType": 2048, "not": true}, {"type": "ACTION_DROP"}]'
    )
    done(*words)
    assert len(record(home, f"{nwid}.json")["rules"]) == 2
    rules.write_text(
        '{"rules": [], "capabilities": [{"id": 5, "rules": []}], "tags": [{"id": 7}]}'
    )
    done(*words)
    before = record(home, f"{nwid}.json")
    assert before["rules"] == [] and before["capabilities"][0]["id"] == 5
    for text, reason in (
        ('[{"type": "ACTION_FLY"}]', "rule 1: there is no type 'ACTION_FLY'"),
        ("accept", "is not JSON"),
        ('{"routes": []}', "must be a list of rules"),
    ):
        rules.write_text(text)
        assert reason in refused(*words)
    assert record(home, f"{nwid}.json") == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--pool", "10.147.20.0"), "is not an address with a prefix length"),
        (("--pool", "10.147.20.0/31"), "has no room for members"),
        (("--pool", "10.147.20.0/24", "--no-pool"), "exclude each other"),
        (("--route", "10.0.0.0/8@fd00::1"), "cannot serve the route"),
        (("--mtu", "70000"), "the MTU must be from 1280 to 10000"),
        (("--multicast-limit", "-1"), "multicastLimit must be a number from 0"),
        (("--dns-server", "dns.example"), "is not an IP address"),
        (("--name", "x" * 128), "must not be longer than 127 bytes"),
    ],
)
def test_settings_that_cannot_be_meant_change_nothing(home, nwid, words, reason):
    before = record(home, f"{nwid}.json")
    assert reason in refused("controller", "--home", home, "network", "set", nwid, *words)
    assert reason in refused("controller", "--home", home, "network", "create", *words)
    assert record(home, f"{nwid}.json") == before
    assert len(list((home / "controller.d" / "network").iterdir())) == 1


def test_an_id_can_be_chosen_once(home, nwid):
    words = ("controller", "--home", home, "network", "create", "--id")
    assert done(*words, CONTROLLER + "000007").strip() == CONTROLLER + "000007"
    assert "exists already and is kept" in refused(*words, CONTROLLER + "000007")
    assert "begin with" in refused(*words, "8f65490231000007")
    assert "which is not a network" in refused(*words, CONTROLLER + "000000")
    assert "must be 16 hex digits" in refused(*words, "7")


def test_a_node_can_be_authorized_before_it_asks(home, nwid):
    answered = controller(home, "member", "authorize", nwid, MEMBER, OTHER)
    assert [member["authorized"] for member in answered["members"]] == [True, True]
    member = record(home, nwid, "member", f"{MEMBER}.json")
    assert member["authorized"] and member["lastAuthorizedTime"] > 0 and member["revision"] == 1
    controller(home, "member", "authorize", nwid, MEMBER)
    assert record(home, nwid, "member", f"{MEMBER}.json") == member
    assert [one["id"] for one in controller(home, "member", "list", nwid)] == [MEMBER, OTHER]


def test_a_member_can_be_shut_out_and_forgotten(home, nwid):
    controller(home, "member", "authorize", nwid, MEMBER)
    controller(home, "member", "deauthorize", nwid, MEMBER)
    member = controller(home, "member", "show", nwid, MEMBER)
    assert member["authorized"] is False and member["lastDeauthorizedTime"] > 0
    controller(home, "member", "delete", nwid, MEMBER)
    assert controller(home, "member", "list", nwid) == []
    for word in ("show", "deauthorize", "delete"):
        assert "has no member" in refused(
            "controller", "--home", home, "member", word, nwid, MEMBER
        )


def test_of_several_members_all_change_or_none(home, nwid):
    controller(home, "member", "authorize", nwid, MEMBER)
    refused("controller", "--home", home, "member", "deauthorize", nwid, MEMBER, OTHER)
    refused("controller", "--home", home, "member", "delete", nwid, MEMBER, OTHER)
    assert controller(home, "member", "show", nwid, MEMBER)["authorized"] is True


def test_a_member_of_a_public_network_cannot_be_shut_out(home, nwid):
    controller(home, "member", "authorize", nwid, MEMBER)
    controller(home, "network", "set", nwid, "--public")
    sentence = refused("controller", "--home", home, "member", "deauthorize", nwid, MEMBER)
    assert "is public" in sentence


def test_a_member_can_be_changed(home, nwid, tmp_path):
    (tmp_path / "rules").write_text('{"capabilities": [{"id": 5, "rules": []}]}')
    controller(home, "network", "set", nwid, "--rules", tmp_path / "rules")
    controller(home, "member", "authorize", nwid, MEMBER)
    words = ("--name", "door", "--ip", "10.147.20.9", "--bridge", "--no-auto-assign")
    words += ("--tag", "1000=5", "--capability", 5)
    changed = controller(home, "member", "set", nwid, MEMBER, *words)
    assert changed["name"] == "door" and changed["activeBridge"] is True
    assert changed["ipAssignments"] == ["10.147.20.9"] and changed["noAutoAssignIps"] is True
    assert changed["tags"] == [[1000, 5]] and changed["capabilities"] == [5]
    shown = done("controller", "--home", home, "member", "show", nwid, MEMBER)
    assert "1000 = 5" in shown and "10.147.20.9" in shown and "not seen yet" in shown
    assert "roles" in shown and "bridge" in shown
    words = ("--no-bridge", "--relay", "--replicator", "--anchor")
    changed = controller(home, "member", "set", nwid, MEMBER, *words)
    assert [
        changed[n] for n in ("activeBridge", "networkRelay", "multicastReplicator", "anchor")
    ] == [
        False,
        True,
        True,
        True,
    ]
    assert "anchor, replicator, relay" in done(
        "controller", "--home", home, "member", "show", nwid, MEMBER
    )
    changed = controller(home, "member", "set", nwid, MEMBER, "--no-ip", "--auto-assign")
    assert changed["ipAssignments"] == [] and changed["noAutoAssignIps"] is False


def test_routes_have_metrics(home, nwid):
    words = ("--route", "10.9.0.0/16@10.147.20.1,50", "--route", "10.8.0.0/16,7")
    changed = controller(home, "network", "set", nwid, *words)
    assert changed["routes"][:2] == [
        {"target": "10.9.0.0/16", "via": "10.147.20.1", "metric": 50},
        {"target": "10.8.0.0/16", "via": None, "metric": 7},
    ]
    shown = done("controller", "--home", home, "network", "show", nwid)
    assert "10.9.0.0/16 via 10.147.20.1 metric 50" in shown
    refused("controller", "--home", home, "network", "set", nwid, "--route", "10.8.0.0/16,x")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--ip", "10.0.0.1"), "is in none of the routes"),
        (("--ip", "10.147.20.8"), f"is the address of the member {OTHER}"),
        (("--ip", "door"), "is not an IP address"),
        (("--ip", "10.147.20.9", "--no-ip"), "exclude each other"),
        (("--tag", "red"), "is not a tag like"),
        (("--tag", "1=4294967296"), "value must be a number from 0 to"),
        (("--capability", "5"), "the network has no capability 5"),
    ],
)
def test_a_member_keeps_its_record_if_a_change_cannot_be_meant(home, nwid, words, reason):
    controller(home, "member", "authorize", nwid, MEMBER, OTHER)
    controller(home, "member", "set", nwid, OTHER, "--ip", "10.147.20.8")
    before = record(home, nwid, "member", f"{MEMBER}.json")
    sentence = refused("controller", "--home", home, "member", "set", nwid, MEMBER, *words)
    assert reason in sentence
    assert record(home, nwid, "member", f"{MEMBER}.json") == before


@pytest.mark.parametrize("address", ["0000000000", "ff00000001", "8f6549023", "8f6549023g"])
def test_an_address_that_no_node_has_is_refused(home, nwid, address):
    assert refused("controller", "--home", home, "member", "authorize", nwid, address)
    assert controller(home, "member", "list", nwid) == []


def test_a_damaged_record_is_told_and_left_alone(home, nwid):
    path = home / "controller.d" / "network" / f"{nwid}.json"
    path.write_text("{ my network")
    for words in (("show", nwid), ("set", nwid, "--name", "x")):
        sentence = refused("controller", "--home", home, "network", *words)
        assert sentence == f"controller.d/network/{nwid}.json cannot be used: it is not JSON"
    assert path.read_text() == "{ my network"


def test_one_damaged_member_does_not_hide_the_others(home, nwid):
    controller(home, "member", "authorize", nwid, MEMBER, OTHER)
    path = home / "controller.d" / "network" / nwid / "member" / f"{OTHER}.json"
    path.write_text("[]")
    assert "cannot be used" in done("controller", "--home", home, "network", "show", nwid)
    assert "it is not a JSON object" in refused(
        "controller", "--home", home, "member", "authorize", nwid, MEMBER, OTHER
    )
    assert path.read_text() == "[]"


def test_a_folder_without_identity_or_controller_is_explained(tmp_path):
    sentence = refused("controller", "--home", tmp_path, "network", "create")
    assert "has no identity.secret: `zt identity new" in sentence
    (tmp_path / "identity.secret").write_text("secret")
    sentence = refused("controller", "--home", tmp_path, "network", "create")
    assert sentence == f"{tmp_path}/identity.secret does not hold an identity"
    assert "--home DIR" in refused("controller", "network", "list")


# --- whole networks


def exported(home, nwid, path):
    path.write_text(done("controller", "--home", home, "network", "export", nwid))
    return json.loads(path.read_text())


def test_a_network_is_exported_and_comes_back_whole(home, nwid, tmp_path):
    words = ("controller", "--home", home)
    done(*words, "member", "authorize", nwid, MEMBER, OTHER)
    done(*words, "member", "set", nwid, MEMBER, "--name", "printer", "--tag", "7=1")
    file = tmp_path / "network.json"
    document = exported(home, nwid, file)
    assert "exists already" in refused(*words, "network", "import", file)
    done(*words, "network", "delete", nwid)
    assert done(*words, "network", "import", file).strip() == nwid
    again = exported(home, nwid, tmp_path / "again.json")
    settings = {**document["network"], "creationTime": 0, "revision": 0}
    assert {**again["network"], "creationTime": 0, "revision": 0} == settings
    members = [{**member, "revision": 0} for member in document["members"]]
    assert [{**member, "revision": 0} for member in again["members"]] == members
    assert len(members) == 2


def test_a_network_is_taken_over_from_another_controller(home, nwid, tmp_path):
    done("controller", "--home", home, "member", "authorize", nwid, MEMBER)
    file = tmp_path / "network.json"
    exported(home, nwid, file)
    other = make_home(tmp_path / "other", 2)
    words = ("controller", "--home", other, "network")
    assert "begin with" in refused(*words, "import", file)
    new = SECRETS[2][:10] + "00000a"
    assert answer(*words, "import", file, "--id", new) == {
        "network": {**record(other, f"{new}.json")},
        "members": 1,
    }
    assert record(other, new, "member", f"{MEMBER}.json")["nwid"] == new
    assert record(other, f"{new}.json")["id"] == new


@pytest.mark.parametrize(
    "document, reason",
    (
        ("{", "is not JSON"),
        ("[]", "does not hold a network"),
        ('{"network": []}', "network must be an object"),
        ('{"network": {"id": 5}}', "id must be a string"),
        ('{"network": {"mtu": "x"}}', "mtu must be a number"),
        ('{"network": {}, "members": {}}', "members must be a list"),
        ('{"network": {}, "members": [{}]}', "member 1: "),
        ('{"network": {}, "members": [5]}', "member 1: it is not a JSON object"),
        (
            '{"network": {}, "members": [{"id": "8f65490231"}, {"id": "8f65490231"}]}',
            "two members 8f65490231",
        ),
    ),
)
def test_nothing_is_made_from_a_document_that_is_broken(home, tmp_path, document, reason):
    file = tmp_path / "network.json"
    file.write_text(document)
    assert reason in refused("controller", "--home", home, "network", "import", file)
    assert not home.joinpath("controller.d").exists()


def test_members_of_a_deleted_network_do_not_come_back_with_its_id(home, nwid):
    words = ("controller", "--home", home)
    done(*words, "member", "authorize", nwid, MEMBER)
    home.joinpath("controller.d", "network", f"{nwid}.json").unlink()  # cut short, or by hand
    done(*words, "network", "create", "--id", nwid)
    assert answer(*words, "member", "list", nwid) == []
