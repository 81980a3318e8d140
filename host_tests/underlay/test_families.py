"""IPv6 beside IPv4 under `zt node`: who reaches whom directly, and what happens when one family replaces the other.

Owns what must happen within which time.
"""

from __future__ import annotations

import time

from host_tests.interop.site import until
from host_tests.underlay.conftest import BOTH, FOUR, SIX, Site

DIRECT = 30.0  # s
RELAYED = 8  # tries
OTHER_FAMILY = 10.0
GAP = 3.0
WATCHED = 10.0


def reach(site: Site, one: str, other: str, ip: str, family: str) -> None:
    """Pings until there is a direct path of this family, and no other one."""

    def direct() -> bool:
        return site.ping(one, ip) and bool(site.paths(one, other))

    until(direct, DIRECT, f"direct path from {one} to {other}")
    assert all(endpoint.startswith(family) for endpoint in site.paths(one, other))


def test_with_both_families_a_node_reaches_peers_that_have_one(
    site: Site, ips: dict[str, str]
) -> None:
    reach(site, BOTH, SIX, ips[SIX], "fd77:")
    reach(site, BOTH, FOUR, ips[FOUR], "10.77.")


def test_without_a_common_family_the_root_relays(site: Site, ips: dict[str, str]) -> None:
    until(lambda: site.ping(SIX, ips[FOUR]), DIRECT, "answer")
    assert [site.ping(SIX, ips[FOUR]) for _ in range(RELAYED)].count(True) >= RELAYED - 1
    assert not site.paths(SIX, FOUR)


def test_two_nodes_with_both_families_need_only_one_of_them(
    site: Site, ips: dict[str, str]
) -> None:
    site.places.give_ipv6(FOUR)
    until(lambda: site.ping(BOTH, ips[FOUR]), DIRECT, "answer")
    site.places.take_ipv4(BOTH)
    until(lambda: site.ping(BOTH, ips[FOUR]), OTHER_FAMILY, "answer by the other family")
    site.places.give_ipv4(BOTH)
    site.places.take_ipv6(FOUR)


def test_a_machine_that_moves_from_ipv4_to_ipv6_is_reached_again(
    site: Site, ips: dict[str, str]
) -> None:
    site.places.take_ipv6(BOTH)
    until(lambda: site.ping(BOTH, ips[FOUR]), DIRECT, "answer")
    until(lambda: site.ping(BOTH, ips[SIX]), DIRECT, "answer")
    for take, give, other in (
        (site.places.take_ipv4, site.places.give_ipv6, FOUR),
        (site.places.take_ipv6, site.places.give_ipv4, SIX),
    ):
        take(BOTH)
        time.sleep(2)
        give(BOTH)
        gap = longest_gap(site, BOTH, ips[other])
        print(f"the other family in the place of the first, towards {other}: gap {gap:.2f} s")
        assert gap <= GAP
    site.places.give_ipv6(BOTH)


def longest_gap(site: Site, one: str, ip: str) -> float:
    """The longest time without an answer in the next seconds."""
    begun = last = time.monotonic()
    gap = 0.0
    while time.monotonic() - begun < WATCHED:
        if site.ping(one, ip, 0.3):
            gap = max(gap, time.monotonic() - last)
            last = time.monotonic()
        time.sleep(0.05)
    return max(gap, time.monotonic() - last)
