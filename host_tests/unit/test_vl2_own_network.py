"""A node that is the controller of a network and a member of it; a root that is a member; two networks at once."""

from host_tests.unit.mesh import Lan, Mesh, put_member, put_network
from zerotier.vl2 import ethernet, status

_IPV4 = b"\x08\x00"


def _own(count: int = 1) -> tuple:
    """(mesh, controller, networks, ports): the controller joined its own network, and so did others."""
    mesh = Mesh()
    controller = mesh.add_controller()
    nwid = put_network(controller, 1)
    stations = [controller] + [mesh.add() for _ in range(count)]
    joined = []
    for number, station in enumerate(stations):
        ip = "10.147.17.%d" % (number + 1)
        put_member(controller, nwid, station.address, ipAssignments=[ip])
        joined.append(station.join(nwid))
    mesh.run_until(lambda: min([network.status for network, _ in joined]) == status.OK, 5000)
    mesh.run(1000)
    return mesh, controller, [network for network, _ in joined], [port for _, port in joined]


def test_a_controller_is_a_member_of_its_own_network():
    mesh, controller, networks, ports = _own()
    assert networks[0].addresses and ports[0].configured == [networks[0].addresses]
    there = networks[1].mac + networks[0].mac + _IPV4 + b"there"
    networks[0].transmit(there, mesh.now)
    mesh.run(1000)
    assert ports[1].frames == [there]
    back = networks[0].mac + networks[1].mac + _IPV4 + b"back"
    networks[1].transmit(back, mesh.now)
    mesh.run(1000)
    assert ports[0].frames == [back]


def test_its_broadcasts_and_its_groups_are_known():
    mesh, controller, networks, ports = _own(2)
    for number in range(3):
        frame = ethernet.BROADCAST + networks[number].mac + _IPV4 + b"x"
        networks[number].transmit(frame, mesh.now)
        mesh.run(2000)
    assert [len(port.frames) for port in ports] == [2, 2, 2]


def test_it_is_told_of_changes_and_refused_like_others():
    mesh, controller, networks, ports = _own()
    put_network(controller, 1, name="renamed")
    mesh.run(2000)
    assert networks[0].name == networks[1].name == "renamed"
    put_member(controller, networks[0].nwid, controller.address, authorized=False)
    controller.node.networks.leave(networks[0].nwid, mesh.now)
    network, port = controller.join(networks[0].nwid)
    mesh.run(3000)
    assert network.status == status.ACCESS_DENIED and port.configured == []


def test_without_the_role_it_says_that_nobody_controls_the_network():
    mesh = Mesh()
    member = mesh.add()
    network, _ = member.join(member.address + b"\x00\x00\x01")
    mesh.run(10000)
    assert network.status == status.NOT_FOUND and "is none" in network.reason


def test_a_root_is_a_member_of_a_network():
    lan = Lan(2)
    root = lan.mesh.root
    put_member(lan.controller, lan.nwid, root.address, ipAssignments=["10.147.17.77"])
    network, port = root.join(lan.nwid)
    lan.mesh.run_until(lambda: network.status == status.OK, 5000)
    lan.mesh.run(2000)
    frame = ethernet.BROADCAST + lan.networks[0].mac + _IPV4 + b"x"
    lan.transmit(0, frame)
    lan.transmit(0, lan.arp(0, 1))
    assert frame in port.frames
    frame = ethernet.BROADCAST + network.mac + _IPV4 + b"from the root"
    network.transmit(frame, lan.mesh.now)
    lan.mesh.run(2000)
    assert frame in lan.ports[0].frames and frame in lan.ports[1].frames


def test_two_networks_do_not_hear_each_other():
    mesh = Mesh()
    controller = mesh.add_controller()
    nwids = [put_network(controller, number) for number in (1, 2)]
    members = [mesh.add() for _ in range(2)]
    networks, ports = [], []
    for nwid in nwids:
        for number, member in enumerate(members):
            ip = "10.147.17.%d" % (number + 1)
            put_member(controller, nwid, member.address, ipAssignments=[ip])
            network, port = member.join(nwid)
            networks.append(network)
            ports.append(port)
    mesh.run_until(lambda: min([network.status for network in networks]) == status.OK, 5000)
    mesh.run(1000)
    one, other = networks[0], networks[1]
    unicast = other.mac + one.mac + _IPV4 + b"only here"
    everybody = ethernet.BROADCAST + one.mac + _IPV4 + b"only here"
    one.transmit(unicast, mesh.now)
    one.transmit(everybody, mesh.now)
    mesh.run(1000)
    assert sorted(ports[1].frames) == sorted([unicast, everybody])
    assert ports[2].frames == ports[3].frames == []
    members[0].node.networks.leave(nwids[1], mesh.now)
    one.transmit(unicast, mesh.now)
    mesh.run(1000)
    assert len(ports[1].frames) == 3 and ports[2].closed


def test_a_network_that_was_left_leaves_no_file_and_refuses_its_frames():
    lan = Lan(2)
    network, member = lan.networks[1], lan.members[1]
    network.permissions.public = True
    network.permit(lan.mesh.now)
    assert len(member.store.list("networks.d/")) == 2
    lan.transmit(0, lan.frame(0, 1))
    member.node.networks.leave(lan.nwid, lan.mesh.now)
    assert member.store.list("networks.d/") == [] and lan.ports[1].closed
    lan.ports[1].frames.clear()
    lan.transmit(0, lan.frame(0, 1))
    assert lan.ports[1].frames == [] and member.count("frame_unknown_network") == 1
    again, port = member.join(lan.nwid)
    assert not again.permissions.public
    lan.mesh.run(2000)
    assert again.status == status.OK


def test_the_config_changes_while_frames_pass():
    lan = Lan(2)
    sent = 0
    for mtu in (1280, 2800, 5000, 10000):
        put_network(lan.controller, 1, mtu=mtu, name="mtu %d" % mtu)
        for _ in range(30):
            lan.transmit(0, lan.frame(0, 1, bytes(1200)), 100)
            sent += 1
        assert lan.networks[0].mtu == min(mtu, 9869)
        largest = lan.frame(0, 1, bytes(lan.networks[0].mtu))
        lan.transmit(0, largest)
        assert lan.ports[1].frames.pop() == largest
    assert len(lan.ports[1].frames) == sent


def test_dns_is_there_only_if_it_is_allowed():
    lan = Lan(1, dns={"domain": "zt.example", "servers": ["10.147.17.1"]})
    network = lan.networks[0]
    assert network.dns == ("", [])
    network.permissions.dns = True
    network.permit(lan.mesh.now)
    assert network.dns == ("zt.example", [b"\x04\x0a\x93\x11\x01\x00\x00"])


def test_routes_follow_the_config():
    lan = Lan(
        1,
        routes=[
            {"target": "10.147.17.0/24", "via": None},
            {"target": "10.99.0.0/16", "via": "10.147.17.9", "metric": 7},
            {"target": "0.0.0.0/0", "via": "10.147.17.9"},
        ],
    )
    network = lan.networks[0]
    gateway = bytes((10, 147, 17, 9))
    assert [r.fields() for r in network.routes] == [(bytes((10, 99, 0, 0)), 16, gateway, 7)]
    network.permissions.default = True
    network.permit(lan.mesh.now)
    assert network.routes[-1].fields() == (bytes(4), 0, gateway, 0)
    put_network(lan.controller, 1)
    lan.mesh.run(2000)
    assert network.routes == []
