"""What counts as news in a config: recorded answers of a real controller."""

from host_tests.unit.support import unhex, vectors
from zerotier.vl2.config_change import differs
from zerotier.wire.address import inet
from zerotier.wire.config import NetworkConfig


def _recorded(number: int) -> NetworkConfig:
    return NetworkConfig.parse(unhex(vectors("netconf")["configs"][number]["raw"]))


def test_two_answers_that_differ_in_dates_and_signatures_say_the_same():
    first = _recorded(0)
    second = _recorded(1)
    assert first.timestamp != second.timestamp
    assert first.membership.signature != second.membership.signature
    assert not differs(first, second)


def test_the_first_config_is_news():
    assert differs(None, _recorded(0))


def test_another_address_name_tag_or_limit_is_news():
    for name, value in (
        ("addresses", [inet("10.147.20.54", 24)]),
        ("name", "renamed"),
        ("tags", []),
        ("multicast_limit", 0),
        ("mtu", 1400),
        ("public", True),
        ("specialists", [(b"\x12\x34\x56\x78\x9a", 2)]),
    ):
        changed = _recorded(0)
        setattr(changed, name, value)
        assert differs(_recorded(0), changed), name
