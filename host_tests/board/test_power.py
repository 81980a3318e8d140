"""What a board keeps when its power is cut at any moment.

Owns the tests of the store on flash.
"""

import subprocess
from pathlib import Path

from host_tests.board import place

ENOUGH = 3  # operations of the flash that a write takes at least


def test_a_power_cut_at_any_moment_leaves_the_old_value_or_the_new_one(tmp_path: Path) -> None:
    argv = place.emulate(tmp_path / "flash", "--network", "none", "--heap", "2000000")
    done = subprocess.run(
        [*argv, str(place.SCRIPTS / "power_cuts.py")],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    words = done.stdout.split()
    assert words[:1] == ["moments"], done.stdout + done.stderr
    assert all(int(moments) >= ENOUGH for moments in words[1:])
