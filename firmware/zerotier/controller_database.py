"""The networks and members of a controller, as they are in its store right now.

Owns the keys, the JSON, and what changed since the last look. Never decides anything, and never
writes over a record that it could not read: a typing error must not cost somebody the record.
"""

import json

from .const import const
from .controller_ledger import Ledger
from .controller_records import MemberRecord, NetworkRecord
from .counters import Counters
from .store import FileStore
from .wire.address import address_from_text

_FOLDER = "controller.d/network/"
_SUFFIX = ".json"
_MAX_SENTENCES = const(16)  # remembered about damaged records


def network_key(nwid: bytes) -> str:
    """The key of a network's record."""
    return f"{_FOLDER}{nwid.hex()}{_SUFFIX}"


def member_key(nwid: bytes, address: bytes) -> str:
    """The key of a member's record."""
    return f"{_member_folder(nwid)}{address.hex()}{_SUFFIX}"


def network_ids(store: FileStore) -> list[bytes]:
    """The ids of all networks that have a record, readable or not."""
    found = []
    for key in store.list(_FOLDER):
        name = key[len(_FOLDER) : -len(_SUFFIX)]
        if key.endswith(_SUFFIX) and len(name) == 16:
            try:
                found.append(bytes.fromhex(name))
            except ValueError:
                pass  # a file of the user's own
    return found


def member_addresses(store: FileStore, nwid: bytes) -> list[bytes]:
    """The addresses of all members of a network that have a record, readable or not."""
    found = []
    folder = _member_folder(nwid)
    for key in store.list(folder):
        try:
            found.append(address_from_text(key[len(folder) : -len(_SUFFIX)]))
        except ValueError:
            pass  # a file of the user's own
    return found


def load_network(store: FileStore, nwid: bytes) -> NetworkRecord | None:
    """Read a network. None if there is none; ValueError, naming the record, if it is damaged."""
    value = store.get(network_key(nwid))
    return None if value is None else _parse_network(nwid, value)


def load_member(store: FileStore, nwid: bytes, address: bytes) -> MemberRecord | None:
    """Read a member. None if there is none; ValueError, naming the record, if it is damaged."""
    value = store.get(member_key(nwid, address))
    return None if value is None else _parse_member(nwid, address, value)


def save_network(store: FileStore, network: NetworkRecord) -> None:
    """Write a network's fields, as its next revision."""
    network.fields["revision"] = network.revision = network.revision + 1
    store.put(network_key(network.nwid), _encode(network.fields))


def delete_network(store: FileStore, nwid: bytes) -> int:
    """Delete a network and the records of its members; how many members it had.

    The members go last: if this is cut short, nobody is let into a network that is half there.
    """
    store.delete(network_key(nwid))
    addresses = member_addresses(store, nwid)
    for address in addresses:
        store.delete(member_key(nwid, address))
    return len(addresses)


def save_member(store: FileStore, nwid: bytes, member: MemberRecord) -> bytes:
    """Write a member's fields, as its next revision; returns what was written."""
    revision = member.fields.get("revision", 0)
    member.fields["revision"] = revision + 1 if isinstance(revision, int) else 1
    value = _encode(member.fields)
    store.put(member_key(nwid, member.address), value)
    return value


class Shelf:
    """One network with its members, remembered between readings.

    `network` is None if there is no such network, or if its record is damaged. A member with a
    damaged record is not in `members`, but is in `damaged`. With ten thousand members nothing that a
    request needs may look at all of them, so what is asked of all is counted as they come and go.
    """

    def __init__(self, nwid: bytes) -> None:
        self.nwid = nwid
        self.network: NetworkRecord | None = None
        self.members: dict[bytes, MemberRecord] = {}
        self.damaged: dict[bytes, bool] = {}
        self.strangers = 0  # members that nobody has authorized
        self.read_at: int | None = None  # when all members were read
        self.value: bytes | None = None  # the records as they were read
        self.values: dict[bytes, bytes] = {}
        self.stamps: dict[str, tuple] = {}  # of the members' files, as they were read
        self.touched: tuple | None = None  # stamp of their folder,
        self.network_touched: tuple | None = None  # and of the network's file
        self.ledger: Ledger | None = None  # there is one once all members were read
        self.members_version = 0  # counts changes of the network that concern what members have
        self.shared: dict[str, bytes] = {}  # lines of every config,
        self.shared_of: tuple = (
            None,
            None,
        )  # and the network and specialists that they were made of
        self._roles: dict[bytes, int] = {}  # of members that have one
        self._specialists: list[tuple[bytes, int]] | None = None  # the same, sorted
        self._owners: dict[bytes, int] = {}  # IP -> how many members it is given to

    def put(self, member: MemberRecord) -> None:
        """Remember a member, instead of what was known of it."""
        self.drop(member.address)
        self.members[member.address] = member
        for ip in member.ips:
            self._owners[ip] = self._owners.get(ip, 0) + 1
        if not member.authorized:
            self.strangers += 1
        elif member.roles():
            self._roles[member.address] = member.roles()
            self._specialists = None

    def drop(self, address: bytes) -> None:
        """Forget a member. No error if there is none."""
        member = self.members.pop(address, None)
        if member is None:
            return
        for ip in member.ips:
            self._owners[ip] -= 1
            if not self._owners[ip]:
                del self._owners[ip]
        if not member.authorized:
            self.strangers -= 1
        if self._roles.pop(address, None) is not None:
            self._specialists = None

    def specialists(self) -> list[tuple[bytes, int]]:
        """(address, ROLE_*) of the authorized members that have a role, in the order of addresses.

        The same list as long as nothing of it has changed.
        """
        if self._specialists is None:
            self._specialists = list(self._roles.items())
            self._specialists.sort()
        return self._specialists

    def uses(self, ip: bytes, but: bytes) -> bool:
        """Whether an IP address is given to another member than `but`."""
        others = self._owners.get(ip, 0)
        member = self.members.get(but)
        if member is not None:
            others -= member.ips.count(ip)
        return others > 0


class Database:
    """Reads and writes the records of one controller; `sentences` tells what could not be read."""

    def __init__(self, store: FileStore, counters: Counters) -> None:
        self.sentences: list[str] = []
        self.can_glance = hasattr(
            store, "stamps"
        )  # the store tells what changed without reading it
        self._store = store
        self._counters = counters

    def read_network(self, shelf: Shelf) -> bool:
        """Read the network's own record again; whether it changed."""
        if self.can_glance:  # first: what comes later is seen next time
            shelf.network_touched = self._store.stamp(network_key(shelf.nwid))
        value = self._get(network_key(shelf.nwid), shelf.value)
        if value == shelf.value:
            return False
        shelf.value = value
        shelf.network = None
        if value is not None:
            try:
                shelf.network = _parse_network(shelf.nwid, value)
            except ValueError as error:
                self._damaged(str(error))
        return True

    def read_member(self, shelf: Shelf, address: bytes) -> bool:
        """Read one member's record again; whether it changed."""
        known = shelf.values.get(address)
        value = self._get(member_key(shelf.nwid, address), known)
        if value == known:
            return False
        shelf.drop(address)
        shelf.damaged.pop(address, None)
        if value is None:
            del shelf.values[address]
            return True
        shelf.values[address] = value
        try:
            shelf.put(_parse_member(shelf.nwid, address, value))
        except ValueError as error:
            shelf.damaged[address] = True
            self._damaged(str(error))
        return True

    def read_members(self, shelf: Shelf, now: int) -> list[bytes]:
        """Read again the members whose files changed; the addresses of those that did, came or went."""
        shelf.read_at = now
        known = set(shelf.values)
        try:
            if not self.can_glance:
                known.update(member_addresses(self._store, shelf.nwid))
                return [address for address in known if self.read_member(shelf, address)]
            folder = _member_folder(shelf.nwid)
            shelf.touched = self._store.stamp(folder)  # first: what comes later is seen next time
            stamps = self._store.stamps(folder)
        except OSError as error:
            self._damaged(f"the members of {shelf.nwid.hex()} cannot be listed: {error}")
            return []
        before = shelf.stamps
        names = [name for name, stamp in stamps.items() if stamp != before.get(name)]
        if len(stamps) - len(names) < len(before):
            names += [name for name in before if name not in stamps]
        shelf.stamps = stamps
        suspects = [address for address in map(_address_of, names) if address is not None]
        return [address for address in suspects if self.read_member(shelf, address)]

    def is_touched(self, shelf: Shelf) -> bool:
        """Whether the network's file changed, or files of members came, went or were replaced, since the last reading.

        Costs next to nothing; a member's file that was written over in its place is noticed by reading only.
        """
        if not self.can_glance:
            return False
        if self._store.stamp(network_key(shelf.nwid)) != shelf.network_touched:
            return True
        touched = self._store.stamp(_member_folder(shelf.nwid))
        return shelf.read_at is not None and bool(touched != shelf.touched)

    def save_member(self, shelf: Shelf, member: MemberRecord) -> None:
        """Write a member that was read just now."""
        shelf.values[member.address] = save_member(self._store, shelf.nwid, member)
        shelf.put(MemberRecord(member.fields))

    def _get(self, key: str, known: bytes | None) -> bytes | None:
        """What the store has; if it cannot be read, what it had: a bad disk is not a deletion."""
        try:
            return self._store.get(key)
        except OSError as error:
            self._damaged(f"{key} cannot be read: {error}")
            return known

    def _damaged(self, sentence: str) -> None:
        self._counters.count("controller_damaged_record")
        if sentence in self.sentences:
            return
        if len(self.sentences) >= _MAX_SENTENCES:
            self.sentences.pop(0)
        self.sentences.append(sentence)


def _address_of(name: str) -> bytes | None:
    """Whose record a file is; None for a file of the user's own."""
    if not name.endswith(_SUFFIX):
        return None
    try:
        return address_from_text(name[: -len(_SUFFIX)])
    except ValueError:
        return None


def _member_folder(nwid: bytes) -> str:
    return f"{_FOLDER}{nwid.hex()}/member/"


def _encode(fields: dict) -> bytes:
    return json.dumps(fields).encode()


def _decode(value: bytes) -> dict:
    try:
        text = value.decode()
        fields = json.loads(text)
    except (ValueError, RuntimeError):  # RuntimeError: nested too deeply
        raise ValueError("it is not JSON")
    if isinstance(fields, dict) and not text.rstrip().endswith("}"):
        # MicroPython closes what was left open; half a record must not pass for a whole one.
        raise ValueError("it is not JSON")
    return fields


def _parse_network(nwid: bytes, value: bytes) -> NetworkRecord:
    try:
        network = NetworkRecord(_decode(value))
        if network.nwid != nwid:
            raise ValueError(f"it is the record of the network {network.nwid.hex()}")
    except ValueError as error:
        raise ValueError(f"{network_key(nwid)} cannot be used: {error}")
    return network


def _parse_member(nwid: bytes, address: bytes, value: bytes) -> MemberRecord:
    try:
        member = MemberRecord(_decode(value))
        if member.address != address:
            raise ValueError(f"it is the record of the member {member.address.hex()}")
    except ValueError as error:
        raise ValueError(f"{member_key(nwid, address)} cannot be used: {error}")
    return member
