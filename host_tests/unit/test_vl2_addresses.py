"""Which of the addresses that a controller assigns are applied, and what their subnets contain."""

from host_tests.unit.mesh import MemoryStore
from zerotier.vl2.addresses import applied, contains
from zerotier.vl2.permissions import Permissions
from zerotier.wire.address import inet, parse_ip


def _permissions(public=False):
    permissions = Permissions(MemoryStore(), bytes(8))
    permissions.public = public
    return permissions


def test_private_addresses_are_applied_in_the_order_of_the_controller():
    assigned = [inet("fd80:56c2:e21c::1", 88), inet("10.147.17.5", 24), inet("25.1.2.3", 8)]
    assert applied(assigned, _permissions()) == assigned


def test_addresses_that_could_capture_other_traffic_are_never_applied():
    assigned = [
        inet("0.0.0.0", 0),
        inet("127.0.0.1", 8),
        inet("224.0.0.1", 4),
        inet("169.254.1.1", 16),
        inet("fe80::1234", 64),
        inet("::1", 128),
        inet("ff02::1", 16),
    ]
    assert applied(assigned, _permissions(public=True)) == []


def test_public_addresses_need_permission():
    assigned = [inet("8.8.8.8", 24), inet("2001:db8::1", 64)]
    assert applied(assigned, _permissions()) == []
    assert applied(assigned, _permissions(public=True)) == assigned


def test_an_impossible_prefix_length_is_refused():
    assert (
        applied([inet("10.0.0.1", 0), inet("10.0.0.1", 33), inet("fd00::1", 129)], _permissions())
        == []
    )


def test_a_subnet_contains_what_shares_its_prefix():
    own = inet("10.147.17.5", 23)
    for text, inside in (
        ("10.147.17.5", True),
        ("10.147.16.0", True),
        ("10.147.17.255", True),
        ("10.147.18.0", False),
        ("10.146.17.5", False),
        ("fd00::1", False),
    ):
        assert contains(own, parse_ip(text)) == inside


def test_ipv6_subnets_of_odd_lengths_contain_by_bits():
    own = inet("fd80:56c2:e21c:0:199:93f8:5afc:a4d6", 88)
    assert contains(own, parse_ip("fd80:56c2:e21c:0:199:9300::1"))
    assert not contains(own, parse_ip("fd80:56c2:e21c:0:199:9400::1"))
    host = inet("fd00::1", 128)
    assert contains(host, parse_ip("fd00::1")) and not contains(host, parse_ip("fd00::2"))
