"""What a node remembers of its peers over a restart, so that it can talk to them at once (protocol/04 §4.15).

Owns the files `peers.d/<address>.peer`, one for each peer that matters, and `peers.d/keys.secret`, which spares a woken
device the key agreements. Writes rarely: flash wears out. What comes from here is used, but not counted as proved.
"""

from _zerotier import sha384

from ..const import const
from ..identity import PUBLIC_SIZE, Identity
from ..limits import MEMORY_INTERVAL, STALE_PATH
from ..wire import address
from .path import Path

_FOLDER = "peers.d/"
_SUFFIX = ".peer"
_KEYS = "peers.d/keys.secret"
_VERSION = const(2)
_VERSIONS_SIZE = const(10)  # protocol, major, minor, revision, number of paths: u16 each
_MAX_PATHS = const(4)
_WRITES = const(8)  # in one go: a flash page takes milliseconds, and a root has thousands of peers
_SETTLED = const(5000)  # ms that a path has to live before it is worth a write
_PRINT_SIZE = const(8)
_MARK_SIZE = const(3)  # bytes of a file's hash that tell whether it changed
_KEY_SIZE = const(48)
_ENTRY_SIZE = const(61)  # address, fingerprint, key
_MAX_KEYS = const(64)
_MAX_FILE = const(512)


class Memory:
    """The peers of one node in its store. `bound`: how many of them are kept."""

    def __init__(self, topology, store, bound: int, counters) -> None:
        self._topology = topology
        self._store = store
        self._bound = bound
        self._counters = counters
        self._saved: dict[bytes, int] = {}  # the files in the store by their marks, oldest first
        self._written: dict[bytes, int] = {}  # when, if that was since the start
        # address -> (fingerprint, key), until there is a peer that has it
        self._keys: dict[bytes, tuple[bytes, bytes]] = {}
        self.keeps_all = False  # a root: whoever has a path is remembered
        topology.keys = self

    # --- waking ---

    def load_keys(self) -> None:
        """The keys that were agreed on before."""
        blob = self._store.get(_KEYS) or b""
        for start in range(0, len(blob) - _ENTRY_SIZE + 1, _ENTRY_SIZE):
            entry = blob[start : start + _ENTRY_SIZE]
            key = entry[address.ADDRESS_SIZE + _PRINT_SIZE :]
            fingerprint = entry[address.ADDRESS_SIZE : address.ADDRESS_SIZE + _PRINT_SIZE]
            self._keys[entry[: address.ADDRESS_SIZE]] = (fingerprint, key)

    def get(self, identity: Identity) -> bytes | None:
        """The key that we share with this identity, if it is known; else agree on one."""
        known = self._keys.pop(identity.address, None)
        if known is None or known[0] != self._print_of(identity):
            return None
        return known[1]

    def _print_of(self, identity: Identity) -> bytes:
        """Both public keys: neither a changed peer nor a changed identity of ours finds a key."""
        both = Identity(identity.address, identity.public).fingerprint()
        ours = self._topology.identity.public
        return bytes([a ^ b for a, b in zip(both[:_PRINT_SIZE], ours[:_PRINT_SIZE])])

    def load_peers(self, now: int) -> None:
        """Peers and their paths as they were; files that cannot be read are deleted."""
        for key in self._store.list(_FOLDER):
            if not key.endswith(_SUFFIX):
                continue
            blob = self._store.get(key) or b""
            try:
                if len(self._saved) >= self._bound:
                    raise ValueError("there are more files than peers are remembered")
                self._load(blob, now)
            except ValueError:
                self._store.delete(key)
                self._counters.count("peer_file_dropped")

    def _load(self, blob: bytes, now: int) -> None:
        identity, protocol, version, endpoints = parse_peer(blob)
        if identity == self._topology.identity:
            raise ValueError("that is ourselves")
        peer = self._topology.add(identity, now)
        if peer.identity != identity:
            raise ValueError("another identity has this address")
        peer.speaks(protocol, version)
        for endpoint in endpoints:
            path = Path(endpoint, now - STALE_PATH)
            path.is_proved = False
            path.is_remembered = True
            peer.paths.append(path)
        self._saved[peer.address] = _mark(blob)

    # --- writing ---

    def save_changes(self, now: int) -> None:
        """Write peers that matter and that changed: new ones soon, others at most once in ten minutes."""
        writes = 0
        for peer in self._topology.peers():
            if writes >= _WRITES:
                return
            if not self._matters(peer):
                continue
            last = self._written.get(peer.address)
            if last is None or now - last >= MEMORY_INTERVAL:
                writes += self._save(peer, _SETTLED, now)
        if writes:
            self._save_keys()

    def save_all(self, now: int) -> None:
        """Write every change: the node is about to stop."""
        for peer in self._topology.peers():
            if self._matters(peer):
                self._save(peer, 0, now)
        self._save_keys()

    def _matters(self, peer) -> bool:
        """A root, a controller, or somebody whom we exchanged frames with."""
        return bool(peer.paths) and (self.keeps_all or peer.pinned or peer.last_active != 0)

    def _save(self, peer, settled: int, now: int) -> int:
        """How many writes it took."""
        endpoints = [
            path.endpoint
            for path in sorted(peer.paths, key=lambda path: path.quality(now))
            if not path.failed(now) and now - path.since >= settled
        ][:_MAX_PATHS]
        if not endpoints:
            return 0
        blob = encode_peer(peer.identity, peer.protocol, peer.version, sorted(endpoints))
        mark = _mark(blob)
        if self._saved.get(peer.address) == mark:
            return 0
        if peer.address not in self._saved and len(self._saved) >= self._bound:
            self._forget_oldest()
        self._saved.pop(peer.address, None)
        try:
            self._store.put(_FOLDER + peer.address.hex() + _SUFFIX, blob)
        except OSError:
            self._counters.count("peer_not_saved")  # a full flash must not stop the node
            return 0
        self._saved[peer.address] = mark
        self._written[peer.address] = now
        return 1

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._saved))
        del self._saved[oldest]
        self._written.pop(oldest, None)
        self._store.delete(_FOLDER + oldest.hex() + _SUFFIX)

    def _save_keys(self) -> None:
        """The keys of remembered peers, in one file: they never change."""
        if self.keeps_all:
            return  # a host agrees in no time
        blob = bytearray()
        for known in list(self._saved)[-_MAX_KEYS:]:
            peer = self._topology.get(known)
            if peer is not None:
                blob += known + self._print_of(peer.identity) + peer.key
            elif known in self._keys:
                blob += known + self._keys[known][0] + self._keys[known][1]
        try:
            self._store.put(_KEYS, bytes(blob))
        except OSError:
            self._counters.count("keys_not_saved")


def _mark(blob: bytes) -> int:
    return int.from_bytes(sha384(blob)[:_MARK_SIZE], "big")


def encode_peer(
    identity: Identity, protocol: int, version: tuple, endpoints: list[bytes]
) -> bytes:
    """The file of a peer (protocol/04 §4.15)."""
    blob = bytearray((_VERSION,))
    blob += identity.to_bytes()
    for number in (protocol,) + tuple(version) + (len(endpoints),):
        blob += number.to_bytes(2, "big")
    for endpoint in endpoints:
        blob += endpoint
    return bytes(blob)


def parse_peer(blob: bytes) -> tuple[Identity, int, tuple, list[bytes]]:
    """(identity, protocol, version, endpoints) of a peer's file. ValueError if it is none."""
    start = 1 + PUBLIC_SIZE
    offset = start + _VERSIONS_SIZE
    if not offset <= len(blob) <= _MAX_FILE or blob[0] != _VERSION:
        raise ValueError("this is not the file of a peer")
    identity = Identity.from_bytes(blob[1:start])
    numbers = [int.from_bytes(blob[i : i + 2], "big") for i in range(start, offset, 2)]
    endpoints: list[bytes] = []
    for _ in range(min(numbers[4], _MAX_PATHS)):
        endpoint, offset = address.parse(blob, offset)
        if address.port(endpoint):
            endpoints.append(endpoint)
    return identity, numbers[0], (numbers[1], numbers[2], numbers[3]), endpoints
