"""What MicroZT costs a board, measured on the emulated one: time, Python's heap and memory outside of it.

Owns the measurements, which go to build/board.json; tools/size.py knows the budgets and the sizes of the image, and is
asked here whether they are met.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from host_tests.board.site import Site
from host_tests.interop.site import PROJECT

RESULTS = PROJECT / "build" / "board.json"
UP = 20.0  # s
SPEED = 60  # times real time
NIGHT_SPEED = 1200  # likewise: the network's answers come too late, so the board loses it, and has to find it again
HOUR = 3600  # s
NIGHT = 23 * HOUR
HELD = 40 * 1024  # bytes of Python's heap that the node may hold
SETTLED = 1024  # bytes of heap that may differ
BUDGETS = ("flash added by MicroZT", "RAM outside of Python's heap")

Measured = dict[str, Any]


def start(site: Site) -> Measured:
    """Cut the power, if it is on, and start; the times since power on, in ms."""
    site.power_off()
    board = site.power_on()
    return {event: board.wait(event, UP) for event in ("up", "joined", "answered")}


def ping_from_all(site: Site, ip: str, count: int = 5) -> int:
    """How many echo requests were lost; every device talks to the board."""
    requests = {
        name: site.nodes[name].request("ping", ip=ip, count=count, seconds=2)
        for name in site.devices
    }
    return sum(site.nodes[n].answer(number, 60)["lost"] for n, number in requests.items())


def pass_time(site: Site, ip: str, seconds: int) -> int:
    """Traffic for so long on the board's clock; the least that the node held in the second half of it."""
    site.evaluate(f"_virt.speed({SPEED})")
    begun = site.evaluate("time.ticks_ms()")
    samples: list[int] = []
    while (passed := site.evaluate("time.ticks_ms()") - begun) < seconds * 1000:
        ping_from_all(site, ip, 2)
        time.sleep(1)
        if passed >= seconds * 500:
            samples.append(site.evaluate("heap()"))
    site.evaluate("_virt.speed(1)")
    return min(samples)


def sleep_over(site: Site, ip: str) -> None:
    """A night on the board's clock, without contact; everybody goes on trying."""
    site.evaluate(f"_virt.speed({NIGHT_SPEED})")
    begun = site.evaluate("time.ticks_ms()")
    while site.evaluate("time.ticks_ms()") - begun < NIGHT * 1000:
        ping_from_all(site, ip, 2)
    site.evaluate("_virt.speed(1)")


@pytest.fixture(scope="module")
def measured(site: Site) -> Measured:
    """Two starts, a network of eight peers, an hour of it, and what is left of a day."""
    site.provide_flash(ping=site.ip(site.devices[0]))
    first = start(site)
    results: Measured = {"first_joined_ms": first["joined"]["ms"]}
    ip = first["joined"]["ip"]
    ping_from_all(site, ip)  # the first ones look for a way
    results["lost"] = ping_from_all(site, ip)
    results["peers"] = site.evaluate("len(zt.peers())")
    results["import_bytes"] = site.evaluate("imported")
    results["heap_bytes"] = pass_time(site, ip, HOUR // 2)  # its tables fill
    results["free_bytes"] = site.evaluate("gc.mem_free()")
    results["malloc_bytes"] = site.evaluate("_virt.malloced()")
    results["stack_bytes"] = site.evaluate("_virt.stack()")
    results["pools_before"] = site.evaluate("_virt.pools()")
    results["heap_after_bytes"] = pass_time(site, ip, HOUR // 2)
    sleep_over(site, ip)
    results["heap_day_bytes"] = pass_time(site, ip, HOUR // 2)
    ping_from_all(site, ip)
    results["lost_after"] = ping_from_all(site, ip)
    results["pools_after"] = site.evaluate("_virt.pools()")
    results["malloc_after_bytes"] = site.evaluate("_virt.malloced()")
    # The best of three: what else this machine does is not the board's.
    second = min((start(site) for _ in range(3)), key=lambda times: times["answered"]["ms"])
    results["second_joined_ms"] = second["joined"]["ms"]
    results["second_answered_ms"] = second["answered"]["ms"]
    results["same_ip"] = second["joined"]["ip"] == ip
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    return results


def test_all_members_reach_the_board(measured: Measured) -> None:
    assert measured["lost"] == 0
    assert measured["peers"] >= 10  # eight members, the root and the controller


def test_it_is_joined_two_seconds_after_power_on(measured: Measured) -> None:
    assert measured["first_joined_ms"] <= 2000


def test_the_first_frame_arrives_within_half_a_second_if_the_state_is_known(
    measured: Measured,
) -> None:
    assert measured["second_answered_ms"] <= 500
    assert measured["same_ip"]


def test_a_day_later_heap_and_pools_are_where_they_were(measured: Measured) -> None:
    assert abs(measured["heap_after_bytes"] - measured["heap_bytes"]) <= SETTLED
    assert abs(measured["heap_day_bytes"] - measured["heap_after_bytes"]) <= SETTLED
    assert measured["lost_after"] == 0
    assert measured["malloc_after_bytes"] <= measured["malloc_bytes"] + SETTLED
    before = {name: row[0] for name, row in measured["pools_before"].items()}
    after = {name: row[0] for name, row in measured["pools_after"].items()}
    assert after == before


def test_python_keeps_half_of_its_heap_for_programs(measured: Measured) -> None:
    assert measured["import_bytes"] <= 256  # functions and classes are in flash
    assert measured["heap_bytes"] <= HELD


@pytest.mark.parametrize("figure", BUDGETS)
def test_the_image_and_its_memory_are_within_the_budget(figure: str, measured: Measured) -> None:
    command = [sys.executable, str(PROJECT / "tools" / "size.py"), "--json"]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    [row] = [row for row in rows if row["figure"] == figure]
    assert row["met"], f"{figure}: {row['value']} {row['unit']}, not {row['target']}"
