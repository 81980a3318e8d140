"""The gate that lets each address through once per interval."""

from zerotier.vl2.pace import Pace

_NOW = 1700000000000


def _address(number: int) -> bytes:
    return number.to_bytes(5, "big")


def test_an_address_passes_once_per_interval():
    pace = Pace(1000, 4)
    assert pace.allows(_address(1), _NOW)
    assert not pace.allows(_address(1), _NOW + 999)
    assert pace.allows(_address(2), _NOW + 999)
    assert pace.allows(_address(1), _NOW + 1000)


def test_a_crowd_cannot_pass_together_and_is_forgotten_later():
    pace = Pace(1000, 4)
    passed = [pace.allows(_address(number), _NOW) for number in range(100)]
    assert passed.count(True) == 4
    assert pace.allows(_address(99), _NOW + 1000)
