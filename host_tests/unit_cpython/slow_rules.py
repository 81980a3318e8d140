"""A second reading of protocol/07 §7.7 to §7.9: rules evaluated slowly, one sentence at a time.

Owns nothing of the product: no code of the package is imported, and every number is from the
specification. Never fast, never used for anything but to be compared with the rules engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NOBODY = bytes(5)

# Value bytes of each known type, from the table of §7.7.
LENGTHS = {0: 0, 1: 0, 2: 14, 3: 14, 4: 14, 5: 0, 6: 0}
LENGTHS |= {24: 5, 25: 5, 26: 2, 27: 1, 28: 1, 29: 6, 30: 6, 31: 5, 32: 5, 33: 17, 34: 17, 35: 3}
LENGTHS |= {36: 1, 37: 2, 38: 3, 39: 4, 40: 4, 41: 8, 42: 4, 43: 4, 44: 8, 45: 8, 46: 8, 47: 8}
LENGTHS |= {48: 8, 49: 8, 50: 8, 51: 19}

HARD_NO, NO, YES, HARD_YES = "hard no", "no", "yes", "hard yes"


class Undecided(Exception):
    """A credential whose signature was not looked at decides. Arguments: kind, id."""


@dataclass
class Rule:
    type: int
    inverted: bool
    either: bool
    value: bytes


@dataclass
class Member:
    """What is known of one side. `tags`: id -> (value, trusted); `things`: (kind, value, certificate
    id, trusted); `capabilities`: (id, rules, trusted), ids ascending.
    """

    tags: dict = field(default_factory=dict)
    things: list = field(default_factory=list)
    capabilities: list = field(default_factory=list)


@dataclass
class Pass:
    """One pass of one frame (the inputs of §7.8). `theirs` None: nothing is known of the other."""

    inbound: bool
    us: bytes
    other: bytes
    own: Member
    theirs: Member | None
    destination_mac: bytes
    source_mac: bytes
    ethertype: int
    payload: bytes
    unsupported: bool = False
    prefixes: tuple = ()

    @property
    def zt_source(self) -> bytes:
        return self.other if self.inbound else self.us

    @property
    def zt_destination(self) -> bytes:
        return self.us if self.inbound else self.other


def read_rules(blob: bytes) -> list[Rule]:
    """The rules of a config; ValueError if it must be refused."""
    rules = []
    position = 0
    while position < len(blob) and len(rules) < 1024:
        if position + 1 >= len(blob):
            raise ValueError("no length")
        first, announced = blob[position : position + 2]
        size = LENGTHS.get(first & 0x3F, 0)
        value = blob[position + 2 : position + 2 + size]
        if len(value) != size:
            raise ValueError("cut off")
        rules.append(Rule(first & 0x3F, bool(first & 0x80), bool(first & 0x40), value))
        position += 2 + announced
    return rules


# --- one list ---


class Evaluation:
    """The state of §7.8, fresh for every list."""

    def __init__(self, situation: Pass) -> None:
        self.at = situation
        self.set = True
        self.skip_drop = False
        self.super = False
        self.copy: tuple | None = None
        self.redirect: bytes | None = None

    def run(self, rules: list[Rule]) -> str:
        for rule in rules:
            if rule.type >= 16:
                self.match(rule)
            elif self.set:
                verdict = self.take(rule)
                if verdict:
                    return verdict
            else:
                if self.at.inbound and rule.type in (2, 3, 4) and rule.value[3:8] == self.at.us:
                    self.super = True
                self.set = True
        return "no match"

    def match(self, rule: Rule) -> None:
        if not self.set and not rule.either:
            return
        outcome = Matching(self, rule).outcome()
        if rule.inverted:
            outcome = {NO: YES, YES: NO}.get(outcome, outcome)
        true = outcome in (YES, HARD_YES)
        self.set = (self.set or true) if rule.either else (self.set and true)

    def take(self, rule: Rule) -> str | None:
        if rule.type == 0:
            if not self.skip_drop:
                return "drop"
            self.skip_drop = False
        elif rule.type == 1:
            return "super" if self.super else "accept"
        elif rule.type == 6:
            return "accept"
        elif rule.type == 5:
            return "no match"
        elif rule.type in (2, 3, 4):
            return self.forward(rule)
        return None

    def forward(self, rule: Rule) -> str | None:
        target = rule.value[3:8]
        if target == self.at.zt_source:
            return None
        if target == self.at.us:
            return "super" if self.at.inbound else None
        if target == self.at.zt_destination:
            return None
        if rule.type == 4:
            self.redirect = target
            return "redirect" if target != NOBODY else "accept"
        wanted = int.from_bytes(rule.value[12:14], "big")
        whole = len(self.at.payload)
        length = whole if wanted == 0 else min(whole, wanted)
        self.copy = None if target == NOBODY else (target, length, rule.type == 3)
        return None


class Matching:
    """One match rule against one frame."""

    def __init__(self, evaluation: Evaluation, rule: Rule) -> None:
        self.evaluation = evaluation
        self.at = evaluation.at
        self.rule = rule
        self.value = rule.value
        self.payload = evaluation.at.payload
        self.length = len(self.payload)
        self.is_ipv4 = self.at.ethertype == 0x0800 and self.length >= 20
        self.is_ipv6 = self.at.ethertype == 0x86DD
        self.walk = self.walk_ipv6() if self.is_ipv6 else None

    def walk_ipv6(self) -> tuple[int, int] | None:
        """(position, protocol), None if malformed."""
        payload, length = self.payload, self.length
        if length < 40:
            return None
        position, protocol = 40, payload[6]
        while protocol in (0, 43, 60, 135):
            if position + 8 > length:
                return None
            protocol = payload[position]
            position = position + 8 * payload[position + 1] + 8
            if position > length:
                return None
        return position, protocol

    def number(self, start: int, end: int) -> int:
        return int.from_bytes(self.value[start:end], "big")

    def outcome(self) -> str:
        method = getattr(self, f"type_{self.rule.type}", None)
        result = self.at.unsupported if method is None else method()
        return result if isinstance(result, str) else YES if result else NO

    def type_24(self) -> bool:
        return self.value == self.at.zt_source

    def type_25(self) -> bool:
        return self.value == self.at.zt_destination

    def type_26(self) -> bool:
        return self.number(0, 2) == 0

    def type_27(self) -> bool:
        return self.value[0] == 0

    type_28 = type_27

    def type_29(self) -> bool:
        return self.value == self.at.source_mac

    def type_30(self) -> bool:
        return self.value == self.at.destination_mac

    def ipv4(self, start: int) -> bool | str:
        if not self.is_ipv4:
            return HARD_NO
        shift = 32 - min(self.value[4], 32)
        address = int.from_bytes(self.payload[start : start + 4], "big")
        return address >> shift == self.number(0, 4) >> shift

    def type_31(self) -> bool | str:
        return self.ipv4(12)

    def type_32(self) -> bool | str:
        return self.ipv4(16)

    def ipv6(self, start: int) -> bool | str:
        if not self.is_ipv6 or self.length < 40:
            return HARD_NO
        shift = 128 - min(self.value[16], 128)
        address = int.from_bytes(self.payload[start : start + 16], "big")
        return address >> shift << shift == self.number(0, 16)

    def type_33(self) -> bool | str:
        return self.ipv6(8)

    def type_34(self) -> bool | str:
        return self.ipv6(24)

    def type_35(self) -> bool | str:
        mask, start, end = self.value
        if self.is_ipv4:
            tos = self.payload[1]
        elif self.is_ipv6 and self.length >= 40:
            tos = (self.payload[0] << 4) & 0xF0 | self.payload[1] >> 4
        else:
            return HARD_NO
        return start <= tos & mask <= end

    def transport(self) -> tuple[int, int] | None:
        """(position, protocol) of IPv4 or IPv6."""
        if self.is_ipv4:
            return 4 * (self.payload[0] & 15), self.payload[9]
        return self.walk

    def type_36(self) -> bool | str:
        transport = self.transport()
        return HARD_NO if transport is None else transport[1] == self.value[0]

    def type_37(self) -> bool:
        return self.number(0, 2) == self.at.ethertype

    def type_38(self) -> bool | str:
        transport = self.transport()
        if transport is None:
            return HARD_NO
        position, protocol = transport
        if protocol != (1 if self.is_ipv4 else 58) or self.length < position + 2:
            return HARD_NO
        kind, code, flags = self.value
        if self.payload[position] != kind:
            return HARD_NO
        return self.payload[position + 1] == code if flags & 1 else HARD_YES

    def port(self, offset: int) -> bool | str:
        transport = self.transport()
        if transport is None:
            return HARD_NO
        position, protocol = transport
        if protocol not in (6, 17, 132, 136) or not self.length > position + 4:
            return False
        start = position + offset
        port = int.from_bytes(self.payload[start : start + 2], "big")
        if port == 0 and not self.is_ipv4:
            return False
        return self.number(0, 2) <= port <= self.number(2, 4)

    def type_39(self) -> bool | str:
        return self.port(0)

    def type_40(self) -> bool | str:
        return self.port(2)

    def type_41(self) -> bool:
        mask = self.number(0, 8)
        bits = 1 << 63 if self.at.inbound else 0
        if self.at.destination_mac[0] & 1:
            bits |= 1 << 62
        if self.at.destination_mac == b"\xff" * 6:
            bits |= 1 << 61
        bits |= self.tcp_bits()
        if bits & mask:
            return True
        # Which certificates count is asked only where the answer matters.
        undecided = None
        for bit, question in ((1 << 60, self.owns_ip), (1 << 59, self.owns_mac)):
            if mask & bit:
                try:
                    if question():
                        return True
                except Undecided as wanted:
                    undecided = wanted
        if undecided is not None:
            raise undecided
        return False

    def tcp_bits(self) -> int:
        transport = self.transport()
        if transport is None or transport[1] != 6:
            return 0
        position = transport[0]
        if not self.is_ipv4 and not self.length > position + 14:
            return 0
        padded = self.payload + bytes(64 + 14)
        return padded[position + 13] | (padded[position + 12] & 15) << 8

    def owns(self, kind: int, value: bytes) -> bool:
        owner = self.at.theirs if self.at.inbound else self.at.own
        hits = [t for t in (owner.things if owner else []) if t[:2] == (kind, value)]
        if any(trusted for _, _, _, trusted in hits):
            return True
        if hits:
            raise Undecided(4, hits[-1][2])
        return False

    def owns_ip(self) -> bool:
        payload = self.payload
        if self.is_ipv4:
            return self.owns(2, payload[12:16])
        if self.at.ethertype == 0x0806 and self.length >= 28:
            return self.owns(2, payload[14:18])
        if not self.is_ipv6 or self.length < 40:
            return False
        address = payload[8:24]
        if self.length >= 64 and payload[6] == 58:
            if payload[40] == 0x87:
                return True
            if payload[40] == 0x88:
                address = payload[48:64]
        if self.at.inbound and any(
            address.startswith(prefix + self.at.other) for prefix in self.at.prefixes
        ):
            return True
        return self.owns(3, address)

    def owns_mac(self) -> bool:
        return self.owns(1, self.at.source_mac)

    def type_42(self) -> bool:
        return self.number(0, 2) <= self.length <= self.number(2, 4)

    def type_43(self) -> bool:
        probability = self.number(0, 4)
        assert probability in (0, 0xFFFFFFFF), "only what is certain can be compared"
        return probability != 0

    def own_tag(self) -> int | None:
        tag = self.at.own.tags.get(self.number(0, 4))
        return None if tag is None else tag[0]

    def their_tag(self) -> int | None:
        id = self.number(0, 4)
        tag = self.at.theirs.tags.get(id) if self.at.theirs else None
        if tag is None:
            return None
        if not tag[1]:
            raise Undecided(3, id)
        return tag[0]

    def lenient(self) -> str:
        self.evaluation.skip_drop = True
        return HARD_YES

    def both_tags(self) -> bool | str:
        own = self.own_tag()
        if own is None:
            return HARD_NO
        theirs = self.their_tag()
        if theirs is None:
            strict = self.at.inbound and not self.evaluation.super
            return HARD_NO if strict else self.lenient()
        value = self.number(4, 8)
        return {
            44: abs(own - theirs) <= value,
            45: own & theirs == value,
            46: own | theirs == value,
            47: own ^ theirs == value,
            48: own == value and theirs == value,
        }[self.rule.type]

    type_44 = type_45 = type_46 = type_47 = type_48 = both_tags

    def type_49(self) -> bool | str:
        if self.evaluation.super:
            return self.lenient()
        tag = self.their_tag() if self.at.inbound else self.own_tag()
        return HARD_NO if tag is None else tag == self.number(4, 8)

    def type_50(self) -> bool | str:
        if self.evaluation.super:
            return self.lenient()
        if self.at.inbound:
            tag = self.own_tag()
            return HARD_NO if tag is None else tag == self.number(4, 8)
        tag = self.their_tag()
        return self.lenient() if tag is None else tag == self.number(4, 8)

    def type_51(self) -> bool:
        start, end = self.number(0, 8), self.number(8, 16)
        end = (start + (end - start) % 2**32) % 2**64
        index, form = self.number(16, 18), self.value[18]
        bits = (form & 63) + 1
        size = -(-bits // 8)
        integer = 0
        if form & 0x80:
            if index + size <= self.length:
                whole = int.from_bytes(self.payload[index : index + size], "little")
                integer = whole >> (8 * size - bits)
        elif index + 8 <= self.length:
            whole = int.from_bytes(self.payload[index + 8 - size : index + 8], "big")
            integer = whole % 2**bits
        return start <= integer <= end


# --- the whole decision ---

CODES = {"drop": 0, "accept": 1, "super": 2, "redirect": 3, "no match": 4}


def probe(rules: list[Rule], situation: Pass) -> tuple:
    """What the list alone says, in the form of RuleSet's outcomes."""
    evaluation = Evaluation(situation)
    try:
        verdict = evaluation.run(rules)
    except Undecided as wanted:
        copies = (evaluation.copy,) if evaluation.copy else ()
        return 5, None, copies, wanted.args
    redirect = evaluation.redirect if verdict == "redirect" else None
    return CODES[verdict], redirect, (evaluation.copy,) if evaluation.copy else (), None


def judge(rules: list[Rule], situation: Pass) -> tuple:
    """The decision of §7.9, in the form of RuleSet's outcomes."""
    try:
        return _judge(rules, situation)
    except Undecided as wanted:
        return 5, None, (), wanted.args


def _judge(rules: list[Rule], situation: Pass) -> tuple:
    base = Evaluation(situation)
    verdict = base.run(rules)
    copies = [base.copy]
    redirect = base.redirect
    if verdict == "no match":
        holder = situation.theirs if situation.inbound else situation.own
        for id, capability, trusted in holder.capabilities if holder else []:
            evaluation = Evaluation(situation)
            attempt = evaluation.run(read_rules(capability))
            if attempt in ("accept", "super", "redirect"):
                if not trusted:
                    raise Undecided(2, id)
                verdict, redirect = attempt, evaluation.redirect
                copies.insert(0, evaluation.copy)
                break
    if verdict in ("drop", "no match"):
        return CODES[verdict], None, (), None
    made = tuple(copy for copy in copies if copy)
    return CODES[verdict], redirect if verdict == "redirect" else None, made, None
