"""Reads a payload with the wire layer and writes it again: what every captured packet must survive.

Owns the way from a verb to its parse and encode functions. Never decrypts anything.
"""

from zerotier.wire import messages, verbs
from zerotier.wire.chunk import Chunk
from zerotier.wire.credentials import encode_credentials, parse_credentials
from zerotier.wire.hello import (
    encode_hello,
    encode_ok_hello,
    parse_hello,
    parse_moons,
    parse_ok_hello,
)
from zerotier.wire.world import parse_worlds

# Bytes that hold the version, which our encoders fill with our own.
_HELLO_VERSION = 5
_OK_VERSION = 8
_OK_VERSION_END = 13


def reencoded(verb: int, payload: bytes) -> bytes:
    """The payload (of a HELLO: with its tail in clear) after it was read and written again.

    KeyError if nothing is known about the layout of this verb.
    """
    return _VERBS[verb](payload)


def _nothing(payload: bytes) -> bytes:
    assert len(payload) == 0
    return b""


def _opaque(payload: bytes) -> bytes:
    return bytes(payload)


def _hello(payload: bytes) -> bytes:
    hello = parse_hello(payload)
    moons = parse_moons(payload, hello.tail)
    written, tail = encode_hello(
        hello.timestamp,
        hello.identity,
        hello.sent_to,
        hello.planet_id,
        hello.planet_timestamp,
        moons,
    )
    assert tail == hello.tail
    return bytes(payload[:_HELLO_VERSION]) + written[_HELLO_VERSION:]


def _error(payload: bytes) -> bytes:
    in_re_verb, in_re_id, code, extra = messages.parse_error(payload)
    if code != verbs.ERROR_IDENTITY_COLLISION:
        assert messages.parse_error_network(extra) == extra
    return messages.encode_error(in_re_verb, in_re_id, code, bytes(extra))


def _ok(payload: bytes) -> bytes:
    in_re_verb, in_re_id, body = messages.parse_ok(payload)
    return messages.ok_header(in_re_verb, in_re_id) + _OK_BODIES[in_re_verb](body)


def _ok_hello(body: bytes) -> bytes:
    ok = parse_ok_hello(body)
    worlds, whole = parse_worlds(ok.worlds)
    assert whole
    written = encode_ok_hello(ok.timestamp, ok.sent_to, [world.encode() for world in worlds])
    version = bytes(body[_OK_VERSION:_OK_VERSION_END])
    return written[:_OK_VERSION] + version + written[_OK_VERSION_END:]


def _ok_whois(body: bytes) -> bytes:
    return b"".join(messages.parse_identities(body))


def _ok_ext_frame(body: bytes) -> bytes:
    assert len(body) == 8
    return bytes(body)


def _ok_gather(body: bytes) -> bytes:
    found = messages.parse_ok_gather(body)
    return messages.encode_ok_gather(found.nwid, found.mac, found.adi, found.total, found.members)


def _ok_multicast_frame(body: bytes) -> bytes:
    found = messages.parse_ok_multicast_frame(body)
    return messages.encode_ok_multicast_frame(
        found.nwid, found.mac, found.adi, found.total, found.members
    )


def _whois(payload: bytes) -> bytes:
    return messages.encode_whois(messages.parse_whois(payload))


def _rendezvous(payload: bytes) -> bytes:
    return messages.encode_rendezvous(*messages.parse_rendezvous(payload))


def _push(payload: bytes) -> bytes:
    paths = messages.parse_push_direct_paths(payload)
    return messages.encode_push_direct_paths([endpoint for _, endpoint in paths])


def _frame(payload: bytes) -> bytes:
    nwid, ethertype, body = messages.parse_frame(payload)
    return messages.encode_frame(nwid, ethertype, bytes(body))


def _ext_frame(payload: bytes) -> bytes:
    frame = messages.parse_ext_frame(payload)
    return messages.encode_ext_frame(
        frame.nwid,
        frame.flags,
        frame.destination,
        frame.source,
        frame.ethertype,
        bytes(frame.payload),
        frame.com or b"",
    )


def _like(payload: bytes) -> bytes:
    return messages.encode_multicast_like(messages.parse_multicast_like(payload))


def _gather(payload: bytes) -> bytes:
    gather = messages.parse_multicast_gather(payload)
    return messages.encode_multicast_gather(
        gather.nwid, gather.mac, gather.adi, gather.limit, gather.com or b""
    )


def _multicast_frame(payload: bytes) -> bytes:
    frame = messages.parse_multicast_frame(payload)
    return messages.encode_multicast_frame(
        frame.nwid,
        frame.flags,
        frame.gather_limit,
        frame.source,
        frame.destination,
        frame.adi,
        frame.ethertype,
        bytes(frame.payload),
        frame.com or b"",
    )


def _credentials(payload: bytes) -> bytes:
    read = parse_credentials(payload)
    assert not read.malformed
    return encode_credentials(
        read.memberships, read.capabilities, read.tags, read.revocations, read.ownerships
    )


def _config_request(payload: bytes) -> bytes:
    return messages.encode_config_request(*messages.parse_config_request(payload))


def _chunk(payload: bytes) -> bytes:
    return Chunk.parse(payload).encode()


_VERBS = {
    verbs.VERB_NOP: _nothing,
    verbs.VERB_HELLO: _hello,
    verbs.VERB_ERROR: _error,
    verbs.VERB_OK: _ok,
    verbs.VERB_WHOIS: _whois,
    verbs.VERB_RENDEZVOUS: _rendezvous,
    verbs.VERB_FRAME: _frame,
    verbs.VERB_EXT_FRAME: _ext_frame,
    verbs.VERB_ECHO: _opaque,
    verbs.VERB_MULTICAST_LIKE: _like,
    verbs.VERB_NETWORK_CREDENTIALS: _credentials,
    verbs.VERB_NETWORK_CONFIG_REQUEST: _config_request,
    verbs.VERB_NETWORK_CONFIG: _chunk,
    verbs.VERB_MULTICAST_GATHER: _gather,
    verbs.VERB_MULTICAST_FRAME: _multicast_frame,
    verbs.VERB_PUSH_DIRECT_PATHS: _push,
}

_OK_BODIES = {
    verbs.VERB_HELLO: _ok_hello,
    verbs.VERB_WHOIS: _ok_whois,
    verbs.VERB_EXT_FRAME: _ok_ext_frame,
    verbs.VERB_ECHO: _opaque,
    verbs.VERB_NETWORK_CONFIG_REQUEST: _chunk,
    verbs.VERB_MULTICAST_GATHER: _ok_gather,
    verbs.VERB_MULTICAST_FRAME: _ok_multicast_frame,
}
