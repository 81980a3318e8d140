"""The network controller: answers members that ask for the configuration of a network.

Owns the conversation (protocol/08): who asked when, replies, refusals and pushes. Who may join, what
a member gets or has lost, and how others are told of that, is decided in controller_*.py.
"""

from .const import const
from .controller_admission import ADMITTED, DENIED, IMPOSTOR, admit
from .controller_assign import assign
from .controller_config import Issuer
from .controller_database import Database, Shelf
from .controller_grants import withdrawn
from .controller_records import MemberRecord
from .controller_revoker import Revoker
from .identity import Identity
from .store import FileStore
from .vl1.outcome import RECEIVED
from .vl1.packet import Packet
from .vl1.peer import Peer
from .vl1.transport import Transport
from .wire import messages
from .wire.credentials import CREDENTIAL_MEMBERSHIP
from .wire.dictionary import get_int
from .wire.dictionary import parse as parse_dictionary
from .wire.verbs import (
    ERROR_NETWORK_ACCESS_DENIED,
    ERROR_OBJ_NOT_FOUND,
    VERB_ERROR,
    VERB_NETWORK_CONFIG,
    VERB_NETWORK_CONFIG_REQUEST,
    VERB_OK,
)

_REQUEST_GATE = const(1000)  # ms; a second request within this is dropped (protocol/08 §8.1)
_PUSH_WITHIN = const(120000)  # ms since the last request (protocol/08 §8.4)
_AUTHORISED_FOR = const(180000)  # ms since the last config (protocol/08 §8.1)
_READ_INTERVAL = const(700)  # ms between looks at all records: members are told within a second
_GLANCE_INTERVAL = const(200)  # the same at what shows that records were replaced
_PUSHES_AT_ONCE = const(32)
_MAX_METADATA = const(1024)  # bytes that are read (protocol/06 §6.4)


class _Client:
    """A member that asked since the controller started."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.understands_rules = False  # what its last request said
        self.last_request = 0
        self.last_config: int | None = None  # when it got one, if it may have one

    def listens(self, now: int) -> bool:
        """Whether it asked so lately that it is worth sending it something unasked."""
        return now - self.last_request <= _PUSH_WITHIN


class Controller:
    """Serves every network of `store` whose id begins with this node's address.

    `transport`: the node's; `store`: where the records are (controller_database.py). They may
    change at any time, by other hands: `tick` notices it within a second and tells the members.
    """

    def __init__(self, transport: Transport, store: FileStore) -> None:
        self._transport = transport
        self._address = transport.identity.address
        self._issuer = Issuer(transport.identity)
        self._revoker = Revoker(transport, self._issuer)
        self._count = transport.counters.count
        self._database = Database(store, transport.counters)
        self._shelves: dict[bytes, Shelf] = {}
        self._clients: dict[tuple[bytes, bytes], _Client] = {}  # (nwid, address)
        self._due: dict[tuple[bytes, bytes], bool] = {}  # clients that get a new config
        self._next_read = 0
        self._next_glance = 0
        self._max_clients = transport.limits.networks * transport.limits.members
        self._max_strangers = transport.limits.members
        transport.verbs[VERB_NETWORK_CONFIG_REQUEST] = self.receive_request

    @property
    def sentences(self) -> list[str]:
        """Which records could not be read and why, one sentence each; the latest at the end."""
        return self._database.sentences

    def authorised(self, address: bytes, nwid: bytes, now: int) -> bool:
        """Whether this node got a config of that network within the last three minutes."""
        client = self._clients.get((nwid, address))
        if client is None or client.last_config is None:
            return False
        return now - client.last_config <= _AUTHORISED_FOR

    def receive_request(self, peer: Peer, packet: Packet, now: int) -> int:
        """NETWORK_CONFIG_REQUEST (protocol/03 §3.14)."""
        try:
            nwid, metadata, _, _ = messages.parse_config_request(packet.payload)
        except ValueError:
            self._count("controller_bad_request")
            raise
        if nwid[:5] != self._address:
            self._count("controller_foreign_network")
            return RECEIVED
        client = self._clients.get((nwid, peer.address))
        if client is not None and now - client.last_request <= _REQUEST_GATE:
            self._count("controller_request_gate")
            return RECEIVED
        request_id = bytes(packet.id)
        shelf = self._shelves.get(nwid) or Shelf(nwid)
        self._look(shelf, peer.address, now)
        if shelf.network is None:
            self._count("controller_unknown_network")
            self._refuse(peer.address, nwid, request_id, ERROR_OBJ_NOT_FOUND, now)
            return RECEIVED
        self._shelves[nwid] = shelf
        if client is None:
            client = self._add_client(nwid, peer)
        said = parse_dictionary(metadata[:_MAX_METADATA])
        client.identity = peer.identity
        client.last_request = now
        client.understands_rules = get_int(said, "revr") > 0
        member = self._admit(shelf, client, said, now)
        if member is None:
            client.last_config = None
            self._count("controller_denied")
            self._refuse(peer.address, nwid, request_id, ERROR_NETWORK_ACCESS_DENIED, now)
            return RECEIVED
        header = messages.ok_header(VERB_NETWORK_CONFIG_REQUEST, request_id)
        self._send_config(shelf, client, member, VERB_OK, (header,), now)
        return RECEIVED

    def tick(self, now: int) -> int:
        """Notice what changed in the records, and tell the members; the time of the next call."""
        if now >= self._next_read:
            self._next_read = now + _READ_INTERVAL
            self._next_glance = now + _GLANCE_INTERVAL
            self._read(now)
        elif now >= self._next_glance:
            self._next_glance = now + _GLANCE_INTERVAL
            for shelf in list(self._shelves.values()):
                if self._database.is_touched(shelf):
                    self._look(shelf, None, now)
        else:
            self._push_some(now)
        next_look = self._next_read
        if self._shelves and self._database.can_glance:
            next_look = min(next_look, self._next_glance)
        revoke_at = self._revoker.tick(self._listeners, now)
        if self._due:
            return now + 1
        return next_look if revoke_at is None else min(revoke_at, next_look)

    def _read(self, now: int) -> None:
        for key in list(self._clients):
            client = self._clients[key]
            if not client.listens(now) and not self.authorised(key[1], key[0], now):
                del self._clients[key]
        asked = {nwid for nwid, _ in self._clients}
        for nwid in list(self._shelves):
            if nwid in asked:
                self._look(self._shelves[nwid], None, now)
            else:
                del self._shelves[nwid]  # nobody to tell: read anew when somebody asks

    # --- records ---

    def _look(self, shelf: Shelf, asking: bytes | None, now: int) -> None:
        """Read what may have changed, and tell everybody but the one who is asking right now."""
        specialists = shelf.specialists()
        first = shelf.read_at is None
        everybody = self._database.read_network(shelf)
        if asking is None or shelf.read_at is None:
            changed = self._database.read_members(shelf, now)
        else:  # requests come at any rate, and there may be many members
            changed = [asking] if self._database.read_member(shelf, asking) else []
        gone = [address for address in changed if shelf.settle(address)]
        lost = withdrawn(shelf)
        if first or shelf.network is None:
            return
        if shelf.network.private:
            lost += [(address, CREDENTIAL_MEMBERSHIP, 0) for address in gone]
        if lost:
            self._revoke(shelf, lost, now)
        if everybody or specialists != shelf.specialists():
            changed = [address for nwid, address in self._clients if nwid == shelf.nwid]
        for address in changed:
            if address != asking and (shelf.nwid, address) in self._clients:
                self._due[(shelf.nwid, address)] = True
        self._push_some(now)

    def _admit(
        self, shelf: Shelf, client: _Client, metadata: dict, now: int
    ) -> MemberRecord | None:
        """The record of a member that may join, brought up to date; None if it may not."""
        address = client.identity.address
        if address in shelf.damaged:
            return None
        known = shelf.members.get(address)
        assert shelf.network is not None
        verdict, fields = admit(shelf.network, known, client.identity, metadata, now)
        if verdict == IMPOSTOR:
            self._count("controller_impostor")
            return None
        if known is None and verdict == DENIED and self._full_of_strangers(shelf):
            self._count("controller_strangers_full")
            return None
        member = MemberRecord(fields)
        if verdict == ADMITTED:
            # Now, so that a new member costs one wait for the disk and not two.
            member = member.with_ips(assign(shelf.network, member, shelf.uses)[1])
            fields = member.fields
        # Who is not let in does not wear out the flash: only the first request leaves a trace.
        noted = verdict == ADMITTED or known is None or not known.identity
        if noted and (known is None or fields != known.fields):
            self._save(shelf, member)
        return member if verdict == ADMITTED else None

    def _full_of_strangers(self, shelf: Shelf) -> bool:
        """Everybody can knock, and each new face costs a record: there has to be an end."""
        return shelf.strangers >= self._max_strangers

    def _save(self, shelf: Shelf, member: MemberRecord) -> None:
        """A full disk must not keep a member out; it is told again what it was told before."""
        try:
            self._database.save_member(shelf, member)
        except OSError:
            self._count("controller_unwritable_record")
            shelf.put(member)
        shelf.settle(member.address)

    # --- clients ---

    def _add_client(self, nwid: bytes, peer: Peer) -> _Client:
        if len(self._clients) >= self._max_clients:
            oldest = min(self._clients, key=lambda key: self._clients[key].last_request)
            del self._clients[oldest]
            self._count("controller_client_evicted")
        client = self._clients[(nwid, peer.address)] = _Client(peer.identity)
        return client

    def _push_some(self, now: int) -> None:
        """Push to a few of those who are due: thousands may be, and others want to be served."""
        for key in list(self._due)[:_PUSHES_AT_ONCE]:
            del self._due[key]
            shelf = self._shelves.get(key[0])
            if shelf is not None and key in self._clients:
                self._push(shelf, key[1], now)

    def _push(self, shelf: Shelf, address: bytes, now: int) -> None:
        """Send a member its config unasked, if it may have one and asked lately."""
        client = self._clients[(shelf.nwid, address)]
        member = shelf.members.get(address)
        if member is None or not member.authorized:
            client.last_config = None
            return
        if client.listens(now) and member.identity.lower() == client.identity.to_text():
            self._send_config(shelf, client, member, VERB_NETWORK_CONFIG, (), now)

    # --- packets ---

    def _send_config(
        self, shelf: Shelf, client: _Client, member: MemberRecord, verb: int, head: tuple, now: int
    ) -> None:
        network = shelf.network
        assert network is not None
        ips, new = assign(network, member, shelf.uses)
        if new:
            member = member.with_ips(new)
            self._save(shelf, member)
        config = self._issuer.config(
            network,
            member,
            client.identity,
            ips,
            shelf.specialists(),
            client.understands_rules,
            max(now, shelf.issue_from),
        )
        for chunk in self._issuer.chunks(shelf.nwid, config):
            self._transport.send(member.address, verb, head + (chunk,), now)
        client.last_config = now
        self._count("controller_config_sent")

    def _refuse(self, address: bytes, nwid: bytes, request_id: bytes, code: int, now: int) -> None:
        error = messages.encode_error(VERB_NETWORK_CONFIG_REQUEST, request_id, code, nwid)
        self._transport.send(address, VERB_ERROR, (error,), now)

    # --- revocations ---

    def _revoke(self, shelf: Shelf, lost: list[tuple[bytes, int, int]], now: int) -> None:
        """Tell the members at once; else they wait until these credentials are too old.

        What is issued from here on must be newer than what is void.
        """
        shelf.issue_from = now + 1
        self._revoker.add(shelf.nwid, lost, now)
        self._revoker.tick(self._listeners, now)

    def _listeners(self, now: int) -> dict[bytes, list[bytes]]:
        """The networks of everybody who has asked lately."""
        found: dict[bytes, list[bytes]] = {}
        for (nwid, address), client in self._clients.items():
            if client.listens(now):
                found.setdefault(address, []).append(nwid)
        return found
