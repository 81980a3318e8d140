"""Credentials: certificates that a controller signs for the members of a network (protocol/06 §6.8).

Owns their layouts, the bytes that signatures cover and the agreement of two certificates of
membership. Never checks a signature and never keeps a threshold.
"""

from ..const import const
from .bounds import need, raw, u8, u16, u16_bytes, u32, u32_bytes, u64, u64_bytes
from .rule_list import MAX_CAPABILITY_RULES, parse_counted

SIGNATURE_SIZE = const(96)
_SIGNATURE_TYPE = const(1)
_NOBODY = b"\x00\x00\x00\x00\x00"
_GUARD = b"\x7f" * 8  # before and behind what is signed

# Certificate of membership: 24-byte qualifiers of id, value, largest difference.
MAX_QUALIFIERS = const(8)
_QUALIFIER = const(24)
_QUALIFIER_TIMESTAMP = const(0)
_QUALIFIER_NETWORK = const(1)
_QUALIFIER_MEMBER = const(2)
_QUALIFIER_FINGERPRINT = const(3)  # and the three behind it
_FINGERPRINT_WORDS = const(4)
_ANY = b"\xff" * 8

MAX_THINGS = const(16)
_THING = const(17)
THING_MAC = const(1)
THING_IPV4 = const(2)
THING_IPV6 = const(3)
_THING_SIZES = (0, 6, 4, 16)

MAX_CUSTODY_CHAIN = const(7)

REVOCATION_FAST_PROPAGATE = const(1)
CREDENTIAL_MEMBERSHIP = const(1)
CREDENTIAL_CAPABILITY = const(2)
CREDENTIAL_TAG = const(3)
CREDENTIAL_OWNERSHIP = const(4)


def _parse_signature(buffer: bytes | memoryview, offset: int) -> tuple[bytes, int]:
    """(signature, next offset); an unknown kind of signature reads as zeros, which no key made."""
    kind = u8(buffer, offset)
    size = u16(buffer, offset + 1)
    end = need(buffer, offset + 3, size)
    if kind != _SIGNATURE_TYPE:
        return bytes(SIGNATURE_SIZE), end
    if size != SIGNATURE_SIZE:
        raise ValueError("the signature must be 96 bytes")
    return bytes(buffer[offset + 3 : end]), end


def _encode_signature(signature: bytes) -> bytes:
    if len(signature) != SIGNATURE_SIZE:
        raise ValueError("the credential is not signed")
    return b"\x01\x00\x60" + signature


def _skip_additional(buffer: bytes | memoryview, offset: int) -> int:
    return need(buffer, offset + 2, u16(buffer, offset))


def membership_end(buffer: bytes | memoryview, offset: int) -> int:
    """Where the certificate of membership at `offset` ends, without reading what it says."""
    if u8(buffer, offset) != 1:
        raise ValueError("the certificate of membership has an unknown version")
    count = u16(buffer, offset + 1)
    if count > MAX_QUALIFIERS:
        raise ValueError("the certificate of membership has more than 8 qualifiers")
    end = need(buffer, offset + 3, count * _QUALIFIER + 5)
    if buffer[end - 5 : end] == _NOBODY:
        return end
    return need(buffer, end, SIGNATURE_SIZE)


class Membership:
    """Certificate of membership (COM): this member belongs to this network at this time.

    `qualifiers`: 24 bytes each. `signer`: 5 bytes, zeros if unsigned. The others are read from the
    first qualifier with their id, or 0: `timestamp` and `max_delta` in ms, `nwid`, `issued_to`.
    """

    def __init__(self, qualifiers: bytes, signer: bytes = _NOBODY, signature: bytes = b"") -> None:
        self.qualifiers = qualifiers
        self.signer = signer
        self.signature = signature
        self.timestamp = 0
        self.max_delta = 0
        self.nwid = bytes(8)
        self.issued_to = _NOBODY
        for offset in range(len(qualifiers) - _QUALIFIER, -1, -_QUALIFIER):
            id = u64(qualifiers, offset)
            if id == _QUALIFIER_TIMESTAMP:
                self.timestamp = u64(qualifiers, offset + 8)
                self.max_delta = u64(qualifiers, offset + 16)
            elif id == _QUALIFIER_NETWORK:
                self.nwid = qualifiers[offset + 8 : offset + 16]
            elif id == _QUALIFIER_MEMBER:
                self.issued_to = qualifiers[offset + 11 : offset + 16]

    @classmethod
    def issue(
        cls, timestamp: int, max_delta: int, nwid: bytes, member: bytes, fingerprint: bytes
    ) -> "Membership":
        """The unsigned standard certificate; `fingerprint`: 32 bytes or more of the member's."""
        qualifiers = bytearray(_qualifier(_QUALIFIER_TIMESTAMP, timestamp, u64_bytes(max_delta)))
        qualifiers += _qualifier(_QUALIFIER_NETWORK, int.from_bytes(nwid, "big"), bytes(8))
        qualifiers += _qualifier(_QUALIFIER_MEMBER, int.from_bytes(member, "big"), _ANY)
        for i in range(_FINGERPRINT_WORDS):
            qualifiers += u64_bytes(_QUALIFIER_FINGERPRINT + i)
            qualifiers += fingerprint[8 * i : 8 * i + 8]
            qualifiers += _ANY
        return cls(bytes(qualifiers))

    @classmethod
    def parse(cls, buffer: bytes | memoryview, offset: int = 0) -> "tuple[Membership, int]":
        """(certificate, next offset); ids that decrease are malformed (protocol/06 §6.8)."""
        end = membership_end(buffer, offset)
        start = offset + 3
        signer_at = start + u16(buffer, offset + 1) * _QUALIFIER
        last = -1
        for at in range(start, signer_at, _QUALIFIER):
            id = u64(buffer, at)
            if id < last:
                raise ValueError("the qualifiers are not in order")
            last = id
        signature = bytes(buffer[signer_at + 5 : end])
        return cls(
            bytes(buffer[start:signer_at]), bytes(buffer[signer_at : signer_at + 5]), signature
        ), end

    def encode(self) -> bytes:
        """The wire form: 272 bytes with the 7 standard qualifiers."""
        body = b"\x01" + u16_bytes(len(self.qualifiers) // _QUALIFIER) + self.qualifiers
        if self.signer == _NOBODY:
            return body + self.signer
        if len(self.signature) != SIGNATURE_SIZE:
            raise ValueError("the credential is not signed")
        return body + self.signer + self.signature

    def signed_bytes(self) -> bytes:
        """What the controller signs: the qualifiers alone."""
        return self.qualifiers

    def value(self, id: int) -> tuple[int, int] | None:
        """(value, largest difference) of the last qualifier with this id."""
        for offset in range(len(self.qualifiers) - _QUALIFIER, -1, -_QUALIFIER):
            if u64(self.qualifiers, offset) == id:
                return u64(self.qualifiers, offset + 8), u64(self.qualifiers, offset + 16)
        return None

    def agrees_with(self, theirs: "Membership", their_fingerprint: bytes) -> bool:
        """Whether the holder of `theirs` may talk to us (protocol/06 §6.8).

        `their_fingerprint`: at least the first 32 bytes of the remote identity's fingerprint. No
        clock takes part: the timestamps of the two certificates are compared with each other.
        """
        if not self.qualifiers or not theirs.qualifiers:
            return False
        bound = False
        for offset in range(0, len(self.qualifiers), _QUALIFIER):
            id = u64(self.qualifiers, offset)
            other = theirs.value(id)
            if other is None:
                return False
            difference = u64(self.qualifiers, offset + 8) - other[0]
            if abs(difference) > u64(self.qualifiers, offset + 16):
                return False
            if 0 <= id - _QUALIFIER_FINGERPRINT < _FINGERPRINT_WORDS:
                bound = True
        return not bound or theirs._belongs_to(their_fingerprint)

    def _belongs_to(self, fingerprint: bytes) -> bool:
        for i in range(_FINGERPRINT_WORDS):
            word = self.value(_QUALIFIER_FINGERPRINT + i)
            if word is None or word[0] != u64(fingerprint, 8 * i):
                return False
        return True


def _qualifier(id: int, value: int, max_delta: bytes) -> bytes:
    return u64_bytes(id) + u64_bytes(value) + max_delta


class Signed:
    """What the credentials besides the COM have in common (protocol/06 §6.8).

    `verbatim`: the wire form as it came, if it is kept.
    """

    signature = b""
    verbatim: bytes | None = None

    def _fields(self) -> bytes:
        raise NotImplementedError

    def encode(self) -> bytes:
        """The wire form; `verbatim` if there is one. ValueError if it is not signed."""
        if self.verbatim is not None:
            return self.verbatim
        return self._fields() + _encode_signature(self.signature) + b"\x00\x00"

    def signed_bytes(self) -> bytes:
        """What the controller signs; of a capability, every link of the custody chain."""
        return _GUARD + self._fields() + b"\x00\x00" + _GUARD


class Tag(Signed):
    """A number that the rules of a network can test. `id` and `value` are 32 bits. 135 bytes on the wire."""

    def __init__(
        self,
        nwid: bytes,
        timestamp: int,
        id: int,
        value: int,
        issued_to: bytes,
        signer: bytes,
        signature: bytes = b"",
    ) -> None:
        self.nwid = nwid
        self.timestamp = timestamp
        self.id = id
        self.value = value
        self.issued_to = issued_to
        self.signer = signer
        self.signature = signature

    @classmethod
    def parse(cls, buffer: bytes | memoryview, offset: int = 0) -> "tuple[Tag, int]":
        """(tag, next offset) (protocol/06 §6.8)."""
        end = need(buffer, offset, 34)
        signature, next_offset = _parse_signature(buffer, end)
        tag = cls(
            bytes(buffer[offset : offset + 8]),
            u64(buffer, offset + 8),
            u32(buffer, offset + 16),
            u32(buffer, offset + 20),
            bytes(buffer[offset + 24 : offset + 29]),
            bytes(buffer[offset + 29 : end]),
            signature,
        )
        return tag, _skip_additional(buffer, next_offset)

    def _fields(self) -> bytes:
        numbers = u64_bytes(self.timestamp) + u32_bytes(self.id) + u32_bytes(self.value)
        return self.nwid + numbers + self.issued_to + self.signer


class Ownership(Signed):
    """Certificate of ownership (COO): this member may use these addresses.

    `things`: 17 bytes each, a kind (THING_*) and the address, padded with zeros to 16 bytes. 141 bytes on the
    wire, and the things.
    """

    def __init__(
        self,
        nwid: bytes,
        timestamp: int,
        id: int,
        things: bytes,
        issued_to: bytes,
        signer: bytes,
        signature: bytes = b"",
        flags: int = 0,
    ) -> None:
        self.nwid = nwid
        self.timestamp = timestamp
        self.flags = flags
        self.id = id
        self.things = things
        self.issued_to = issued_to
        self.signer = signer
        self.signature = signature

    @classmethod
    def parse(cls, buffer: bytes | memoryview, offset: int = 0) -> "tuple[Ownership, int]":
        """(certificate, next offset); more than 16 things are malformed (protocol/06 §6.8)."""
        count = u16(buffer, offset + 28)
        if count > MAX_THINGS:
            raise ValueError("the certificate of ownership names more than 16 things")
        things_end = offset + 30 + count * _THING
        end = need(buffer, offset, 30 + count * _THING + 10)
        signature, next_offset = _parse_signature(buffer, end)
        ownership = cls(
            bytes(buffer[offset : offset + 8]),
            u64(buffer, offset + 8),
            u32(buffer, offset + 24),
            bytes(buffer[offset + 30 : things_end]),
            bytes(buffer[things_end : things_end + 5]),
            bytes(buffer[things_end + 5 : end]),
            signature,
            u64(buffer, offset + 16),
        )
        return ownership, _skip_additional(buffer, next_offset)

    def owns(self, kind: int, value: bytes) -> bool:
        """Whether it names this address: a MAC (6 bytes), an IPv4 (4) or an IPv6 (16)."""
        for offset in range(0, len(self.things), _THING):
            if self.things[offset] == kind:
                start = offset + 1
                if self.things[start : start + _THING_SIZES[kind]] == value:
                    return True
        return False

    def _fields(self) -> bytes:
        numbers = u64_bytes(self.timestamp) + u64_bytes(self.flags) + u32_bytes(self.id)
        count = u16_bytes(len(self.things) // _THING)
        return self.nwid + numbers + count + self.things + self.issued_to + self.signer


def thing(kind: int, value: bytes) -> bytes:
    """The 17 bytes of one thing in a certificate of ownership."""
    return bytes((kind,)) + value + bytes(_THING - 1 - len(value))


class Capability(Signed):
    """A bundle of rules that its holder may invoke. `custody`: (to, from, signature) of each link.

    `rules`: their bytes as the signature covers them (see `rule_list.parse_counted`).
    """

    def __init__(
        self,
        nwid: bytes,
        timestamp: int,
        id: int,
        rule_count: int,
        rules: bytes,
        max_custody_chain: int = 1,
        custody: list | tuple = (),
    ) -> None:
        self.nwid = nwid
        self.timestamp = timestamp
        self.id = id
        self.rule_count = rule_count
        self.rules = rules
        self.max_custody_chain = max_custody_chain
        self.custody = custody

    @property
    def issued_to(self) -> bytes:
        """The address at the end of the custody chain; zeros if the chain is empty."""
        return self.custody[-1][0] if self.custody else _NOBODY

    @classmethod
    def parse(cls, buffer: bytes | memoryview, offset: int = 0) -> "tuple[Capability, int]":
        """(capability, next offset) (protocol/06 §6.8)."""
        need(buffer, offset, 22)
        count = u16(buffer, offset + 20)
        if count > MAX_CAPABILITY_RULES:
            raise ValueError("the capability has more than 64 rules")
        rules, next_offset = parse_counted(buffer, offset + 22, count)
        longest = u8(buffer, next_offset)
        if not 1 <= longest <= MAX_CUSTODY_CHAIN:
            raise ValueError("the custody chain must be 1 to 7 long")
        custody, next_offset = _parse_custody(buffer, next_offset + 1, longest)
        capability = cls(
            bytes(buffer[offset : offset + 8]),
            u64(buffer, offset + 8),
            u32(buffer, offset + 16),
            count,
            rules,
            longest,
            custody,
        )
        return capability, _skip_additional(buffer, next_offset)

    def encode(self) -> bytes:
        """The wire form; `verbatim` if there is one."""
        if self.verbatim is not None:
            return self.verbatim
        body = bytearray(self._fields())
        for receiver, giver, signature in self.custody:
            body += receiver
            body += giver
            body += _encode_signature(signature)
        body += _NOBODY
        body += b"\x00\x00"
        return bytes(body)

    def _fields(self) -> bytes:
        numbers = u64_bytes(self.timestamp) + u32_bytes(self.id) + u16_bytes(self.rule_count)
        return self.nwid + numbers + self.rules + bytes((self.max_custody_chain,))


def _parse_custody(
    buffer: bytes | memoryview, offset: int, longest: int
) -> tuple[list[tuple[bytes, bytes, bytes]], int]:
    custody: list[tuple[bytes, bytes, bytes]] = []
    while True:
        receiver = raw(buffer, offset, 5)
        offset += 5
        if receiver == _NOBODY:
            return custody, offset
        if len(custody) == longest:
            raise ValueError("the custody chain is longer than it may be")
        giver = raw(buffer, offset, 5)
        signature, offset = _parse_signature(buffer, offset + 5)
        custody.append((receiver, giver, signature))


class Revocation(Signed):
    """Withdraws older credentials of a member. `kind`: CREDENTIAL_*; `threshold`: ms.

    Credentials of this kind and `credential_id` (0 for memberships) are void up to the threshold. 152 bytes
    on the wire.
    """

    def __init__(
        self,
        id: int,
        nwid: bytes,
        credential_id: int,
        threshold: int,
        flags: int,
        target: bytes,
        signer: bytes,
        kind: int,
        signature: bytes = b"",
    ) -> None:
        self.id = id
        self.nwid = nwid
        self.credential_id = credential_id
        self.threshold = threshold
        self.flags = flags
        self.target = target
        self.signer = signer
        self.kind = kind
        self.signature = signature

    @classmethod
    def parse(cls, buffer: bytes | memoryview, offset: int = 0) -> "tuple[Revocation, int]":
        """(revocation, next offset) (protocol/06 §6.8)."""
        end = need(buffer, offset, 51)
        signature, next_offset = _parse_signature(buffer, end)
        revocation = cls(
            u32(buffer, offset + 4),
            bytes(buffer[offset + 8 : offset + 16]),
            u32(buffer, offset + 20),
            u64(buffer, offset + 24),
            u64(buffer, offset + 32),
            bytes(buffer[offset + 40 : offset + 45]),
            bytes(buffer[offset + 45 : offset + 50]),
            buffer[offset + 50],
            signature,
        )
        return revocation, _skip_additional(buffer, next_offset)

    def _fields(self) -> bytes:
        head = bytes(4) + u32_bytes(self.id) + self.nwid + bytes(4) + u32_bytes(self.credential_id)
        limits = u64_bytes(self.threshold) + u64_bytes(self.flags)
        return head + limits + self.target + self.signer + bytes((self.kind,))


class Credentials:
    """What one NETWORK_CREDENTIALS carries.

    `malformed`: the rest of the packet could not be read. What was read before it applies, but the
    packet does not count as received (protocol/06 §6.8).
    """

    def __init__(self) -> None:
        self.memberships: list[Membership] = []
        self.capabilities: list[Capability] = []
        self.tags: list[Tag] = []
        self.revocations: list[Revocation] = []
        self.ownerships: list[Ownership] = []
        self.malformed = False


def parse_credentials(payload: bytes | memoryview) -> Credentials:
    """Everything up to the first malformed item; never fails (protocol/03 §3.13)."""
    credentials = Credentials()
    try:
        _parse_sections(payload, credentials)
    except ValueError:
        credentials.malformed = True
    return credentials


def _parse_sections(payload: bytes | memoryview, credentials: Credentials) -> None:
    size = len(payload)
    offset = 0
    while offset < size and payload[offset] != 0:
        membership, offset = Membership.parse(payload, offset)
        if membership.qualifiers:
            credentials.memberships.append(membership)
    offset += 1
    sections: tuple = (
        (Capability, credentials.capabilities),
        (Tag, credentials.tags),
        (Revocation, credentials.revocations),
        (Ownership, credentials.ownerships),
    )
    for kind, items in sections:
        if offset >= size:  # it may end behind any section
            return
        count = u16(payload, offset)
        offset += 2
        for _ in range(count):
            item, offset = kind.parse(payload, offset)
            items.append(item)


def encode_credentials(
    memberships: list | tuple = (),
    capabilities: list | tuple = (),
    tags: list | tuple = (),
    revocations: list | tuple = (),
    ownerships: list | tuple = (),
) -> bytes:
    """A NETWORK_CREDENTIALS; the items are credentials or their bytes (protocol/03 §3.13)."""
    payload = bytearray()
    for item in memberships:
        payload += _bytes_of(item)
    payload.append(0)
    for items in (capabilities, tags, revocations, ownerships):
        payload += u16_bytes(len(items))
        for item in items:
            payload += _bytes_of(item)
    return bytes(payload)


def _bytes_of(item: "bytes | Membership | Capability | Tag | Revocation | Ownership") -> bytes:
    if isinstance(item, bytes):
        return item
    return item.encode()
