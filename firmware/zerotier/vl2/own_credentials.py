"""Our own credentials on one network, and when a member gets them.

Owns the packets that prove our membership (protocol/06 §6.9). Never judges anybody else's.
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire.config import NetworkConfig
from ..wire.credentials import encode_credentials
from ..wire.verbs import VERB_NETWORK_CREDENTIALS
from .members import Member

_LARGEST = const(9900)  # bytes that seven datagrams carry
_ASKED_INTERVAL = const(1000)  # receivers drop what comes sooner (protocol/04 §4.8)
_NEXT_PACKET = const(1100)  # the same with room for packets that overtake each other
_REPEAT = const(500000)  # the member may have forgotten us
_WINDOW_SHARE = const(3)  # a COM is pushed again when a third of its window has passed
_QUIET = const(60000)


class OwnCredentials:
    """What we push: each member gets each edition, and a COM again when its own is a third old.

    Most have room in one packet. Of those that do not, the rest follows a second later, by `tick`.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._payloads: list[bytes] = []
        self._edition = 0  # goes up when the credentials say something new
        self._timestamp = 0  # of our COM
        self._third = 0  # of its window
        self._waiting: dict[bytes, tuple[Member, int, int]] = {}  # who gets which one when

    def set(self, config: NetworkConfig, changed: bool) -> None:
        """Take over the credentials of a new config; `changed`: they say more than a new date."""
        com = config.membership
        if com is None:
            self._payloads = []
            self._waiting.clear()
            return
        if changed or not self._payloads:
            self._edition += 1
            self._waiting.clear()  # of the old edition; now they are due anyway
        self._timestamp = com.timestamp
        self._third = config.credential_max_delta // _WINDOW_SHARE
        self._payloads = _encode(config)

    def before_frame(self, member: Member, now: int) -> None:
        """Push to a member that is about to get a frame, if what it has is not good enough."""
        if self.is_due(member, now):
            self._push(member, now)

    def is_due(self, member: Member, now: int) -> bool:
        """True if the member must get our credentials before the next frame."""
        return len(self._payloads) > 0 and (
            member.pushed_edition != self._edition
            or now - member.last_push >= _REPEAT
            or abs(self._timestamp - member.pushed_timestamp) > self._third
        )

    def asked(self, member: Member, now: int) -> None:
        """The member said that it lacks our credentials: ERROR NEED_MEMBERSHIP_CERTIFICATE."""
        if member.last_push == 0 or now - member.last_push >= _ASKED_INTERVAL:
            self._push(member, now)

    def tick(self, now: int) -> int:
        """Send the packets that had to wait; the time of the next call that is needed."""
        deadline = now + _QUIET
        for address in list(self._waiting):
            member, index, due = self._waiting[address]
            if now < due:
                deadline = min(deadline, due)
            elif index < len(self._payloads):
                self._send(member, index, now)
                deadline = min(deadline, now + _NEXT_PACKET)
            else:
                del self._waiting[address]
        return deadline

    def _push(self, member: Member, now: int) -> None:
        if not self._payloads:
            return
        is_soon = member.last_push != 0 and now - member.last_push < _ASKED_INTERVAL
        member.pushed_edition = self._edition
        member.pushed_timestamp = self._timestamp
        self._send(member, 0, now)
        if is_soon:  # those of the reference drop it
            self._wait(member, 0, now)

    def _send(self, member: Member, index: int, now: int) -> None:
        """Send one of our packets, and remember when the one behind it is due."""
        member.last_push = now
        payload = self._payloads[index]
        self._transport.send(member.address, VERB_NETWORK_CREDENTIALS, (payload,), now)
        if index + 1 < len(self._payloads):
            self._wait(member, index + 1, now)
        else:
            self._waiting.pop(member.address, None)

    def _wait(self, member: Member, index: int, now: int) -> None:
        due = now + _NEXT_PACKET
        self._waiting[member.address] = member, index, due
        self._transport.wake_at = min(self._transport.wake_at, due)


def _encode(config: NetworkConfig) -> list[bytes]:
    """The payloads, in the order in which they are sent.

    The COM goes first, then ownership and tags, because others may require them; then capabilities.
    """
    payloads = []
    memberships: list = [config.membership]
    capabilities: list[bytes] = []
    tags: list[bytes] = []
    ownerships: list[bytes] = []
    size = len(encode_credentials(memberships))
    for section, items in (
        (ownerships, config.ownerships),
        (tags, config.tags),
        (capabilities, config.capabilities),
    ):
        for item in items:
            encoded = item.encode()
            if size + len(encoded) > _LARGEST:
                payloads.append(
                    encode_credentials(memberships, capabilities, tags, (), ownerships)
                )
                for full in (memberships, capabilities, tags, ownerships):
                    full.clear()
                size = len(encode_credentials())
            section.append(encoded)
            size += len(encoded)
    payloads.append(encode_credentials(memberships, capabilities, tags, (), ownerships))
    return payloads
