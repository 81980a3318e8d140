"""What may be changed by hand in the records of a controller, by the command line, the API or a file.

Owns the list of these fields, and the form in which they are kept. What is valid is decided by
`NetworkRecord` and `MemberRecord`; never reads or writes a record.
"""

import json

from zerotier.controller_records import MemberRecord, NetworkRecord, set_authorized
from zerotier.wire.rules import decode_rules, encode_rules

# protocol/08 §8.6. What is not here is the controller's own: ids, times, revisions.
NETWORK_FIELDS = (
    "name",
    "private",
    "mtu",
    "multicastLimit",
    "enableBroadcast",
    "routes",
    "ipAssignmentPools",
    "v4AssignMode",
    "v6AssignMode",
    "rules",
    "rulesSource",
    "capabilities",
    "tags",
    "authTokens",
    "dns",
    "ssoEnabled",
    "authenticationURL",
    "certificateTimeoutWindowSize",
    "remoteTraceTarget",
    "remoteTraceLevel",
)
MEMBER_FIELDS = (
    "name",
    "activeBridge",
    "anchor",
    "multicastReplicator",
    "networkRelay",
    "noAutoAssignIps",
    "ipAssignments",
    "tags",
    "capabilities",
    "ssoExempt",
    "authenticationExpiryTime",
    "remoteTraceTarget",
    "remoteTraceLevel",
)
_MODES = {"v4AssignMode": ("zt",), "v6AssignMode": ("zt", "6plane", "rfc4193")}
_BY_HAND = ("api", "")  # how a member came to be authorized: (type, credential)


def edited_network(network: NetworkRecord, changes: object) -> NetworkRecord | None:
    """The network with these fields; None if that changes nothing. Fields that nobody may set are left out.

    ValueError, in one sentence, if one of them is unusable.
    """
    fields = _chosen(network.fields, changes, NETWORK_FIELDS)
    NetworkRecord(fields)  # before anything of it is put into another form
    for name, parts in _MODES.items():
        mode = fields.get(name) or {}
        fields[name] = {part: bool(mode.get(part)) for part in parts}
    for item in (fields, *(fields.get("capabilities") or ())):
        if item.get("rules") is not None:
            item["rules"] = decode_rules(encode_rules(item["rules"]))
    return None if fields == network.fields else NetworkRecord(fields)


def edited_member(
    network: NetworkRecord, member: MemberRecord, changes: object, now: int
) -> MemberRecord | None:
    """The member with these fields, `authorized` among them; None if that changes nothing. ValueError as above."""
    fields = _chosen(member.fields, changes, MEMBER_FIELDS)
    assert isinstance(changes, dict)
    authorized = changes.get("authorized")
    if authorized is not None:
        if not isinstance(authorized, bool):
            raise ValueError("authorized must be true or false")
        if member.authorized and not authorized and not network.private:
            raise ValueError(
                f"{network.nwid.hex()} is public, so everybody is in: make it private first"
            )
        set_authorized(fields, authorized, _BY_HAND, now)
    changed = MemberRecord(fields)
    return None if fields == member.fields else changed


def _chosen(fields: dict, changes: object, names: tuple[str, ...]) -> dict:
    """A copy of the fields with those of `changes` that may be set."""
    if not isinstance(changes, dict):
        raise ValueError("it is not a JSON object")
    merged: dict = json.loads(json.dumps(fields))
    merged.update({name: changes[name] for name in names if name in changes})
    return merged
