"""How members are told what is void: order, pace, and who is told what."""

from host_tests.unit.mesh import Mesh
from zerotier.controller_config import Issuer
from zerotier.controller_revoker import Revoker
from zerotier.wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_MEMBERSHIP,
    CREDENTIAL_TAG,
    REVOCATION_FAST_PROPAGATE,
    parse_credentials,
)

ONE, OTHER = b"\x01\x02\x03\x04\x05", b"\x09\x08\x07\x06\x05"


class Site:
    """A revoker, and what it sends: (ms since the start, to whom, revocations)."""

    def __init__(self, listeners: dict) -> None:
        mesh = Mesh()
        self.start = mesh.now
        self.listeners = listeners
        self.sent: list[tuple] = []
        station = mesh.add()
        self.transport = station.node.transport
        self.transport.send = self.send  # type: ignore[method-assign]
        self.nwid = station.address + b"\x00\x00\x01"
        self.identity = station.identity
        self.revoker = Revoker(self.transport, Issuer(station.identity))

    def send(self, address: bytes, verb: int, parts: tuple, now: int) -> None:
        revocations = parse_credentials(memoryview(b"".join(parts))).revocations
        self.sent.append((now - self.start, address, revocations))

    def run(self, end: int) -> None:
        for now in range(self.start, self.start + end, 50):
            self.revoker.tick(lambda now: self.listeners, now)


def test_a_revocation_names_credential_and_time_and_is_signed() -> None:
    site = Site({})
    site.listeners = {ONE: [site.nwid]}
    site.revoker.add(site.nwid, [(OTHER, CREDENTIAL_CAPABILITY, 77)], site.start)
    site.run(2000)
    ((_, address, (made,)),) = site.sent
    assert address == ONE
    assert (made.nwid, made.kind, made.credential_id) == (site.nwid, CREDENTIAL_CAPABILITY, 77)
    assert (made.target, made.threshold) == (OTHER, site.start)
    assert made.flags == REVOCATION_FAST_PROPAGATE
    assert site.identity.verify(made.signed_bytes(), made.signature)
    assert site.revoker.tick(lambda now: {}, site.start + 5000) is None


def test_one_packet_a_second_and_memberships_first() -> None:
    site = Site({})
    site.listeners = {ONE: [site.nwid]}
    site.revoker.add(site.nwid, [(OTHER, CREDENTIAL_TAG, id) for id in range(100)], site.start)
    site.revoker.add(site.nwid, [(OTHER, CREDENTIAL_MEMBERSHIP, 0)], site.start)
    site.run(4000)
    assert [(time, len(made)) for time, _, made in site.sent] == [(0, 60), (1050, 41)]
    kinds = [item.kind for _, _, made in site.sent for item in made]
    assert kinds == [CREDENTIAL_MEMBERSHIP] + [CREDENTIAL_TAG] * 100


def test_nobody_is_told_of_itself_or_of_networks_that_are_not_its_own() -> None:
    site = Site({})
    other_nwid = site.nwid[:7] + b"\x02"
    site.listeners = {ONE: [site.nwid, other_nwid], OTHER: [site.nwid]}
    site.revoker.add(site.nwid, [(ONE, CREDENTIAL_TAG, 1), (OTHER, CREDENTIAL_TAG, 2)], site.start)
    site.revoker.add(other_nwid, [(OTHER, CREDENTIAL_TAG, 3)], site.start)
    site.run(2000)
    told = {
        address: sorted([item.credential_id for item in made]) for _, address, made in site.sent
    }
    assert (len(site.sent), told) == (2, {ONE: [2, 3], OTHER: [1]})


def test_there_is_an_end_to_what_waits_but_not_for_memberships() -> None:
    site = Site({})
    bound = 8 * site.transport.limits.members
    lost = [(OTHER, CREDENTIAL_TAG, id) for id in range(bound + 5)]
    site.revoker.add(site.nwid, lost + [(OTHER, CREDENTIAL_MEMBERSHIP, 0)], site.start)
    assert site.transport.counters.get("controller_revocation_left_out") == 5
    site.revoker.add(site.nwid, [(ONE, CREDENTIAL_MEMBERSHIP, 0), (ONE, CREDENTIAL_TAG, 1)], 1)
    assert site.transport.counters.get("controller_revocation_left_out") == 6
