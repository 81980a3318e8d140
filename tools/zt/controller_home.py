"""The folder of a controller, as the commands that change its records see it.

Owns how a command finds a network or a member, and its errors if there is none. Records themselves
are `zerotier.controller_database`'s.
"""

import argparse
import time

from zerotier import controller_database as database
from zerotier.controller_records import MemberRecord, NetworkRecord
from zerotier.identity import Identity
from zerotier.store import FileStore
from zerotier.wire.address import address_from_text, is_reserved, nwid_from_text

_SECRET = "identity.secret"


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


class Home:
    """The records of one controller. All errors are ValueError or OSError, in one sentence."""

    def __init__(self, options: argparse.Namespace) -> None:
        if not hasattr(options, "home"):
            raise ValueError("which controller? Give its folder with --home DIR")
        self.path: str = options.home
        self.store = FileStore(self.path)

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

    def member(self, network: NetworkRecord, text: str) -> MemberRecord:
        """The member with this address."""
        member = database.load_member(self.store, network.nwid, member_address(text))
        if member is None:
            raise ValueError(f"the network {network.nwid.hex()} has no member {text}")
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
