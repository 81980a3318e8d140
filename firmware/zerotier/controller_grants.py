"""What a member may hold, by the records: its membership, capabilities, tags and IP addresses.

Owns the comparison of what a member may hold now with what it was given. Never signs, never sends.
"""

import json

import _zerotier

from .const import const
from .controller_assign import held
from .controller_records import MemberRecord, NetworkRecord
from .wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_MEMBERSHIP,
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
)

NOTHING = "[]"
OWNERSHIP_ID = const(1)  # a member has one certificate for all of its addresses
# Fields of a network that decide on what its members have of their own.
_OF_MEMBERS = (
    "private",
    "capabilities",
    "tags",
    "routes",
    "ipAssignmentPools",
    "v4AssignMode",
) + ("v6AssignMode", "certificateTimeoutWindowSize", "ssoEnabled", "authenticationURL")
_DIGEST = const(8)  # bytes of rules' digests; nobody gains by finding rules that have the same


def capabilities(network: NetworkRecord, member: MemberRecord) -> dict[int, bytes]:
    """The rules of the member's capabilities that the network still has, by their ids."""
    return {
        id: network.capabilities[id][1] for id in member.capabilities if id in network.capabilities
    }


def tags(network: NetworkRecord, member: MemberRecord) -> dict[int, int]:
    """The values of the member's tags, and the network's defaults for those that it lacks."""
    values = {id: default for id, default in network.tags.items() if default is not None}
    values.update(member.tags)
    return values


def signed_in(network: NetworkRecord, member: MemberRecord, now: int) -> bool:
    """Whether the network asks for no single sign-on, or this member needs none or has done it."""
    return not network.sso or member.sso_exempt or member.sso_expiry > now


def grants(network: NetworkRecord, member: MemberRecord | None, now: int) -> str:
    """All that a member may hold, as JSON: [[CREDENTIAL_*, id, content], ...].

    A content is enough to tell it from others. NOTHING for who may not join.
    """
    if member is None or not member.authorized or not signed_in(network, member, now):
        return NOTHING
    found: list = [[CREDENTIAL_MEMBERSHIP, 0, 0]]
    granted = capabilities(network, member)
    for id in sorted(granted):
        digest = _zerotier.sha384(granted[id])[:_DIGEST].hex()
        found.append([CREDENTIAL_CAPABILITY, id, digest])
    values = tags(network, member)
    for id in sorted(values):
        found.append([CREDENTIAL_TAG, id, values[id]])
    ips = [ip.hex() for ip, _ in held(network, member)]
    if ips:
        found.append([CREDENTIAL_OWNERSHIP, OWNERSHIP_ID, ips])
    return json.dumps(found)


def withdrawn(given: str, now: str) -> tuple[list[tuple[int, int]], str]:
    """What of `given` a member may not hold any more: (the CREDENTIAL_* and ids, the rest of it).

    Both as `grants` makes them. A tag with another value and a capability with other rules are
    lost in their old form; addresses are lost with the first of them that is.
    """
    if given == now:
        return [], given
    has = {(kind, id): content for kind, id, content in json.loads(now)}
    lost: list[tuple[int, int]] = []
    kept = []
    for item in json.loads(given):
        kind, id, content = item
        holds = has.get((kind, id))
        if holds == content or (kind == CREDENTIAL_OWNERSHIP and _all_in(content, holds)):
            kept.append(item)
        else:
            lost.append((kind, id))
    return lost, json.dumps(kept)


def concerns_members(before: NetworkRecord, now: NetworkRecord) -> bool:
    """Whether a change of the network may concern what each member has; most changes do not."""
    return before is not now and any(
        before.fields.get(name) != now.fields.get(name) for name in _OF_MEMBERS
    )


def _all_in(ips: list[str], others: list[str] | None) -> bool:
    return others is not None and all(ip in others for ip in ips)
