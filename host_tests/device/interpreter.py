"""The desktop interpreter as the tests start it.

Owns its path, its command line and where it runs. Never what a script does in it.
"""

import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MICROPYTHON = ROOT / "build" / "desktop" / "micropython"
SCRIPTS = "host_tests/device/scripts"
TIMEOUT = 60  # s; a test that hangs must not hang the run


def command(
    script: str, *arguments: str, heap: str = "4M", options: tuple[str, ...] = ()
) -> list[str]:
    """The command line for a script below host_tests/device/scripts, or for a path with a slash."""
    path = script if "/" in script else f"{SCRIPTS}/{script}.py"
    return [str(MICROPYTHON), "-X", f"heapsize={heap}", *options, path, *arguments]


def start(script: str, *arguments: str, **options) -> subprocess.Popen:
    """A running script: text pipes for what it reads and prints."""
    return subprocess.Popen(
        command(script, *arguments, **options),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(script: str, *arguments: str, timeout: float = TIMEOUT, **options) -> str:
    """What a script prints; AssertionError with it if the script fails."""
    done = subprocess.run(
        command(script, *arguments, **options),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def line_of(process: subprocess.Popen, timeout: float = TIMEOUT) -> str:
    """The next line that the script prints; what came instead if it ended, or had to be ended."""
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    try:
        return process.stdout.readline()
    finally:
        killer.cancel()


def finish(process: subprocess.Popen, typed: str = "", timeout: float = TIMEOUT) -> str:
    """Types `typed`, ends the input, and returns all that the script prints from now on.

    Unlike communicate(), it misses nothing after a readline().
    """
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    try:
        process.stdin.write(typed)
        process.stdin.close()
        return process.stdout.read()
    finally:
        killer.cancel()
        process.wait()
