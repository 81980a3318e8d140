"""Network rules: between the JSON form that people write and the bytes that members get.

Owns both forms (protocol/07 §7.7 and protocol/08 §8.6). Never judges a frame.
"""

from ..const import const
from .address import address_from_text, ip_text, is_hex, parse_ip
from .rule_list import MAX_RULES

NOT = const(0x80)
OR = const(0x40)
_TYPE_MASK = const(0x3F)
_FIRST_MATCH = const(16)

_ACTION_TEE = const(2)
_ACTION_WATCH = const(3)
_ACTION_REDIRECT = const(4)
_ICMP = const(38)
_IPV4_SIZE = const(4)
_CHECK_CODE = const(1)  # flag of ICMP

ACCEPT_ALL = b"\x01\x00"  # a single ACTION_ACCEPT

# The fields of a rule in the order of its bytes: (name in JSON, kind). A kind that is a number is
# the size of an unsigned integer; the others are in _write() and _read().
_TARGET = (("address", "zt8"), ("flags", 4), ("length", 2))
_RANGE = (("start", 2), ("end", "end2"))
_TAG = (("id", 4), ("value", 4))

_TYPES: dict[int, tuple[str, tuple]] = {
    0: ("ACTION_DROP", ()),
    1: ("ACTION_ACCEPT", ()),
    _ACTION_TEE: ("ACTION_TEE", _TARGET),
    _ACTION_WATCH: ("ACTION_WATCH", _TARGET),
    _ACTION_REDIRECT: ("ACTION_REDIRECT", (("address", "zt8"), ("flags", 4), ("", 2))),
    5: ("ACTION_BREAK", ()),
    6: ("ACTION_PRIORITY", ()),
    24: ("MATCH_SOURCE_ZEROTIER_ADDRESS", (("zt", "zt5"),)),
    25: ("MATCH_DEST_ZEROTIER_ADDRESS", (("zt", "zt5"),)),
    26: ("MATCH_VLAN_ID", (("vlanId", 2),)),
    27: ("MATCH_VLAN_PCP", (("vlanPcp", 1),)),
    28: ("MATCH_VLAN_DEI", (("vlanDei", 1),)),
    29: ("MATCH_MAC_SOURCE", (("mac", "mac"),)),
    30: ("MATCH_MAC_DEST", (("mac", "mac"),)),
    31: ("MATCH_IPV4_SOURCE", (("ip", "ip4"),)),
    32: ("MATCH_IPV4_DEST", (("ip", "ip4"),)),
    33: ("MATCH_IPV6_SOURCE", (("ip", "ip16"),)),
    34: ("MATCH_IPV6_DEST", (("ip", "ip16"),)),
    35: ("MATCH_IP_TOS", (("mask", 1), ("start", 1), ("end", 1))),
    36: ("MATCH_IP_PROTOCOL", (("ipProtocol", 1),)),
    37: ("MATCH_ETHERTYPE", (("etherType", 2),)),
    _ICMP: ("MATCH_ICMP", (("icmpType", 1), ("icmpCode", "code"))),
    39: ("MATCH_IP_SOURCE_PORT_RANGE", _RANGE),
    40: ("MATCH_IP_DEST_PORT_RANGE", _RANGE),
    41: ("MATCH_CHARACTERISTICS", (("mask", "hex8"),)),
    42: ("MATCH_FRAME_SIZE_RANGE", _RANGE),
    43: ("MATCH_RANDOM", (("probability", 4),)),
    44: ("MATCH_TAGS_DIFFERENCE", _TAG),
    45: ("MATCH_TAGS_BITWISE_AND", _TAG),
    46: ("MATCH_TAGS_BITWISE_OR", _TAG),
    47: ("MATCH_TAGS_BITWISE_XOR", _TAG),
    48: ("MATCH_TAGS_EQUAL", _TAG),
    49: ("MATCH_TAG_SENDER", _TAG),
    50: ("MATCH_TAG_RECEIVER", _TAG),
    51: ("INTEGER_RANGE", (("start", "hex8"), ("end", "hex8"), ("idx", 2), ("bits", "format"))),
}
# Bytes of the kinds that are not plain numbers.
_SIZES = {
    "zt5": 5,
    "zt8": 8,  # an address in the low bytes of 64 bits
    "mac": 6,
    "ip4": 5,  # with prefix bits
    "ip16": 17,
    "hex8": 8,
    "end2": 2,  # missing means: the same as start
    "code": 2,  # an ICMP code and whether it counts
    "format": 1,
}


def encode_rules(rules: list) -> bytes:
    """The bytes of a list of rules in JSON form (dicts); missing fields are 0.

    ValueError, naming the rule, if one has an unknown type or a value that does not fit: a rule
    that silently vanished would open or close a network.
    """
    if not isinstance(rules, list):
        raise ValueError("rules must be a list")
    blob = bytearray()
    for number, rule in enumerate(rules):
        try:
            blob += _encode_rule(rule)
        except ValueError as error:
            raise ValueError(f"rule {number + 1}: {error}")
    return bytes(blob)


def decode_rules(blob: bytes) -> list[dict]:
    """The JSON form of rule bytes, in their order, with all fields.

    A type without a name (a later version's) is shown as {"type": "UNKNOWN_<n>"}: it keeps its
    place in the chain of matches (protocol/07 §7.7). ValueError if a rule runs off the end.
    """
    rules: list[dict] = []
    offset = 0
    while offset < len(blob) and len(rules) < MAX_RULES:
        if offset + 2 > len(blob):
            raise ValueError("a rule ends after its type")
        first, length = blob[offset], blob[offset + 1]
        rules.append(_decode_rule(first, blob, offset + 2))
        offset += 2 + length
    return rules


def count_rules(blob: bytes) -> int:
    """How many rules `blob`, which encode_rules() made, has."""
    count = 0
    offset = 0
    while offset < len(blob):
        offset += 2 + blob[offset + 1]
        count += 1
    return count


def _encode_rule(rule: dict) -> bytes:
    if not isinstance(rule, dict):
        raise ValueError("it must be an object with a type")
    name = rule.get("type")
    code = _code_of(name)
    body = b"".join([_write(rule, field, kind) for field, kind in _TYPES[code][1]])
    if code >= _FIRST_MATCH:
        code |= (NOT if rule.get("not") else 0) | (OR if rule.get("or") else 0)
    return bytes((code, len(body))) + body


def _code_of(name: object) -> int:
    for code, (known, _) in _TYPES.items():
        if known == name:
            return code
    raise ValueError(f"there is no type {name!r}")


def _decode_rule(first: int, blob: bytes, offset: int) -> dict:
    code = first & _TYPE_MASK
    name, fields = _TYPES.get(code, (f"UNKNOWN_{code}", ()))
    rule: dict = {"type": name}
    for field, kind in fields:
        size = _size(kind)
        if offset + size > len(blob):
            raise ValueError(f"a rule of type {name} runs off the end")
        _read(rule, field, kind, bytes(blob[offset : offset + size]))
        offset += size
    if code >= _FIRST_MATCH:
        rule["not"] = bool(first & NOT)
        rule["or"] = bool(first & OR)
    return rule


def _size(kind: int | str) -> int:
    return kind if isinstance(kind, int) else _SIZES[kind]


def _write(rule: dict, field: str, kind: int | str) -> bytes:
    """The bytes of one field of `rule`."""
    value = rule.get(field)
    if isinstance(kind, int):
        return _number(field, value, kind)
    if kind == "end2":
        return _number(field, rule.get("start") if value is None else value, 2)
    if kind in ("zt5", "zt8"):
        address = bytes(5) if value is None else address_from_text(_text(field, value))
        return address if kind == "zt5" else bytes(3) + address
    if kind == "mac":
        return bytes(6) if value is None else _mac(_text(field, value))
    if kind in ("ip4", "ip16"):
        return _prefix(field, value, 4 if kind == "ip4" else 16)
    if kind == "hex8":
        return _hex(field, value)
    if kind == "code":  # a code of null means: any
        return _number(field, value, 1) + bytes((0 if value is None else _CHECK_CODE,))
    if not isinstance(value, int) or not 1 <= value <= 64:  # kind "format"
        raise ValueError(f"{field} must be 1 to 64")
    return bytes((value - 1 | (NOT if rule.get("little") else 0),))


def _read(rule: dict, field: str, kind: int | str, value: bytes) -> None:
    """Put the field that the bytes `value` hold into `rule`; the inverse of _write()."""
    if not field:
        return
    if kind in ("zt5", "zt8"):
        rule[field] = value[-5:].hex()
    elif kind == "mac":
        rule[field] = ":".join([f"{byte:02x}" for byte in value])
    elif kind in ("ip4", "ip16"):
        rule[field] = f"{ip_text(value[:-1])}/{value[-1]}"
    elif kind == "hex8":
        rule[field] = value.hex()
    elif kind == "code":
        rule[field] = value[0] if value[1] & _CHECK_CODE else None
    elif kind == "format":
        rule[field] = (value[0] & 0x3F) + 1
        rule["little"] = bool(value[0] & NOT)
    else:
        rule[field] = int.from_bytes(value, "big")


def _number(field: str, value: object, size: int) -> bytes:
    if value is None:
        value = 0
    if not isinstance(value, int) or not 0 <= value < 1 << 8 * size:
        raise ValueError(f"{field} must be a number from 0 to {(1 << 8 * size) - 1}")
    return int(value).to_bytes(size, "big")


def _hex(field: str, value: object) -> bytes:
    """Eight bytes from hex digits; plain numbers are taken too."""
    if not isinstance(value, str):
        return _number(field, value, 8)
    if not 0 < len(value) <= 16 or not is_hex(value):
        raise ValueError(f"{field} must be up to 16 hex digits")
    return int(value, 16).to_bytes(8, "big")


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{field} must be a string")
    return value


def _mac(text: str) -> bytes:
    parts = text.split(":")
    if len(parts) != 6 or not all(len(part) == 2 and is_hex(part) for part in parts):
        raise ValueError(f"{text!r} is not a MAC address like 02:11:22:33:44:55")
    return bytes([int(part, 16) for part in parts])


def _prefix(field: str, value: object, size: int) -> bytes:
    """Address bytes and prefix bits.

    The bits must be written: the reference takes an address without them for 0 bits, which matches
    everything, and nobody means that.
    """
    if value is None:
        return bytes(size + 1)
    text, _, bits = _text(field, value).partition("/")
    address = parse_ip(text)
    if len(address) != size:
        raise ValueError(f"{text} is not an IPv{4 if size == _IPV4_SIZE else 6} address")
    if not bits.isdigit():
        raise ValueError(f"{text} needs a prefix length, like {text}/{8 * size}")
    return address + bytes((min(int(bits), 8 * size),))
