"""Which addresses a member gets (protocol/06 §6.11, protocol/08 §8.3, protocol/12 §12.7)."""

from zerotier.controller_assign import assign, rfc4193, sixplane
from zerotier.controller_records import MemberRecord, NetworkRecord
from zerotier.wire.address import ip_text

NWID = "f85afca4d6123456"
MEMBER = "8f65490231"


def given(network_fields: dict, member_fields: dict | None = None, used=()) -> tuple[list, list]:
    """(["ip/bits"], [new ips]) as text."""
    network = NetworkRecord(dict(network_fields, id=NWID))
    member = MemberRecord(dict(member_fields or {}, address=MEMBER))
    ips, new = assign(network, member, lambda ip, but: ip in used)
    return [f"{ip_text(ip)}/{bits}" for ip, bits in ips], [ip_text(ip) for ip in new]


def pool(start: str, end: str) -> dict:
    return {"ipRangeStart": start, "ipRangeEnd": end}


IPV4 = {
    "routes": [{"target": "10.147.17.0/24", "via": None}],
    "ipAssignmentPools": [pool("10.147.17.1", "10.147.17.254")],
    "v4AssignMode": {"zt": True},
}


def test_derived_ipv6_addresses_are_those_of_the_vectors() -> None:
    address = bytes.fromhex("f85afca4d6")
    for nwid, private, plane in (
        (
            "8056c2e21c000001",
            "fd80:56c2:e21c:0:199:93f8:5afc:a4d6",
            "fc9c:56c2:e3f8:5afc:a4d6::1",
        ),
        (
            "1122334455667788",
            "fd11:2233:4455:6677:8899:93f8:5afc:a4d6",
            "fc44:4444:ccf8:5afc:a4d6::1",
        ),
        (
            "abcdef0123450052",
            "fdab:cdef:123:4500:5299:93f8:5afc:a4d6",
            "fc88:88ef:53f8:5afc:a4d6::1",
        ),
    ):
        assert ip_text(rfc4193(bytes.fromhex(nwid), address)) == private
        assert ip_text(sixplane(bytes.fromhex(nwid), address)) == plane


def test_the_order_is_rfc4193_then_6plane_then_stored_then_new() -> None:
    network = dict(IPV4, v6AssignMode={"6plane": True, "rfc4193": True})
    ips, new = given(network)
    assert [ip.split("/")[1] for ip in ips] == ["88", "40", "24"]
    assert ips[0].startswith("fd") and ips[1].startswith("fc")
    assert ips[2] == new[0] + "/24"


def test_an_ipv4_address_follows_from_the_members_address() -> None:
    # start + 0x65490231 mod 253, which is 150
    assert given(IPV4) == (["10.147.17.151/24"], ["10.147.17.151"])


def test_an_address_in_use_is_passed_over() -> None:
    used = [bytes((10, 147, 17, 151)), bytes((10, 147, 17, 152))]
    assert given(IPV4, used=used) == (["10.147.17.153/24"], ["10.147.17.153"])


def test_a_full_pool_gives_no_address() -> None:
    network = dict(IPV4, ipAssignmentPools=[pool("10.147.17.5", "10.147.17.7")])
    used = [bytes((10, 147, 17, n)) for n in (5, 6)]
    assert given(network, used=used) == ([], [])


def test_a_pool_of_one_address_gives_it_and_a_broadcast_address_is_never_given() -> None:
    network = dict(IPV4, ipAssignmentPools=[pool("10.147.17.9", "10.147.17.9")])
    assert given(network)[1] == ["10.147.17.9"]
    network = dict(IPV4, ipAssignmentPools=[pool("10.147.17.255", "10.147.17.255")])
    assert given(network) == ([], [])


def test_the_next_pool_is_tried_if_one_has_no_route() -> None:
    pools = [pool("192.168.0.1", "192.168.0.9"), pool("10.147.17.9", "10.147.17.9")]
    assert given(dict(IPV4, ipAssignmentPools=pools))[1] == ["10.147.17.9"]


def test_a_stored_address_is_kept_with_the_longest_route_and_no_other_is_added() -> None:
    routes = [{"target": "10.147.0.0/16"}, {"target": "10.147.17.0/24", "via": "10.147.0.1"}]
    member = {"ipAssignments": ["10.147.17.5"]}
    assert given(dict(IPV4, routes=routes), member) == (["10.147.17.5/24"], [])


def test_a_stored_address_outside_all_routes_is_left_out_and_replaced() -> None:
    ips, new = given(IPV4, {"ipAssignments": ["192.168.1.1"]})
    assert ips == ["10.147.17.151/24"] and new == ["10.147.17.151"]


def test_a_member_without_automatic_addresses_has_only_the_stored_ones() -> None:
    network = dict(IPV4, v6AssignMode={"6plane": True, "rfc4193": True, "zt": True})
    member = {"noAutoAssignIps": True, "ipAssignments": ["10.147.17.5"]}
    assert given(network, member) == (["10.147.17.5/24"], [])


IPV6 = {
    "routes": [{"target": "fd00:1::/64"}, {"target": "fd00:1::/80", "via": "fd00:1::1"}],
    "ipAssignmentPools": [pool("fd00:1::", "fd00:1::ffff:ffff:ffff:ffff")],
    "v6AssignMode": {"zt": True},
}


def test_a_large_ipv6_pool_gives_the_members_own_address_in_it() -> None:
    assert given(IPV6) == (["fd00:1::8f:6549:231/64"], ["fd00:1::8f:6549:231"])


def test_an_ipv6_address_in_use_is_replaced_by_a_random_one() -> None:
    used = [bytes.fromhex("fd00000100000000" + "0000008f65490231")]
    ips, new = given(IPV6, used=used)
    assert ips == [new[0] + "/64"] and new != ["fd00:1::8f:6549:231"]


def test_a_small_ipv6_pool_gives_one_of_its_addresses() -> None:
    network = dict(IPV6, ipAssignmentPools=[pool("fd00:1::10", "fd00:1::13")])
    assert given(network)[1][0] in ("fd00:1::10", "fd00:1::11", "fd00:1::12")


def test_ipv6_is_assigned_before_ipv4() -> None:
    network = dict(IPV4, v6AssignMode={"zt": True})
    network["routes"] = IPV4["routes"] + IPV6["routes"]
    network["ipAssignmentPools"] = IPV4["ipAssignmentPools"] + IPV6["ipAssignmentPools"]
    assert given(network)[1] == ["fd00:1::8f:6549:231", "10.147.17.151"]
