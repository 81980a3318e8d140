"""What a network brings to a device besides its first address: routes, name servers, more addresses, more
networks, a bridge. And what is left when it is left.

Owns what a user sees of it. The policy is the matter of host_tests/unit, the stack that of inside/check_netif.py.
"""

import time

import pytest

from host_tests.device.site import POOL, Site
from host_tests.device.talker import Talker

ROUTED = "10.66.0.0/16"
BEHIND = "10.66.1.2"
UNREACHABLE = "OSError(113,)"
TIMED_OUT = r"OSError\(110,\)"
OUT = 2.0  # s after which a member that was shut out is out
CHANGED = 5.0  # s after which a change is in force


@pytest.fixture(scope="module")
def site():
    with Site() as site:
        yield site


def send(ip: str) -> str:
    return f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ({ip!r}, 9))"


def net(nwid: str) -> str:
    return f"zt.join({nwid!r})"


def test_routes_and_name_servers_come_and_go_with_the_config(site):
    nwid = site.public
    with Talker(site, "a") as device, Talker(site, "b") as gateway:
        device.ask(f"join({nwid!r})")
        via = gateway.ask(f"join({nwid!r})")
        assert UNREACHABLE in device.refused(send(BEHIND))
        subnet = {"target": POOL[2], "via": None}
        site.change_network(
            nwid,
            routes=[
                subnet,
                {"target": ROUTED, "via": via, "metric": 5},
                {"target": "0.0.0.0/0", "via": via},
                {"target": "8.8.8.0/24", "via": via},
            ],
            dns={"domain": "site.example", "servers": [via]},
        )
        assert device.ask(f"until(lambda: {net(nwid)}.config('routes'))")
        assert device.ask(f"{net(nwid)}.config('routes')") == [(ROUTED, via, 5)]
        assert device.ask(f"{net(nwid)}.config('dns')") == ("", [])
        assert device.ask(send(BEHIND)) == 1
        assert UNREACHABLE in device.refused(send("8.8.8.8"))
        # What could capture other traffic needs the user's word.
        device.ask(f"{net(nwid)}.config(allow_default=True, allow_global=True, allow_dns=True)")
        routes = device.ask(f"{net(nwid)}.config('routes')")
        assert routes == [("8.8.8.0/24", via, 0), (ROUTED, via, 5), ("0.0.0.0/0", via, 0)]
        assert device.ask(f"{net(nwid)}.ifconfig()")[2:] == (via, via)
        assert device.ask(f"{net(nwid)}.ipconfig('gw4')") == via
        assert device.ask(send("9.9.9.9")) == 1
        server = bytes(map(int, via.split(".")))
        assert device.ask("__import__('_zerotier').name_servers()") == (server,)
        device.ask(f"{net(nwid)}.config(allow_default=False)")
        assert UNREACHABLE in device.refused(send("9.9.9.9"))
        site.change_network(nwid, routes=[subnet], dns={"domain": "", "servers": []})
        assert device.ask(f"until(lambda: not {net(nwid)}.config('routes'))")
        assert UNREACHABLE in device.refused(send(BEHIND))
        assert device.ask("__import__('_zerotier').name_servers()") == ()


def test_what_is_allowed_is_remembered_and_forgotten_when_the_network_is_left(site):
    nwid = site.public
    file = site.home / "c" / "networks.d" / f"{nwid}.local.conf"
    with Talker(site, "c") as device:
        device.ask(f"join({nwid!r})")
        assert device.ask(f"{net(nwid)}.config('allow_global')") is False
        device.ask(f"{net(nwid)}.config(allow_managed='fd00::/8', allow_global=True)")
        assert file.read_text() == (
            "allowManaged=fd00::/8\nallowGlobal=1\nallowDefault=0\nallowDNS=0\n"
        )
        assert device.ask(f"{net(nwid)}.ifconfig()")[0] == "0.0.0.0"  # IPv6 alone is allowed
        assert "ValueError" in device.refused(f"{net(nwid)}.config(mtu=5)")
        assert "ValueError" in device.refused(f"{net(nwid)}.config(allow_managed='10.0.0.0')")
        assert "ValueError" in device.refused(f"{net(nwid)}.config('colour')")
    with Talker(site, "c") as device:
        assert device.ask(f"{net(nwid)}.config('allow_managed')") == "fd00::/8"
        device.ask(f"zt.leave({nwid!r})")
        assert list(file.parent.iterdir()) == []
        assert device.ask(f"join({nwid!r})").startswith("10.55.0.")
        assert UNREACHABLE in device.refused(send(BEHIND))


def test_a_second_address_of_a_network_is_reachable(site):
    nwid = site.public
    with Talker(site, "a") as one, Talker(site, "b") as other:
        for device in (one, other):
            device.ask(f"join({nwid!r})")
        first = one.ask(f"{net(nwid)}.ifconfig()")[0]
        site.change_network(
            nwid,
            routes=[{"target": POOL[2], "via": None}, {"target": "10.56.0.0/24", "via": None}],
        )
        site.change_member(nwid, one.address, ipAssignments=[first, "10.56.0.7"])
        site.change_member(nwid, other.address, ipAssignments=["10.55.0.200", "10.56.0.8"])
        for device in (one, other):
            assert device.ask(
                f"until(lambda: any(a[:5] == '10.56' for a in {net(nwid)}.config('addresses')))"
            )
        one.ask("kept.update(s=udp('10.56.0.7', 5000))")
        one.tell("kept['s'].recvfrom(10)")
        other.ask("udp().sendto(b'second', ('10.56.0.7', 5000))")
        datagram, source = one.answer()
        assert datagram == b"second" and source[0] == "10.56.0.8"


def test_the_life_of_a_network_from_the_first_refusal_to_the_last_frame(site):
    nwid = site.private
    files = site.home / "newcomer" / "networks.d"
    with Talker(site, "newcomer") as device, Talker(site, "guest") as other:
        # Refused, and it says why; authorised later, without being asked again.
        for member in (device, other):
            assert "not authorised" in member.refused(f"join({nwid!r}, 2)")
            assert member.ask(f"{net(nwid)}.status()") == -2
            site.change_member(nwid, member.address, authorized=True)
            assert member.ask(f"until({net(nwid)}.isconnected, 8)")
        ip = device.ask(f"{net(nwid)}.ifconfig()")[0]
        device.ask("kept.update(s=udp('0.0.0.0', 5000, 1))")
        other.ask("kept.update(s=udp())")

        def arrives(number: int) -> bool:
            other.ask(f"kept['s'].sendto(b'%d' % {number}, ({ip!r}, 5000))")
            return device.ask("received(kept['s'])") == b"%d" % number

        assert any(arrives(number) for number in range(5))
        # The config changes under traffic, of which nothing is lost.
        site.change_network(nwid, name="renamed", mtu=1400)
        end = time.monotonic() + CHANGED
        changed = [False, False]
        while not all(changed):
            assert arrives(100) and time.monotonic() < end
            names = [member.ask(f"{net(nwid)}.name") for member in (device, other)]
            changed = [name == "renamed" for name in names]
        assert all(arrives(number) for number in range(20))
        assert device.ask(f"{net(nwid)}.config('mtu')") == 1400
        # Deauthorised: out within two seconds, though it goes on sending.
        begun = time.monotonic()
        deauthorized = int(time.time() * 1000)
        site.change_member(
            nwid, other.address, authorized=False, lastDeauthorizedTime=deauthorized
        )
        last = begun
        while time.monotonic() < begun + 2 * OUT:
            if arrives(100):
                last = time.monotonic()
        assert last - begun <= OUT
        assert device.ask("zt.stats()['member_revoked']") == 1
        # Left: the interface, its routes, its groups and its files are gone.
        assert [file.name for file in files.iterdir()] == [f"{nwid}.conf"]
        device.ask(f"zt.leave({nwid!r})")
        assert device.ask("(zt.ports, zt.networks())") == ([], [])
        assert list(files.iterdir()) == []
        assert UNREACHABLE in device.refused(send(other.ask(f"{net(nwid)}.ifconfig()")[0]))
        assert "ENOMEM" not in device.ask("repr(__import__('_zerotier').Netif(bytes(6), 1500))")


def test_two_networks_at_once_do_not_mix(site):
    with Talker(site, "a") as one, Talker(site, "b") as other:
        for device in (one, other):
            device.ask(f"join({site.public!r})")
            device.refused(f"join({site.private!r}, 1)")
        site.change_network(
            site.private,
            routes=[{"target": "10.99.0.0/24", "via": None}],
            ipAssignmentPools=[],
        )
        site.change_member(site.private, one.address, authorized=True, ipAssignments=["10.99.0.1"])
        assert one.ask(f"join({site.private!r})") == "10.99.0.1"
        public = one.ask(f"{net(site.public)}.ifconfig()")[0]
        one.ask("kept.update(s=udp('0.0.0.0', 5000, 1))")
        one.tell("kept['s'].recvfrom(10)[0]")
        other.ask(f"udp().sendto(b'public', ({public!r}, 5000))")
        assert one.answer() == b"public"
        # The other is no member of the private network, and a gateway of its own does not make it one.
        other.ask(
            f"[p for p in zt.ports][0]._netif.route(b'\\x0a\\x63\\x00\\x00', 24, {public!r})"
        )
        one.tell("kept['s'].recvfrom(10)[0]")
        other.ask("udp().sendto(b'private', ('10.99.0.1', 5000))")
        with pytest.raises(AssertionError, match=TIMED_OUT):
            one.answer()


def test_a_device_bridges_an_ethernet_into_the_network(site):
    nwid = site.public
    host = b"\x0a\x00\x00\x00\x00\x01"
    with Talker(site, "a") as bridge, Talker(site, "b") as other:
        for device in (bridge, other):
            device.ask(f"join({nwid!r})")
        ip = other.ask(f"{net(nwid)}.ifconfig()")[0]
        target = bytes(map(int, ip.split(".")))
        arp = b"\xff" * 6 + host + b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01" + host
        arp += bytes((10, 55, 0, 250)) + bytes(6) + target
        bridge.ask("kept.update(w=Wire())")
        bridge.ask(f"kept.update(b={net(nwid)}.bridge(kept['w']))")
        bridge.ask(f"kept['b'].receive({arp!r})")
        assert bridge.ask("zt.stats()['bridge_not_allowed']") == 1
        site.change_member(nwid, bridge.address, activeBridge=True)
        assert bridge.ask(
            f"until(lambda: kept['b'].receive({arp!r}) or"
            f" any(f[:6] == {host!r} for f in kept['w'].frames))"
        )
        answer = bridge.ask(f"[f for f in kept['w'].frames if f[:6] == {host!r}][0]")
        assert answer[12:22] == b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02"
        assert answer[28:32] == target and answer[6:12] == answer[22:28]
        assert bridge.ask(f"{net(nwid)}.bridge(None)") is None


def test_a_device_bridges_another_interface_into_the_network(site):
    nwid = site.public
    host = b"\x0a\x00\x00\x00\x00\x02"
    with Talker(site, "a") as bridge, Talker(site, "b") as other:
        for device in (bridge, other):
            device.ask(f"join({nwid!r})")
        ip = other.ask(f"{net(nwid)}.ifconfig()")[0]
        target = bytes(map(int, ip.split(".")))
        arp = b"\xff" * 6 + host + b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01" + host
        arp += bytes((10, 55, 0, 251)) + bytes(6) + target
        site.change_member(nwid, bridge.address, activeBridge=True)
        assert "no interface en7" in bridge.refused(f"{net(nwid)}.bridge('en7')")
        # A second interface of lwIP, whose frames come from this test and go to it.
        bridge.ask("kept.update(z=__import__('_zerotier'))")
        bridge.ask("kept.update(d=kept['z'].Datapath(bytes(5), 1, 1, 1, 65536))")
        bridge.ask("kept.update(n=kept['z'].Netif(b'\\x02\\x00\\x00\\x00\\x00\\x77', 1500))")
        bridge.ask("kept['d'].add_network(bytes(8), b'\\x02' + bytes(4) + b'w', 1500, kept['n'])")
        bridge.ask("kept['n'].active(True)")
        name = bridge.ask("[n for n in ('zt%d' % i for i in range(9)) if tapped(n, kept['n'])][0]")
        bridge.ask(f"kept.update(b={net(nwid)}.bridge({name!r}))")
        assert bridge.ask(
            "until(lambda: kept['n'].input(" + repr(arp) + ") and (time.sleep_ms(200) or"
            f" any(r[:6] == {host!r} for r in records(kept['d']))))"
        )
        # From now on C knows both ends.
        mac = other.ask(f"{net(nwid)}.config('mac')")
        frame = mac + host + b"\x08\x00" + bytes(60)
        before = other.ask("zt.stats()['frames_in']"), bridge.ask("zt.node.counters.snapshot()")
        bridge.ask(f"[kept['n'].input({frame!r}) for _ in range(20)]")
        assert other.ask(f"until(lambda: zt.stats()['frames_in'] >= {before[0] + 20})")
        assert bridge.ask("zt.node.counters.snapshot().get('frames_in')") == before[1].get(
            "frames_in"
        )
        assert bridge.ask("zt._datapath.counters()['frames_out']") >= 19
        assert bridge.ask(f"{net(nwid)}.bridge(None)") is None
        assert bridge.ask(f"{net(nwid)}.bridge({name!r}) is not None")
        bridge.ask(f"zt.leave({nwid!r})")
        assert bridge.ask(f"kept['z'].Tap({name!r}).close()") is None


def test_an_ad_hoc_network_needs_no_controller(site):
    nwid = "ff1388138f000000"  # ports 5000 and 5007
    with Talker(site, "a") as one, Talker(site, "b") as other:
        for device in (one, other):
            device.ask(f"{net(nwid)}.wait(5)")
            device.ask("until(zt.isconnected)")
        assert one.ask(f"{net(nwid)}.name") == "adhoc-1388-138f"
        ip = one.ask(f"{net(nwid)}.ipconfig('addr6')")[0][0]
        for port in (4999, 5000):
            one.ask(f"kept.update(l=socket.socket()) or kept['l'].bind(('::', {port}))")
            one.ask(f"kept['l'].listen(1) or kept.update(l{port}=kept['l'])")
        other.ask("kept.update(c=socket.socket(socket.AF_INET6)) or kept['c'].settimeout(2)")
        other.ask(f"kept['c'].connect(({ip!r}, 5000))")
        other.ask("kept.update(c=socket.socket(socket.AF_INET6)) or kept['c'].settimeout(2)")
        assert TIMED_OUT.replace("\\", "") in other.refused(f"kept['c'].connect(({ip!r}, 4999))")
        assert other.ask("zt.stats()['rules_drop_out']") > 0


@pytest.mark.parametrize("mtu", (1280, 2800, 10000))
def test_datagrams_as_large_as_the_mtu_arrive_whole(site, mtu):
    nwid = site.public
    largest = min(mtu, 9869) - 28
    with Talker(site, "a") as one, Talker(site, "b") as other:
        for device in (one, other):
            device.ask(f"join({nwid!r})")
        site.change_network(nwid, mtu=mtu)
        for device in (one, other):
            assert device.ask(f"until(lambda: {net(nwid)}.config('mtu') == {min(mtu, 9869)})")
        ip = one.ask(f"{net(nwid)}.ifconfig()")[0]
        one.ask("kept.update(s=udp('0.0.0.0', 5000, 10))")
        for size in (100, largest):
            one.tell("len(kept['s'].recvfrom(10000)[0])")
            other.ask(f"udp().sendto(bytes({size}), ({ip!r}, 5000))")
            assert one.answer() == size
        # TCP takes it, too, whatever the other side announces.
        one.tell(
            "kept.update(l=socket.socket()) or kept['l'].bind(('', 6000)) or kept['l'].listen(1)"
        )
        one.answer()
        one.tell("sum(len(kept['c'].recv(4096)) for kept['c'] in [kept['l'].accept()[0]])")
        other.ask(f"kept.update(c=socket.socket()) or kept['c'].connect(({ip!r}, 6000))")
        other.ask("kept['c'].write(bytes(4000))")
        assert one.answer() > 0
