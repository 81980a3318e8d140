"""The part of the API that is about networks and members: /controller and below (protocol/08 §8.6).

Owns the forms of the answers. Records are read and written as by the command line, and the controller, which is
in the same process, finds out in the same way. Never blocks for a look at all members: that is a thread's.
"""

import asyncio
from collections.abc import Awaitable

from zerotier import controller_database as database
from zerotier.controller_records import MemberRecord, NetworkRecord, new_member, new_network

from .controller_edit import edited_member, edited_network
from .controller_home import Home, member_address, now
from .http_server import HttpError

_API_VERSION = 4


class ControllerApi:
    """`home`: the controller's folder."""

    def __init__(self, home: str) -> None:
        self._home = Home(home)

    def status(self) -> dict:
        """That there is a controller."""
        return {
            "controller": True,
            "apiVersion": _API_VERSION,
            "clock": now(),
            "databaseReady": True,
        }

    # --- networks

    def networks(self) -> list[str]:
        """Their ids."""
        return [nwid.hex() for nwid in database.network_ids(self._home.store)]

    def all_networks(self) -> dict:
        """All of them, whole; those that cannot be read are left out."""
        shown = []
        for nwid in self.networks():
            try:
                shown.append(_shown_network(self._home.network(nwid)))
            except ValueError:
                continue
        return {"data": shown, "meta": {"totalCount": len(shown)}}

    def network(self, nwid: str) -> dict:
        """One."""
        return _shown_network(self._network(nwid))

    def create(self, controller: str | None, changes: dict) -> dict:
        """Make a network with a random number. `controller`: whose it is to be, which has to be us."""
        if controller is not None and controller != self._home.address().hex():
            raise HttpError(404, f"{controller} is not the address of this controller")
        return self._create(None, changes)

    def set_network(self, nwid: str, changes: dict) -> dict:
        """Change a network, or make it."""
        if self._home.store.get(database.network_key(bytes.fromhex(nwid))) is None:
            return self._create(nwid, changes)
        network = self._network(nwid)
        changed = edited_network(network, changes)
        if changed is not None:
            database.save_network(self._home.store, changed)
        return _shown_network(changed or network)

    def _create(self, nwid: str | None, changes: dict) -> dict:
        network = self._home.new_network(nwid)
        network = edited_network(network, changes) or network
        self._home.create(network)
        return _shown_network(network)

    def delete_network(self, nwid: str) -> Awaitable[dict]:
        """Delete a network; what it was."""
        network = self._network(nwid)

        async def delete() -> dict:
            await asyncio.to_thread(database.delete_network, self._home.store, network.nwid)
            return _shown_network(network)

        return delete()

    def _network(self, nwid: str) -> NetworkRecord:
        network = database.load_network(self._home.store, bytes.fromhex(nwid))
        if network is None:
            raise HttpError(404, f"there is no network {nwid}")
        return network

    # --- members

    def members(self, nwid: str) -> Awaitable[dict[str, int]]:
        """address -> revision."""
        network = self._network(nwid)

        async def read() -> dict[str, int]:
            members, _ = await asyncio.to_thread(self._home.members, network)
            return {member.address.hex(): _revision(member) for member in members}

        return read()

    def all_members(self, nwid: str) -> Awaitable[dict]:
        """All of them, whole; those that cannot be read are left out."""
        network = self._network(nwid)

        async def read() -> dict:
            members, _ = await asyncio.to_thread(self._home.members, network)
            authorized = sum(member.authorized for member in members)
            meta = {"totalCount": len(members), "authorizedCount": authorized}
            return {"data": [_shown_member(network, m) for m in members], "meta": meta}

        return read()

    def member(self, nwid: str, address: str) -> dict:
        """One."""
        network = self._network(nwid)
        return _shown_member(network, self._member(network, address))

    def set_member(self, nwid: str, address: str, changes: dict) -> dict:
        """Change a member, or make its record before it has ever asked."""
        network = self._network(nwid)
        member = self._home.known_or_new(network, member_address(address))
        changed = edited_member(network, member, changes, now())
        if changed is None and not _revision(member):
            changed = member
        if changed is not None:
            database.save_member(self._home.store, network.nwid, changed)
        return _shown_member(network, changed or member)

    def delete_member(self, nwid: str, address: str) -> dict:
        """Forget a member; what it was."""
        network = self._network(nwid)
        member = self._member(network, address)
        self._home.store.delete(database.member_key(network.nwid, member.address))
        return _shown_member(network, member)

    def _member(self, network: NetworkRecord, address: str) -> MemberRecord:
        member = database.load_member(self._home.store, network.nwid, bytes.fromhex(address))
        if member is None:
            raise HttpError(404, f"the network {network.nwid.hex()} has no member {address}")
        return member


def _shown_network(network: NetworkRecord) -> dict:
    """The record, and what it would say if all fields were written."""
    return {**new_network(network.nwid, "", 0), **network.fields}


def _shown_member(network: NetworkRecord, member: MemberRecord) -> dict:
    return {**new_member(network.nwid, member.address, 0), **member.fields}


def _revision(member: MemberRecord) -> int:
    revision = member.fields.get("revision")
    return revision if isinstance(revision, int) else 0
