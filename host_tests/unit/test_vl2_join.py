"""A network among real nodes: joined, refused, accepted, refreshed, remembered and left."""

from host_tests.unit.mesh import MemoryStore, Mesh, Port, put_member, put_network
from host_tests.unit.support import raises
from zerotier.limits import DEVICE
from zerotier.vl2 import status
from zerotier.wire import messages
from zerotier.wire.address import inet, parse_ip
from zerotier.wire.chunk import Chunk, split
from zerotier.wire.config import NetworkConfig
from zerotier.wire.verbs import (
    VERB_NETWORK_CONFIG,
    VERB_NETWORK_CONFIG_REQUEST,
    VERB_NETWORK_CREDENTIALS,
)

_MAC_OF_A_STRANGER = b"\x02\x11\x22\x33\x44\x55"


def _mesh() -> tuple:
    """(mesh, controller, member, nwid) of a private network that the member may not join yet."""
    mesh = Mesh()
    controller = mesh.add_controller()
    member = mesh.add()
    nwid = put_network(controller, 1)
    return mesh, controller, member, nwid


def _file(nwid: bytes) -> str:
    return "networks.d/%s.conf" % nwid.hex()


def _joined() -> tuple:
    """(mesh, controller, member, network, port): authorised and configured."""
    mesh, controller, member, nwid = _mesh()
    put_member(controller, nwid, member.address, ipAssignments=["10.147.17.5"])
    network, port = member.join(nwid)
    mesh.run_until(lambda: network.status == status.OK, 5000)
    return mesh, controller, member, network, port


def _push(mesh, controller, member, nwid: bytes, config: NetworkConfig, **fields) -> Chunk:
    """Send a config that the controller signed, unasked, or its first chunk; the chunk."""
    chunk = split(nwid, config.encode(), b"update-1")[0]
    chunk.signature = controller.identity.sign(chunk.signed_bytes())
    for name in fields:
        setattr(chunk, name, fields[name])
    payload = chunk.encode()
    controller.node.transport.send(member.address, VERB_NETWORK_CONFIG, (payload,), mesh.now)
    return chunk


def test_an_authorised_member_is_configured_within_a_second():
    mesh, controller, member, nwid = _mesh()
    put_member(controller, nwid, member.address, ipAssignments=["10.147.17.5"])
    network, port = member.join(nwid)
    assert network.status == status.REQUESTING_CONFIGURATION and network.reason
    mesh.run_until(lambda: network.status == status.OK, 1000)
    assert network.addresses == [inet("10.147.17.5", 24)]
    assert network.name == "mesh" and network.mtu == 2800 and network.reason == ""
    assert port.configured == [[inet("10.147.17.5", 24)]]


def test_a_refused_member_knows_why_and_is_in_soon_after_it_is_authorised():
    mesh, controller, member, nwid = _mesh()
    network, port = member.join(nwid)
    mesh.run_until(lambda: network.status == status.ACCESS_DENIED, 1000)
    assert "not authorised" in network.reason
    mesh.run(20000)
    assert network.status == status.ACCESS_DENIED and port.configured == []
    put_member(controller, nwid, member.address, ipAssignments=["10.147.17.5"])
    mesh.run_until(lambda: network.status == status.OK, 5100)


def test_a_network_that_the_controller_does_not_have_is_not_found():
    mesh, controller, member, _ = _mesh()
    network, _ = member.join(controller.address + b"\x99\x99\x99")
    mesh.run_until(lambda: network.status == status.NOT_FOUND, 1000)
    assert network.reason == "the controller does not know this network"


def test_a_silent_controller_is_asked_again_and_again_but_never_twice_in_a_second():
    mesh, controller, member, nwid = _mesh()
    put_member(controller, nwid, member.address)
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == status.OK, 1000)
    network.exchange.refresh.next = mesh.now
    asked = []
    controller.node.transport.verbs[VERB_NETWORK_CONFIG_REQUEST] = lambda peer, packet, now: (
        asked.append(now) or 1
    )
    mesh.run(60000)
    assert len(asked) >= 15
    gaps = [asked[index + 1] - asked[index] for index in range(len(asked) - 1)]
    assert min(gaps) >= 1100
    assert network.status == status.OK


def test_a_lost_answer_costs_two_seconds():
    mesh, controller, member, nwid = _mesh()
    put_member(controller, nwid, member.address, ipAssignments=["10.147.17.5"])
    answers = []

    def passes(datagram, source, destination):
        if destination == member.endpoint and len(datagram) > 600:
            answers.append(mesh.now)
            return mesh.now - answers[0] > 1000
        return True

    mesh.passes = passes
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == status.OK, 3000)
    assert 1100 <= answers[-1] - answers[0] <= 2100


def test_the_config_is_refreshed_every_minute_without_touching_flash_or_interface():
    mesh, controller, member, network, port = _joined()
    mesh.run(120000)  # by then it has written down whom it talks to
    first = network.config.timestamp
    writes = member.store.writes
    mesh.run(10 * 60000)
    assert network.config.timestamp - first >= 9 * 60000
    assert member.store.writes == writes
    assert len(port.configured) == 1
    assert 11 <= controller.count("controller_config_sent") <= 15


def test_the_saved_certificate_is_renewed_before_it_is_half_a_window_old():
    mesh, controller, member, network, _ = _joined()
    mesh.run(65 * 60000)
    saved = NetworkConfig.parse(member.store.get(_file(network.nwid)))
    assert mesh.now - saved.timestamp <= saved.credential_max_delta // 2 + 61000
    assert member.store.writes < 15


def test_a_joined_network_is_remembered_before_and_after_its_config_comes():
    mesh, controller, member, nwid = _mesh()
    member.join(nwid)
    assert member.store.get(_file(nwid)) == b"\n"
    put_member(controller, nwid, member.address, ipAssignments=["10.147.17.5"])
    mesh.run(6000)
    saved = NetworkConfig.parse(member.store.get(_file(nwid)))
    assert saved.addresses == [inet("10.147.17.5", 24)]


def test_a_restarted_member_is_configured_before_it_hears_from_anybody():
    mesh, controller, member, network, _ = _joined()
    held = network.config.timestamp
    member.restart()
    network, port = member.join(network.nwid)
    assert network.status == status.OK
    assert port.configured == [[inet("10.147.17.5", 24)]]
    mesh.run_until(lambda: network.config.timestamp > held, 8000)


def test_a_damaged_file_is_as_good_as_none():
    for blob in (b"", b"\n", b"v=7", b"\x00\xff" * 700, b"v=7\nnwid=1122334455667788\nid=1"):
        mesh, controller, member, nwid = _mesh()
        put_member(controller, nwid, member.address)
        member.store.put(_file(nwid), blob)
        network, port = member.join(nwid)
        assert network.status == status.REQUESTING_CONFIGURATION
        mesh.run(2000)
        assert network.status == status.OK and len(port.configured) == 1


def test_the_file_of_another_node_is_not_used():
    mesh, controller, member, network, _ = _joined()
    other = mesh.add(MemoryStore())
    other.store.put(_file(network.nwid), member.store.get(_file(network.nwid)))
    network, _ = other.join(network.nwid)
    assert network.config is None
    assert other.count("saved_config_unusable") == 1


def test_a_full_flash_does_not_keep_a_member_out():
    mesh, controller, member, nwid = _mesh()
    put_member(controller, nwid, member.address)
    network, _ = member.join(nwid)

    def full(key, value):
        raise OSError("no space left on device")

    member.store.put = full
    mesh.run_until(lambda: network.status == status.OK, 2000)
    assert member.count("config_not_saved") == 1


def test_a_left_network_is_gone_from_port_flash_and_memory():
    mesh, controller, member, network, port = _joined()
    member.node.networks.leave(network.nwid, mesh.now)
    assert port.closed
    assert member.store.list("networks.d/") == []
    assert member.node.networks.all() == []
    assert not member.node.networks.contains(parse_ip("10.147.17.9"))
    sent = member.sent
    mesh.run(10000)
    network.transmit(_MAC_OF_A_STRANGER + network.mac + b"\x08\x00x", mesh.now)
    assert member.sent - sent < 12


def test_a_stopped_node_closes_its_ports_and_remembers_its_networks():
    mesh, controller, member, network, port = _joined()
    member.node.networks.close(mesh.now)
    assert port.closed and member.node.networks.all() == []
    assert member.store.list("networks.d/") == [_file(network.nwid)]


def test_what_cannot_be_joined_is_said_in_one_sentence():
    mesh, controller, member, network, _ = _joined()
    networks = member.node.networks
    assert raises(ValueError, networks.join, network.nwid, Port(), mesh.now)
    assert raises(ValueError, networks.join, b"\x01", Port(), mesh.now)
    device = mesh.add(limits=DEVICE)
    for number in range(DEVICE.networks):
        device.join(controller.address + bytes((0, 1, number)))
    sentence = raises(OSError, device.node.networks.join, network.nwid, Port(), mesh.now)
    assert sentence == "this node can join no more than 4 networks"


def test_changes_on_the_controller_reach_the_port_at_once():
    mesh, controller, member, network, port = _joined()
    nwid = network.nwid
    put_member(controller, nwid, member.address, ipAssignments=["10.147.17.6"])
    mesh.run_until(lambda: network.addresses == [inet("10.147.17.6", 24)], 3000)
    assert port.configured[-1] == [inet("10.147.17.6", 24)]
    put_network(controller, 1, name="renamed", mtu=1400)
    mesh.run_until(lambda: network.name == "renamed" and network.mtu == 1400, 3000)
    assert NetworkConfig.parse(member.store.get(_file(nwid))).name == "renamed"


def test_public_addresses_wait_for_permission():
    mesh, controller, member, nwid = _mesh()
    put_network(controller, 1, routes=[{"target": "8.8.8.0/24", "via": None}])
    put_member(controller, nwid, member.address, ipAssignments=["8.8.8.8"])
    network, port = member.join(nwid)
    mesh.run_until(lambda: network.status == status.OK, 2000)
    assert network.addresses == []
    network.permissions.public = True
    network.permit(mesh.now)
    assert port.configured[-1] == network.addresses == [inet("8.8.8.8", 24)]
    network.permissions.public = False
    network.permit(mesh.now)
    assert port.configured[-1] == []


def test_the_node_knows_which_addresses_are_inside_its_networks():
    mesh, controller, member, network, _ = _joined()
    networks = member.node.networks
    assert networks.contains(parse_ip("10.147.17.200"))
    assert not networks.contains(parse_ip("10.147.18.1"))
    assert not networks.contains(parse_ip("fd00::1"))


def test_a_port_that_refuses_its_addresses_shows_in_the_status():
    mesh, controller, member, nwid = _mesh()
    put_member(controller, nwid, member.address, ipAssignments=["10.147.17.5"])

    class RefusingPort(Port):
        def configure(self, network) -> None:
            raise OSError("no such device")

    network = member.node.networks.join(nwid, RefusingPort(), mesh.now)
    mesh.run_until(lambda: network.status == status.PORT_ERROR, 2000)
    assert "no such device" in network.reason


def test_a_config_is_taken_from_the_controller_alone():
    mesh, controller, member, network, _ = _joined()
    other = mesh.add()
    forged = NetworkConfig.parse(member.store.get(_file(network.nwid)))
    forged.name = "forged"
    forged.timestamp += 1000
    blob = forged.encode()
    signed = _push(mesh, controller, other, network.nwid, forged)
    legacy = Chunk(network.nwid, blob, b"", len(blob), 0)
    other.node.transport.send(member.address, VERB_NETWORK_CONFIG, (signed.encode(),), mesh.now)
    other.node.transport.send(member.address, VERB_NETWORK_CONFIG, (legacy.encode(),), mesh.now)
    mesh.run(2000)
    assert network.name == "mesh"
    assert member.count("config_refused") == 2


def test_a_config_with_a_wrong_signature_is_refused_and_the_old_form_is_taken():
    mesh, controller, member, network, _ = _joined()
    config = NetworkConfig.parse(member.store.get(_file(network.nwid)))
    config.name = "new"
    config.timestamp += 1000
    _push(mesh, controller, member, network.nwid, config, signature=bytes(96))
    mesh.run(1000)
    assert network.name == "mesh" and member.count("config_refused") == 1
    _push(mesh, controller, member, network.nwid, config, signature=None)
    mesh.run(1000)
    assert network.name == "new"


def test_a_config_for_somebody_else_is_refused():
    mesh, controller, member, network, _ = _joined()
    config = NetworkConfig.parse(member.store.get(_file(network.nwid)))
    config.timestamp += 1000
    config.member = controller.address
    _push(mesh, controller, member, network.nwid, config)
    config.member = member.address
    config.nwid = controller.address + b"\x00\x00\x02"
    _push(mesh, controller, member, network.nwid, config)
    mesh.run(1000)
    assert member.count("config_refused") == 2


def test_a_replayed_config_does_not_replace_a_newer_one():
    mesh, controller, member, network, _ = _joined()
    old = NetworkConfig.parse(member.store.get(_file(network.nwid)))
    old.name = "old"
    mesh.run(61000)
    _push(mesh, controller, member, network.nwid, old)
    mesh.run(1000)
    assert network.name == "mesh" and member.count("config_not_newer") == 1


def test_a_controller_whose_clock_was_set_back_is_obeyed_when_asked():
    mesh, controller, member, network, _ = _joined()
    future = NetworkConfig.parse(member.store.get(_file(network.nwid)))
    future.name = "future"
    future.timestamp += 10**9
    _push(mesh, controller, member, network.nwid, future)
    mesh.run_until(lambda: network.name == "future", 1000)
    mesh.run_until(lambda: network.name == "mesh", 61000)


def test_a_config_larger_than_the_device_accepts_is_said_so():
    mesh, controller, _, nwid = _mesh()
    device = mesh.add(limits=DEVICE)
    asked = []
    controller.node.transport.verbs[VERB_NETWORK_CONFIG_REQUEST] = lambda peer, packet, now: (
        asked.append(now) or 1
    )
    network, _ = device.join(nwid)
    mesh.run_until(lambda: len(asked) > 0, 1000)
    config = NetworkConfig()
    config.nwid = nwid
    config.member = device.address
    config.rules = b"\x01\x00" * 10000
    _push(mesh, controller, device, nwid, config)
    mesh.run(20)
    assert network.status == status.REQUESTING_CONFIGURATION
    assert network.reason == "the configuration is larger than this node accepts"


def test_an_error_from_anybody_else_does_not_change_the_status():
    mesh, controller, member, network, _ = _joined()
    other = mesh.add()
    error = messages.encode_error(VERB_NETWORK_CONFIG_REQUEST, bytes(8), 7, network.nwid)
    other.node.transport.send(member.address, 2, (error,), mesh.now)
    mesh.run(2000)
    assert network.status == status.OK and member.count("config_error_ignored") == 1


def test_a_replayed_refusal_does_not_change_the_status():
    mesh, controller, member, nwid = _mesh()
    refusals: list = []

    def tap(datagram, source, destination) -> None:
        if destination == member.endpoint and len(datagram) == 46:
            refusals.append((datagram, source, destination))

    mesh.tap = tap
    network, _ = member.join(nwid)
    mesh.run_until(lambda: network.status == status.ACCESS_DENIED, 1000)
    put_member(controller, nwid, member.address)
    mesh.run_until(lambda: network.status == status.OK, 6000)
    mesh.tap = None
    assert refusals
    for datagram, source, destination in refusals:
        mesh.carry(datagram, source, destination)
    mesh.run(100)
    assert network.status == status.OK
    assert member.count("config_error_ignored") == len(refusals)


def test_a_deauthorised_member_keeps_its_config_and_shows_the_refusal():
    mesh, controller, member, network, port = _joined()
    put_member(controller, network.nwid, member.address, authorized=False)
    mesh.run_until(lambda: network.status == status.ACCESS_DENIED, 61000)
    assert network.config is not None and not port.closed
    put_member(controller, network.nwid, member.address)
    mesh.run_until(lambda: network.status == status.OK, 6000)


def test_credentials_for_networks_that_are_not_joined_are_ignored():
    mesh, controller, member, network, _ = _joined()
    other = mesh.add()
    com = network.config.membership.encode()
    member.node.transport.send(other.address, VERB_NETWORK_CREDENTIALS, (com + b"\x00",), mesh.now)
    mesh.run(2000)
    assert other.count("malformed") == 0
