"""What a user lets a network do: the file, and which addresses and routes it lets through."""

from host_tests.unit.mesh import MemoryStore
from host_tests.unit.support import raises
from zerotier.vl2.permissions import Permissions
from zerotier.vl2.routes import applied_routes
from zerotier.wire.address import NIL, inet, ip_text, parse_ip

_NWID = b"\x80\x56\xc2\xe2\x1c\x00\x00\x01"
_KEY = "networks.d/8056c2e21c000001.local.conf"


def _with(value: bytes) -> Permissions:
    store = MemoryStore()
    store.put(_KEY, value)
    return Permissions(store, _NWID)


def _routes(permissions: Permissions, *managed, own=("10.1.0.5/16", "fd00::5/64")) -> list[str]:
    ours = [inet(text.split("/")[0], int(text.split("/")[1])) for text in own]
    config = []
    for target, via, metric in managed:
        ip, bits = target.split("/")
        config.append((inet(ip, int(bits)), inet(via, 0) if via else NIL, 0, metric))
    return [
        "%s/%d %s" % (ip_text(r.target), r.bits, ip_text(r.gateway) if r.gateway else "-")
        for r in applied_routes(config, ours, permissions)
    ]


def test_without_a_file_only_private_addresses_are_allowed():
    permissions = Permissions(MemoryStore(), _NWID)
    assert permissions.managed and not permissions.public
    assert not permissions.default and not permissions.dns
    assert permissions.allow(parse_ip("10.1.2.3"), 32)
    assert not permissions.allow(parse_ip("8.8.8.8"), 32)
    assert not permissions.allow(parse_ip("127.0.0.1"), 32)


def test_what_is_saved_is_there_again():
    store = MemoryStore()
    permissions = Permissions(store, _NWID)
    permissions.set_managed("10.0.0.0/8, fd00::/8")
    permissions.public = permissions.dns = True
    permissions.save()
    assert store.get(_KEY) == (
        b"allowManaged=10.0.0.0/8,fd00::/8\nallowGlobal=1\nallowDefault=0\nallowDNS=1\n"
    )
    again = Permissions(store, _NWID)
    assert again.public and again.dns and not again.default
    assert again.managed_text() == "10.0.0.0/8,fd00::/8"
    assert again.allow(parse_ip("10.1.2.3"), 32)
    assert not again.allow(parse_ip("192.168.1.1"), 32)
    assert not again.allow(parse_ip("10.0.0.0"), 7)  # wider than what is allowed
    again.delete()
    assert store.get(_KEY) is None


def test_the_file_of_another_program_is_read():
    permissions = _with(b"allowManaged=0\r\nallowGlobal=1\nallowDefault=1\nallowDNS=0\n")
    assert not permissions.managed and permissions.public and permissions.default
    assert not permissions.allow(parse_ip("10.1.2.3"), 32)


def test_a_line_that_cannot_be_read_allows_nothing_more():
    for value in (b"allowManaged=10.0.0.0", b"allowManaged=\xff\xfe", b"allowManaged=yes"):
        assert not _with(value).managed, value
    assert _with(b"allowGlobal=perhaps\n\xff=1\nallowDNS").managed
    assert not _with(b"allowGlobal=perhaps").public


def test_a_wrong_prefix_is_an_error_of_the_user():
    permissions = Permissions(MemoryStore(), _NWID)
    for text in ("10.0.0.0", "10.0.0.0/33", "everything", "fd00::/x"):
        assert raises(ValueError, permissions.set_managed, text)


def test_routes_are_applied_narrowest_first():
    permissions = Permissions(MemoryStore(), _NWID)
    assert _routes(
        permissions,
        ("10.2.0.0/16", "10.1.0.1", 0),
        ("10.2.3.0/24", "10.1.0.2", 0),
        ("10.9.0.0/16", None, 5),
        ("fd01::/32", "fd00::1", 0),
    ) == [
        "fd01::/32 fd00::1",
        "10.2.3.0/24 10.1.0.2",
        "10.2.0.0/16 10.1.0.1",
        "10.9.0.0/16 -",
    ]


def test_of_two_routes_to_one_prefix_the_lower_metric_counts():
    permissions = Permissions(MemoryStore(), _NWID)
    routes = (("10.2.0.0/16", "10.1.0.1", 20), ("10.2.9.9/16", "10.1.0.2", 10))
    assert _routes(permissions, *routes) == ["10.2.0.0/16 10.1.0.2"]


def test_routes_that_say_nothing_new_or_lead_to_us_are_left_out():
    permissions = Permissions(MemoryStore(), _NWID)
    assert (
        _routes(
            permissions,
            ("10.1.0.0/16", None, 0),  # our own subnet
            ("10.2.0.0/16", "10.1.0.5", 0),  # we are the gateway
            ("10.3.0.0/16", "fd00::1", 0),  # a gateway of another family
        )
        == []
    )
    assert _routes(permissions, ("fd01::/16", None, 0), own=("10.1.0.5/16",)) == []


def test_the_default_route_and_public_routes_need_permission():
    permissions = Permissions(MemoryStore(), _NWID)
    routes = (("0.0.0.0/0", "10.1.0.1", 0), ("8.8.8.0/24", "10.1.0.1", 0), ("::/0", "fd00::1", 0))
    assert _routes(permissions, *routes) == []
    permissions.default = True
    assert _routes(permissions, *routes) == ["0.0.0.0/0 10.1.0.1", "::/0 fd00::1"]
    permissions.public = True
    assert _routes(permissions, *routes)[0] == "8.8.8.0/24 10.1.0.1"
    permissions.managed = False
    assert _routes(permissions, *routes) == []
    never = (("127.0.0.0/8", None, 0), ("224.0.0.0/4", None, 0), ("169.254.0.0/16", None, 0))
    permissions.managed = True
    assert _routes(permissions, *never) == []
