"""Our own credentials on one network, and when a member gets them.

Owns the packet that proves our membership (protocol/06 §6.9). Never judges anybody else's.
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire.config import NetworkConfig
from ..wire.credentials import encode_credentials
from ..wire.verbs import VERB_NETWORK_CREDENTIALS
from .members import Member

_LARGEST = const(9900)  # bytes that seven datagrams carry
_ASKED_INTERVAL = const(1000)  # receivers drop what comes sooner (protocol/04 §4.8)
_REPEAT = const(500000)  # the member may have forgotten us
_WINDOW_SHARE = const(3)  # a COM is pushed again when a third of its window has passed


class OwnCredentials:
    """What we push: each member gets each edition, and a COM again when its own is a third old."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._payload: bytes | None = None
        self._edition = 0  # goes up when the credentials say something new
        self._timestamp = 0  # of our COM
        self._third = 0  # of its window

    def set(self, config: NetworkConfig, changed: bool) -> None:
        """Take over the credentials of a new config; `changed`: they say more than a new date."""
        com = config.membership
        if com is None:
            self._payload = None
            return
        if changed or self._payload is None:
            self._edition += 1
        self._timestamp = com.timestamp
        self._third = config.credential_max_delta // _WINDOW_SHARE
        self._payload = self._encode(config)

    def before_frame(self, member: Member, now: int) -> None:
        """Push to a member that is about to get a frame, if what it has is not good enough."""
        if self.is_due(member, now):
            self._push(member, now)

    def is_due(self, member: Member, now: int) -> bool:
        """True if the member must get our credentials before the next frame."""
        return self._payload is not None and (
            member.pushed_edition != self._edition
            or now - member.last_push >= _REPEAT
            or abs(self._timestamp - member.pushed_timestamp) > self._third
        )

    def asked(self, member: Member, now: int) -> None:
        """The member said that it lacks our credentials: ERROR NEED_MEMBERSHIP_CERTIFICATE."""
        if member.last_push == 0 or now - member.last_push >= _ASKED_INTERVAL:
            self._push(member, now)

    def _push(self, member: Member, now: int) -> None:
        if self._payload is None:
            return
        member.pushed_edition = self._edition
        member.pushed_timestamp = self._timestamp
        member.last_push = now
        self._transport.send(member.address, VERB_NETWORK_CREDENTIALS, (self._payload,), now)

    def _encode(self, config: NetworkConfig) -> bytes:
        """One packet: receivers would drop a second one within a second. The COM goes first, then
        ownership and tags, because others may require them; capabilities fill the rest.
        """
        capabilities: list = []
        tags: list = []
        ownerships: list = []
        payload = encode_credentials([config.membership])
        for section, items in (
            (ownerships, config.ownerships),
            (tags, config.tags),
            (capabilities, config.capabilities),
        ):
            for item in items:
                section.append(item)
                longer = encode_credentials(
                    [config.membership], capabilities, tags, (), ownerships
                )
                if len(longer) > _LARGEST:
                    section.pop()
                    self._transport.counters.count("credential_left_out")
                else:
                    payload = longer
        return payload
