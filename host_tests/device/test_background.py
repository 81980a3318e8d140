"""The background of the desktop board: it runs whatever the program does, and costs little when there is nothing to do.

Owns the ways in which a program can wait. Never the node.
"""

import resource
import signal
import time

import pytest

from host_tests.device import interpreter
from host_tests.device.bridge_ports import free_ports

# Half a second at one call each 10 ms, with room for a busy machine.
LEAST_CALLS = 15
MOST_CALLS = 60
WAYS = (
    "sleep",
    "sleep_ms",
    "sleep_us",
    "busy",
    "asyncio_sleep",
    "asyncio_event",
    "poll_nothing",
    "poll_posix",
    "poll_both",
    "accept",
    "receive",
)


@pytest.mark.parametrize("way", WAYS)
def test_it_runs_while_the_program_waits(way):
    calls, milliseconds = map(int, interpreter.run("waits", way).split())
    assert LEAST_CALLS <= calls <= MOST_CALLS
    assert 450 <= milliseconds <= 1500


def test_it_runs_in_a_loop_that_calls_nothing():
    calls, milliseconds = map(int, interpreter.run("waits", "busy_without_calls").split())
    assert calls >= milliseconds // 20 > 0


@pytest.mark.parametrize("way", ("stdin", "key"))
def test_it_runs_while_the_program_waits_for_input(way):
    process = interpreter.start("waits", way)
    time.sleep(0.5)
    output = interpreter.finish(process, "\n")
    calls, milliseconds = map(int, output.split())
    assert LEAST_CALLS <= calls <= MOST_CALLS


def test_it_runs_at_the_prompt():
    ports = free_ports(2)
    process = interpreter.start("prompt", *map(str, ports), options=("-i",))
    assert interpreter.line_of(process) == "ready\n"
    answers = interpreter.run("ping", str(ports[1]), str(ports[0]))
    output = interpreter.finish(process, "6 * 7\n")
    assert int(answers) == 10
    assert ">>> 6 * 7" in output and "\n42\n" in output.replace("\r", "")


@pytest.mark.parametrize("way", ("sleep", "busy", "accept", "poll_posix", "asyncio_sleep"))
def test_control_c_stops_every_wait(way):
    process = interpreter.start("waits", way)
    time.sleep(0.2)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    output = interpreter.finish(process)
    assert "KeyboardInterrupt" in output
    assert time.monotonic() - begun < 1
    assert process.returncode != 0


def test_a_sleeping_node_costs_nothing():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    interpreter.run("idle")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 0.1  # of two seconds, the start included


def test_an_error_in_it_is_shown_and_does_not_end_it():
    output = interpreter.run("failing")
    assert "ValueError: first" in output
    assert "went on" in output
