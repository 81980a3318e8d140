"""The folder of a controller, as the commands that change its records see it.

Owns how a command finds a network or a member, and its errors if there is none. Records themselves
are `zerotier.controller_database`'s.
"""

import argparse
import os
import time
from collections.abc import Sequence

from zerotier import controller_database as database
from zerotier.controller_records import MemberRecord, NetworkRecord, new_member, new_network
from zerotier.identity import Identity
from zerotier.store import FileStore
from zerotier.wire.address import address_from_text, is_reserved, nwid_from_text

_SECRET = "identity.secret"
_NUMBER_SIZE = 3  # bytes of a network id behind the controller's address


def add_home_option(parser: argparse.ArgumentParser) -> None:
    """`--home`, which may stand before or behind the name of the command."""
    parser.add_argument(
        "--home",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of the controller; it holds identity.secret and the networks",
    )


def now() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)


def home_of(options: argparse.Namespace) -> "Home":
    """The folder that a command names. ValueError if it names none."""
    if not hasattr(options, "home"):
        raise ValueError("which controller? Give its folder with --home DIR")
    return Home(options.home)


class Home:
    """The records of one controller. All errors are ValueError or OSError, in one sentence."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.store = FileStore(path)

    def address(self) -> bytes:
        """The address of the controller."""
        secret = self.store.get(_SECRET)
        if secret is None:
            raise ValueError(
                f"{self.path} has no {_SECRET}: `zt identity new --out {self.path}/{_SECRET}` "
                "makes one"
            )
        try:
            return Identity.from_text(secret.decode("ascii").strip()).address
        except ValueError:
            raise ValueError(f"{self.path}/{_SECRET} does not hold an identity") from None

    def network(self, text: str) -> NetworkRecord:
        """The network with this id."""
        network = database.load_network(self.store, nwid_from_text(text))
        if network is None:
            raise ValueError(f"there is no network {text} in {self.path}")
        return network

    def new_network(self, text: str | None) -> NetworkRecord:
        """A network that is not there yet, with this id or a random one of ours. Nothing is written.

        ValueError if the id is not ours, or taken.
        """
        fields = new_network(self._free_id(text), "", now())
        fields["revision"] = 0  # saving counts
        return NetworkRecord(fields)

    def _free_id(self, text: str | None) -> bytes:
        controller = self.address()
        if text is not None:
            nwid = nwid_from_text(text)
            if nwid[: len(controller)] != controller:
                raise ValueError(f"network ids of this controller begin with {controller.hex()}")
            if nwid[len(controller) :] == bytes(_NUMBER_SIZE):
                raise ValueError(f"{text} has the number 0, which is not a network")
            if self.store.get(database.network_key(nwid)) is not None:
                raise ValueError(f"the network {text} exists already and is kept")
            return nwid
        while True:
            nwid = controller + os.urandom(_NUMBER_SIZE)
            free = self.store.get(database.network_key(nwid)) is None
            if nwid[len(controller) :] != bytes(_NUMBER_SIZE) and free:
                return nwid

    def create(self, network: NetworkRecord, members: Sequence[MemberRecord] = ()) -> None:
        """Write a new network. Records of members that a deleted one has left behind do not come back."""
        database.delete_network(self.store, network.nwid)
        for member in members:
            database.save_member(self.store, network.nwid, member)
        database.save_network(self.store, network)  # last: before it is there, nobody is let in

    def member(self, network: NetworkRecord, text: str) -> MemberRecord:
        """The member with this address."""
        member = database.load_member(self.store, network.nwid, member_address(text))
        if member is None:
            raise ValueError(f"the network {network.nwid.hex()} has no member {text}")
        return member

    def known_or_new(self, network: NetworkRecord, address: bytes) -> MemberRecord:
        """The member with this address; if it has never been here, a record that is not written yet."""
        member = database.load_member(self.store, network.nwid, address)
        if member is None:
            fields = new_member(network.nwid, address, now())
            fields["capabilities"] = network.default_capabilities()
            member = MemberRecord(fields)
        return member

    def members(self, network: NetworkRecord) -> tuple[list[MemberRecord], list[str]]:
        """(members by address, a sentence for each that cannot be read)."""
        members, damaged = [], []
        for address in database.member_addresses(self.store, network.nwid):
            try:
                member = database.load_member(self.store, network.nwid, address)
            except ValueError as error:
                damaged.append(str(error))
                continue
            if member is not None:
                members.append(member)
        return members, damaged


def member_address(text: str) -> bytes:
    """The address of a node from its 10 digits."""
    address = address_from_text(text)
    if is_reserved(address):
        raise ValueError(f"{text} is not the address of any node")
    return address
