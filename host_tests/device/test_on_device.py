"""The unit tests once more, inside MicroPython: the same files, run by runner.py.

Owns which of them run there: all that do not need pytest.
"""

from host_tests.device import interpreter

import pytest

UNIT = interpreter.ROOT / "host_tests" / "unit"
HEAP = "64M"  # recorded captures are read whole
TIMEOUT = 300


def modules() -> list[str]:
    files = sorted(UNIT.glob("test_*.py"))
    return [file.stem for file in files if "import pytest" not in file.read_text()]


@pytest.mark.parametrize("module", modules())
def test_unit(module):
    name = f"host_tests.unit.{module}"
    interpreter.run("host_tests/device/runner.py", name, heap=HEAP, timeout=TIMEOUT)
