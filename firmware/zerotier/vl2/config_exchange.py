"""The conversation with a network's controller: asking for the config, and believing an answer.

Owns requests, chunks and the rules by which a config is accepted (protocol/06 §6.5). Never applies
one.
"""

from ..const import const
from ..limits import QUEUE_TIMEOUT
from ..vl1.transport import Transport
from ..wire import dictionary, messages
from ..wire.address import ADDRESS_SIZE
from ..wire.chunk import Chunk
from ..wire.config import NetworkConfig, request_metadata
from ..wire.verbs import VERB_NETWORK_CONFIG_REQUEST
from .assembly import Assembly
from .refresh import Refresh

_RULES_REVISION = const(1)  # we judge frames: the controller sends the rules as they are
_REMEMBERED = const(4)  # requests whose answers may still come


def sign_on_url(extra: bytes | memoryview) -> str:
    """Where the user has to sign in, by an ERROR NETWORK_AUTHENTICATION_REQUIRED; "" if it does not say.

    The URL for the user, else that of the central service or of the issuer (protocol/06 §6.6).
    """
    said = dictionary.parse(messages.parse_authentication_required(extra)[1])
    for key in ("aU", "aCU", "iU"):
        if said.get(key):
            # It goes to logs and terminals.
            return "".join([chr(byte) for byte in said[key] if 0x20 < byte < 0x7F])
    return ""


class ConfigExchange:
    """Requests for one network. `held`: the config in use, None before there is one."""

    def __init__(self, nwid: bytes, transport: Transport, now: int) -> None:
        self.nwid = nwid
        self.controller = nwid[:ADDRESS_SIZE]
        self.held: NetworkConfig | None = None
        self.refresh = Refresh(transport.limits.config_refresh, now)
        self._transport = transport
        self._assembly = Assembly(transport.limits.config_bytes, transport.limits.config_chunks)
        self._waits_until = 0  # a request is in the transport's queue
        self._requests: list[bytes | None] = []  # packet ids, the latest last

    def tick(self, now: int) -> int:
        """Ask if it is time to; the time of the next question."""
        if now >= self.refresh.next:
            self._ask(now)
        return self.refresh.next

    def close(self) -> None:
        """Nothing more is asked; the controller is a peer like any other."""
        controller = self._transport.topology.get(self.controller)
        if controller is not None and not controller.is_root:
            controller.pinned = False

    def _ask(self, now: int) -> None:
        controller = self._transport.topology.get(self.controller)
        if controller is not None:
            controller.pinned = True  # its key decides who is a member
        elif now < self._waits_until:
            # The last request has not left yet, and need not be followed by another.
            self.refresh.asked(self.held is not None, now)
            return
        held = self.held
        revision = held.revision if held is not None else 0
        timestamp = held.timestamp if held is not None else 0
        payload = messages.encode_config_request(
            self.nwid, request_metadata(_RULES_REVISION), revision, timestamp
        )
        packet_id = self._transport.send(
            self.controller, VERB_NETWORK_CONFIG_REQUEST, (payload,), now
        )
        self.refresh.asked(held is not None, now)
        if packet_id is None:
            self._waits_until = now + QUEUE_TIMEOUT
        if len(self._requests) == _REMEMBERED:
            self._requests.pop(0)
        self._requests.append(packet_id)

    def receive(
        self, chunk: Chunk, sender: bytes, packet_id: bytes, in_re_id: bytes | None, now: int
    ) -> NetworkConfig | None:
        """Take a chunk; `in_re_id`: of the request that it answers, or None if it came unasked.

        The config if this completed one that is to be applied, else None. ValueError for what
        cannot be accepted. The packet's MAC has proved that the sender is who it says.
        """
        if sender != self.controller:
            raise ValueError("a configuration chunk did not come from the controller")
        if chunk.signature is None:
            # The old form without a signature is a whole configuration (protocol/03 §3.15).
            blob = self._assembly.add(packet_id, len(chunk.piece), 0, chunk.piece)
        else:
            self._verify(chunk)
            blob = self._assembly.add(chunk.update_id, chunk.total, chunk.index, chunk.piece)
        if blob is None:
            return None
        config = NetworkConfig.parse(blob)
        if config.nwid != self.nwid or config.member != self._transport.address:
            raise ValueError("the configuration is for somebody else")
        if not self._is_news(config, in_re_id):
            self._transport.counters.count("config_not_newer")
            return None
        self.held = config
        self._requests.clear()
        self.refresh.answered()
        return config

    def _verify(self, chunk: Chunk) -> None:
        controller = self._transport.topology.get(self.controller)
        identity = controller.identity if controller is not None else self._transport.identity
        if not identity.verify(chunk.signed_bytes(), chunk.signature):
            raise ValueError("a configuration chunk has a wrong signature")

    def _is_news(self, config: NetworkConfig, in_re_id: bytes | None) -> bool:
        """An older config is taken only in reply to a question of ours that was not answered yet:
        packets can be replayed, but a controller whose clock was set back has to be obeyed.
        """
        if self.held is None or config.timestamp > self.held.timestamp:
            return True
        return in_re_id is not None and self.waits_for(in_re_id)

    def waits_for(self, in_re_id: bytes) -> bool:
        """True if this may be the id of a request of ours that was not answered by a config yet."""
        # The id of a request that left from the transport's queue is not known.
        return in_re_id in self._requests or None in self._requests

    def refused(self, now: int) -> None:
        """The controller answered with an ERROR."""
        self._assembly.clear()
        self.refresh.refused(now)
