"""What a controller knows of a network and of a member, as read from their JSON records.

Owns the names, kinds and defaults of the fields (protocol/08 §8.6). Never reads a file and never
decides who may join; the command line uses the same classes, so both agree on what is valid.
"""

from .const import const
from .wire.address import address_from_text, inet_raw, ip_text, nwid_from_text, parse_ip
from .wire.config import (
    DEFAULT_MTU,
    MAX_MTU,
    MAX_NAME,
    MIN_MTU,
    ROLE_ACTIVE_BRIDGE,
    ROLE_ANCHOR,
    ROLE_RELAY,
    ROLE_REPLICATOR,
)
from .wire.rule_list import MAX_CAPABILITY_RULES, MAX_RULES
from .wire.rules import ACCEPT_ALL, count_rules, encode_rules

DEFAULT_MULTICAST_LIMIT = const(32)
DEFAULT_WINDOW = const(1800000)  # ms by which two certificates of membership may differ
MIN_WINDOW = const(300000)
MAX_WINDOW = const(7200000)
MAX_ROUTES = const(128)
MAX_CREDENTIALS = const(128)  # capabilities, or tags
MAX_DNS_SERVERS = const(4)
_MAX_DOMAIN = const(127)  # bytes; the field on the wire has 128 and ends with a NUL
_U32 = const(0xFFFFFFFF)
_U16 = const(0xFFFF)
_HEX16 = const(16)

_NUMBER = "a number"
_TEXT = "a string"
_BOOLEAN = "true or false"
_LIST = "a list"
_OBJECT = "an object"


class Route:
    """One route of a network: `via` is None, or the gateway's address. Addresses are bytes."""

    def __init__(self, fields: dict) -> None:
        self.target, self.bits = parse_prefix(_text(fields, "target"))
        via = _text(fields, "via")
        self.via = parse_ip(via) if via else None
        if self.via is not None and len(self.via) != len(self.target):
            raise ValueError(f"the gateway {via} cannot serve the route {fields['target']}")
        self.flags = _number(fields, "flags", 0, _U16)
        self.metric = _number(fields, "metric", 0, _U16)

    def contains(self, ip: bytes) -> bool:
        """Whether `ip` lies inside the target; only the first `bits` bits are looked at."""
        return len(ip) == len(self.target) and same_prefix(ip, self.target, self.bits)


class NetworkRecord:
    """A network. Built from its JSON object; ValueError, in one sentence, if a field is unusable.

    `fields` is the object itself, with everything in it that this class does not know.
    """

    def __init__(self, fields: dict) -> None:
        _check_object(fields)
        self.fields = fields
        self.nwid = nwid_from_text(_text(fields, "id") or _text(fields, "nwid"))
        self.name = _text(fields, "name")
        if len(self.name.encode()) > MAX_NAME:
            raise ValueError(f"name must not be longer than {MAX_NAME} bytes")
        self.private = _flag(fields, "private", True)
        self.revision = _number(fields, "revision", 1, None)
        self.mtu = _clamp(_number(fields, "mtu", DEFAULT_MTU, None), MIN_MTU, MAX_MTU)
        self.multicast_limit = _number(fields, "multicastLimit", DEFAULT_MULTICAST_LIMIT, _U32)
        self.broadcast = _flag(fields, "enableBroadcast", True)
        window = _number(fields, "certificateTimeoutWindowSize", 0, None) or DEFAULT_WINDOW
        self.window = _clamp(window, MIN_WINDOW, MAX_WINDOW)
        self.sso = _flag(fields, "ssoEnabled", False)
        self.sso_url = _text(fields, "authenticationURL")  # ours; where users sign in
        self.routes = [Route(route) for route in _objects(fields, "routes", MAX_ROUTES)]
        self.pools = [_pool(pool) for pool in _objects(fields, "ipAssignmentPools", None)]
        v4 = _object(fields, "v4AssignMode")
        v6 = _object(fields, "v6AssignMode")
        self.assign_ipv4 = _flag(v4, "zt", False)
        self.assign_ipv6 = _flag(v6, "zt", False)
        self.assign_6plane = _flag(v6, "6plane", False)
        self.assign_rfc4193 = _flag(v6, "rfc4193", False)
        self.rules = _rules(fields, MAX_RULES)
        self.capabilities = _capabilities(fields)  # id -> (given to new members, rule bytes)
        self.tags = _tag_defaults(fields)  # id -> default value or None
        self.tokens = _tokens(fields)  # token -> expiry in ms, 0 for never
        self.dns_domain, self.dns_servers = _dns(fields)
        _check_untouched(fields)

    def __repr__(self) -> str:
        return f"NetworkRecord({self.nwid.hex()})"

    def default_capabilities(self) -> list[int]:
        """The ids of the capabilities that new members get."""
        given = [id for id, (default, _) in self.capabilities.items() if default]
        given.sort()
        return given


class MemberRecord:
    """A member of a network. Built from its JSON object; ValueError if a field is unusable."""

    def __init__(self, fields: dict) -> None:
        _check_object(fields)
        self.fields = fields
        text = _text(fields, "address") or _text(fields, "id")
        self.address = address_from_text(text)
        self.identity = _text(fields, "identity")  # public identity string, or ""
        self.name = _text(fields, "name")
        self.authorized = _flag(fields, "authorized", False)
        self.active_bridge = _flag(fields, "activeBridge", False)
        self.anchor = _flag(fields, "anchor", False)  # this one and the next two are ours
        self.replicator = _flag(fields, "multicastReplicator", False)
        self.relay = _flag(fields, "networkRelay", False)
        self.no_auto_assign = _flag(fields, "noAutoAssignIps", False)
        self.sso_exempt = _flag(fields, "ssoExempt", False)
        self.sso_expiry = _number(fields, "authenticationExpiryTime", 0, None)  # ms; 0: never was
        self.ips = [parse_ip(ip) for ip in _each(fields, "ipAssignments", _TEXT)]
        self.capabilities = _capability_ids(fields)
        self.tags = _tag_values(fields)  # id -> value
        _check_untouched(fields)

    def __repr__(self) -> str:
        return f"MemberRecord({self.address.hex()})"

    def roles(self) -> int:
        """ROLE_* of a specialist; 0 for most members."""
        return (
            (ROLE_ACTIVE_BRIDGE if self.active_bridge else 0)
            | (ROLE_ANCHOR if self.anchor else 0)
            | (ROLE_REPLICATOR if self.replicator else 0)
            | (ROLE_RELAY if self.relay else 0)
        )

    def with_ips(self, ips: list[bytes]) -> "MemberRecord":
        """The same member with more IP addresses."""
        if not ips:
            return self
        fields = dict(self.fields)
        fields["ipAssignments"] = [ip_text(ip) for ip in self.ips + ips]
        return MemberRecord(fields)


def new_network(nwid: bytes, name: str, now: int) -> dict:
    """The record of a network that nobody has changed yet: private, a single rule ACCEPT."""
    return {
        "id": nwid.hex(),
        "nwid": nwid.hex(),
        "objtype": "network",
        "name": name,
        "private": True,
        "creationTime": now,
        "revision": 1,
        "mtu": DEFAULT_MTU,
        "multicastLimit": DEFAULT_MULTICAST_LIMIT,
        "enableBroadcast": True,
        "routes": [],
        "ipAssignmentPools": [],
        "v4AssignMode": {"zt": False},
        "v6AssignMode": {"zt": False, "6plane": False, "rfc4193": False},
        "rules": [{"type": "ACTION_ACCEPT"}],
        "capabilities": [],
        "tags": [],
        "authTokens": {},
        "dns": {"domain": "", "servers": []},
        "ssoEnabled": False,
        "authenticationURL": "",
        "remoteTraceTarget": None,
        "remoteTraceLevel": 0,
        "rulesSource": "",
    }


def new_member(nwid: bytes, address: bytes, now: int) -> dict:
    """The record of a member that was never seen."""
    return {
        "id": address.hex(),
        "address": address.hex(),
        "nwid": nwid.hex(),
        "objtype": "member",
        "name": "",
        "identity": "",
        "authorized": False,
        "activeBridge": False,
        "anchor": False,
        "multicastReplicator": False,
        "networkRelay": False,
        "noAutoAssignIps": False,
        "ipAssignments": [],
        "tags": [],
        "capabilities": [],
        "creationTime": now,
        "revision": 0,
        "lastAuthorizedTime": 0,
        "lastDeauthorizedTime": 0,
        "ssoExempt": False,
        "authenticationExpiryTime": 0,
        "remoteTraceTarget": None,
        "remoteTraceLevel": 0,
    }


def set_authorized(fields: dict, authorized: bool, credential: tuple[str, str], now: int) -> None:
    """Change whether a member may join; `credential` says how that came: (type, credential)."""
    if fields.get("authorized") is authorized:
        return
    fields["authorized"] = authorized
    if authorized:
        fields["lastAuthorizedTime"] = now
        fields["lastAuthorizedCredentialType"] = credential[0]
        fields["lastAuthorizedCredential"] = credential[1]
    else:
        fields["lastDeauthorizedTime"] = now


def parse_prefix(text: str) -> tuple[bytes, int]:
    """ "10.147.20.0/24" -> (4 or 16 address bytes, prefix bits)."""
    address, slash, bits = text.partition("/")
    ip = parse_ip(address)
    if not slash or not bits.isdigit() or int(bits) > 8 * len(ip):
        raise ValueError(f"{text!r} is not an address with a prefix length, like 10.147.20.0/24")
    return ip, int(bits)


def same_prefix(one: bytes, other: bytes, bits: int) -> bool:
    """Whether the first `bits` bits of two addresses of one family are equal."""
    shift = 8 * len(one) - bits
    return int.from_bytes(one, "big") >> shift == int.from_bytes(other, "big") >> shift


def _check_object(fields: object) -> None:
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")


def _check_untouched(fields: dict) -> None:
    """What is kept for others and means nothing to a controller."""
    _text(fields, "rulesSource")
    _text(fields, "remoteTraceTarget")
    _number(fields, "remoteTraceLevel", 0, _U32)


def _is(value: object, kind: str) -> bool:
    if kind == _BOOLEAN:
        return isinstance(value, bool)
    if kind == _NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == _TEXT:
        return isinstance(value, str)
    return isinstance(value, list if kind == _LIST else dict)


def _has(fields: dict, name: str, kind: str) -> bool:
    """Whether there is a field `name`; null is the same as missing, another kind is an error."""
    value = fields.get(name)
    if value is None:
        return False
    if not _is(value, kind):
        raise ValueError(f"{name} must be {kind}")
    return True


def _text(fields: dict, name: str) -> str:
    return str(fields[name]) if _has(fields, name, _TEXT) else ""


def _flag(fields: dict, name: str, default: bool) -> bool:
    return bool(fields[name]) if _has(fields, name, _BOOLEAN) else default


def _object(fields: dict, name: str) -> dict:
    return fields[name] if _has(fields, name, _OBJECT) else {}


def _number(fields: dict, name: str, default: int, most: int | None) -> int:
    value = int(fields[name]) if _has(fields, name, _NUMBER) else default
    if value < 0 or (most is not None and value > most):
        raise ValueError(f"{name} must be a number from 0" + (f" to {most}" if most else ""))
    return value


def _clamp(value: int, least: int, most: int) -> int:
    return min(max(value, least), most)


def _each(fields: dict, name: str, kind: str) -> list:
    values: list = fields[name] if _has(fields, name, _LIST) else []
    for value in values:
        if not _is(value, kind):
            raise ValueError(f"every entry of {name} must be {kind}")
    return values


def _objects(fields: dict, name: str, most: int | None) -> list[dict]:
    values = _each(fields, name, _OBJECT)
    if most is not None and len(values) > most:
        raise ValueError(f"{name} must not have more than {most} entries")
    return values


def _pool(fields: dict) -> tuple[bytes, bytes]:
    start = parse_ip(_text(fields, "ipRangeStart"))
    end = parse_ip(_text(fields, "ipRangeEnd"))
    if len(start) != len(end) or start > end:
        raise ValueError("ipRangeStart and ipRangeEnd must be the two ends of one range")
    return start, end


def _rules(fields: dict, most: int) -> bytes:
    if not _has(fields, "rules", _LIST):
        return ACCEPT_ALL
    blob = encode_rules(fields["rules"])
    if count_rules(blob) > most:
        raise ValueError(f"there must not be more than {most} rules")
    return blob


def _capabilities(fields: dict) -> dict[int, tuple[bool, bytes]]:
    found: dict[int, tuple[bool, bytes]] = {}
    for capability in _objects(fields, "capabilities", MAX_CREDENTIALS):
        rules = encode_rules(capability["rules"] if _has(capability, "rules", _LIST) else [])
        if count_rules(rules) > MAX_CAPABILITY_RULES:
            raise ValueError(f"a capability must not have more than {MAX_CAPABILITY_RULES} rules")
        given = _flag(capability, "default", False)
        found[_number(capability, "id", 0, _U32)] = (given, rules)
    return found


def _tag_defaults(fields: dict) -> dict[int, int | None]:
    found: dict[int, int | None] = {}
    for tag in _objects(fields, "tags", MAX_CREDENTIALS):
        default = None if tag.get("default") is None else _number(tag, "default", 0, _U32)
        found[_number(tag, "id", 0, _U32)] = default
    return found


def _capability_ids(fields: dict) -> list[int]:
    return [
        _number({"capabilities": n}, "capabilities", 0, _U32)
        for n in _each(fields, "capabilities", _NUMBER)
    ]


def _tag_values(fields: dict) -> dict[int, int]:
    found: dict[int, int] = {}
    for pair in _each(fields, "tags", _LIST):
        if len(pair) != 2:
            raise ValueError("every entry of tags must be [id, value]")
        entry = {"id": pair[0], "value": pair[1]}
        found[_number(entry, "id", 0, _U32)] = _number(entry, "value", 0, _U32)
    return found


def _tokens(fields: dict) -> dict[str, int]:
    tokens = fields.get("authTokens")
    if not tokens:  # the reference writes null, or an empty list, for none
        return {}
    if not isinstance(tokens, dict):
        raise ValueError("authTokens must be an object of token and expiry time")
    return {token: _number(tokens, token, 0, None) for token in tokens}


def _dns(fields: dict) -> tuple[str, list[bytes]]:
    dns = fields.get("dns")
    if not dns:
        return "", []
    if not isinstance(dns, dict):
        raise ValueError("dns must be an object of domain and servers")
    domain = _text(dns, "domain")
    if len(domain.encode()) > _MAX_DOMAIN:
        raise ValueError(f"the DNS domain must not be longer than {_MAX_DOMAIN} bytes")
    servers = [inet_raw(parse_ip(ip), 0) for ip in _each(dns, "servers", _TEXT)]
    if len(servers) > MAX_DNS_SERVERS:
        raise ValueError(f"there must not be more than {MAX_DNS_SERVERS} DNS servers")
    return domain, servers
