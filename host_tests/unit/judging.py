"""What tests of rules share: a judging node made from the fields of rule_verdicts.json.

Owns the packed records of Holdings, written here once more, apart from the package. Never a verdict.
"""

import json

from _zerotier import Holdings

from host_tests.unit.support import VECTORS

NOBODY = bytes(5)
DROP, ACCEPT, SUPER_ACCEPT, REDIRECT, NO_MATCH, VERIFY = range(6)
CAPABILITY, TAG, OWNERSHIP = 2, 3, 4

KINDS = {"mac": 1, "ipv4": 2, "ipv6": 3}

FLAG_NDP_EMULATION = 0x04
FLAG_UNSUPPORTED_MATCHES = 0x08


def recorded_cases() -> object:
    """The cases of rule_verdicts.json one by one: all at once are too many for a board's heap."""
    with open(VECTORS + "rule_verdicts.json") as file:
        for line in file:
            if line.startswith("{"):
                yield json.loads(line.rstrip().rstrip(","))


def tag(id: int, value: int, trust: int = 1) -> bytes:
    return id.to_bytes(4, "big") + bytes((trust,)) + value.to_bytes(4, "big")


def thing(kind: int, value: bytes, certificate: int = 1, trust: int = 1) -> bytes:
    return certificate.to_bytes(4, "big") + bytes((trust, kind)) + value + bytes(16 - len(value))


def capability(id: int, rules: bytes, trust: int = 1) -> bytes:
    return id.to_bytes(4, "big") + bytes((trust,)) + len(rules).to_bytes(2, "big") + rules


def held_by(party: dict) -> Holdings:
    """Everything that a `sender` or `receiver` of a recorded case has, all of it trusted."""
    tags = [tag(id, value) for id, value in sorted(party["tags"])]
    things = []
    for number, certificate in enumerate(party["ownership"]):
        for item in certificate:
            value = bytes.fromhex(item["value_hex"])
            things.append(thing(KINDS[item["type"]], value, number + 1))
    capabilities = [
        capability(item["id"], bytes.fromhex(item["rules_hex"]))
        for item in sorted(party["capabilities"], key=lambda item: item["id"])
    ]
    return Holdings(b"".join(tags), b"".join(things), b"".join(capabilities))


def own_prefixes(nwid: bytes, address: bytes, flags: int, ips: list) -> bytes:
    """The prefixes of our own 6PLANE and RFC4193 addresses, packed, if NDP is emulated."""
    packed = b""
    if flags & FLAG_NDP_EMULATION:
        mixed = bytes([nwid[i] ^ nwid[i + 4] for i in range(4)])
        plane = b"\xfc" + mixed
        rfc4193 = b"\xfd" + nwid + b"\x99\x93"
        if plane + address + b"\x00\x00\x00\x00\x00\x01" in ips:
            packed += b"\x05" + plane
        if rfc4193 + address in ips:
            packed += b"\x0b" + rfc4193
    return packed


def frame_of(fields: dict) -> bytes:
    return bytes.fromhex(
        fields["dst_mac"] + fields["src_mac"] + fields["ethertype"] + fields["payload_hex"]
    )
