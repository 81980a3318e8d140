"""The second UDP port of `zt node`, for networks in which the first one is of no use.

Owns how long it may take until it is used, and until the first is used again.
"""

from __future__ import annotations

from host_tests.interop.site import PORT, until
from host_tests.underlay.conftest import BOTH, ODD, Site

SWITCHED = 60.0  # s; 15 s of patience with each port
REACHED = 30.0
ANSWERED = 5  # pings


def test_a_port_that_is_closed_is_left_for_another_and_taken_again(
    site: Site, ips: dict[str, str]
) -> None:
    site.places.firewall(ODD, f"udp sport {PORT}")
    ip = site.start_node(ODD, SWITCHED)
    until(lambda: site.ping(BOTH, ip), REACHED, "answer from the second port")
    until(lambda: port_of(site) not in ("", str(PORT)), REACHED, "direct path to it")
    site.places.firewall(ODD, f"udp sport != {PORT}")
    until(lambda: site.ping(BOTH, ip), SWITCHED, "answer from the first port")
    until(lambda: port_of(site) == str(PORT), REACHED, "direct path to it")
    site.places.firewall(ODD, "")
    assert [site.ping(BOTH, ip) for _ in range(ANSWERED)].count(True) >= ANSWERED - 1


def port_of(site: Site) -> str:
    """The port at which the others reach it directly now, empty if they do not."""
    preferred = [
        path["address"]
        for peer in site.api(BOTH, "/peer")
        if peer["address"] == site.addresses[ODD]
        for path in peer["paths"]
        if path["preferred"] and path["active"]
    ]
    return preferred[0].rpartition("/")[2] if preferred else ""
