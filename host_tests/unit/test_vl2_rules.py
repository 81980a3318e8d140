"""Rules on a network of real nodes: both ends judge, observers get copies, tags travel."""

import json

from host_tests.unit.mesh import Lan, put_member
from host_tests.unit.support import unhex, vectors
from zerotier.limits import DEVICE
from zerotier.vl2 import status
from zerotier.vl2.addresses import rfc4193, sixplane
from zerotier.wire import messages
from zerotier.wire.credentials import (
    CREDENTIAL_TAG,
    REVOCATION_FAST_PROPAGATE,
    Revocation,
    encode_credentials,
)
from zerotier.wire.verbs import VERB_EXT_FRAME, VERB_FRAME, VERB_NETWORK_CREDENTIALS

_ACCEPT = {"type": "ACTION_ACCEPT"}
_DROP = {"type": "ACTION_DROP"}
_IPV4 = 0x0800
_IPV6 = 0x86DD


def to_port(port: int) -> dict:
    return {"type": "MATCH_IP_DEST_PORT_RANGE", "start": port, "end": port}


def lan(rules: list, count: int = 2, **fields) -> Lan:
    return Lan(count, rules=rules, **fields)


def udp(port: int, source: int = 0, payload: bytes = b"payload") -> bytes:
    """An IPv4 packet from the member with number `source`."""
    head = unhex("4500002400004000 4011 0000") + bytes((10, 147, 17, source + 1, 10, 147, 17, 9))
    ports = unhex("8000") + port.to_bytes(2, "big") + bytes(4)
    return head + ports + payload


def count_of(lan: Lan, member: int, reason: str) -> int:
    return lan.members[member].count(reason)


def delivered(lan: Lan, member: int) -> int:
    """How many frames arrived since the last look."""
    frames = lan.ports[member].frames
    number = len(frames)
    frames.clear()
    return number


def test_members_ask_for_the_rules_as_they_are():
    net = lan([to_port(80), _DROP, _ACCEPT])
    config = net.networks[0].config
    assert config.rules == unhex("2804 00500050 0000 0100")
    assert not net.networks[0].rules.accept_all
    assert lan([_ACCEPT]).networks[0].rules.accept_all


def test_what_the_rules_forbid_does_not_leave_and_the_rest_arrives():
    net = lan([to_port(80), _DROP, _ACCEPT])
    net.transmit(0, net.frame(0, 1, udp(80)))
    assert (delivered(net, 1), count_of(net, 0, "rules_drop_out")) == (0, 1)
    net.transmit(0, net.frame(0, 1, udp(81)))
    assert delivered(net, 1) == 1
    assert count_of(net, 1, "rules_drop_in") == 0


def test_what_the_rules_forbid_is_not_let_in_from_members_that_send_it():
    net = lan([to_port(80), _DROP, _ACCEPT])
    net.transmit(0, net.frame(0, 1, udp(81)))
    assert delivered(net, 1) == 1
    for verb, payload in (
        (VERB_FRAME, messages.encode_frame(net.nwid, _IPV4, udp(80))),
        (
            VERB_EXT_FRAME,
            messages.encode_ext_frame(
                net.nwid, 0, net.networks[1].mac, net.networks[0].mac, _IPV4, udp(80)
            ),
        ),
    ):
        net.send(0, 1, verb, payload)
    net.mesh.run(500)
    assert (delivered(net, 1), count_of(net, 1, "rules_drop_in")) == (0, 2)


def test_without_a_rule_that_accepts_nothing_passes():
    net = lan([])
    net.transmit(0, net.frame(0, 1, udp(80)))
    net.transmit(0, net.arp(0, 1))
    assert (delivered(net, 1), count_of(net, 0, "rules_no_match_out")) == (0, 2)


def test_multicast_is_judged_before_it_leaves_and_where_it_arrives():
    no_arp = [{"type": "MATCH_ETHERTYPE", "etherType": 0x0806}, _DROP, _ACCEPT]
    net = lan(no_arp)
    net.transmit(0, net.arp(0, 1))
    assert (delivered(net, 1), count_of(net, 0, "rules_drop_out")) == (0, 1)
    net = lan([to_port(1), _DROP, _ACCEPT])
    net.transmit(0, net.arp(0, 1))
    assert delivered(net, 1) == 1


# --- tags ---

_SAME_TAG = [
    {"type": "MATCH_ETHERTYPE", "etherType": 0x0806},
    _ACCEPT,
    {"type": "MATCH_TAGS_DIFFERENCE", "id": 1, "value": 0},
    _ACCEPT,
    _DROP,
]


def with_tags(values: tuple, rules: list = _SAME_TAG) -> Lan:
    """A network whose members have these values of tag 1."""
    each = [{"tags": [[1, value]]} for value in values]
    return Lan(len(values), each=each, rules=rules, tags=[{"id": 1, "default": 0}])


def checked(lan: Lan, member: int) -> int:
    return count_of(lan, member, "signatures_checked")


def test_members_with_the_same_tag_talk_and_others_do_not():
    net = with_tags((5, 5, 6))
    for _ in range(2):
        net.transmit(0, net.frame(0, 1, udp(1)))
        net.transmit(0, net.frame(0, 2, udp(1)))
        net.transmit(2, net.frame(2, 0, udp(1)))
    assert delivered(net, 1) == 2
    assert (delivered(net, 2), delivered(net, 0)) == (0, 0)
    # The first frame to a member whose tag is not known leaves all the same, and stops there.
    assert count_of(net, 2, "rules_drop_in") + count_of(net, 0, "rules_drop_in") > 0
    assert count_of(net, 0, "rules_drop_out") > 0


def test_tags_that_no_rule_asks_for_cost_no_verification():
    net = with_tags((5, 5), [_ACCEPT])
    net.transmit(0, net.frame(0, 1, udp(1)))
    net.transmit(1, net.frame(1, 0, udp(1)))
    assert (delivered(net, 0), delivered(net, 1)) == (1, 1)
    memberships = checked(net, 1)
    net = with_tags((5, 5))
    for _ in range(5):
        net.transmit(0, net.frame(0, 1, udp(1)))
        net.transmit(1, net.frame(1, 0, udp(1)))
    assert (delivered(net, 0), delivered(net, 1)) == (5, 5)
    assert checked(net, 1) == memberships + 1


def revocation(lan: Lan, kind: int, id: int, target: int, threshold: int) -> bytes:
    identity = lan.controller.identity
    address = lan.members[target].address
    made = Revocation(
        9, lan.nwid, id, threshold, REVOCATION_FAST_PROPAGATE, address, identity.address, kind
    )
    made.signature = identity.sign(made.signed_bytes())
    return b"\x00" + bytes(4) + b"\x00\x01" + made.encode() + b"\x00\x00"


def test_a_revoked_tag_no_longer_counts_and_the_word_is_passed_on():
    net = with_tags((5, 5, 5))
    for sender, receiver in ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)):
        net.transmit(sender, net.frame(sender, receiver, udp(1)))
    for member in range(3):
        assert delivered(net, member) == 2
    payload = revocation(net, CREDENTIAL_TAG, 1, 0, net.mesh.now)
    # The controller reaches one member; the other one hears it from that one.
    transport = net.controller.node.transport
    transport.send(net.members[1].address, VERB_NETWORK_CREDENTIALS, (payload,), net.mesh.now)
    net.mesh.run(500)
    for receiver in (1, 2):
        assert count_of(net, receiver, "tag_taken_away") == 1
        net.transmit(0, net.frame(0, receiver, udp(1)), 200)
        assert delivered(net, receiver) == 0
        assert count_of(net, receiver, "rules_drop_in") == 1


# --- capabilities ---


def test_a_capability_opens_what_the_rules_leave_closed():
    rules = [{"type": "MATCH_ETHERTYPE", "etherType": 0x0806}, _ACCEPT]
    capabilities = [{"id": 3, "default": False, "rules": [to_port(80), _ACCEPT]}]
    each = [{"capabilities": [3]}]
    net = Lan(2, each=each, rules=rules, capabilities=capabilities)
    assert [item.id for item in net.networks[0].config.capabilities] == [3]
    net.transmit(0, net.frame(0, 1, udp(80)))
    assert delivered(net, 1) == 1
    net.transmit(0, net.frame(0, 1, udp(81)))
    net.transmit(1, net.frame(1, 0, udp(80)))
    assert (delivered(net, 1), delivered(net, 0)) == (0, 0)
    assert count_of(net, 0, "rules_no_match_out") == count_of(net, 1, "rules_no_match_out") == 1
    # Who has no capability and sends all the same is stopped where the frame arrives.
    net.send(1, 0, VERB_FRAME, messages.encode_frame(net.nwid, _IPV4, udp(80)))
    net.mesh.run(500)
    assert (delivered(net, 0), count_of(net, 0, "rules_no_match_in")) == (0, 1)


# --- whose address it is ---


def test_a_sender_must_own_the_address_that_it_writes_if_the_rules_say_so():
    owner = {"type": "MATCH_CHARACTERISTICS", "mask": "1000000000000000", "not": True}
    net = lan([owner, _DROP, _ACCEPT])
    net.transmit(0, net.frame(0, 1, udp(1, 0)))
    assert delivered(net, 1) == 1
    net.transmit(0, net.frame(0, 1, udp(1, 1)))
    assert count_of(net, 0, "rules_drop_out") == 1
    net.send(0, 1, VERB_FRAME, messages.encode_frame(net.nwid, _IPV4, udp(1, 1)))
    net.mesh.run(500)
    assert (delivered(net, 1), count_of(net, 1, "rules_drop_in")) == (0, 1)


def test_a_member_cannot_borrow_the_derived_address_of_another_member():
    owner = {"type": "MATCH_CHARACTERISTICS", "mask": "1000000000000000", "not": True}
    net = lan([owner, _DROP, _ACCEPT], 3, v6AssignMode={"6plane": True, "rfc4193": True})
    net.transmit(0, net.frame(0, 1, udp(1)))
    assert delivered(net, 1) == 1
    dropped = 0
    for derived in (sixplane, rfc4193):
        for borrowed_from, is_own in ((0, True), (2, False), (1, False)):
            source = derived(net.nwid, net.members[borrowed_from].address)
            target = derived(net.nwid, net.members[1].address)
            packet = b"\x60" + bytes(5) + b"\x3b\x40" + source + target
            net.send(0, 1, VERB_FRAME, messages.encode_frame(net.nwid, _IPV6, packet))
            net.mesh.run(500)
            dropped += not is_own
            assert delivered(net, 1) == is_own
            assert count_of(net, 1, "rules_drop_in") == dropped


# --- copies ---


def address_of(member: int) -> str:
    """Of the member with this number in any Lan: the root and the controller come before it."""
    case = vectors("identities")["valid"][2 + member]  # type: ignore[call-overload]
    return case["secret"].split(":")[0]


def observed(kind: str, length: int = 0) -> Lan:
    """Three members; the last one is told of what goes to port 80."""
    action = {"type": kind, "address": address_of(2), "flags": 0, "length": length}
    net = lan([to_port(80), action, _ACCEPT], 3)
    for member in range(3):
        for other in range(3):
            if other != member:
                net.transmit(member, net.frame(member, other, udp(1)))
    for member in range(3):
        assert delivered(net, member) == 2
    return net


def test_an_observer_gets_a_copy_from_the_sender_and_one_from_the_receiver():
    for kind in ("ACTION_TEE", "ACTION_WATCH"):
        net = observed(kind)
        frame = net.frame(0, 1, udp(80))
        before = count_of(net, 2, "rules_super_in")
        net.transmit(0, frame)
        assert net.ports[1].frames == [frame]
        assert net.ports[2].frames == [frame, frame]
        assert count_of(net, 2, "rules_super_in") == before + 2


def test_a_copy_may_be_cut_and_the_frame_is_not():
    net = observed("ACTION_TEE", 24)
    frame = net.frame(0, 1, udp(80))
    net.transmit(0, frame)
    assert net.ports[1].frames == [frame]
    assert net.ports[2].frames == [frame[: 14 + 24]] * 2


def test_a_redirected_frame_arrives_at_the_observer_alone():
    net = observed("ACTION_REDIRECT")
    frame = net.frame(0, 1, udp(80))
    net.transmit(0, frame)
    assert (net.ports[1].frames, net.ports[2].frames) == ([], [frame])
    assert count_of(net, 0, "rules_redirect_out") == 1
    # If the sender does not redirect it, the receiver does.
    net.send(0, 1, VERB_FRAME, messages.encode_frame(net.nwid, _IPV4, udp(80)))
    net.mesh.run(500)
    assert (net.ports[1].frames, net.ports[2].frames) == ([], [frame, frame])
    assert count_of(net, 1, "rules_redirect_in") == 1


def test_a_frame_to_a_group_is_copied_once_by_its_sender():
    net = observed("ACTION_TEE")
    group = unhex("01005e0000fb") + net.networks[0].mac + b"\x08\x00" + udp(80)
    for listener in (1, 2):
        net.networks[listener].subscriptions.add(group[:6], net.mesh.now)
    net.mesh.run(1000)
    net.transmit(0, group, 3000)
    # One each as listeners; the observer also one from the sender and one from the other listener.
    assert net.ports[1].frames == [group]
    assert net.ports[2].frames == [group, group, group]


# --- too much of it ---


def test_more_rules_than_the_node_can_enforce_close_the_network_and_say_why():
    rules = [{"type": "MATCH_VLAN_ID", "vlanId": 9}, _DROP] * 128 + [_ACCEPT]
    net = Lan(2, rules=rules)
    device = net.mesh.add(limits=DEVICE)
    put_member(net.controller, net.nwid, device.address, ipAssignments=["10.147.17.3"])
    network, port = device.join(net.nwid)
    net.mesh.run_until(lambda: network.config is not None, 5000)
    assert network.status == status.RULES_TOO_LARGE
    assert network.reason.endswith("the network has 257 rules, and this node can enforce 256")
    mac = network.mac
    net.networks[0].transmit(mac + net.networks[0].mac + b"\x08\x00" + udp(1), net.mesh.now)
    network.transmit(net.networks[0].mac + mac + b"\x08\x00" + udp(1), net.mesh.now)
    net.mesh.run(1000)
    assert (port.frames, net.ports[0].frames) == ([], [])
    assert device.count("rules_no_match_in") == device.count("rules_no_match_out") == 1
    # With fewer rules it is a network like any other.
    key = "controller.d/network/%s.json" % net.nwid.hex()
    record = json.loads(net.controller.store.get(key).decode())
    record["rules"] = rules[2:]
    record["revision"] = 2
    net.controller.store.put(key, json.dumps(record).encode())
    net.mesh.run_until(lambda: network.status == status.OK, 200000)
    network.transmit(net.networks[0].mac + mac + b"\x08\x00" + udp(1), net.mesh.now)
    net.mesh.run(1000)
    assert len(net.ports[0].frames) == 1


# --- credentials that the controller takes back ---


def member_says(net: Lan, number: int, **fields) -> None:
    put_member(net.controller, net.nwid, net.members[number].address, **fields)


def network_says(net: Lan, **fields) -> None:
    """Change fields of the network's record."""
    key = "controller.d/network/%s.json" % net.nwid.hex()
    record = json.loads(net.controller.store.get(key).decode())
    record.update(fields)
    net.controller.store.put(key, json.dumps(record).encode())


def insists(net: Lan, payload: bytes) -> None:
    """Member 0 shows its old credentials to member 1 and sends a frame, whatever its rules say."""
    net.send(0, 1, VERB_NETWORK_CREDENTIALS, payload)
    net.mesh.run(100)
    net.send(0, 1, VERB_FRAME, messages.encode_frame(net.nwid, _IPV4, udp(80)))
    net.mesh.run(100)


def shown(net: Lan, number: int = 0) -> bytes:
    """What this member can show of itself now."""
    config = net.networks[number].config
    return encode_credentials(
        [config.membership], config.capabilities, config.tags, (), config.ownerships
    )


def with_capability() -> Lan:
    capabilities = [{"id": 3, "default": False, "rules": [to_port(80), _ACCEPT]}]
    rules = [to_port(81), _ACCEPT]
    net = Lan(3, each=[{"capabilities": [3]}], rules=rules, capabilities=capabilities)
    for receiver in (1, 2):
        net.transmit(receiver, net.frame(receiver, 0, udp(81)))
        net.transmit(0, net.frame(0, receiver, udp(80)))
        assert delivered(net, receiver) == 1
    return net


def test_a_capability_that_was_withdrawn_admits_nobody_two_seconds_later():
    for withdraw in (
        lambda net: member_says(net, 0, capabilities=[]),
        lambda net: network_says(net, capabilities=[]),
        lambda net: network_says(
            net, capabilities=[{"id": 3, "default": False, "rules": [to_port(82), _ACCEPT]}]
        ),
    ):
        net = with_capability()
        old = shown(net)
        withdraw(net)
        net.mesh.run(2000)
        assert count_of(net, 1, "capability_taken_away") == 1
        assert count_of(net, 2, "capability_taken_away") == 1
        insists(net, old)
        assert delivered(net, 1) == 0
        assert count_of(net, 1, "capability_revoked") == 1
        assert count_of(net, 1, "rules_no_match_in") == 1
        # What is left to it still works.
        net.transmit(0, net.frame(0, 1, udp(81)))
        assert delivered(net, 1) == 1


def test_a_tag_with_another_value_is_void_in_its_old_form_and_counts_in_its_new_one():
    net = with_tags((5, 5, 6))
    for receiver in (1, 2):
        net.transmit(receiver, net.frame(receiver, 0, udp(1)))
    net.transmit(0, net.frame(0, 1, udp(1)))
    assert delivered(net, 1) == 1
    old = shown(net)
    member_says(net, 0, tags=[[1, 6]])
    net.mesh.run(2000)
    insists(net, old)
    assert delivered(net, 1) == 0 and count_of(net, 1, "tag_revoked") == 1
    delivered(net, 2)
    net.transmit(0, net.frame(0, 2, udp(1)))
    assert delivered(net, 2) == 1


def test_an_address_that_was_taken_away_is_owned_no_more():
    owner = {"type": "MATCH_CHARACTERISTICS", "mask": "1000000000000000", "not": True}
    net = lan([owner, _DROP, _ACCEPT], 3)
    net.transmit(0, net.frame(0, 1, udp(80)))
    assert delivered(net, 1) == 1
    old = shown(net)
    member_says(net, 0, ipAssignments=["10.147.17.77"])
    net.mesh.run(2000)
    assert count_of(net, 1, "ownership_taken_away") == 1
    insists(net, old)
    assert delivered(net, 1) == 0 and count_of(net, 1, "rules_drop_in") == 1
    net.transmit(0, net.frame(0, 1, udp(80, 76)))
    assert delivered(net, 1) == 1


def test_what_members_gain_revokes_nothing():
    net = with_capability()
    member_says(net, 0, capabilities=[3, 4], tags=[[1, 1]], name="renamed")
    network_says(net, name="renamed", tags=[{"id": 2, "default": 5}])
    net.mesh.run(3000)
    assert net.controller.count("controller_revoked") == 0
    net.transmit(0, net.frame(0, 1, udp(80)))
    assert delivered(net, 1) == 1


def test_who_is_shut_out_and_let_in_again_does_not_get_old_credentials_back():
    net = with_capability()
    old = shown(net)
    member_says(net, 0, authorized=False)
    net.mesh.run(2000)
    member_says(net, 0, capabilities=[])
    net.mesh.run(2000)
    net.transmit(0, net.frame(0, 1, udp(81)))
    assert delivered(net, 1) == 1
    insists(net, old)
    assert delivered(net, 1) == 0 and count_of(net, 1, "capability_revoked") == 1
