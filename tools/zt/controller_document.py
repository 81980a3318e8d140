"""A whole network as one JSON document: {"network": {...}, "members": [{...}, ...]}.

Owns reading it. Writes nothing: the caller makes the network, once all of the document is known to be usable.
"""

import json

from zerotier.controller_records import MemberRecord, NetworkRecord

from . import files
from .controller_edit import edited_network
from .controller_home import Home, now


def read_document(
    path: str, home: Home, nwid: str | None
) -> tuple[NetworkRecord, list[MemberRecord]]:
    """The network and its members, to be made by the controller in `home`.

    `nwid`: its id here, if it is not to keep the one of the document. A network object alone, without
    members, is taken too. ValueError, in one sentence, if any of it is unusable.
    """
    try:
        document = json.loads(files.read(path))
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not JSON") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path} does not hold a network")
    fields = document.get("network", document)
    if not isinstance(fields, dict):
        raise ValueError(f"{path}: network must be an object")
    wanted = nwid or fields.get("id") or fields.get("nwid")
    if wanted is not None and not isinstance(wanted, str):
        raise ValueError(f"{path}: id must be a string")
    network = home.new_network(wanted)
    try:
        network = edited_network(network, fields) or network
        members = _members(network, document.get("members"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return network, members


def _members(network: NetworkRecord, objects: object) -> list[MemberRecord]:
    if objects is None:
        return []
    if not isinstance(objects, list):
        raise ValueError("members must be a list")
    members: dict[bytes, MemberRecord] = {}
    for fields in objects:
        try:
            member = MemberRecord(fields)
        except ValueError as error:
            raise ValueError(f"member {len(members) + 1}: {error}") from None
        if member.address in members:
            raise ValueError(f"there are two members {member.address.hex()}")
        member.fields["nwid"] = network.nwid.hex()
        member.fields.setdefault("creationTime", now())
        members[member.address] = member
    return list(members.values())
