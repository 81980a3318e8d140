"""What a board keeps when its power is cut at any moment: in the middle of a write, and of a live node's work.

Owns the tests of the store on flash.
"""

import random
import subprocess
import time
from pathlib import Path

from host_tests.board import place
from host_tests.board.site import BOARD, Site

CUTS = 20
UP = 20.0  # s
HEAP = "400000"  # bytes; main.py of the tests is not frozen
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


def test_a_live_node_whose_power_is_cut_again_and_again_joins_again(site: Site) -> None:
    """From the first milliseconds of the start to the writes that follow a join."""
    site.power_off()
    site.provide_flash()
    secret = (site.home(BOARD) / "identity.secret").read_bytes()
    moments = random.Random(CUTS)  # repeatable
    for _ in range(CUTS):
        site.power_on("--heap", HEAP)
        time.sleep(moments.uniform(0.2, 1.6))
        site.power_off()
    board = site.power_on("--heap", HEAP)
    joined = board.wait("joined", UP)
    read = "open('/zerotier.d/identity.secret', 'rb').read()"
    assert site.evaluate(f"{read} == {secret!r}")
    assert site.evaluate(f"open('/zerotier.d/planet', 'rb').read() == {planet(site)!r}")
    assert site.evaluate("zt.stats().get('saved_config_unusable', 0)") == 0
    other = site.nodes[site.devices[0]]
    assert other.ask("ping", 30, ip=joined["ip"], count=5, seconds=2)["lost"] == 0


def planet(site: Site) -> bytes:
    return (site.folder / "planet").read_bytes()
