"""A peer: a remote identity that we know, the key that we share with it, and its paths.

Owns what is remembered of one peer. Never sends and never decides.
"""

from ..const import const
from ..limits import PEER_EXPIRATION, TRUST_EXPIRATION
from ..wire.hello import PROTOCOL_VERSION, VERSION
from ..wire.verbs import VERB_EXT_FRAME, VERB_FRAME, VERB_MULTICAST_FRAME
from .candidates import Candidates
from .path import Path

# Packets that show that a peer matters to us: its paths are then kept alive, and looked for. The reference counts
# configurations too (protocol/04 §4.3), which keeps a path to every member of a controller warm day and night.
ACTIVE_VERBS = (VERB_FRAME, VERB_EXT_FRAME, VERB_MULTICAST_FRAME)

_TRIES = const(16)  # unconfirmed endpoints remembered


class Peer:
    """A remote node. `key` is the 48-byte shared key (protocol/01 §1.9)."""

    # Of the class until they are set: in an object each of them costs 8 bytes of heap, and most never change.
    is_root = False
    endpoints: "tuple[bytes, ...]" = ()  # the stable endpoints of a root
    is_moon = False  # a root of a moon, not of the planet
    is_left = False  # a root without contact: what is for it goes through another one
    pinned = False  # never evicted: a root, or the controller of one of our networks
    relay: "Peer | None" = None  # the root through which the last relayed packet came,
    relay_heard = 0  # and when
    hellos_unanswered = 0
    moved_at = 0  # when we moved, until the peer has been told where to,
    moves = 0  # and how often we did
    last_rendezvous = 0
    push_count = 0  # inbound PUSH_DIRECT_PATHS in the current window
    push_time = 0
    last_echo = 0  # inbound gates
    last_whois = 0
    last_encrypted_hello = 0
    lost: "tuple[bytes, str, int] | None" = None  # the path that was given up last, why, and when

    def __init__(self, identity, key: bytes) -> None:
        self.identity = identity
        self.address: bytes = identity.address
        self.key = key
        self.protocol = 0  # 0: neither HELLO nor OK(HELLO) seen yet
        self.version = (0, 0, 0)
        self.paths: list[Path] = []
        self.candidates = Candidates()
        self.is_watched = False  # has timers running,
        self.due = 0  # and this is when they have to be looked at
        self.last_receive = 0
        self.last_active = 0  # a frame passed, in either direction
        self.last_trust = 0
        self.last_hello = 0
        self.last_push = 0
        self.last_used = 0  # for LRU
        self.tries: dict[bytes, int] = {}

    def __repr__(self) -> str:
        return "<Peer %s>" % self.address.hex()

    def path(self, endpoint: bytes) -> Path | None:
        """The path with this endpoint, if it is one."""
        for path in self.paths:
            if path.endpoint == endpoint:
                return path
        return None

    def best_path(self, now: int) -> Path | None:
        """The path to send on, or None: then the packet goes through a root."""
        best = None
        lowest = 0
        for path in self.paths:
            if path.expired(now) or path.failed(now):
                continue
            quality = path.quality(now)
            if best is None or quality < lowest:
                best = path
                lowest = quality
        return best

    def learn(self, endpoint: bytes, limit: int, now: int) -> Path:
        """A new confirmed path; takes the place of the one that was silent longest."""
        if len(self.paths) >= limit:
            oldest = self.paths[0]
            for path in self.paths:
                if path.last_receive < oldest.last_receive:
                    oldest = path
            self.lose(oldest, "replaced", now)
        if self.lost is not None and self.lost[0] == endpoint:
            endpoint = self.lost[0]  # one object for both
        path = Path(endpoint, now)
        self.paths.append(path)
        self.candidates.remove(endpoint)
        return path

    def lose(self, path: Path, reason: str, now: int) -> None:
        """Give a path up, and remember why."""
        self.paths.remove(path)
        self.lost = path.endpoint, reason, now

    def may_try(self, endpoint: bytes, interval: int, now: int) -> bool:
        """True once per interval and endpoint; remembers a bounded number of endpoints."""
        last = self.tries.get(endpoint)
        if last is not None and now - last < interval:
            return False
        if last is None and len(self.tries) >= _TRIES:
            self.tries.clear()
        self.tries[endpoint] = now
        return True

    def speaks(self, protocol: int, version: tuple) -> None:
        """The peer said what it runs."""
        self.protocol = protocol
        self.version = VERSION if version == VERSION else version  # many are like us: one object

    def is_ours(self) -> bool:
        """True if the peer runs this software, as far as its version tells."""
        return self.protocol == PROTOCOL_VERSION and self.version == VERSION

    def latency(self, now: int) -> int:
        """Milliseconds on the best path, -1 if unknown."""
        path = self.best_path(now)
        if path is None or path.latency >= 65535:
            return -1
        return path.latency

    def trusted(self, now: int) -> bool:
        return self.last_trust != 0 and now - self.last_trust < TRUST_EXPIRATION

    def active(self, now: int) -> bool:
        return self.last_active != 0 and now - self.last_active < PEER_EXPIRATION

    def silent(self, now: int) -> bool:
        return now - self.last_receive >= PEER_EXPIRATION
