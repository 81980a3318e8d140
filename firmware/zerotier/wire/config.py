"""Network configs: what a controller tells a member, and what the member tells about itself.

Owns the keys of both dictionaries (protocol/06 §6.4, §6.6); the pieces in which a config travels are
in `chunk`. Never applies a config and never checks a signature.
"""

from ..const import const
from . import address, dictionary
from .bounds import raw, u16, u16_bytes
from .chunk import Chunk as Chunk
from .credentials import Capability, Membership, Ownership, Tag
from .hello import PROTOCOL_VERSION, VERSION
from .rule_list import MAX_CAPABILITY_RULES, MAX_RULES, base_end

CONFIG_VERSION = const(7)
_OLDEST_VERSION = const(6)
_VENDOR = const(0)  # unspecified

FLAG_BROADCAST = const(0x02)
FLAG_NDP_EMULATION = const(0x04)
FLAG_UNSUPPORTED_MATCHES = const(0x08)
FLAG_NO_COMPRESSION = const(0x10)

# Roles of a specialist: the first three bytes of its eight.
ROLE_ACTIVE_BRIDGE = const(0x02)
ROLE_ANCHOR = const(0x04)
ROLE_REPLICATOR = const(0x08)
ROLE_RELAY = const(0x10)  # protocol/14 §14.3

DEFAULT_MTU = const(2800)
MIN_MTU = const(1280)
MAX_MTU = const(10000)
MAX_NAME = const(127)

_SPECIALIST_SIZE = const(8)
_DNS_DOMAIN = const(128)
_DNS_SERVERS = const(4)
_NO_DNS = bytes(_DNS_DOMAIN + _DNS_SERVERS)

# What an SSO network adds, in this order (protocol/06 §6.6). Kept as they came.
SSO_KEYS = ("aurl", "aexpt", "iurl", "ssoce", "sson", "ssos", "ssocid", "ssop")


# How many items of each list are kept (protocol/06 §6.6); what is over is counted in `NetworkConfig.dropped`. A list
# of rules that is cut off fails closed: a frame that matches no rule is dropped.
_MAX_CAPABILITIES = const(128)
_MAX_TAGS = const(128)
_MAX_OWNERSHIPS = const(4)
_MAX_SPECIALISTS = const(256)
_MAX_ROUTES = const(128)
_MAX_ADDRESSES = const(32)


class NetworkConfig:
    """One network as its controller describes it to one member.

    `nwid` 8 bytes; `member` 5; `timestamp`, `credential_max_delta` ms; `mtu` bytes; `flags` FLAG_*.
    `addresses`: endpoints whose port is the prefix length. `routes`: (target, via, flags, metric),
    target like an address, via an endpoint or NIL. `specialists`: (address, roles). `rules`: bytes,
    none of them drops everything. `dns_raw`: the value as it came, or empty. `sso`: key to value.
    `raw`: the dictionary that was parsed, the form in which a config is kept.
    """

    def __init__(self) -> None:
        self.raw = b""
        self.version = CONFIG_VERSION
        self.nwid = bytes(8)
        self.timestamp = 0
        self.credential_max_delta = 0
        self.revision = 0
        self.member = bytes(5)
        self.trace_target = bytes(5)
        self.trace_level = 0
        self.flags = 0
        self.multicast_limit = 0
        self.public = False
        self.name = ""
        self.mtu = DEFAULT_MTU
        self.membership: Membership | None = None
        self.capabilities: list[Capability] = []
        self.tags: list[Tag] = []
        self.ownerships: list[Ownership] = []
        self.specialists: list[tuple[bytes, int]] = []
        self.routes: list[tuple[bytes, bytes, int, int]] = []
        self.addresses: list[bytes] = []
        self.rules = b""
        self.dns_raw = b""
        self.dns_domain = ""
        self.dns_servers: list[bytes] = []
        self.sso_version = 0
        self.sso_enabled = False
        self.sso: dict[str, bytes] = {}
        self.dropped = 0

    @classmethod
    def parse(cls, blob: bytes | memoryview) -> "NetworkConfig":
        """The config in a dictionary; ValueError if it must be refused (protocol/06 §6.5, §6.6).

        A broken capability or tag only ends its list. The credentials are not verified.
        """
        config = cls()
        config.raw = bytes(blob)
        items = dictionary.parse(config.raw)
        config._parse_head(items)
        config._parse_credentials(items)
        config._parse_lists(items)
        config._parse_dns(items.get("DNS", b""))
        config.sso_version = dictionary.get_int(items, "ssov")
        config.sso_enabled = dictionary.get_bool(items, "ssoe")
        for key in SSO_KEYS:
            if key in items:
                config.sso[key] = items[key]
        return config

    def encode(self) -> bytes:
        """The dictionary."""
        return dictionary.encode(self.items())

    def items(self) -> list[tuple[str, bytes]]:
        """Its keys and values in the order in which controllers write them (protocol/06 §6.6)."""
        items = [
            ("v", dictionary.hex16(self.version)),
            ("nwid", self.nwid.hex().encode()),
            ("ts", dictionary.hex16(self.timestamp)),
            ("ctmd", dictionary.hex16(self.credential_max_delta)),
            ("r", dictionary.hex16(self.revision)),
            ("id", self.member.hex().encode()),
            ("tt", self.trace_target.hex().encode()),
            ("tl", dictionary.hex16(self.trace_level)),
            ("f", dictionary.hex16(self.flags)),
            ("ml", dictionary.hex16(self.multicast_limit)),
            ("t", dictionary.hex16(1 if self.public else 0)),
            ("n", self.name.encode()[:MAX_NAME]),
            ("mtu", dictionary.hex16(self.mtu)),
        ]
        if self.membership is not None:
            items.append(("C", self.membership.encode()))
        specialists = [roles.to_bytes(3, "big") + node for node, roles in self.specialists]
        routes = [
            target + via + u16_bytes(flags) + u16_bytes(metric)
            for target, via, flags, metric in self.routes
        ]
        for key, value in (
            ("CAP", b"".join([capability.encode() for capability in self.capabilities])),
            ("TAG", b"".join([tag.encode() for tag in self.tags])),
            ("COO", b"".join([ownership.encode() for ownership in self.ownerships])),
            ("S", b"".join(specialists)),
            ("RT", b"".join(routes)),
            ("I", b"".join(self.addresses)),
            ("R", self.rules),
        ):
            if value:
                items.append((key, value))
        items.append(("DNS", self.dns_raw or _NO_DNS))
        items.append(("ssov", dictionary.hex16(self.sso_version)))
        items.append(("ssoe", b"1" if self.sso_enabled else b"0"))
        for key in SSO_KEYS:
            if key in self.sso:
                items.append((key, self.sso[key]))
        return items

    def specialists_with(self, role: int) -> list[bytes]:
        """The addresses that have this ROLE_*."""
        return [node for node, roles in self.specialists if roles & role]

    def _parse_head(self, items: dict[str, bytes]) -> None:
        self.version = dictionary.get_int(items, "v")
        if self.version < _OLDEST_VERSION:
            raise ValueError("the network config has a format that is too old")
        nwid = dictionary.get_int(items, "nwid")
        member = _address(items, "id")
        if nwid <= 0 or member == bytes(5):
            raise ValueError("the network config names no network or no member")
        self.nwid = nwid.to_bytes(8, "big")
        self.member = member
        self.timestamp = dictionary.get_int(items, "ts")
        self.credential_max_delta = dictionary.get_int(items, "ctmd")
        self.revision = dictionary.get_int(items, "r")
        self.trace_target = _address(items, "tt")
        self.trace_level = dictionary.get_int(items, "tl")
        self.flags = dictionary.get_int(items, "f")
        self.multicast_limit = dictionary.get_int(items, "ml")
        self.public = dictionary.get_int(items, "t") == 1
        self.name = _words(items.get("n", b"")[:MAX_NAME])
        mtu = dictionary.get_int(items, "mtu", DEFAULT_MTU)
        self.mtu = min(max(mtu, MIN_MTU), MAX_MTU)

    def _parse_credentials(self, items: dict[str, bytes]) -> None:
        if "C" in items:
            self.membership = Membership.parse(items["C"])[0]
        self.capabilities = self._items(Capability, items.get("CAP"), _MAX_CAPABILITIES, False)
        self.tags = self._items(Tag, items.get("TAG"), _MAX_TAGS, False)
        self.ownerships = self._items(Ownership, items.get("COO"), _MAX_OWNERSHIPS, True)
        self.capabilities.sort(key=_id)
        self.tags.sort(key=_id)

    def _items(self, kind: type, value: bytes | None, limit: int, strict: bool) -> list:
        """The credentials in `value`; each keeps its bytes, in which it is pushed to others."""
        kept: list = []
        offset = 0
        while value is not None and offset < len(value):
            try:
                item, end = kind.parse(value, offset)  # type: ignore[attr-defined]
            except ValueError:
                if strict:
                    raise
                return kept
            if len(kept) < limit:
                item.verbatim = value[offset:end]
                kept.append(item)
            else:
                self.dropped += 1
            offset = end
        return kept

    def _parse_lists(self, items: dict[str, bytes]) -> None:
        value = items.get("S", b"")
        for offset in range(0, len(value) - _SPECIALIST_SIZE + 1, _SPECIALIST_SIZE):
            roles = int.from_bytes(value[offset : offset + 3], "big")
            entry = (value[offset + 3 : offset + _SPECIALIST_SIZE], roles)
            self._keep(self.specialists, entry, _MAX_SPECIALISTS)
        value = items.get("RT", b"")
        offset = 0
        while offset < len(value):
            target, offset = address.parse(value, offset)
            via, offset = address.parse(value, offset)
            route = (target, via, u16(value, offset), u16(value, offset + 2))
            self._keep(self.routes, route, _MAX_ROUTES)
            offset += 4
        value = items.get("I", b"")
        offset = 0
        while offset < len(value):
            endpoint, offset = address.parse(value, offset)
            self._keep(self.addresses, endpoint, _MAX_ADDRESSES)
        value = items.get("R", b"")
        kept = base_end(value)
        if kept < len(value):
            self.dropped += 1
        self.rules = value[:kept]

    def _keep(self, entries: list, entry: object, limit: int) -> None:
        if len(entries) < limit:
            entries.append(entry)
        else:
            self.dropped += 1

    def _parse_dns(self, value: bytes) -> None:
        if not value:
            return
        domain = raw(value, 0, _DNS_DOMAIN)
        offset = _DNS_DOMAIN
        for _ in range(_DNS_SERVERS):
            server, offset = address.parse(value, offset)
            if server != address.NIL:
                self.dns_servers.append(server)
        self.dns_raw = value
        self.dns_domain = _words(domain.split(b"\x00")[0])


def encode_dns(domain: str, servers: list[bytes] | tuple) -> bytes:
    """The value of `DNS`: a domain (at most 127 bytes) and up to 4 endpoints with port 0."""
    name = domain.encode()
    if len(name) >= _DNS_DOMAIN:
        raise ValueError("a DNS domain must be shorter than 128 bytes")
    if len(servers) > _DNS_SERVERS:
        raise ValueError("a network has at most 4 DNS servers")
    value = name + bytes(_DNS_DOMAIN - len(name)) + b"".join(servers)
    return value + address.NIL * (_DNS_SERVERS - len(servers))


def request_metadata(rules_revision: int = 0, auth_token: str = "") -> bytes:
    """The dictionary of a NETWORK_CONFIG_REQUEST (protocol/06 §6.4).

    With `rules_revision` 0 the key `revr` is left out: the controller then sends one ACCEPT rule and
    neither capabilities nor tags. A node that judges frames announces 1.
    """
    major, minor, revision = VERSION
    items = [
        ("v", dictionary.hex16(CONFIG_VERSION)),
        ("vend", dictionary.hex16(_VENDOR)),
        ("pv", dictionary.hex16(PROTOCOL_VERSION)),
        ("majv", dictionary.hex16(major)),
        ("minv", dictionary.hex16(minor)),
        ("revv", dictionary.hex16(revision)),
        ("mr", dictionary.hex16(MAX_RULES)),
        ("mc", dictionary.hex16(_MAX_CAPABILITIES)),
        ("mcr", dictionary.hex16(MAX_CAPABILITY_RULES)),
        ("mt", dictionary.hex16(_MAX_TAGS)),
        ("f", dictionary.hex16(0)),
    ]
    if rules_revision:
        items.append(("revr", dictionary.hex16(rules_revision)))
    items.append(("o", b"micropython"))
    if auth_token:
        items.append(("a", b"token:" + auth_token.encode()))
    return dictionary.encode(items)


def _address(items: dict[str, bytes], key: str) -> bytes:
    """An address in hex; more than 40 bits lose the upper ones."""
    return (dictionary.get_int(items, key) & 0xFFFFFFFFFF).to_bytes(5, "big")


def _id(credential: Capability | Tag) -> int:
    return credential.id


def _words(value: bytes) -> str:
    """Text for people: UTF-8, or with question marks for what is not ASCII if it is broken."""
    try:
        return value.decode()
    except ValueError:
        return "".join([chr(byte) if byte < 0x80 else "?" for byte in value])
