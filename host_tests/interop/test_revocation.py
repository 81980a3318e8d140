"""How fast a member that the controller shuts out is out, when one of the two that talk is an unmodified libzt 1.8.4.
Owns that time, which is printed. The frames go on all the while: what ends is that they are taken.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from host_tests.interop.site import DEVICES, LIBZT, MEMBERS, Site, until

SUBNET = "10.122.0.0/24"
PORT = 9100
CONFIGURED, REACHED = 30.0, 25  # seconds; tries, one a second
STREAM, BEFORE = 12.0, 3.0  # seconds of datagrams, and of these before the member is shut out
GAP = 20  # ms
IN_TIME = 2.0  # seconds


@pytest.fixture(scope="module")
def revocable(site: Site, ips: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """A network of its own, in which everybody has reached libzt: (id, addresses)."""
    created = site.controller("network", "create", "--name", "revoked", "--pool", SUBNET)
    nwid = created["id"]
    site.controller("member", "authorize", nwid, *(site.addresses[n] for n in MEMBERS))
    for name in MEMBERS:
        site.nodes[name].ask("join", nwid=nwid)

    def ip(name: str) -> str | None:
        found = site.nodes[name].ask("network", nwid=nwid)["addresses"]
        return next((ip for ip in found if ip.startswith("10.122.")), None)

    own = {n: until(lambda n=n: ip(n), CONFIGURED, f"address of {n}") for n in MEMBERS}
    yield nwid, own
    for name in MEMBERS:
        site.nodes[name].ask("leave", nwid=nwid)


def reach(site: Site, one: str, ip: str, port: int) -> None:
    """Until an echo has come back."""
    site.nodes[one].ask("udp_exchange", REACHED + 5, ip=ip, port=port, size=20, tries=REACHED)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("is_libzt_out", (True, False), ids=("libzt_is_out", "device_is_out"))
def test_a_member_that_is_shut_out_is_out_within_two_seconds(
    site: Site, revocable: tuple[str, dict[str, str]], device: str, is_libzt_out: bool
) -> None:
    nwid, own = revocable
    out, other = (LIBZT, device) if is_libzt_out else (device, LIBZT)
    port = PORT + 2 * DEVICES.index(device) + is_libzt_out
    site.nodes[device].ask("udp_echo", port=port + 100)
    reach(site, LIBZT, own[device], port + 100)
    counting = site.nodes[other].request("udp_count", port=port, seconds=STREAM + 1)
    site.nodes[other].wait("listening", port=port)
    refused = site.nodes[device].ask("stats")["stats"] if not is_libzt_out else {}
    sending = site.nodes[out].request(
        "udp_stream", ip=own[other], port=port, seconds=STREAM, gap=GAP
    )
    time.sleep(BEFORE)
    site.controller("member", "deauthorize", nwid, site.addresses[out])
    members = site.controller("member", "list", nwid)
    # When the record said so: until then a busy machine was starting the command.
    begun = next(m["lastDeauthorizedTime"] for m in members if m["id"] == site.addresses[out])
    sent = site.nodes[out].answer(sending, STREAM + 5)["sent"]
    counted = site.nodes[other].answer(counting, STREAM + 5)
    site.controller("member", "authorize", nwid, site.addresses[out])  # the next test wants it in
    seconds = counted["last"] / 1e9 - begun / 1e3
    print(f"{out} was out for {other} after {seconds:.2f} s, {counted['count']} of {sent} taken")
    assert counted["count"] > 0.5 * BEFORE * 1000 / GAP
    assert sent > 0.5 * STREAM * 1000 / GAP  # it did not stop by itself
    assert seconds <= IN_TIME
    stats = site.nodes[device].ask("stats")["stats"]
    if is_libzt_out:
        assert stats["member_revoked"] > 0 and stats["frame_not_admitted"] > 0
    else:
        # Nearly all left the device: only those of before count as taken.
        assert stats["frames_out"] - refused["frames_out"] > 0.9 * sent > counted["count"]
    reach(site, LIBZT, own[device], port + 100)  # and it may come back
