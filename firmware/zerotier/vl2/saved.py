"""A joined network in the store, so that it is there again after a reset.

Owns the file `networks.d/<nwid>.conf` (protocol/06 §6.7, 10 §10.1). Writes it rarely: flash wears
out.
"""

from ..counters import Counters
from ..wire.config import NetworkConfig
from .config_change import differs

FOLDER = "networks.d/"
SUFFIX = ".conf"
_NO_CONFIG = b"\n"


class Saved:
    """The file of one network."""

    def __init__(self, store, nwid: bytes, counters: Counters) -> None:
        self._store = store
        self._nwid = nwid
        self._counters = counters
        self._key = FOLDER + nwid.hex() + SUFFIX
        self._saved: NetworkConfig | None = None

    def load(self, member: bytes) -> NetworkConfig | None:
        """The config of the last time, if there is a usable one for this member.

        Without a file, one is made that holds no config yet: the network is joined.
        """
        blob = self._store.get(self._key)
        if blob is None:
            self._store.put(self._key, _NO_CONFIG)
        elif blob.strip():
            try:
                config = NetworkConfig.parse(blob)
                if config.nwid == self._nwid and config.member == member:
                    self._saved = config
            except ValueError:
                pass
            if self._saved is None:
                self._counters.count("saved_config_unusable")
        return self._saved

    def save(self, config: NetworkConfig) -> None:
        """Write a config that says something new, or when the certificate in the file grows old.

        With a certificate younger than half its window the node can talk at once after a reset.
        """
        old = self._saved
        if old is not None and not differs(old, config):
            age = config.timestamp - old.timestamp
            if 0 <= age <= config.credential_max_delta // 2:
                return
        try:
            self._store.put(self._key, config.raw)
        except OSError:
            # A full or worn-out flash must not keep the network from working.
            self._counters.count("config_not_saved")
            return
        self._saved = config

    def delete(self) -> None:
        self._store.delete(self._key)
