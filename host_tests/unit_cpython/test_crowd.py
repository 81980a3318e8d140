"""A controller with many members on real files: quick answers, changes told, and nothing lost when it is killed.

Owns what must hold with a few hundred; the figures for ten thousand are those of host_tests/bench/controller.py.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host_tests.unit_cpython.crowd import START, Crowd
from zerotier.controller_ledger import Ledger
from zerotier.wire.credentials import CREDENTIAL_MEMBERSHIP

COUNT = 300
FEW = 40
SECOND = 1000
ANSWER = 5.0  # ms, on average
LONG = 30  # s


@pytest.fixture
def crowd(tmp_path: Path) -> Crowd:
    return Crowd(tmp_path / "home", COUNT)


def test_every_member_gets_an_address_of_its_own(crowd: Crowd) -> None:
    for number in range(COUNT):
        crowd.now += 1
        assert crowd.ask(number) > 0
    given = [crowd.record(number)["ipAssignments"] for number in range(COUNT)]
    assert all(len(ips) == 1 for ips in given)
    assert len({ips[0] for ips in given}) == COUNT


def test_a_member_that_is_known_is_answered_without_a_look_at_the_others(crowd: Crowd) -> None:
    for number in range(COUNT):
        crowd.ask(number)
    crowd.now += 60 * SECOND
    for number in range(COUNT):
        crowd.meet(number)
    begun = time.process_time()
    for number in range(COUNT):
        crowd.ask(number)
    assert (time.process_time() - begun) * 1000 / COUNT <= ANSWER


@pytest.mark.parametrize("in_place", (False, True), ids=("replaced", "written_over"))
def test_a_change_is_told_within_a_second(crowd: Crowd, in_place: bool) -> None:
    for number in range(COUNT):
        crowd.ask(number)
    crowd.controller.tick(crowd.now)
    if in_place:
        path = crowd.folder / f"{crowd.members[7].address.hex()}.json"
        record = json.loads(path.read_text())
        record["ipAssignments"] = ["10.64.200.7"]
        with path.open("r+") as file:
            file.write(json.dumps(record))
            file.truncate()
    else:
        crowd.change(7, ipAssignments=["10.64.200.7"])
    crowd.reached.clear()
    end = crowd.now + SECOND
    while crowd.members[7].address not in crowd.reached:
        crowd.now = max(crowd.now + 1, crowd.controller.tick(crowd.now))
        assert crowd.now <= end


def test_a_change_of_the_network_begins_to_be_told_within_a_tenth_of_a_second(
    crowd: Crowd,
) -> None:
    crowd.ask(7)
    crowd.now = max(crowd.now + 1, crowd.controller.tick(crowd.now)) + 5 * SECOND
    crowd.controller.tick(crowd.now)
    path = crowd.folder.parent.parent / f"{crowd.nwid.hex()}.json"
    record = json.loads(path.read_text())
    record["mtu"] = 1400
    path.with_suffix(".other").write_text(json.dumps(record))
    os.replace(path.with_suffix(".other"), path)
    crowd.reached.clear()
    end = crowd.now + 100
    while crowd.now <= end:
        crowd.now = max(crowd.now + 1, crowd.controller.tick(crowd.now))
    assert crowd.members[7].address in crowd.reached


def test_a_change_for_everybody_is_told_to_everybody_and_nobody_waits_for_it(crowd: Crowd) -> None:
    for number in range(COUNT):
        crowd.ask(number)
    crowd.controller.tick(crowd.now)
    path = crowd.folder.parent.parent / f"{crowd.nwid.hex()}.json"
    record = json.loads(path.read_text())
    record["mtu"] = 1400
    path.write_text(json.dumps(record))
    sent = crowd.node.counters.get("controller_config_sent")
    most = 0
    end = crowd.now + SECOND
    while crowd.now < end:
        before = crowd.node.counters.get("controller_config_sent")
        crowd.now = max(crowd.now + 1, crowd.controller.tick(crowd.now))
        most = max(most, crowd.node.counters.get("controller_config_sent") - before)
    assert crowd.node.counters.get("controller_config_sent") - sent == COUNT
    assert most <= 64


CHANGED = """
import random
import sys
from pathlib import Path
from host_tests.unit_cpython.crowd import Crowd

crowd = Crowd(Path(sys.argv[1]), {count})
for number in range({count}):
    crowd.ask(number)
print("ready", flush=True)
while True:
    crowd.change(random.randrange({count}), authorized=random.random() < 0.5)
    crowd.now += random.randrange(300)
    crowd.controller.tick(crowd.now)
    if random.random() < 0.3:
        crowd.now += 1100
        crowd.ask(random.randrange({count}))
"""


@pytest.mark.parametrize("attempt", range(6))
def test_whoever_is_shut_out_around_a_kill_is_revoked_by_the_successor(
    tmp_path: Path, attempt: int
) -> None:
    home = tmp_path / "home"
    process = subprocess.Popen(
        [sys.executable, "-c", CHANGED.format(count=FEW), str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(random.uniform(0.01, 0.3))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(LONG)
    crowd = Crowd(home, FEW)
    outcast = [n for n in range(FEW) if not crowd.record(n)["authorized"]]
    crowd.change(FEW - 1, authorized=False)  # nobody watches
    crowd.now += 600 * SECOND
    for number in range(FEW):
        crowd.meet(number)
    while crowd.now < START + 610 * SECOND:
        crowd.now = max(crowd.now + 1, crowd.controller.tick(crowd.now))
    ledger = Ledger(crowd.store, crowd.nwid, crowd.node.counters, crowd.now)
    for number in {*outcast, FEW - 1}:
        address = crowd.members[number].address
        assert address not in ledger.given
        assert (address, CREDENTIAL_MEMBERSHIP, 0) in ledger.void
    assert crowd.reached == set(ledger.given)
    assert crowd.node.counters.get("controller_damaged_ledger") == 0


KILLED = """
import sys
from pathlib import Path
from host_tests.unit_cpython.crowd import Crowd

crowd = Crowd(Path(sys.argv[1]), {count})
for number in range({count}):
    crowd.now += 1
    crowd.ask(number)
    print(number, flush=True)  # the member has its config by now
"""


def test_nothing_is_lost_when_it_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(count=COUNT), str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    answered = 0
    for line in process.stdout:
        answered = int(line) + 1
        if answered == COUNT // 2:
            os.kill(process.pid, signal.SIGKILL)
    process.wait(LONG)
    assert COUNT // 2 <= answered < COUNT
    (folder,) = home.glob("controller.d/network/*/member")
    records = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    assert len(records) == COUNT  # whole, every one
    known = [record for record in records if record["identity"]]
    assert len(known) >= answered
    assert len({record["ipAssignments"][0] for record in known}) == len(known)
