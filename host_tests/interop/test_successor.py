"""When the unmodified libzt ends by a signal, another takes its place, and only one test has failed.
Owns the proof of that, so that the tests behind it run with a second one. It never asks why one ends.
"""

from __future__ import annotations

import os
import signal

import pytest

from host_tests.interop.site import DEVICES, ECHO_PORTS, LIBZT, Site, until


def test_another_libzt_takes_the_place_of_one_that_ended(site: Site, ips: dict[str, str]) -> None:
    peer = site.nodes[LIBZT]
    assert peer.end() is None
    os.kill(peer.pid, signal.SIGSEGV)
    assert until(peer.end, 5, "end") == "the unmodified peer ended by signal 11"
    with pytest.raises(OSError):
        site.network(LIBZT)
    site.revive()
    assert peer.end() is None
    assert ips[LIBZT] in site.network(LIBZT)["addresses"]
    for device in DEVICES:
        for one, other in ((device, LIBZT), (LIBZT, device)):
            target = {"ip": ips[other], "port": ECHO_PORTS[4]}
            assert site.nodes[one].ask("udp_exchange", **target, size=20)["same"]
