"""What a controller with ten thousand members costs: `python -m host_tests.bench.controller [MEMBERS]`.

Owns the measurement; the crowd is host_tests/unit_cpython/crowd.py. Writes build/bench/controller.json.
Times are those of one process on this machine: from the request, already authenticated, to the packets on the wire,
with the signatures, the files and, for members that ask for the first time, the wait until the disk has it.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median

from host_tests.unit_cpython.crowd import Crowd

from .figures import Figure, judged, table, write
from .site import FOLDER

MEMBERS = 10_000
SAMPLE = 1_000
SECOND = 1000  # ms
GLANCE = 100  # ms between looks at what shows that files were replaced
REFRESH = 60_000
TARGET = "<= 5.0"
TOLD = "<= 1000.0"
_PATIENCE = 900  # s


class Sending(Crowd):
    """A crowd whose controller really sends: to a socket that nobody reads."""

    def __init__(self, home: Path, count: int) -> None:
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sink.bind(("127.0.0.1", 0))
        self._where = self._sink.getsockname()
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        super().__init__(home, count)

    def send(self, datagram: bytes, endpoint: bytes) -> None:
        super().send(datagram, endpoint)
        self._out.sendto(datagram, self._where)

    def close(self) -> None:
        """Close the sockets."""
        self._sink.close()
        self._out.close()


class Spent:
    """Milliseconds: `wall`, which other programs on this machine lengthen, and `processor`, ours alone."""

    def __init__(self, wall: float = 0.0, processor: float = 0.0) -> None:
        self.wall = wall
        self.processor = processor

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.processor + other.processor)


def timed(work: Callable[[], object]) -> Spent:
    """What it takes."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Spent((time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000)


def spread(times: list[Spent]) -> str:
    """The rest of what the median hides."""
    ordered = sorted(spent.wall for spent in times)
    worst = ordered[int(0.99 * (len(ordered) - 1))]
    processor = median(spent.processor for spent in times)
    return (
        f"99 % within {worst:.2f} ms, slowest {ordered[-1]:.2f} ms, {len(times)} times; "
        f"processor {processor:.2f} ms"
    )


def asked(crowd: Crowd, numbers: range) -> list[Spent]:
    """Members ask, a millisecond of the controller's time apart."""
    times = []
    for number in numbers:
        crowd.meet(number)
        crowd.now += 1
        times.append(timed(lambda n=number: crowd.ask(n)))  # type: ignore[misc]
    return times


def until(crowd: Crowd, wanted: set[bytes]) -> Spent:
    """From now until each of these has been sent something. Looks are a tenth of a second apart."""
    crowd.reached.clear()
    spent = Spent(GLANCE, 0)  # the change may have come just after a look
    while not wanted <= crowd.reached:
        crowd.now = max(crowd.now + 1, crowd.node.deadline())
        spent += timed(lambda: crowd.node.tick(crowd.now))
    return spent


def change_network(crowd: Crowd, **fields: object) -> None:
    """Change the network's file as another process would."""
    path = crowd.folder.parent.parent / f"{crowd.nwid.hex()}.json"
    record = json.loads(path.read_text())
    record.update(fields)
    path.with_suffix(".other").write_text(json.dumps(record))
    os.replace(path.with_suffix(".other"), path)


def told(name: str, spent: Spent, count: int) -> Figure:
    """A row about a change."""
    detail = (
        f"at the latest: {GLANCE} ms until it is looked at, and the processor's time for it; "
        f"on the clock of this machine {spent.wall:.0f} ms"
    )
    return judged(
        f"{name}, {count} members", round(GLANCE + spent.processor, 1), "ms", TOLD, detail
    )


def measure(count: int) -> list[Figure]:
    """All figures."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as home:
        crowd = Sending(Path(home) / "controller", count)
        everybody = {member.address for member in crowd.members}
        gc.collect()
        opening = timed(lambda: crowd.ask(0))
        first = asked(crowd, range(1, count))
        crowd.node.tick(crowd.now)
        crowd.now += REFRESH
        again = asked(crowd, range(0, count, max(1, count // SAMPLE)))
        looks = []
        for _ in range(10):
            crowd.now += SECOND
            looks.append(timed(lambda: crowd.controller.tick(crowd.now)))
        for number in range(count):
            crowd.meet(number)
            crowd.ask(number)
        crowd.now += SECOND
        crowd.node.tick(crowd.now)
        last = crowd.members[count - 1].address
        crowd.change(count - 1, activeBridge=False, name="renamed", noAutoAssignIps=True)
        one = until(crowd, {last})
        change_network(crowd, mtu=1400, rules=[{"type": "ACTION_DROP"}])
        network = until(crowd, everybody)
        crowd.change(count - 1, authorized=False)
        shut_out = until(crowd, everybody - {last})
        crowd.close()
    members = f"{count} members"
    walls = [spent.wall for spent in again], [spent.wall for spent in first]
    look = median(spent.wall for spent in looks)
    return [
        judged(f"config, {members}", round(median(walls[0]), 3), "ms", TARGET, spread(again)),
        judged(
            f"first config of a member, {members}",
            round(median(walls[1]), 3),
            "ms",
            TARGET,
            spread(first),
        ),
        told("a change of a member is told to it", one, count),
        told("a change of the network is told to everybody", network, count),
        told("who is shut out is told to everybody else", shut_out, count),
        judged(
            f"look at all records, {members}",
            round(look, 1),
            "ms",
            None,
            f"each 700 ms, for files that were written over in their place; "
            f"processor {median(spent.processor for spent in looks):.1f} ms",
        ),
        judged(
            f"first look, {members}",
            round(opening.wall, 0),
            "ms",
            None,
            "when the controller starts",
        ),
    ]


def run(count: int) -> list[Figure]:
    """All figures, in a process of its own, whose memory is not that of other measurements."""
    argv = [sys.executable, "-m", "host_tests.bench.controller", str(count), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if not done.stdout:
        raise OSError(done.stderr.strip().split("\n")[-1])
    return [Figure(**row) for row in json.loads(done.stdout)]


def main() -> int:
    """Measures, prints, writes."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MEMBERS
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = measure(count)
    write(found, FOLDER / "controller.json")
    as_json = "--json" in sys.argv
    print(json.dumps([asdict(row) for row in found]) if as_json else table(found))
    return 0 if all(row.met is not False for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
