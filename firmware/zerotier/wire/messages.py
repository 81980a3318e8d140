"""The payloads of the small verbs, from the byte behind the verb on (protocol/03).

Owns their layouts, each as an encode and a parse function. HELLO, credentials, configs and worlds
have files of their own. Never decides what a message may do.
"""

from ..const import const
from . import address
from .bounds import need, raw, u8, u16, u16_bytes, u32, u32_bytes, u64, u64_bytes
from .credentials import membership_end
from .identity import parse as parse_identity

_IN_RE_SIZE = const(9)

EXT_FRAME_COM = const(0x01)
EXT_FRAME_ACKNOWLEDGE = const(0x10)
EXT_FRAME_TEE_OUT = const(0x02)
EXT_FRAME_REDIRECT_OUT = const(0x04)
EXT_FRAME_WATCH_OUT = const(0x16)
EXT_FRAME_TEE_IN = const(0x08)
EXT_FRAME_REDIRECT_IN = const(0x0A)
EXT_FRAME_WATCH_IN = const(0x1C)

GATHER_COM = const(0x01)

MULTICAST_COM = const(0x01)
MULTICAST_GATHER_LIMIT = const(0x02)
MULTICAST_SOURCE = const(0x04)
MULTICAST_REPLICATE = const(0x08)

_OK_MULTICAST_GATHERED = const(0x02)

PUSH_FORGET = const(0x01)
PUSH_REDIRECT = const(0x02)
_PUSH_IPV4_SIZE = const(6)
_PUSH_IPV6_SIZE = const(18)

# How many items of one message are looked at unless the caller says otherwise. More of them than
# this only cost memory: a reference node asks for one identity, and probes 8 addresses per scope.
MAX_WHOIS = const(64)
MAX_PUSHED_PATHS = const(64)
# A packet cannot hold more.
MAX_LIKES = const(556)
MAX_GATHERED = const(2000)

_FRAME_HEADER = const(10)
_EXT_FRAME_FIELDS = const(14)
_LIKE_SIZE = const(18)
_GATHER_SIZE = const(23)
_MULTICAST_FIELDS = const(12)


# --- OK and ERROR


def ok_header(in_re_verb: int, in_re_id: bytes) -> bytes:
    """The 9 bytes that begin every OK: the verb and the wire id answered (protocol/03 §3.4)."""
    return bytes((in_re_verb,)) + in_re_id


def parse_ok(payload: bytes | memoryview) -> tuple[int, bytes, bytes | memoryview]:
    """(in-re verb, in-re packet id, view of the body) of an OK (protocol/03 §3.4)."""
    need(payload, 0, _IN_RE_SIZE)
    return payload[0], bytes(payload[1:_IN_RE_SIZE]), payload[_IN_RE_SIZE:]


def encode_error(in_re_verb: int, in_re_id: bytes, code: int, extra: bytes = b"") -> bytes:
    """An ERROR payload; `extra` is usually the network id (protocol/03 §3.3)."""
    return bytes((in_re_verb,)) + in_re_id + bytes((code,)) + extra


def parse_error(payload: bytes | memoryview) -> tuple[int, bytes, int, bytes | memoryview]:
    """(in-re verb, in-re packet id, error code, view of the extra bytes) (protocol/03 §3.3)."""
    need(payload, 0, _IN_RE_SIZE + 1)
    code = payload[_IN_RE_SIZE]
    return payload[0], bytes(payload[1:_IN_RE_SIZE]), code, payload[_IN_RE_SIZE + 1 :]


def parse_error_network(extra: bytes | memoryview) -> bytes:
    """The network id in the extra bytes of every ERROR about a network (protocol/03 §3.3)."""
    return raw(extra, 0, 8)


def parse_unwanted_multicast(extra: bytes | memoryview) -> tuple[bytes, bytes, int]:
    """(nwid, group MAC, ADI) of an ERROR UNWANTED_MULTICAST (protocol/03 §3.3)."""
    need(extra, 0, _LIKE_SIZE)
    return bytes(extra[:8]), bytes(extra[8:14]), u32(extra, 14)


def parse_authentication_required(extra: bytes | memoryview) -> tuple[bytes, bytes]:
    """(nwid, dictionary or nothing) of ERROR NETWORK_AUTHENTICATION_REQUIRED (protocol/03 §3.3)."""
    nwid = raw(extra, 0, 8)
    if len(extra) == 8:
        return nwid, b""
    return nwid, raw(extra, 10, u16(extra, 8))


# --- finding peers


def encode_whois(addresses: list[bytes] | tuple) -> bytes:
    """A WHOIS for these 5-byte addresses (protocol/03 §3.7)."""
    return b"".join(addresses)


def parse_whois(payload: bytes | memoryview, limit: int = MAX_WHOIS) -> list[bytes]:
    """The first `limit` addresses asked for; an incomplete last one is ignored."""
    addresses = []
    for offset in range(0, min(len(payload) // 5, limit) * 5, 5):
        addresses.append(bytes(payload[offset : offset + 5]))
    return addresses


def parse_identities(body: bytes | memoryview, limit: int = MAX_WHOIS) -> list[bytes]:
    """The 71-byte identities in the body of an OK(WHOIS), at most `limit` (protocol/03 §3.7)."""
    identities: list[bytes] = []
    offset = 0
    while offset < len(body) and len(identities) < limit:
        identity, offset = parse_identity(body, offset)
        identities.append(identity)
    return identities


def encode_rendezvous(peer: bytes, endpoint: bytes) -> bytes:
    """A RENDEZVOUS: contact this peer at this endpoint (protocol/03 §3.8)."""
    ip = address.ip(endpoint)
    if not ip:
        raise ValueError("a rendezvous needs an IP address")
    return b"\x00" + peer + endpoint[-2:] + bytes((len(ip),)) + ip


def parse_rendezvous(payload: bytes | memoryview) -> tuple[bytes, bytes]:
    """(peer address, endpoint) of a RENDEZVOUS; ValueError if it names no port."""
    need(payload, 0, 9)
    port = u16(payload, 6)
    if port == 0:
        raise ValueError("the rendezvous has no port")
    return bytes(payload[1:6]), address.inet_raw(raw(payload, 9, payload[8]), port)


def encode_push_direct_paths(endpoints: list[bytes] | tuple, flags: int = 0) -> bytes:
    """A PUSH_DIRECT_PATHS of our endpoints, all with these flags, without extensions (protocol/03 §3.18)."""
    payload = bytearray(u16_bytes(len(endpoints)))
    for endpoint in endpoints:
        if len(endpoint) < _PUSH_IPV4_SIZE:
            raise ValueError("a pushed path needs an IP address")
        payload.append(flags)
        payload += b"\x00\x00"
        payload.append(endpoint[0])
        payload.append(len(endpoint) - 1)
        payload += endpoint[1:]
    return bytes(payload)


def parse_push_direct_paths(
    payload: bytes | memoryview, limit: int = MAX_PUSHED_PATHS
) -> list[tuple[int, bytes]]:
    """(flags, endpoint) of the first `limit` records; other kinds of address are stepped over.

    Records with PUSH_FORGET are included: a receiver skips them (protocol/03 §3.18).
    """
    paths: list[tuple[int, bytes]] = []
    count = u16(payload, 0)
    offset = 2
    while count > 0 and len(paths) < limit:
        flags = u8(payload, offset)
        offset = need(payload, offset + 3, u16(payload, offset + 1))
        kind = u8(payload, offset)
        size = u8(payload, offset + 1)
        end = need(payload, offset + 2, size)
        if (kind == address.INET_IPV4 and size == _PUSH_IPV4_SIZE) or (
            kind == address.INET_IPV6 and size == _PUSH_IPV6_SIZE
        ):
            port = payload[end - 2] << 8 | payload[end - 1]
            paths.append((flags, address.inet_raw(bytes(payload[offset + 2 : end - 2]), port)))
        offset = end
        count -= 1
    return paths


# --- Ethernet frames


def encode_frame(nwid: bytes, ethertype: int, payload: bytes = b"") -> bytes:
    """A FRAME, or with no payload the 10 bytes that go before one (protocol/03 §3.9)."""
    return nwid + u16_bytes(ethertype) + payload


def parse_frame(payload: bytes | memoryview) -> tuple[bytes, int, bytes | memoryview]:
    """(nwid, ethertype, view of the Ethernet payload) of a FRAME (protocol/03 §3.9)."""
    need(payload, 0, _FRAME_HEADER)
    return bytes(payload[:8]), payload[8] << 8 | payload[9], payload[_FRAME_HEADER:]


class ExtFrame:
    """A frame with its MAC addresses. `com`: certificate bytes or None; `payload`: a view."""

    def __init__(
        self,
        nwid: bytes,
        flags: int,
        com: bytes | None,
        destination: bytes,
        source: bytes,
        ethertype: int,
        payload: bytes | memoryview,
    ) -> None:
        self.nwid = nwid
        self.flags = flags
        self.com = com
        self.destination = destination
        self.source = source
        self.ethertype = ethertype
        self.payload = payload


def encode_ext_frame(
    nwid: bytes,
    flags: int,
    destination: bytes,
    source: bytes,
    ethertype: int,
    payload: bytes = b"",
    com: bytes = b"",
) -> bytes:
    """An EXT_FRAME, or with no payload what goes before one; `com` sets its flag (§3.10)."""
    flags = flags | EXT_FRAME_COM if com else flags & ~EXT_FRAME_COM
    head = nwid + bytes((flags,)) + com + destination + source
    return head + u16_bytes(ethertype) + payload


def parse_ext_frame(payload: bytes | memoryview) -> ExtFrame:
    """An EXT_FRAME with its certificate, if it carries one (protocol/03 §3.10)."""
    need(payload, 0, 9)
    flags = payload[8]
    offset = 9
    com = None
    if flags & EXT_FRAME_COM:
        offset = membership_end(payload, 9)
        com = bytes(payload[9:offset])
    end = need(payload, offset, _EXT_FRAME_FIELDS)
    return ExtFrame(
        bytes(payload[:8]),
        flags,
        com,
        bytes(payload[offset : offset + 6]),
        bytes(payload[offset + 6 : offset + 12]),
        u16(payload, offset + 12),
        payload[end:],
    )


# --- multicast


def encode_multicast_like(groups: list[tuple[bytes, bytes, int]] | tuple) -> bytes:
    """A MULTICAST_LIKE of (nwid, MAC, ADI) triples (protocol/03 §3.12)."""
    payload = bytearray()
    for nwid, mac, adi in groups:
        payload += nwid
        payload += mac
        payload += u32_bytes(adi)
    return bytes(payload)


def parse_multicast_like(
    payload: bytes | memoryview, limit: int = MAX_LIKES
) -> list[tuple[bytes, bytes, int]]:
    """The first `limit` (nwid, MAC, ADI) triples; ValueError if the last one is incomplete."""
    if len(payload) % _LIKE_SIZE:
        raise ValueError("the last group is incomplete")
    groups: list[tuple[bytes, bytes, int]] = []
    nwid = b""
    for offset in range(0, min(len(payload) // _LIKE_SIZE, limit) * _LIKE_SIZE, _LIKE_SIZE):
        if payload[offset : offset + 8] != nwid:
            nwid = bytes(payload[offset : offset + 8])  # one object for all groups of a network
        groups.append((nwid, bytes(payload[offset + 8 : offset + 14]), u32(payload, offset + 14)))
    return groups


class Gather:
    """A MULTICAST_GATHER: who is in this group? `com`: certificate bytes or None."""

    def __init__(self, nwid: bytes, mac: bytes, adi: int, limit: int, com: bytes | None) -> None:
        self.nwid = nwid
        self.mac = mac
        self.adi = adi
        self.limit = limit
        self.com = com


def encode_multicast_gather(
    nwid: bytes, mac: bytes, adi: int, limit: int, com: bytes = b""
) -> bytes:
    """A MULTICAST_GATHER for at most `limit` addresses; a root needs no `com` (§3.16)."""
    flags = GATHER_COM if com else 0
    return nwid + bytes((flags,)) + mac + u32_bytes(adi) + u32_bytes(limit) + com


def parse_multicast_gather(payload: bytes | memoryview) -> Gather:
    """A MULTICAST_GATHER with its certificate, if it carries one (protocol/03 §3.16)."""
    need(payload, 0, _GATHER_SIZE)
    com = None
    if payload[8] & GATHER_COM:
        com = bytes(payload[_GATHER_SIZE : membership_end(payload, _GATHER_SIZE)])
    return Gather(
        bytes(payload[:8]), bytes(payload[9:15]), u32(payload, 15), u32(payload, 19), com
    )


class Gathered:
    """Members of a group: `members` (5-byte addresses) out of `total` known to the sender."""

    def __init__(
        self, nwid: bytes, mac: bytes, adi: int, total: int, members: list[bytes]
    ) -> None:
        self.nwid = nwid
        self.mac = mac
        self.adi = adi
        self.total = total
        self.members = members


def encode_ok_gather(
    nwid: bytes, mac: bytes, adi: int, total: int, members: list[bytes] | tuple
) -> bytes:
    """The body of an OK(MULTICAST_GATHER), behind its in-re id (protocol/03 §3.16)."""
    return nwid + mac + u32_bytes(adi) + _encode_members(total, members)


def parse_ok_gather(body: bytes | memoryview, limit: int = MAX_GATHERED) -> Gathered:
    """The body of an OK(MULTICAST_GATHER) with at most `limit` members (protocol/03 §3.16)."""
    need(body, 0, 18)
    total, members = _parse_members(body, 18, limit)
    return Gathered(bytes(body[:8]), bytes(body[8:14]), u32(body, 14), total, members)


def encode_ok_multicast_frame(
    nwid: bytes, mac: bytes, adi: int, total: int, members: list[bytes] | tuple
) -> bytes:
    """The body of an OK(MULTICAST_FRAME), behind its in-re id (protocol/03 §3.17)."""
    flags = bytes((_OK_MULTICAST_GATHERED,))
    return nwid + mac + u32_bytes(adi) + flags + _encode_members(total, members)


def parse_ok_multicast_frame(body: bytes | memoryview, limit: int = MAX_GATHERED) -> Gathered:
    """The body of an OK(MULTICAST_FRAME); no members if it carries none (protocol/03 §3.17)."""
    need(body, 0, 19)
    offset = 19
    if body[18] & MULTICAST_COM:
        offset = membership_end(body, offset)
    total = 0
    members: list[bytes] = []
    if body[18] & _OK_MULTICAST_GATHERED:
        total, members = _parse_members(body, offset, limit)
    return Gathered(bytes(body[:8]), bytes(body[8:14]), u32(body, 14), total, members)


def _encode_members(total: int, members: list[bytes] | tuple) -> bytes:
    return u32_bytes(total) + u16_bytes(len(members)) + b"".join(members)


def _parse_members(body: bytes | memoryview, offset: int, limit: int) -> tuple[int, list[bytes]]:
    total = u32(body, offset)
    count = u16(body, offset + 4)
    offset += 6
    need(body, offset, 5 * count)
    members = []
    for start in range(offset, offset + 5 * min(count, limit), 5):
        members.append(bytes(body[start : start + 5]))
    return total, members


class MulticastFrame:
    """A frame to a group (`destination`, `adi`). `source`: MAC or None; `gather_limit` may be 0."""

    def __init__(
        self,
        nwid: bytes,
        flags: int,
        com: bytes | None,
        gather_limit: int,
        source: bytes | None,
        destination: bytes,
        adi: int,
        ethertype: int,
        payload: bytes | memoryview,
    ) -> None:
        self.nwid = nwid
        self.flags = flags
        self.com = com
        self.gather_limit = gather_limit
        self.source = source
        self.destination = destination
        self.adi = adi
        self.ethertype = ethertype
        self.payload = payload


def encode_multicast_frame(
    nwid: bytes,
    flags: int,
    gather_limit: int,
    source: bytes | None,
    destination: bytes,
    adi: int,
    ethertype: int,
    payload: bytes = b"",
    com: bytes = b"",
) -> bytes:
    """A MULTICAST_FRAME, or with no payload what goes before one (protocol/03 §3.17).

    The flags of the optional fields are set here: `com` if not empty, `gather_limit` if not 0,
    `source` if not None. `flags` adds MULTICAST_REPLICATE, or a gather limit of 0.
    """
    optional = com
    flags = flags | MULTICAST_COM if com else flags & ~MULTICAST_COM
    if gather_limit or flags & MULTICAST_GATHER_LIMIT:
        flags |= MULTICAST_GATHER_LIMIT
        optional += u32_bytes(gather_limit)
    if source is not None:
        flags |= MULTICAST_SOURCE
        optional += source
    else:
        flags &= ~MULTICAST_SOURCE
    head = nwid + bytes((flags,)) + optional + destination
    return head + u32_bytes(adi) + u16_bytes(ethertype) + payload


def parse_multicast_frame(payload: bytes | memoryview) -> MulticastFrame:
    """A MULTICAST_FRAME with its optional fields (protocol/03 §3.17)."""
    need(payload, 0, 9)
    flags = payload[8]
    offset = 9
    com = None
    gather_limit = 0
    source = None
    if flags & MULTICAST_COM:
        offset = membership_end(payload, 9)
        com = bytes(payload[9:offset])
    if flags & MULTICAST_GATHER_LIMIT:
        gather_limit = u32(payload, offset)
        offset += 4
    if flags & MULTICAST_SOURCE:
        source = raw(payload, offset, 6)
        offset += 6
    end = need(payload, offset, _MULTICAST_FIELDS)
    return MulticastFrame(
        bytes(payload[:8]),
        flags,
        com,
        gather_limit,
        source,
        bytes(payload[offset : offset + 6]),
        u32(payload, offset + 6),
        u16(payload, offset + 10),
        payload[end:],
    )


# --- network configs


def encode_config_request(
    nwid: bytes, metadata: bytes, revision: int = 0, timestamp: int = 0
) -> bytes:
    """A NETWORK_CONFIG_REQUEST; revision and timestamp are those of the held config (§3.14)."""
    head = nwid + u16_bytes(len(metadata)) + metadata
    return head + u64_bytes(revision) + u64_bytes(timestamp)


def parse_config_request(payload: bytes | memoryview) -> tuple[bytes, bytes, int, int]:
    """(nwid, metadata, revision, timestamp) of a request; its last 16 bytes may be absent."""
    nwid = raw(payload, 0, 8)
    size = u16(payload, 8)
    metadata = raw(payload, 10, size)
    if len(payload) < 26 + size:
        return nwid, metadata, 0, 0
    return nwid, metadata, u64(payload, 10 + size), u64(payload, 18 + size)


def encode_config_acknowledgement(nwid: bytes, update_id: bytes) -> bytes:
    """The body of the OK to a pushed config, whose in-re verb is ECHO (protocol/03 §3.15)."""
    return nwid + update_id
