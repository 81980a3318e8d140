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
    """A revoker, and what it sends: (ms since the start, to whom, revocations). ONE listens from the start."""

    def __init__(self) -> None:
        mesh = Mesh()
        self.start = mesh.now
        self.sent: list[tuple] = []
        station = mesh.add()
        self.transport = station.node.transport
        self.transport.send = self.send  # type: ignore[method-assign]
        self.nwid = station.address + b"\x00\x00\x01"
        self.identity = station.identity
        self.revoker = Revoker(self.transport, Issuer(station.identity))
        self.revoker.hear(self.nwid, ONE)

    def send(self, address: bytes, verb: int, parts: tuple, now: int) -> None:
        revocations = parse_credentials(memoryview(b"".join(parts))).revocations
        self.sent.append((now - self.start, address, revocations))

    def add(self, *void: tuple, at: int = 0) -> None:
        self.revoker.add(self.nwid, [item + (self.start + at,) for item in void])

    def run(self, end: int, begin: int = 0) -> None:
        for now in range(self.start + begin, self.start + end, 50):
            self.revoker.tick(now)

    def told(self) -> list[tuple]:
        """(to whom, kind, id) in order."""
        return [(who, made.kind, made.credential_id) for _, who, all in self.sent for made in all]


def test_a_revocation_names_credential_and_time_and_is_signed() -> None:
    site = Site()
    site.add((OTHER, CREDENTIAL_CAPABILITY, 77))
    site.run(2000)
    ((_, address, (made,)),) = site.sent
    assert address == ONE
    assert (made.nwid, made.kind, made.credential_id) == (site.nwid, CREDENTIAL_CAPABILITY, 77)
    assert (made.target, made.threshold) == (OTHER, site.start)
    assert made.flags == REVOCATION_FAST_PROPAGATE
    assert site.identity.verify(made.signed_bytes(), made.signature)
    assert site.revoker.tick(site.start + 5000) is None


def test_one_packet_a_second_and_memberships_first() -> None:
    site = Site()
    tags = [(OTHER, CREDENTIAL_TAG, id) for id in range(100)]
    site.add(*tags)
    site.add((OTHER, CREDENTIAL_MEMBERSHIP, 0))
    site.run(4000)
    assert [(time, len(made)) for time, _, made in site.sent] == [(0, 60), (1050, 41)]
    kinds = [item.kind for _, _, made in site.sent for item in made]
    assert kinds == [CREDENTIAL_MEMBERSHIP] + [CREDENTIAL_TAG] * 100


def test_nobody_is_told_of_itself_or_of_networks_that_are_not_its_own() -> None:
    site = Site()
    other_nwid = site.nwid[:7] + b"\x02"
    site.revoker.hear(other_nwid, ONE)
    site.revoker.hear(site.nwid, OTHER)
    site.add((ONE, CREDENTIAL_TAG, 1), (OTHER, CREDENTIAL_TAG, 2))
    site.revoker.add(other_nwid, [(OTHER, CREDENTIAL_TAG, 3, site.start)])
    site.run(2000)
    told = {
        address: sorted([item.credential_id for item in made]) for _, address, made in site.sent
    }
    assert (len(site.sent), told) == (2, {ONE: [2, 3], OTHER: [1]})


def test_who_listens_later_is_told_all_that_still_counts_and_once() -> None:
    site = Site()
    site.add((OTHER, CREDENTIAL_TAG, 1))
    site.run(2000)
    site.sent.clear()
    late = b"\x11\x12\x13\x14\x15"
    for _ in range(2):
        site.revoker.hear(site.nwid, late)
        site.revoker.hear(site.nwid, ONE)
        site.run(6000, 4000)
    assert site.told() == [(late, CREDENTIAL_TAG, 1)]


def test_what_counts_no_more_is_forgotten_and_the_rest_is_told_once() -> None:
    site = Site()
    site.add((OTHER, CREDENTIAL_TAG, 1))
    site.add((OTHER, CREDENTIAL_TAG, 2), at=1000)
    site.run(1000)
    site.revoker.prune(site.nwid, site.start + 500)
    site.add((OTHER, CREDENTIAL_TAG, 3), at=2000)
    site.run(4000, 2000)
    assert [id for _, _, id in site.told()] == [1, 2, 3]
    late = b"\x11\x12\x13\x14\x15"
    site.sent.clear()
    site.revoker.hear(site.nwid, late)
    site.run(6000, 4000)
    assert [id for _, _, id in site.told()] == [2, 3]


def test_who_does_not_listen_is_told_nothing() -> None:
    site = Site()
    site.revoker.hear(site.nwid, OTHER)
    site.revoker.forget(site.nwid, ONE)
    site.revoker.keep({(site.nwid, ONE): True})
    site.add((b"\x11\x12\x13\x14\x15", CREDENTIAL_TAG, 1))
    site.run(2000)
    assert site.sent == []


def test_a_lost_membership_is_not_brought_back_by_what_was_lost_before() -> None:
    site = Site()
    tags = [(OTHER, CREDENTIAL_TAG, id) for id in range(61)]
    site.add(*tags)
    site.run(100)  # all but the last are told
    site.add((OTHER, CREDENTIAL_MEMBERSHIP, 0), at=500)
    site.run(3000, 1000)
    last = site.sent[-1][2]
    assert [(made.kind, made.threshold - site.start) for made in last] == [
        (CREDENTIAL_MEMBERSHIP, 500),
        (CREDENTIAL_TAG, 500),
    ]


def test_many_listeners_are_told_a_few_at_a_time() -> None:
    site = Site()
    for number in range(200):
        site.revoker.hear(site.nwid, b"\x21" + number.to_bytes(4, "big"))
    site.add((OTHER, CREDENTIAL_MEMBERSHIP, 0))
    now, most = site.start, 0
    while len(site.sent) < 201:
        before = len(site.sent)
        assert (site.revoker.tick(now) or 0) > now
        most = max(most, len(site.sent) - before)
        now += 1
    assert most == 64 and now - site.start == 4


def test_there_is_an_end_to_what_waits_but_not_for_memberships() -> None:
    site = Site()
    bound = 8 * site.transport.limits.members
    site.add(*[(OTHER, CREDENTIAL_TAG, id) for id in range(bound + 5)])
    site.add((OTHER, CREDENTIAL_MEMBERSHIP, 0))
    assert site.transport.counters.get("controller_revocation_left_out") == 5
    site.add((ONE, CREDENTIAL_MEMBERSHIP, 0), (ONE, CREDENTIAL_TAG, 1))
    assert site.transport.counters.get("controller_revocation_left_out") == 6
    site.run(500)
    assert [kind for _, kind, _ in site.told()[:2]] == [CREDENTIAL_MEMBERSHIP, CREDENTIAL_TAG]
