"""How tests run `zt`: as users do, in a process of its own.

Owns starting it and reading what it says. Never looks into its modules.
"""

import json
import subprocess
import sys
from typing import Any

ZT = [sys.executable, "-m", "zt.cli"]
TIMEOUT = 30  # s


def zt(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*ZT, *map(str, words)], capture_output=True, text=True, timeout=TIMEOUT, **options
    )


def done(*words: object, **options: Any) -> str:
    """Run a command that must succeed in silence on stderr; what it prints."""
    result = zt(*words, **options)
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def answer(*words: object) -> Any:
    """The JSON that a command prints."""
    return json.loads(done(*words, "--json"))


def refused(*words: object, **options: Any) -> str:
    """Run a command that must fail with one sentence; the sentence."""
    result = zt(*words, **options)
    assert result.returncode == 1, result
    assert result.stderr.startswith("zt: ") and result.stderr.count("\n") == 1, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr[len("zt: ") : -1]


class Service:
    """A command that runs until it is stopped and prints events as JSON lines."""

    def __init__(self, *words: object) -> None:
        self.process = subprocess.Popen(
            [*ZT, *map(str, words), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def event(self, name: str) -> dict[str, Any]:
        """The next event of this name."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == name:
                return event
        raise AssertionError(f"no event {name}; {self.process.communicate()}")

    def stop(self, signal_number: int) -> int:
        """Send a signal and wait for the end; the exit code. Nothing may be on stderr."""
        self.process.send_signal(signal_number)
        _, errors = self.process.communicate(timeout=TIMEOUT)
        assert errors == ""
        return self.process.returncode
