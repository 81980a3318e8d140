"""The unit tests inside the emulated board: the same files, on 32 bits.

Owns which modules those are. The ones with whole networks take minutes there: they run with FULL=1 in the environment.
"""

import os
import subprocess
import sys

from host_tests.board.place import FIRMWARE, PROJECT

UNIT = PROJECT / "host_tests" / "unit"
HEAP = 90_000_000  # bytes; recordings are read whole
TIMEOUT = 600  # s
ON_FLASH = ("test_store",)  # writes into the current folder, which cannot be written there


def modules() -> list[str]:
    found = []
    for file in sorted(UNIT.glob("test_*.py")):
        text = file.read_text()
        is_slow = "mesh" in text or "capture" in text
        if "import pytest" in text or file.stem in ON_FLASH:
            continue
        if os.environ.get("FULL") or not is_slow:
            found.append(f"host_tests.unit.{file.stem}")
    return found


def test_unit_tests_pass_on_the_board() -> None:
    argv = [sys.executable, "-m", "zt.cli", "emulate", "--firmware", str(FIRMWARE)]
    argv += ["--network", "none", "--heap", str(HEAP), "--psram", "--mount", str(PROJECT)]
    argv += ["host_tests/device/runner.py", *modules()]
    done = subprocess.run(
        argv,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        stdin=subprocess.DEVNULL,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert not failed, done.stdout
    assert " passed, 0 failed" in done.stdout, done.stdout + done.stderr
