"""A multicast group: its listeners and the frames that wait, both bounded."""

from zerotier.vl2.group import Group, Waiting, choose

_NOW = 1700000000000
_MAC = b"\xff\xff\xff\xff\xff\xff"


def _address(number: int) -> bytes:
    return number.to_bytes(5, "big")


def _waiting(now: int) -> Waiting:
    waiting = Waiting(0x0800, b"frame", now)
    waiting.copies = 8
    return waiting


def test_a_listener_is_new_once_and_forgotten_after_ten_minutes():
    group = Group(_MAC, 0)
    assert group.add(_address(1), 16, _NOW)
    assert not group.add(_address(1), 16, _NOW + 1000)
    assert group.listeners(_NOW + 600999) == [_address(1)]
    assert group.listeners(_NOW + 601000) == []


def test_the_oldest_listener_leaves_a_full_group():
    group = Group(_MAC, 0)
    for number in range(20):
        group.add(_address(number), 16, _NOW + number)
    assert sorted(group.listeners(_NOW + 20)) == [_address(number) for number in range(4, 20)]


def test_frames_wait_five_seconds_and_the_oldest_leaves_a_full_queue():
    group = Group(_MAC, 0)
    kept = [group.keep(_waiting(_NOW + number), 2) for number in range(3)]
    assert kept == [True, True, False]
    assert len(group.waiting) == 2
    group.expire(_NOW + 5001)
    assert len(group.waiting) == 1
    group.expire(_NOW + 5002)
    assert not group.waiting


def test_a_choice_among_many_listeners_has_no_doubles():
    addresses = [_address(number) for number in range(100)]
    for count in (1, 32, 99, 100, 101):
        chosen = choose(addresses, count)
        assert len(set(chosen)) == len(chosen) == min(count, 100)
