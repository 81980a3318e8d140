"""Names by multicast DNS: a device resolves another one's, and so does a peer that is no device.

Owns what a user sees of mdns.py. The messages themselves are the matter of host_tests/unit.
"""

import asyncio

import pytest

from host_tests.device.site import Site
from host_tests.device.talker import Talker
from zerotier.host import ZeroTier
from zerotier.vl2 import mdns
from zerotier.vl2.packets import ip_udp, udp4
from zerotier.wire import address as addresses

JOINED = 10  # s
ANSWERED = 5
PORT = 40000


@pytest.fixture(scope="module")
def site():
    with Site() as site:
        yield site


def test_a_device_resolves_the_name_of_another_one(site):
    with Talker(site, "a") as one, Talker(site, "b") as other:
        ips = [device.ask(f"join({site.public!r})") for device in (one, other)]
        assert one.ask("zt.hostname()") == "zt-" + one.address
        assert one.ask("zt.hostname('kitchen')") == "kitchen"
        assert other.ask("resolve('kitchen.local')") == ips[0]
        assert one.ask(f"resolve('zt-{other.address}.local')") == ips[1]
        assert "OSError" in other.refused("resolve('cellar.local')")


async def resolve(site, name: str) -> tuple[str, str]:
    """(our own address, what a node of CPython hears when it asks for a name)."""
    store = site.home / "peer"
    store.mkdir()
    store.joinpath("planet").write_bytes(site.planet.read_bytes())
    zt = ZeroTier(str(store), bind=site.place("peer"))
    zt.active(True)
    network = zt.join(site.public)
    await network.ready(JOINED)
    joined = zt.node.networks.all()[0]
    ours = [addresses.ip(e) for e in joined.addresses if len(addresses.ip(e)) == 4][0]
    query = ip_udp(ours, PORT, mdns.GROUP4, mdns.PORT, mdns.encode_query(name, mdns.A, 7))
    joined.transmit(mdns.MAC4 + joined.mac + b"\x08\x00" + query, zt._now())
    zt._schedule()
    try:
        for _ in range(10 * ANSWERED):
            await asyncio.sleep(0.1)
            for datagram in [udp4(memoryview(frame)) for frame in joined._port.frames]:
                if datagram is not None and datagram.port_to == PORT:
                    ((found, kind, ip),) = mdns.parse_answers(datagram.payload)
                    assert found == mdns.encode_name(name) and kind == mdns.A
                    return addresses.ip_text(ours), addresses.ip_text(ip)
    finally:
        zt.active(False)
    raise AssertionError("no answer")


def test_a_peer_on_cpython_resolves_the_name_of_a_device(site):
    with Talker(site, "a") as device:
        ip = device.ask(f"join({site.public!r})")
        device.ask("zt.hostname('attic')")
        ours, answer = site.run(resolve(site, "attic.local"))
        assert answer == ip != ours


def test_an_impossible_name_is_refused_in_words(site):
    with Talker(site, "a") as device:
        assert "is not a host name" in device.refused("zt.hostname('a..b')")
        assert device.ask("zt.hostname('')") == ""


def test_multicast_that_a_program_listens_to_arrives(site):
    group = "224.0.0.77"
    with Talker(site, "a") as one, Talker(site, "b") as other:
        ips = [device.ask(f"join({site.public!r})") for device in (one, other)]
        for device, ip in ((one, ips[0]), (other, ips[1])):
            device.ask("kept.update(s=udp('0.0.0.0', 7777, 5))")
            membership = bytes(map(int, f"{group}.{ip}".split(".")))
            device.ask(f"kept['s'].setsockopt(0, socket.IP_ADD_MEMBERSHIP, {membership!r})")
            device.ask("time.sleep_ms(500)")
        for sender, receiver, ip in ((one, other, ips[0]), (other, one, ips[1])):
            sender.ask(f"kept.update(o=udp({ip!r}))")
            receiver.tell("kept['s'].recvfrom(100)[0]")
            sender.ask(f"kept['o'].sendto(b'to all', ({group!r}, 7777))")
            assert receiver.answer() == b"to all"
