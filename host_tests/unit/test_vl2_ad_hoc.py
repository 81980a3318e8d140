"""Networks without a controller (protocol/06 §6.10)."""

from host_tests.unit.mesh import Mesh
from host_tests.unit.support import raises, unhex
from zerotier.limits import DEVICE
from zerotier.vl2 import ethernet, status
from zerotier.vl2.ad_hoc import config_of
from zerotier.vl2.addresses import sixplane
from zerotier.wire.address import inet_raw
from zerotier.wire.rules import decode_rules
from zerotier.wire.verbs import VERB_NETWORK_CONFIG_REQUEST

_MEMBER = unhex("f85afca4d6")
_NOW = 1700000000000
_PORTS = unhex("ff1f90207f000000")  # ports 8080 to 8319
_SUBNET = unhex("ff1c000000000001")  # 28.0.0.0/8


def _pair(nwid: bytes, limits=DEVICE) -> tuple:
    """(mesh, two members, their networks, their ports), all joined."""
    mesh = Mesh()
    members = [mesh.add(limits=limits) for _ in range(2)]
    joined = [member.join(nwid) for member in members]
    mesh.run(2000)
    return mesh, members, [network for network, _ in joined], [port for _, port in joined]


def _ipv6(networks: list, protocol: int, transport: bytes) -> bytes:
    """A packet from the first to the second."""
    addresses = [sixplane(n.nwid, n._transport.address) for n in networks]
    head = b"\x60\x00\x00\x00" + len(transport).to_bytes(2, "big") + bytes((protocol, 64))
    packet = head + addresses[0] + addresses[1] + transport
    return networks[1].mac + networks[0].mac + b"\x86\xdd" + packet


def test_a_network_of_ports_has_the_config_that_its_id_means():
    config = config_of(_PORTS, _MEMBER, _NOW)
    assert config.public and config.membership is None
    assert (config.timestamp, config.revision, config.credential_max_delta) == (_NOW, 1, 7200000)
    assert (config.flags, config.mtu, config.multicast_limit) == (0x04, 2800, 0)
    assert config.addresses == [inet_raw(unhex("fc801f9020f85afca4d6000000000001"), 40)]
    assert config.name == "adhoc-1f90-207f"
    rules = decode_rules(config.rules)
    assert [rule["type"] for rule in rules] == [
        "MATCH_ETHERTYPE",
        "ACTION_DROP",
        "MATCH_IP_PROTOCOL",
        "ACTION_ACCEPT",
        "MATCH_IP_PROTOCOL",
        "MATCH_IP_PROTOCOL",
        "MATCH_IP_DEST_PORT_RANGE",
        "ACTION_ACCEPT",
        "MATCH_CHARACTERISTICS",
        "ACTION_ACCEPT",
        "MATCH_CHARACTERISTICS",
        "MATCH_CHARACTERISTICS",
        "ACTION_ACCEPT",
        "ACTION_DROP",
    ]
    assert (rules[0]["not"], rules[5]["or"], rules[8]["not"]) == (True, True, True)
    assert (rules[6]["start"], rules[6]["end"]) == (0x1F90, 0x207F)


def test_a_network_of_a_subnet_has_the_config_that_its_id_means():
    config = config_of(unhex("ff1c112233445501"), _MEMBER, _NOW)
    assert config.public and config.flags == 0x04 and config.multicast_limit == 1024
    assert config.addresses[1] == inet_raw(bytes((0x1C, 0xFC, 0xA4, 0xD6)), 8)
    assert config.name == "adhoc-28.0.0.0"
    assert [rule["type"] for rule in decode_rules(config.rules)] == ["ACTION_ACCEPT"]
    assert config.specialists == [(unhex("1122334455"), 0)]
    assert config_of(_SUBNET, _MEMBER, _NOW).specialists == []


def test_other_ids_mean_nothing():
    for text in ("ff00500049000000", "ff00500050000002", "ff00500050000100"):
        assert raises(ValueError, config_of, unhex(text), _MEMBER, _NOW)
    mesh = Mesh()
    network, port = mesh.add().join(unhex("ff00500049000000"))
    mesh.run(1000)
    assert network.status == status.NOT_FOUND and network.reason.startswith("the last port")
    assert port.configured == []


def test_members_talk_without_any_controller():
    mesh, members, networks, ports = _pair(_PORTS)
    assert [network.status for network in networks] == [status.OK, status.OK]
    echo = _ipv6(networks, 58, b"\x80\x00\x00\x00\x00\x01\x00\x01")
    allowed = _ipv6(networks, 17, b"\x10\x00\x1f\x90\x00\x0c\x00\x00data")
    refused = _ipv6(networks, 6, b"\x10\x00\x00\x50" + bytes(9) + b"\x02" + bytes(6))
    for frame in (echo, allowed, refused, networks[1].mac + networks[0].mac + b"\x08\x00x"):
        networks[0].transmit(frame, mesh.now)
        mesh.run(1000)
    assert ports[1].frames == [echo, allowed]
    assert members[0].count("rules_drop_out") == 2


def test_members_of_a_subnet_find_each_other_by_arp():
    mesh, members, networks, ports = _pair(_SUBNET)
    target = networks[1].addresses[1][1:5]
    arp = b"\x00\x01\x08\x00\x06\x04\x00\x01" + networks[0].mac
    arp += networks[0].addresses[1][1:5] + bytes(6) + target
    frame = ethernet.BROADCAST + networks[0].mac + b"\x08\x06" + arp
    networks[0].transmit(frame, mesh.now)
    mesh.run(2000)
    assert ports[1].frames == [frame]


def test_nobody_is_asked_and_it_is_joined_again_after_a_restart():
    mesh = Mesh()
    asked = []
    mesh.root.node.transport.verbs[VERB_NETWORK_CONFIG_REQUEST] = lambda *a: asked.append(a) or 1
    member = mesh.add()
    member.join(_PORTS)
    mesh.run(200000)
    assert asked == [] and member.store.list("networks.d/") == ["networks.d/ff1f90207f000000.conf"]
    member.restart()
    network, port = member.join(_PORTS)
    assert network.status == status.OK and len(port.configured) == 1
    member.node.networks.leave(_PORTS, mesh.now)
    assert member.store.list("networks.d/") == []
