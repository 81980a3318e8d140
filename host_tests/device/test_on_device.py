"""What runs inside MicroPython by runner.py: the unit tests once more, the same files, and the checks of `inside`.

Owns which modules those are: of the unit tests all that do not need pytest.
"""

import pytest

from host_tests.device import interpreter

UNIT = interpreter.ROOT / "host_tests" / "unit"
INSIDE = interpreter.ROOT / "host_tests" / "device" / "inside"
HEAP = "64M"  # recorded captures are read whole
TIMEOUT = 300  # s


def modules() -> list[str]:
    unit = [
        file for file in sorted(UNIT.glob("test_*.py")) if "import pytest" not in file.read_text()
    ]
    inside = sorted(INSIDE.glob("check_*.py"))
    return [f"host_tests.unit.{file.stem}" for file in unit] + [
        f"host_tests.device.inside.{file.stem}" for file in inside
    ]


@pytest.mark.parametrize("module", modules())
def test_inside_micropython(module):
    interpreter.run("host_tests/device/runner.py", module, heap=HEAP, timeout=TIMEOUT)
