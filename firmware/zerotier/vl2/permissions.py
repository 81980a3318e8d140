"""What a user lets one network do to this device: its addresses, routes and DNS servers.

Owns the file `networks.d/<nwid>.local.conf` (protocol/10 §10.1) and the policy of protocol/07 §7.10.
Never touches a network interface.
"""

from ..wire import address
from .subnet import covers, parse_prefix, prefix_text

FOLDER = "networks.d/"
SUFFIX = ".local.conf"

_MANAGED = "allowManaged"
_GLOBAL = "allowGlobal"
_DEFAULT = "allowDefault"
_DNS = "allowDNS"

_REFUSED = (
    address.SCOPE_NONE,
    address.SCOPE_MULTICAST,
    address.SCOPE_LOOPBACK,
    address.SCOPE_LINK_LOCAL,
)


class Permissions:
    """`managed`: addresses and routes at all; `prefixes`: if there are any, only inside these.
    `public`: those of the Internet, by which a controller could take over traffic; `default`: the
    route to everywhere; `dns`: name servers.
    """

    def __init__(self, store, nwid: bytes) -> None:
        self._store = store
        self._key = FOLDER + nwid.hex() + SUFFIX
        self.managed = True
        self.prefixes: list[tuple[bytes, int]] = []
        self.public = False
        self.default = False
        self.dns = False
        self._load()

    def _load(self) -> None:
        """Lines that cannot be read allow nothing more than what holds without them."""
        value = self._store.get(self._key) or b""
        for line in value.split(b"\n"):
            name, _, setting = line.strip().partition(b"=")
            try:
                self._read(name.decode(), setting.decode())
            except ValueError:
                self.managed = self.managed and name != _MANAGED.encode()

    def _read(self, name: str, setting: str) -> None:
        if name == _MANAGED:
            self.set_managed({"0": False, "1": True}.get(setting, setting))
        elif name == _GLOBAL:
            self.public = setting == "1"
        elif name == _DEFAULT:
            self.default = setting == "1"
        elif name == _DNS:
            self.dns = setting == "1"

    def set_managed(self, managed: bool | str) -> None:
        """True, False, or the prefixes that are allowed: "10.0.0.0/8,fd00::/8". ValueError."""
        if isinstance(managed, str):
            self.prefixes = [parse_prefix(text.strip()) for text in managed.split(",")]
            self.managed = True
        else:
            self.prefixes = []
            self.managed = managed

    def managed_text(self) -> bool | str:
        """As `set_managed` takes it."""
        if self.managed and self.prefixes:
            return ",".join([prefix_text(ip, bits) for ip, bits in self.prefixes])
        return self.managed

    def save(self) -> None:
        """OSError if the store cannot be written."""
        managed = self.managed_text()
        settings = (
            (_MANAGED, managed if isinstance(managed, str) else "%d" % managed),
            (_GLOBAL, "%d" % self.public),
            (_DEFAULT, "%d" % self.default),
            (_DNS, "%d" % self.dns),
        )
        lines = ["%s=%s\n" % setting for setting in settings]
        self._store.put(self._key, "".join(lines).encode())

    def delete(self) -> None:
        """The network was left."""
        self._store.delete(self._key)

    def allow(self, ip: bytes, bits: int) -> bool:
        """Whether this address, or a route to this prefix, may be applied."""
        if not self.managed:
            return False
        scope = address.scope(address.inet_raw(ip, 0))
        if scope in _REFUSED or (scope == address.SCOPE_GLOBAL and not self.public):
            return False
        if not self.prefixes:
            return True
        for prefix, length in self.prefixes:
            if bits >= length and covers(prefix, length, ip):
                return True
        return False
