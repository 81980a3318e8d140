"""MAC addresses of members, and what a frame is for, by recorded values of the reference."""

from host_tests.unit.support import unhex, vectors
from zerotier.vl2 import ethernet

# protocol/12 §12.7; the last network would have first octet 0x52.
_MACS = (
    ("8056c2e21c000001", "02f85ae04614"),
    ("1122334455667788", "8a8f3ca9e0e5"),
    ("abcdef0123450052", "32f81fdfa539"),
)
# A request for 10.147.17.2, as lwIP sends it.
_REQUEST = unhex("0001080006040001 027e0afea488 0a931101 000000000000 0a931102")


def test_the_mac_of_a_member_is_that_of_the_reference():
    for nwid, mac in _MACS:
        assert ethernet.mac_of(unhex("f85afca4d6"), unhex(nwid)) == unhex(mac)
    for case in vectors("addresses")["derived"]:
        mac = ethernet.mac_of(unhex(case["address"]), unhex(case["network_id"]))
        assert mac == unhex(case["mac"].replace(":", ""))


def test_a_mac_leads_back_to_the_address_of_its_member():
    for case in vectors("addresses")["derived"]:
        mac = unhex(case["mac"].replace(":", ""))
        assert ethernet.address_of(mac, unhex(case["network_id"])) == unhex(case["address"])


def test_a_mac_of_another_network_belongs_to_no_member():
    mac = ethernet.mac_of(unhex("f85afca4d6"), unhex("8056c2e21c000001"))
    assert ethernet.address_of(mac, unhex("1122334455667788")) is None
    assert ethernet.address_of(ethernet.BROADCAST, unhex("8056c2e21c000001")) is None


def test_an_arp_request_is_for_the_group_of_the_address_asked_for():
    assert ethernet.arp_target(0x0806, memoryview(_REQUEST)) == 0x0A931102
    for case in vectors("addresses")["derived"]:
        assert case["arp_group_for_10.147.20.77"]["adi"] == 0x0A93144D
    padded = memoryview(_REQUEST + bytes(18))
    assert ethernet.arp_target(0x0806, padded) == 0x0A931102


def test_only_ethernet_requests_for_ipv4_have_a_group_of_their_own():
    reply = bytearray(_REQUEST)
    reply[7] = 2
    not_ipv4 = bytearray(_REQUEST)
    not_ipv4[2] = 0x86
    for payload in (bytes(reply), bytes(not_ipv4), _REQUEST[:27], b""):
        assert ethernet.arp_target(0x0806, memoryview(payload)) is None
    assert ethernet.arp_target(0x0800, memoryview(_REQUEST)) is None


def test_neighbours_look_for_an_ipv6_address_in_its_solicited_node_group():
    address = unhex("fd8056c2e21c00000199930011223344")
    assert ethernet.solicited_node(address) == unhex("3333ff223344")
