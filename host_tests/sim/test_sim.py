"""A part of `make sim` that takes minutes, not hours: the rows of the table with fewer seeds where they take long.

Owns which part that is.
"""

from statistics import median

import pytest

from host_tests.sim import crowds, families, idle, moves, nat_pairs, outages
from host_tests.sim.nat import ADDRESS_RESTRICTED, PORT_RESTRICTED, SYMMETRIC, SYMMETRIC_RANDOM

SEEDS = range(20)


@pytest.mark.parametrize("one,other", nat_pairs.PAIRS)
def test_members_talk_directly_wherever_theory_allows_it(one: str, other: str) -> None:
    expected = nat_pairs.theory(one, other)
    seeds = SEEDS if expected != nat_pairs.RELAY else SEEDS[:4]
    results = [nat_pairs.trial(one, other, seed) for seed in seeds]
    assert min(answered for _, answered in results) >= 0
    direct = [took for took, _ in results if took >= 0]
    if expected == nat_pairs.DIRECT:
        assert len(direct) == len(results)
    if expected == nat_pairs.PREDICTED:
        assert len(direct) >= 0.8 * len(results)
    if expected != nat_pairs.RELAY:
        assert median(direct) <= 2000
        assert max(direct) <= 10000


@pytest.mark.parametrize("name", nat_pairs.SPECIAL)
def test_places_that_are_more_than_one_nat(name: str) -> None:
    took = [nat_pairs.special_trial(name, seed) for seed in SEEDS[:10]]
    if nat_pairs.SPECIAL[name][1] == nat_pairs.DIRECT:
        assert min(took) >= 0
        assert max(took) <= 10000
    else:
        assert max(took) == -1


@pytest.mark.parametrize("kind", moves.KINDS)
@pytest.mark.parametrize("who", moves.WHO)
def test_a_conversation_goes_on_within_three_seconds_after_a_move(kind: str, who: str) -> None:
    nats = [
        (PORT_RESTRICTED, PORT_RESTRICTED),
        (SYMMETRIC, ADDRESS_RESTRICTED),
        (PORT_RESTRICTED, SYMMETRIC_RANDOM),
    ]
    gaps = [moves.trial(kind, who, nats[seed % len(nats)], seed) for seed in SEEDS]
    assert max(gaps) <= 3000


@pytest.mark.parametrize("one,other", families.PAIRS)
def test_each_family_of_the_underlay_does(one: str, other: str) -> None:
    results = [families.trial(one, other, seed) for seed in SEEDS[:10]]
    assert min(answered for _, answered in results) >= 0
    if families.relay_only(one, other):
        assert max(direct for direct, _ in results) == -1
    else:
        assert min(direct for direct, _ in results) >= 0
        assert max(direct for direct, _ in results) <= 10000


@pytest.mark.parametrize("kinds,other", families.CHANGES)
def test_another_family_within_three_seconds(kinds: tuple[str, ...], other: str) -> None:
    gaps = [families.change(kinds, other, seed) for seed in SEEDS[:10]]
    assert max(gaps) <= 3000


def test_direct_peers_do_not_notice_that_a_root_dies() -> None:
    for seed in SEEDS:
        gap, is_online = outages.root_dies(seed)
        assert gap <= 500
        assert is_online


def test_an_hour_without_roots_is_survived_and_their_return_is_noticed() -> None:
    for seed in SEEDS[:6]:
        result = outages.all_roots_die(seed, seed % 2 == 0)
        assert result["gap"] <= 500
        assert 0 <= result["offline"] <= 60000
        assert 0 <= result["back"] <= 10000


@pytest.mark.parametrize("keeps_store", [True, False])
def test_a_root_restarts_and_relays_again_within_ten_seconds(keeps_store: bool) -> None:
    for seed in SEEDS:
        assert 0 <= outages.root_restarts(seed, keeps_store) <= 10000


def test_an_hour_of_bad_weather_leaves_nothing_dead_and_nothing_growing() -> None:
    for seed in SEEDS[:3]:
        result = outages.bad_hour(seed)
        assert result["gap"] <= 5000
        assert result["answered"] >= 0.55
        assert result["online"]
        assert result["growth"] <= 500


def test_a_thousand_nodes_behind_one_address_are_online_within_a_minute() -> None:
    assert 0 <= crowds.start_at_once(1000, False, 120000) <= 60000


def test_a_crowd_gets_through_the_gate_of_a_reference_root() -> None:
    count = 150  # `make sim` does it with a thousand
    allowed = count * crowds.REFERENCE_GATE
    assert 0 <= crowds.start_at_once(count, True, 2 * allowed) <= 1.2 * allowed


def test_an_idle_day_is_gentle() -> None:
    for seed in SEEDS[:3]:
        day = idle.idle_day(seed, hours=6)
        assert day["megabytes"] < 2
        assert day["sent"] <= 1
        assert 0 <= day["answered"] <= 1000


@pytest.mark.parametrize("planet", idle.PLANETS)
def test_an_idle_day_is_as_gentle_with_four_roots(planet: str) -> None:
    day = idle.idle_day(1, 4, 6, idle.PLANETS[planet])
    assert day["megabytes"] < 2
    assert day["sent"] <= (1.7 if planet == "two pairs" else 1)
    assert 0 <= day["answered"] <= 1000
    assert 0 <= day["greeted"] <= 1000


@pytest.mark.parametrize("planet", idle.PLANETS)
@pytest.mark.parametrize("nat", [PORT_RESTRICTED, SYMMETRIC_RANDOM])
def test_an_idle_device_is_reached_through_every_root(planet: str, nat: str) -> None:
    reached = idle.reached(1, nat, 30000, idle.PLANETS[planet], hours=2)
    assert reached["lost"] <= 0.001 * reached["of"]
    assert reached["hole"] <= 5000


def test_the_same_seed_gives_the_same_run() -> None:
    nats = (PORT_RESTRICTED, SYMMETRIC)
    first = moves.trial(moves.REMAP, moves.BOTH, nats, 5)
    assert first == moves.trial(moves.REMAP, moves.BOTH, nats, 5)
    assert nat_pairs.trial(*nats, 3) == nat_pairs.trial(*nats, 3)
