"""Who may join a network (protocol/08 §8.2).

Owns the decision and what it leaves in the member's record. Never reads, writes or sends anything.
"""

from .const import const
from .controller_grants import signed_in
from .controller_records import MemberRecord, NetworkRecord, new_member, set_authorized
from .identity import Identity
from .wire.dictionary import get_int

ADMITTED = const(0)
DENIED = const(1)
IMPOSTOR = const(2)  # another key than the one that this address has in the record
UNAUTHENTICATED = const(3)  # has to sign in first

_TOKEN = "token:"


def admit(
    network: NetworkRecord,
    member: MemberRecord | None,
    identity: Identity,
    metadata: dict[str, bytes],
    now: int,
) -> tuple[int, dict]:
    """Decide about a request: (one of the constants above, the member's new fields).

    `member`: its record, or None if it was never seen. `identity`: what the sender proved to be.
    `metadata`: what came with the request (protocol/06 §6.4).
    """
    if member is None:
        fields = new_member(network.nwid, identity.address, now)
        fields["capabilities"] = network.default_capabilities()
    else:
        fields = dict(member.fields)
    stored = fields.get("identity")
    if stored and stored.lower() != identity.to_text():
        return IMPOSTOR, fields
    fields["identity"] = identity.to_text()
    _note_version(fields, metadata)
    if not fields.get("authorized"):
        credential = _credential(network, metadata, now)
        if credential is None:
            return DENIED, fields
        set_authorized(fields, True, credential, now)
    if network.sso and not signed_in(network, MemberRecord(fields), now):
        return UNAUTHENTICATED, fields
    return ADMITTED, fields


def _credential(
    network: NetworkRecord, metadata: dict[str, bytes], now: int
) -> tuple[str, str] | None:
    """What lets somebody in whom nobody authorised: (type, credential), or None."""
    if not network.private:
        return "public", ""
    try:
        text = metadata.get("a", b"").decode()
    except ValueError:
        return None
    if not text.startswith(_TOKEN) or len(text) == len(_TOKEN):
        return None
    token = text[len(_TOKEN) :]
    expiry = network.tokens.get(token)
    if expiry is None or (expiry != 0 and expiry <= now):
        return None
    return "token", token


def _note_version(fields: dict, metadata: dict[str, bytes]) -> None:
    """Keep the software version that the member says it has."""
    for field, key in (("vMajor", "majv"), ("vMinor", "minv"), ("vRev", "revv"), ("vProto", "pv")):
        fields[field] = get_int(metadata, key, -1)
