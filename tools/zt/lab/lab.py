"""Owns a laboratory: the nodes that run on one underlay, and that all of it is gone at the end.
It ends its processes and removes its places also after an exception, Ctrl-C or SIGTERM.
It never knows what a node is: it runs command lines.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType, TracebackType

from .process import Process
from .underlay import Underlay

PROJECT = Path(__file__).resolve().parents[3]
LOGS = PROJECT / "build" / "lab"
WATCH = Path(__file__).resolve().parent / "watch.py"


class Lab:
    """Used as a context manager:

    with Lab(Namespaces()) as lab:
        lab.add("root")
        root = lab.start("root", ["zt", "root", ...])
        root.wait("online")
    """

    def __init__(self, underlay: Underlay, logs: Path = LOGS) -> None:
        self.underlay = underlay
        self.logs = logs
        self.processes: list[Process] = []
        self._watch: Process | None = None
        self._old_handler: object = None
        logs.mkdir(parents=True, exist_ok=True)
        atexit.register(self.close)

    def __enter__(self) -> Lab:
        # SIGTERM would end Python without cleaning up. Only the main thread can handle signals.
        if threading.current_thread() is threading.main_thread():
            self._old_handler = signal.signal(signal.SIGTERM, on_terminate)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if self._old_handler is not None:
            signal.signal(signal.SIGTERM, self._old_handler)  # type: ignore[arg-type]
            self._old_handler = None

    def add(self, place: str) -> str:
        """Makes a place for a node; returns its IPv4 address."""
        return self.underlay.add(place)

    def address(self, place: str) -> str:
        """The IPv4 address of a place."""
        return self.underlay.address(place)

    def start(
        self,
        place: str,
        argv: list[str],
        *,
        name: str | None = None,
        env: dict[str, str] | None = None,
    ) -> Process:
        """Starts a program in a place. Its output goes to build/lab/<name>.log; name: the place's.

        `env` is added to our own environment. OSError if the program cannot be started.
        """
        name = name or place
        log = self.logs / f"{name}.log"
        process = Process(
            name, self.underlay.command(place, argv), log, {**os.environ, **(env or {})}
        )
        self.processes.append(process)
        return process

    def block(self, one: str, other: str) -> None:
        """From now on no datagram passes between two places, as with a firewall on the way."""
        self.underlay.block(one, other)

    def unblock(self, one: str, other: str) -> None:
        """Datagrams pass again between two places."""
        self.underlay.unblock(one, other)

    def watch(self, capture: Path | None = None) -> None:
        """Begins to count all datagrams, and to write them to a pcap file if one is named.

        OSError if the underlay has no place through which all of them pass.
        """
        place = self.underlay.watch_point()
        if place is None:
            raise OSError("this underlay has no place at which all datagrams can be counted")
        argv = [sys.executable, str(WATCH)] + ([str(capture)] if capture else [])
        self._watch = self.start(place, argv, name="watch")
        self._watch.wait("watching")

    def passed(self, source: str, target: str) -> int:
        """How many datagrams of one place reached another since `watch`; blocked ones do not."""
        if self._watch is None:
            raise ValueError("watch() must be called before passed()")
        ends = [self.address(source), self.address(target)]
        return int(self._watch.ask("count", ends=ends)["count"])

    def close(self) -> None:
        """Ends every process that this laboratory started, and removes its places."""
        while self.processes:
            self.processes[-1].close()
            self.processes.pop()
        self.underlay.close()
        atexit.unregister(self.close)


def on_terminate(number: int, frame: FrameType | None) -> None:
    """Turns SIGTERM into an exception, so that the laboratory is left by its `with`."""
    raise SystemExit(128 + number)
