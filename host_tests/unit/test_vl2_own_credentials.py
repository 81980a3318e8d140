"""What we push to members: in which packets, and when each of them leaves."""

from zerotier.vl2.members import Member
from zerotier.vl2.own_credentials import OwnCredentials
from zerotier.wire.config import NetworkConfig
from zerotier.wire.credentials import (
    THING_IPV4,
    Capability,
    Membership,
    Ownership,
    Tag,
    parse_credentials,
    thing,
)
from zerotier.wire.verbs import VERB_NETWORK_CREDENTIALS

NOW = 1700000000000
NWID = bytes(range(8))
CONTROLLER, US, THEM = NWID[:5], b"\x01\x02\x03\x04\x05", b"\x09\x08\x07\x06\x05"
RULES = b"\x25\x02\x08\x06" * 64
PACKET = 9900  # bytes


class Transport:
    """Keeps what is sent, and the time at which it is to be called."""

    def __init__(self) -> None:
        self.wake_at = NOW + 60000
        self.sent: list[tuple] = []

    def send(self, address: bytes, verb: int, parts: tuple, now: int) -> None:
        assert (address, verb) == (THEM, VERB_NETWORK_CREDENTIALS)
        payload = b"".join(parts)
        assert len(payload) <= PACKET
        self.sent.append((now - NOW, parse_credentials(memoryview(payload))))


def config(capabilities: int = 0, tags: int = 0) -> NetworkConfig:
    made = NetworkConfig()
    made.nwid = NWID
    made.timestamp = NOW
    made.credential_max_delta = 1800000
    made.membership = Membership.issue(NOW, 1800000, NWID, US, bytes(48))
    made.membership.signer = CONTROLLER
    made.membership.signature = bytes(96)
    ip = thing(THING_IPV4, b"\x0a\x00\x00\x01")
    made.ownerships = [Ownership(NWID, NOW, 1, ip, US, CONTROLLER)]
    made.tags = [Tag(NWID, NOW, id, 5, US, CONTROLLER) for id in range(tags)]
    for id in range(capabilities):
        capability = Capability(NWID, NOW, id, 64, RULES)
        capability.custody = [(US, CONTROLLER, bytes(96))]
        made.capabilities.append(capability)
    for credential in made.ownerships + made.tags:
        credential.signature = bytes(96)
    return made


def pushing(**counts) -> tuple:
    transport = Transport()
    credentials = OwnCredentials(transport)
    credentials.set(config(**counts), True)
    return transport, credentials, Member(THEM, NWID)


def run(credentials: OwnCredentials, start: int, end: int) -> None:
    for now in range(NOW + start, NOW + end, 50):
        credentials.tick(now)


def test_what_has_room_in_one_packet_is_one_packet() -> None:
    transport, credentials, member = pushing(capabilities=3, tags=3)
    credentials.before_frame(member, NOW)
    run(credentials, 0, 5000)
    assert [time for time, _ in transport.sent] == [0]
    assert not credentials.is_due(member, NOW + 5000)


def test_the_rest_follows_when_the_receiver_takes_another_packet() -> None:
    transport, credentials, member = pushing(capabilities=60, tags=100)
    credentials.before_frame(member, NOW)
    assert transport.wake_at == NOW + 1100
    credentials.before_frame(member, NOW + 10)
    run(credentials, 0, 20000)
    times = [time for time, _ in transport.sent]
    assert times == [1100 * number for number in range(len(times))] and len(times) > 2
    first = transport.sent[0][1]
    assert (len(first.memberships), len(first.ownerships), len(first.capabilities)) == (1, 1, 0)
    tags = [tag.id for _, packet in transport.sent for tag in packet.tags]
    capabilities = [item.id for _, packet in transport.sent for item in packet.capabilities]
    assert (tags, capabilities) == (list(range(100)), list(range(60)))
    assert sum([len(packet.memberships) for _, packet in transport.sent]) == 1
    assert not any(packet.malformed for _, packet in transport.sent)


def test_a_new_edition_takes_the_place_of_what_waits() -> None:
    transport, credentials, member = pushing(capabilities=60)
    credentials.before_frame(member, NOW)
    credentials.set(config(tags=2), True)
    run(credentials, 0, 5000)
    assert len(transport.sent) == 1
    credentials.before_frame(member, NOW + 5000)
    run(credentials, 5000, 9000)
    assert len(transport.sent) == 2 and len(transport.sent[1][1].tags) == 2


def test_what_comes_so_soon_that_it_may_be_dropped_is_sent_again() -> None:
    transport, credentials, member = pushing(tags=1)
    credentials.before_frame(member, NOW)
    credentials.set(config(tags=2), True)
    credentials.before_frame(member, NOW + 400)
    run(credentials, 400, 5000)
    assert [(time, len(packet.tags)) for time, packet in transport.sent] == [
        (0, 1),
        (400, 2),
        (1500, 2),
    ]


def test_nothing_waits_once_no_credentials_are_needed() -> None:
    transport, credentials, member = pushing(capabilities=60)
    credentials.before_frame(member, NOW)
    public = config()
    public.membership = None
    credentials.set(public, True)
    run(credentials, 0, 5000)
    assert len(transport.sent) == 1 and not credentials.is_due(member, NOW)
