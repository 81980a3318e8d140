"""A device with a moon: where it gets it from, that it is kept, and what it is good for when the planet is gone.

Owns a site of its own, whose planet has to go.
"""

import ast

from host_tests.device.site import Site
from host_tests.device.test_node import Member


def test_with_its_moon_a_device_works_on_when_the_internet_is_cut():
    with Site() as site:
        moon = site.add_moon("moon")
        for name in ("a", "b"):
            with Member(site, name, "orbit", moon) as device:
                nowhere, asked, there = device.output()
                assert nowhere == f"moon {moon} is not in moons.d/ and has no seed"
                row = {"id": moon, "roots": [moon[6:]], "waiting": True}
                assert ast.literal_eval(asked) == [row]
                assert ast.literal_eval(there) == [{**row, "waiting": False}]
            file = site.home / name / "moons.d" / f"{moon}.moon"
            assert file.read_bytes() == (
                (site.home / "moon" / "moons.d" / f"{moon}.moon").read_bytes()
            )
        site.cut()
        # Both start anew, with no root but the moon's: each is online, and they reach each other.
        with Member(site, "a", "sleep") as device, Member(site, "b", "ping", device.ip) as other:
            assert other.output() == ["10"]
        with Member(site, "b", "deorbit", moon) as device:
            assert device.output() == [f"['{moon}']", "[]", f"moon {moon} is not orbited"]
        assert not file.exists()
