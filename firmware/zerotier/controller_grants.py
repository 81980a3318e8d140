"""What a member may hold, by the records: capabilities, tags, IP addresses; and what it has lost.

Owns the comparison of what records say now with what they said before. Never signs, never sends.
"""

from .const import const
from .controller_assign import held
from .controller_database import Shelf
from .controller_records import MemberRecord, NetworkRecord
from .wire.credentials import CREDENTIAL_CAPABILITY, CREDENTIAL_OWNERSHIP, CREDENTIAL_TAG

OWNERSHIP_ID = const(1)  # a member has one certificate for all of its addresses


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


def withdrawn(shelf: Shelf) -> list[tuple[bytes, int, int]]:
    """What members have lost since this was last asked: (member, CREDENTIAL_*, id), in no order.

    A tag with another value and a capability with other rules are lost in their old form, and so
    is everything of a member that may not join any more. Records that cannot be read are no
    decision: they are compared once they can be.
    """
    network, before = shelf.network, shelf.compared
    if network is None:
        return []
    shelf.compared = network
    if before is None:
        shelf.replaced.clear()
        return []
    suspects = list(shelf.members if _may_have_lost(before, network) else shelf.replaced)
    suspects += [address for address in shelf.replaced if address not in shelf.members]
    lost = []
    for address in set(suspects):
        if address in shelf.damaged:
            continue
        member = shelf.members.get(address)
        old = shelf.replaced.pop(address, member)
        # Who never asked has got nothing.
        if old is not None and old.authorized and old.identity:
            for kind, id in _lost(before, old, network, member):
                lost.append((address, kind, id))
    return lost


def _may_have_lost(before: NetworkRecord, now: NetworkRecord) -> bool:
    """Whether a change of the network may have cost members something; most changes do not."""
    if before is now:
        return False
    return (
        before.capabilities != now.capabilities
        or before.tags != now.tags
        or before.fields.get("routes") != now.fields.get("routes")
        or before.assign_6plane != now.assign_6plane
        or before.assign_rfc4193 != now.assign_rfc4193
    )


def _lost(
    before: NetworkRecord, old: MemberRecord, network: NetworkRecord, member: MemberRecord | None
) -> list[tuple[int, int]]:
    """The (CREDENTIAL_*, id) that no longer say the truth about a member."""
    if member is not None and not member.authorized:
        member = None
    lost = []
    for kind, of in ((CREDENTIAL_CAPABILITY, capabilities), (CREDENTIAL_TAG, tags)):
        has = {} if member is None else of(network, member)
        for id, content in of(before, old).items():
            if has.get(id) != content:
                lost.append((kind, id))
    kept = [] if member is None else [ip for ip, _ in held(network, member)]
    for ip, _ in held(before, old):
        if ip not in kept:
            lost.append((CREDENTIAL_OWNERSHIP, OWNERSHIP_ID))
            break
    return lost
