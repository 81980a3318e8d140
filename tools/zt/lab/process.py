"""Owns one process of a laboratory: its start, its log, the JSON lines it prints, its end.
A JSON object with the key "event" is an event; one with the key "id" answers a request of `ask`.
It never ends a process that it did not start.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Message = dict[str, Any]
Found = TypeVar("Found")

POLITE = 5.0  # seconds between SIGTERM and SIGKILL
LINES_IN_ERRORS = 15


class Process:
    """A running program: its output and errors go to a log, and we hold its input.

    Every line stays in `lines`; JSON objects are kept besides, until somebody waits for them.
    """

    def __init__(
        self, name: str, argv: list[str], log: Path, env: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.lines: list[str] = []
        self._messages: list[Message] = []
        self._news = threading.Condition()
        self._next_id = 1
        self._ended = False
        # A session of its own: Ctrl-C reaches the laboratory alone, which then ends its processes.
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(log,), daemon=True)
        self._reader.start()

    def __repr__(self) -> str:
        return f"<Process {self.name} pid={self.pid} returncode={self.returncode}>"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def write(self, text: str) -> None:
        """Writes text to its standard input. OSError if it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def request(self, do: str, **arguments: Any) -> int:
        """Sends the request {"id": n, "do": do, ...}; returns n, for `answer`."""
        with self._news:
            number = self._next_id
            self._next_id += 1
        self.write(json.dumps({"id": number, "do": do, **arguments}) + "\n")
        return number

    def answer(self, number: int, timeout: float = 10.0) -> Message:
        """The answer to a request. OSError if it says "error"; TimeoutError if none comes."""
        message = self._take(lambda m: m.get("id") == number, timeout, f"answer {number}")
        if "error" in message:
            raise OSError(f"{self.name}: {message['error']}")
        return message

    def ask(self, do: str, timeout: float = 10.0, **arguments: Any) -> Message:
        """`request` and `answer` in one."""
        return self.answer(self.request(do, **arguments), timeout)

    def wait(self, event: str, timeout: float = 10.0, **fields: Any) -> Message:
        """The next event of that name that nobody took yet and that has these fields.

        TimeoutError, with the end of the log, if it does not come in `timeout` seconds;
        OSError if the process ends before.
        """

        def wanted(message: Message) -> bool:
            return message.get("event") == event and fields.items() <= message.items()

        return self._take(wanted, timeout, f"event '{event}' {fields or ''}".rstrip())

    def wait_line(self, pattern: str, timeout: float = 10.0) -> re.Match[str]:
        """The first line, of all it has printed or will print, in which `pattern` is found."""
        return self._until(
            lambda: next(filter(None, (re.search(pattern, line) for line in self.lines)), None),
            timeout,
            f"line /{pattern}/",
        )

    def wait_end(self, timeout: float = 10.0) -> int:
        """The exit status, once it has ended by itself. TimeoutError if it does not."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(self._trouble("end", timeout)) from None
        self._reader.join(POLITE)
        return status

    def close(self) -> None:
        """Ends it: SIGTERM, then SIGKILL after 5 s. May be called twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(POLITE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(POLITE)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it never read what we wrote last
            self._process.stdin.close()

    def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self.close()

    def _take(self, wanted: Callable[[Message], bool], timeout: float, what: str) -> Message:
        def taken() -> Message | None:
            for index, message in enumerate(self._messages):
                if wanted(message):
                    return self._messages.pop(index)
            return None

        return self._until(taken, timeout, what)

    def _until(self, found: Callable[[], Found | None], timeout: float, what: str) -> Found:
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                result = found()
                if result is not None:
                    return result
                if self._ended:
                    raise OSError(self._trouble(what, None))
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(self._trouble(what, timeout))
                self._news.wait(left)

    def _trouble(self, what: str, timeout: float | None) -> str:
        if timeout is None:
            trouble = f"it ended, with status {self._process.wait()}, before {what}"
        else:
            trouble = f"no {what} within {timeout:g} s"
        tail = "\n".join(self.lines[-LINES_IN_ERRORS:])
        return f"{self.name}: {trouble}. Its last lines:\n{tail}"

    def _read(self, log: Path) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output, open(log, "w", encoding="utf-8") as copy:
            for raw in output:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                copy.write(line + "\n")
                copy.flush()
                self._note(line)
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _note(self, line: str) -> None:
        message = parse(line)
        with self._news:
            self.lines.append(line)
            if message is not None:
                self._messages.append(message)
            self._news.notify_all()


def parse(line: str) -> Message | None:
    """The JSON object in a line; None if the line is anything else."""
    if not line.startswith("{"):
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
