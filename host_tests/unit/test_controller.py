"""A controller and its members in conversation (protocol/08): real nodes, virtual time."""

import json

from host_tests.unit.mesh import Mesh, Station, put_member, put_network
from zerotier.controller import Controller
from zerotier.limits import DEVICE, HOST
from zerotier.vl2.status import ACCESS_DENIED, AUTHENTICATION_REQUIRED, NOT_FOUND, OK
from zerotier.wire import address as addresses
from zerotier.wire.chunk import Chunk
from zerotier.wire.credentials import (
    CREDENTIAL_MEMBERSHIP,
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
    parse_credentials,
)
from zerotier.wire.dictionary import get_int
from zerotier.wire.messages import encode_config_request, ok_header
from zerotier.wire.verbs import (
    VERB_ECHO,
    VERB_NETWORK_CONFIG,
    VERB_NETWORK_CONFIG_REQUEST,
    VERB_NETWORK_CREDENTIALS,
    VERB_OK,
)

POOL = {
    "ipAssignmentPools": [{"ipRangeStart": "10.147.17.1", "ipRangeEnd": "10.147.17.254"}],
    "v4AssignMode": {"zt": True},
}


def arrivals(station: Station, verb: int) -> list:
    """Collects the time of each packet of this verb that the station handles from now on."""
    times: list[int] = []
    handler = station.node.transport.verbs[verb]

    def counting(peer, packet, now):
        times.append(now)
        return handler(peer, packet, now)

    station.node.transport.verbs[verb] = counting
    return times


def record(controller: Station, nwid: bytes, member: bytes) -> dict | None:
    key = "controller.d/network/%s/member/%s.json" % (nwid.hex(), member.hex())
    value = controller.store.get(key)
    return None if value is None else json.loads(value.decode())


def ask(mesh: Mesh, member: Station, nwid: bytes, metadata: bytes = b"") -> None:
    """One request, sent without joining."""
    member.node.transport.send(
        nwid[:5], VERB_NETWORK_CONFIG_REQUEST, (encode_config_request(nwid, metadata),), mesh.now
    )
    mesh.run(300)


def joined(private: bool = True, **fields) -> tuple:
    """(mesh, controller, member, nwid, network of the member), the member authorised and in."""
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1, private=private, **fields)
    put_member(controller, nwid, member.address)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == OK, 10000)
    return mesh, controller, member, nwid, network


def test_an_authorised_member_gets_a_config_with_an_address() -> None:
    _, controller, member, nwid, network = joined(**POOL)
    assert network.name == "mesh"
    assert len(network.addresses) == 1 and addresses.port(network.addresses[0]) == 24
    stored = record(controller, nwid, member.address)
    assert stored is not None
    assert stored["identity"] == member.identity.to_text()
    assert stored["ipAssignments"] == [addresses.ip_text(addresses.ip(network.addresses[0]))]
    assert stored["vProto"] == 11


def test_two_members_get_different_addresses_that_they_keep() -> None:
    mesh, controller, _, nwid, one = joined(
        ipAssignmentPools=[{"ipRangeStart": "10.147.17.1", "ipRangeEnd": "10.147.17.3"}],
        v4AssignMode={"zt": True},
    )
    first = list(one.addresses)
    other = mesh.add()
    put_member(controller, nwid, other.address)
    network, _ = other.join(nwid)
    mesh.run_until(lambda: network.status == OK, 10000)
    assert network.addresses and network.addresses != first
    mesh.run(130000)
    assert one.addresses == first


def test_an_unknown_node_is_denied_and_appears_as_a_member_to_be_authorised() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == ACCESS_DENIED, 10000)
    stored = record(controller, nwid, member.address)
    assert stored is not None
    assert stored["authorized"] is False
    assert stored["identity"] == member.identity.to_text()
    assert stored["objtype"] == "member"
    writes = controller.store.writes
    mesh.run(20000)
    assert controller.store.writes == writes  # knocking again leaves no trace


def test_authorising_a_waiting_member_reaches_it_within_a_second() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == ACCESS_DENIED, 10000)
    mesh.run(100)
    put_member(controller, nwid, member.address)
    mesh.run_until(lambda: network.status == OK, 1100)


def test_everybody_is_admitted_to_a_public_network() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1, private=False)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == OK, 10000)
    assert network.config.public and network.config.membership is not None
    stored = record(controller, nwid, member.address)
    assert stored is not None
    assert stored["authorized"] and stored["lastAuthorizedCredentialType"] == "public"


def test_a_token_admits_until_it_expires() -> None:
    for expiry, admitted in ((0, True), (1, False), (4000000000000, True)):
        mesh = Mesh()
        controller, member = mesh.add_controller(), mesh.add()
        nwid = put_network(controller, 1, authTokens={"sesame": expiry})
        mesh.run(2000)
        ask(mesh, member, nwid, b"a=token:sesame")
        stored = record(controller, nwid, member.address)
        assert stored is not None and stored["authorized"] is admitted
        if admitted:
            assert stored["lastAuthorizedCredential"] == "sesame"


def test_a_wrong_token_does_not_admit() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1, authTokens={"sesame": 0})
    mesh.run(2000)
    for metadata in (b"a=token:sesam", b"a=sesame", b"a=token:", b"a=\xff\xfe", b""):
        ask(mesh, member, nwid, metadata)
        mesh.run(1100)
    stored = record(controller, nwid, member.address)
    assert stored is not None and stored["authorized"] is False
    assert controller.count("controller_denied") == 5


def test_a_network_that_does_not_exist_is_not_found() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    network, _ = member.join(controller.address + b"\x00\x00\x09")
    mesh.run_until(lambda: network.status == NOT_FOUND, 10000)


def test_networks_of_other_controllers_are_passed_over_in_silence() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    mesh.run(2000)
    sent = controller.node.transport
    before = sent.counters.get("controller_config_sent")
    foreign = encode_config_request(member.address + b"\x00\x00\x01", b"")
    for _ in range(2):
        member.node.transport.send(
            controller.address, VERB_NETWORK_CONFIG_REQUEST, (foreign,), mesh.now
        )
        mesh.run(1500)
    assert controller.count("controller_foreign_network") == 2
    assert sent.counters.get("controller_config_sent") == before
    assert controller.store.list("controller.d/") == []


def test_a_request_that_ends_too_early_is_counted() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    mesh.run(2000)
    for payload in (
        b"",
        controller.address + b"\x00\x00\x01",
        controller.address + bytes(4) + b"\x09",
    ):
        member.node.transport.send(
            controller.address, VERB_NETWORK_CONFIG_REQUEST, (payload,), mesh.now
        )
        mesh.run(300)
    assert controller.count("controller_bad_request") == 3


def test_a_second_request_within_a_second_is_dropped() -> None:
    mesh, controller, member, nwid, _ = joined()
    mesh.run(1500)
    before = controller.count("controller_config_sent")
    for _ in range(3):
        ask(mesh, member, nwid)
    assert controller.count("controller_config_sent") == before + 1
    assert controller.count("controller_request_gate") == 2


def test_a_change_of_the_network_reaches_its_members_within_a_second() -> None:
    mesh, controller, _, _, network = joined()
    put_network(controller, 1, name="renamed", mtu=1400)
    mesh.run_until(lambda: network.name == "renamed", 1100)
    assert network.mtu == 1400


def test_a_change_of_one_member_is_told_to_that_member_only() -> None:
    mesh, controller, member, nwid, network = joined()
    other = mesh.add()
    put_member(controller, nwid, other.address)
    others, _ = other.join(nwid)
    mesh.run_until(lambda: others.status == OK, 10000)
    mesh.run(2000)
    mine, theirs = arrivals(member, VERB_NETWORK_CONFIG), arrivals(other, VERB_NETWORK_CONFIG)
    put_member(controller, nwid, member.address, ipAssignments=["10.147.17.77"])
    mesh.run(1200)
    assert len(mine) == 1 and theirs == []
    assert addresses.text(network.addresses[0]) == "10.147.17.77/24"


def test_a_new_bridge_is_told_to_everybody() -> None:
    mesh, controller, member, nwid, _ = joined()
    other = mesh.add()
    put_member(controller, nwid, other.address)
    others, _ = other.join(nwid)
    mesh.run_until(lambda: others.status == OK, 10000)
    put_member(controller, nwid, member.address, activeBridge=True)
    mesh.run_until(lambda: len(others.config.specialists) == 1, 1200)
    assert others.config.specialists[0][0] == member.address


def test_what_the_controller_writes_itself_is_not_pushed_again() -> None:
    mesh, controller, member, nwid, _ = joined(**POOL)
    pushes = arrivals(member, VERB_NETWORK_CONFIG)
    mesh.run(5000)
    assert pushes == []


def test_a_member_that_has_not_asked_for_two_minutes_gets_no_push() -> None:
    mesh, controller, member, _, _ = joined()
    member.running = False
    mesh.run(121000)
    before = controller.count("controller_config_sent")
    put_network(controller, 1, name="renamed")
    mesh.run(3000)
    assert controller.count("controller_config_sent") == before


def test_a_member_asks_at_its_interval_whatever_is_pushed_to_it() -> None:
    mesh, controller, _, _, network = joined()
    requests = arrivals(controller, VERB_NETWORK_CONFIG_REQUEST)
    for count in range(20):
        put_network(controller, 1, name="name %d" % count)
        mesh.run(30000)
        assert network.name == "name %d" % count
    assert len(requests) == 600000 // HOST.config_refresh


def test_a_member_that_never_asks_but_acknowledges_goes_on_getting_pushes() -> None:
    mesh, controller, member, nwid, network = joined()
    transport = member.node.transport
    handler = transport.verbs[VERB_NETWORK_CONFIG]
    receipts = True

    def like_the_reference(peer, packet, now):
        """Its next question is put off by each push, and each is acknowledged (protocol/03 §3.15)."""
        outcome = handler(peer, packet, now)
        network.exchange.refresh.next = now + 10**9
        if receipts:
            body = ok_header(VERB_ECHO, packet.id) + nwid + Chunk.parse(packet.payload).update_id
            transport.send(peer.address, VERB_OK, (body,), now)
        return outcome

    transport.verbs[VERB_NETWORK_CONFIG] = like_the_reference
    for count in range(20):
        put_network(controller, 1, name="name %d" % count)
        mesh.run(50000)
        assert network.name == "name %d" % count
    receipts = False
    put_network(controller, 1, name="the last one")
    mesh.run(121000)
    assert network.name == "the last one"
    put_network(controller, 1, name="one more")
    mesh.run(3000)
    assert network.name == "the last one"


def test_a_receipt_of_something_else_is_none() -> None:
    mesh, controller, member, nwid, network = joined()
    network.exchange.refresh.next = mesh.now + 10**9
    for _ in range(3):
        mesh.run(50000)
        body = ok_header(VERB_ECHO, bytes(8)) + nwid + bytes(8)
        member.node.transport.send(nwid[:5], VERB_OK, (body,), mesh.now)
    before = controller.count("controller_config_sent")
    put_network(controller, 1, name="renamed")
    mesh.run(3000)
    assert controller.count("controller_config_sent") == before


def test_deauthorising_tells_the_other_members_and_the_next_request_is_denied() -> None:
    mesh, controller, member, nwid, network = joined()
    other = mesh.add()
    put_member(controller, nwid, other.address)
    others, _ = other.join(nwid)
    mesh.run_until(lambda: others.status == OK, 10000)
    mesh.run(2000)
    told = arrivals(other, VERB_NETWORK_CREDENTIALS)
    assert controller.controller.authorised(member.address, nwid, mesh.now)
    put_member(controller, nwid, member.address, authorized=False)
    mesh.run(1200)
    assert len(told) == 1
    assert controller.count("controller_revoked") == 1
    assert not controller.controller.authorised(member.address, nwid, mesh.now)
    mesh.run_until(lambda: network.status == ACCESS_DENIED, 61000)


def test_who_was_refused_and_then_let_in_is_told_who_is_shut_out() -> None:
    mesh, controller, member, nwid, _ = joined()
    other = mesh.add()
    others, _ = other.join(nwid)
    mesh.run_until(lambda: others.status == ACCESS_DENIED, 10000)
    pushes = arrivals(other, VERB_NETWORK_CONFIG)
    put_member(controller, nwid, other.address)
    mesh.run_until(lambda: others.status == OK, 10000)
    assert pushes != []  # it did not ask again
    told = arrivals(other, VERB_NETWORK_CREDENTIALS)
    put_member(controller, nwid, member.address, authorized=False)
    mesh.run(1500)
    assert len(told) == 1


def test_a_deleted_member_is_revoked_too() -> None:
    mesh, controller, member, nwid, _ = joined()
    mesh.run(1500)
    controller.store.delete(
        "controller.d/network/%s/member/%s.json" % (nwid.hex(), member.address.hex())
    )
    mesh.run(1200)
    assert controller.count("controller_revoked") == 1


def test_an_authorisation_for_multicasts_lasts_three_minutes_after_the_last_config() -> None:
    mesh, controller, member, nwid, _ = joined()
    member.running = False
    last = mesh.now
    assert controller.controller.authorised(member.address, nwid, last + 179000)
    assert not controller.controller.authorised(member.address, nwid, last + 181000)
    assert not controller.controller.authorised(controller.address, nwid, last)


def test_an_identity_that_differs_from_the_stored_one_is_denied() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1)
    impostor = controller.identity.to_text()
    put_member(controller, nwid, member.address, identity=impostor)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == ACCESS_DENIED, 10000)
    stored = record(controller, nwid, member.address)
    assert stored is not None and stored["identity"] == impostor
    assert controller.count("controller_impostor") > 0


def test_a_damaged_network_is_told_in_one_sentence_and_never_overwritten() -> None:
    for damage, reason in (
        (b"# my network", "it is not JSON"),
        (b'{"name": "cut off', "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[]", "it is not a JSON object"),
        (b'{"id": "1122334455667788"}', "it is the record of the network 1122334455667788"),
        (b"{}", "a network id must be 16 hex digits"),
    ):
        mesh = Mesh()
        controller, member = mesh.add_controller(), mesh.add()
        nwid = controller.address + b"\x00\x00\x01"
        key = "controller.d/network/%s.json" % nwid.hex()
        controller.store.put(key, damage)
        network, _ = member.join(nwid)
        mesh.run_until(lambda network=network: network.status == NOT_FOUND, 10000)  # type: ignore[misc]
        mesh.run(10000)
        assert controller.store.get(key) == damage
        assert controller.controller.sentences == [f"{key} cannot be used: {reason}"]


def test_a_damaged_member_is_denied_but_neither_revoked_nor_overwritten() -> None:
    mesh, controller, member, nwid, network = joined()
    mesh.run(1500)
    key = "controller.d/network/%s/member/%s.json" % (nwid.hex(), member.address.hex())
    controller.store.put(key, b'{"address": 5}')
    mesh.run_until(lambda: network.status == ACCESS_DENIED, 61000)
    assert controller.count("controller_revoked") == 0
    assert controller.store.get(key) == b'{"address": 5}'
    assert controller.controller.sentences == [f"{key} cannot be used: address must be a string"]
    put_member(controller, nwid, member.address, address=member.address.hex(), identity="")
    mesh.run_until(lambda: network.status == OK, 10000)


def test_a_store_that_cannot_be_written_does_not_keep_members_out() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1, **POOL)
    put_member(controller, nwid, member.address)

    def full(key, value):
        raise OSError("no space")

    put = controller.store.put
    controller.store.put = full
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == OK, 10000)
    assert network.addresses
    assert controller.count("controller_unwritable_record") > 0
    controller.store.put = put


def test_strangers_do_not_fill_the_store() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1)
    for number in range(controller.limits.members):
        put_member(controller, nwid, b"\x11" + number.to_bytes(4, "big"), authorized=False)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == ACCESS_DENIED, 10000)
    assert record(controller, nwid, member.address) is None
    assert controller.count("controller_strangers_full") > 0
    put_member(controller, nwid, member.address)
    mesh.run_until(lambda: network.status == OK, 10000)


def test_the_table_of_clients_is_bounded() -> None:
    mesh, controller, member, _, _ = joined()
    role = controller.controller
    role._max_clients = 2
    for number in range(2, 5):
        nwid = put_network(controller, number, private=False)
        ask(mesh, member, nwid)
    assert len(role._clients) == 2
    assert controller.count("controller_client_evicted") == 2


def test_a_device_can_be_a_controller() -> None:
    mesh = Mesh()
    controller = mesh.add_controller()
    member = mesh.add(limits=DEVICE)
    nwid = put_network(controller, 1, private=False, **POOL)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == OK, 10000)
    assert network.addresses


def test_the_records_are_looked_at_within_a_second() -> None:
    mesh = Mesh()
    controller = mesh.add_controller()
    assert controller.controller.tick(mesh.now) == mesh.now + 700


# --- restarts


def restarted(mesh: Mesh, controller: Station) -> None:
    """Another controller with the same store takes the place of this one, as after `kill -9`."""
    controller.restart()
    transport = controller.node.transport
    controller.controller = Controller(transport, controller.store)
    controller.node.add_role(controller.controller)
    mesh.run(100)


def revoked_on(station: Station, nwid: bytes) -> list:
    """Collects (kind, target) of the revocations that this station hears from now on."""
    heard: list[tuple] = []
    handler = station.node.transport.verbs[VERB_NETWORK_CREDENTIALS]

    def listening(peer, packet, now):
        for one in parse_credentials(packet.payload).revocations:
            assert one.nwid == nwid
            heard.append((one.kind, one.target))
        return handler(peer, packet, now)

    station.node.transport.verbs[VERB_NETWORK_CREDENTIALS] = listening
    return heard


def pair_joined(**fields) -> tuple:
    """(mesh, controller, member, other, nwid), both members in."""
    mesh, controller, member, nwid, _ = joined(**fields)
    other = mesh.add()
    put_member(controller, nwid, other.address)
    network, _ = other.join(nwid)
    mesh.run_until(lambda: network.status == OK, 10000)
    mesh.run(2000)
    return mesh, controller, member, other, nwid


def shut_out(controller: Station, nwid: bytes, address: bytes) -> None:
    put_member(controller, nwid, address, authorized=False)


def delete(controller: Station, nwid: bytes, address: bytes) -> None:
    controller.store.delete("controller.d/network/%s/member/%s.json" % (nwid.hex(), address.hex()))


def test_who_is_shut_out_while_there_is_no_controller_is_revoked_when_it_is_back() -> None:
    for change in (shut_out, delete):
        mesh, controller, member, other, nwid = pair_joined()
        heard = revoked_on(other, nwid)
        controller.running = False
        mesh.run(5000)
        change(controller, nwid, member.address)
        controller.running = True
        restarted(mesh, controller)
        mesh.run(2000)
        assert heard == [(CREDENTIAL_MEMBERSHIP, member.address)]


def test_a_controller_killed_between_a_change_and_telling_it_tells_it_afterwards() -> None:
    mesh, controller, member, other, nwid = pair_joined()
    heard = revoked_on(other, nwid)
    controller.controller._revoker.tick = lambda now: None  # dies before it gets to it
    shut_out(controller, nwid, member.address)
    mesh.run(1000)
    assert controller.count("controller_revoked") == 1 and heard == []
    restarted(mesh, controller)
    mesh.run(2000)
    assert heard == [(CREDENTIAL_MEMBERSHIP, member.address)]


def test_a_tag_and_an_address_changed_while_there_is_no_controller_are_revoked() -> None:
    mesh, controller, member, other, nwid = pair_joined(**POOL, tags=[{"id": 7, "default": 1}])
    heard = revoked_on(other, nwid)
    put_network(controller, 1, tags=[{"id": 7, "default": 2}], routes=[])
    restarted(mesh, controller)
    mesh.run(2000)
    about_member = [kind for kind, target in heard if target == member.address]
    assert sorted(about_member) == [CREDENTIAL_TAG, CREDENTIAL_OWNERSHIP]


def test_a_restart_without_a_change_revokes_nothing() -> None:
    mesh, controller, _, other, nwid = pair_joined(**POOL)
    heard = revoked_on(other, nwid)
    for _ in range(3):
        restarted(mesh, controller)
        mesh.run(65000)
    assert heard == [] and controller.count("controller_revoked") == 0


def test_who_joins_later_learns_what_was_revoked_before() -> None:
    mesh, controller, member, _, nwid = pair_joined()
    shut_out(controller, nwid, member.address)
    mesh.run(5000)
    late = mesh.add()
    heard = revoked_on(late, nwid)
    put_member(controller, nwid, late.address)
    late.join(nwid)
    mesh.run(5000)
    assert heard == [(CREDENTIAL_MEMBERSHIP, member.address)]


def test_what_is_issued_after_a_revocation_is_newer_even_if_the_clock_went_back() -> None:
    mesh, controller, member, _, nwid = pair_joined()
    ledger = controller.controller._shelves[nwid].ledger
    future = mesh.now + 600000
    ledger.withdraw(member.address, "[]", [(CREDENTIAL_MEMBERSHIP, 0)], future)
    restarted(mesh, controller)
    network = member.node.networks.get(nwid)
    mesh.run(125000)
    assert network.config.membership.timestamp == future + 1


# --- single sign-on


SIGN_ON = {"ssoEnabled": True, "authenticationURL": "https://login.example/{network}?m={member}"}


def test_who_has_not_signed_in_is_told_where_to() -> None:
    mesh = Mesh()
    controller, member = mesh.add_controller(), mesh.add()
    nwid = put_network(controller, 1, **SIGN_ON)
    put_member(controller, nwid, member.address)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == AUTHENTICATION_REQUIRED, 10000)
    url = "https://login.example/%s?m=%s" % (nwid.hex(), member.address.hex())
    assert network.sign_on_url == url and url in network.reason
    assert controller.count("controller_not_signed_in") > 0
    put_member(controller, nwid, member.address, authenticationExpiryTime=mesh.now + 20000)
    mesh.run_until(lambda: network.status == OK, 6000)
    assert network.sign_on_url == "" and network.config.sso_enabled
    assert network.config.sso["aurl"] == url.encode()
    assert get_int(network.config.sso, "aexpt") > mesh.now


def test_who_is_exempt_need_not_sign_in_and_who_is_not_authorised_cannot() -> None:
    for fields, status in (({"ssoExempt": True}, OK), ({"authorized": False}, ACCESS_DENIED)):
        mesh = Mesh()
        controller, member = mesh.add_controller(), mesh.add()
        nwid = put_network(controller, 1, **SIGN_ON)
        put_member(controller, nwid, member.address, **fields)
        network, _ = member.join(nwid)
        mesh.run_until(lambda network=network, status=status: network.status == status, 10000)  # type: ignore[misc]


def test_at_the_end_of_a_sign_on_others_are_told_and_it_can_be_renewed() -> None:
    mesh, controller, member, other, nwid = pair_joined()
    heard = revoked_on(other, nwid)
    put_network(controller, 1, **SIGN_ON)
    end = mesh.now + 30000
    put_member(controller, nwid, other.address, ssoExempt=True)
    put_member(controller, nwid, member.address, authenticationExpiryTime=end)
    mesh.run(29000)
    assert heard == []
    mesh.run(3000)
    assert heard == [(CREDENTIAL_MEMBERSHIP, member.address)]
    network = member.node.networks.get(nwid)
    mesh.run_until(lambda: network.status == AUTHENTICATION_REQUIRED, 65000)
    put_member(controller, nwid, member.address, authenticationExpiryTime=mesh.now + 30000)
    mesh.run_until(lambda: network.status == OK, 6000)
    assert network.config.membership.timestamp > end
