"""A recorded member of a reference network, played again: our node in its place sees the same.

It has the identity of the member `eleven`, and gets every datagram that reached that member.
"""

from host_tests.unit.mesh import START, MemoryStore, Port
from host_tests.unit.support import unhex, vectors
from host_tests.unit.test_capture_09 import lines
from zerotier.identity import Identity
from zerotier.limits import DEVICE
from zerotier.node import Node
from zerotier.vl2 import ethernet, status
from zerotier.wire.address import from_text, inet, parse_ip

_IDS = vectors("captures/09_protocol_11_join.ids")
_NWID = unhex(_IDS["networks"]["private"])
_ELEVEN = "10.83.100.1/9993"


class _Wire:
    """What the node sends goes nowhere: the recording has the answers."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, datagram: bytearray, endpoint: bytes) -> None:
        self.sent += 1


def _identity(name: str) -> Identity:
    return Identity.from_text(_IDS["identities"][name])


def _replay() -> tuple:
    """(node, network, port) after everything that reached the recorded member."""
    planet = unhex(_IDS["planet_hex"])
    node = Node(_identity("eleven"), MemoryStore(), _Wire(), START, DEVICE, planet)
    for name in ("ctl", "m0"):  # the answers to its WHOIS were for ids of its own
        node.topology.add(_identity(name), START)
    port = Port()
    network = node.networks.join(_NWID, port, START)
    now = START
    for _, source, destination, wire, _, _ in lines():
        if destination == _ELEVEN:
            now += 20
            node.tick(now)
            node.receive(bytearray(unhex(wire)), from_text(source), now)
    return node, network, port


def _recorded_frames() -> list:
    """The frames that the reference member m0 sent to `eleven`, in their order."""
    eleven = ethernet.mac_of(_identity("eleven").address, _NWID)
    m0 = _identity("m0").address
    mac = ethernet.mac_of(m0, _NWID)
    frames = []
    for _, _, destination, _, verb, payload in lines():
        if destination != _ELEVEN or not payload:
            continue
        data = unhex(payload)
        if verb == "FRAME":
            frames.append(eleven + mac + data[8:])
        elif verb == "MULTICAST_FRAME":
            # nwid, flags 0x02, gather limit, group, ADI, ethertype
            frames.append(data[13:19] + mac + data[23:])
    return frames


def test_the_recorded_member_is_configured_by_the_controllers_push():
    node, network, port = _replay()
    assert network.status == status.OK
    assert network.mac == unhex("029414d75bac")
    assert inet("10.147.20.19", 24) in network.addresses
    assert node.networks.contains(parse_ip("10.147.20.34"))
    assert network.config.membership.issued_to == _identity("eleven").address
    assert port.configured[-1] == network.addresses


def test_a_reference_member_is_admitted_by_its_recorded_credentials():
    node, network, _ = _replay()
    member = network.members.get(_identity("m0").address)
    assert member is not None and member.allowed
    assert node.counters.get("com_refused") == 0


def test_every_recorded_frame_reaches_the_port():
    node, _, port = _replay()
    expected = _recorded_frames()
    assert len(expected) > 20
    assert port.frames == expected
    assert node.counters.get("frame_not_admitted") == 0
