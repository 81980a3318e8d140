"""What a controller with ten thousand members costs: `python -m host_tests.bench.controller [MEMBERS]`.

Owns the measurement; the crowd is host_tests/unit_cpython/crowd.py. Writes build/bench/controller.json.
Times are those of one process on this machine: from the request, already authenticated, to the packets on the wire,
with the signatures, the files and, for members that ask for the first time, the wait until the disk has it.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from host_tests.unit_cpython.crowd import Crowd

from .figures import Figure, judged, table, write
from .site import FOLDER

MEMBERS = 10_000
SAMPLE = 1_000
SECOND = 1000  # ms
GLANCE = 200  # ms between looks at what shows that files were replaced
REFRESH = 60_000
TARGET = "<= 5.0"
TOLD = "<= 1000.0"


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def spread(times: list[float]) -> str:
    """The rest of what the median hides."""
    ordered = sorted(times)
    worst = ordered[int(0.99 * (len(ordered) - 1))]
    return f"99 % within {worst:.2f} ms, slowest {ordered[-1]:.2f} ms, {len(times)} times"


def asked(crowd: Crowd, numbers: range) -> list[float]:
    """Members ask, a millisecond of the controller's time apart."""
    times = []
    for number in numbers:
        crowd.meet(number)
        crowd.now += 1
        times.append(timed(lambda n=number: crowd.ask(n)))  # type: ignore[misc]
    return times


def told(crowd: Crowd, number: int, **fields: object) -> float:
    """Milliseconds from a change of a file to the packet that tells the member: looks are a second apart."""
    crowd.change(number, **fields)
    wanted = crowd.members[number].address
    spent, waited = 0.0, 0
    while True:
        crowd.now = max(crowd.now + 1, crowd.node.deadline())
        waited = crowd.now
        spent += timed(lambda: crowd.controller.tick(crowd.now))
        if wanted in crowd.reached:
            return spent + GLANCE  # it may have come just after a look
        assert waited < crowd.now + 10 * SECOND


def measure(count: int) -> list[Figure]:
    """All figures."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as home:
        crowd = Crowd(Path(home) / "controller", count)
        gc.collect()
        opening = timed(lambda: crowd.ask(0))
        first = asked(crowd, range(1, count))
        crowd.now += REFRESH
        again = asked(crowd, range(0, count, max(1, count // SAMPLE)))
        looks = []
        for _ in range(10):
            crowd.now += SECOND
            looks.append(timed(lambda: crowd.controller.tick(crowd.now)))
        asked(crowd, range(count - 1, count))
        crowd.reached.clear()
        change = told(crowd, count - 1, ipAssignments=["10.64.200.200"])
    members = f"{count} members"
    return [
        judged(f"config, {members}", round(median(again), 3), "ms", TARGET, spread(again)),
        judged(
            f"first config of a member, {members}",
            round(median(first), 3),
            "ms",
            TARGET,
            spread(first),
        ),
        judged(f"a change is told, {members}", round(change, 1), "ms", TOLD, "at the latest"),
        judged(f"look at all records, {members}", round(median(looks), 1), "ms each second", None),
        judged(f"first look, {members}", round(opening, 0), "ms", None, "with the first request"),
    ]


def main() -> int:
    """Measures, prints, writes."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MEMBERS
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = measure(count)
    write(found, FOLDER / "controller.json")
    print(table(found))
    return 0 if all(row.met is not False for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
