"""The network controller: answers members that ask for the configuration of a network.

Owns the conversation (protocol/08): who asked when, replies, refusals and pushes. Who may join, what
a member gets or has lost, and how others are told of that, is decided in controller_*.py.
"""

from .const import const
from .controller_admission import ADMITTED, DENIED, IMPOSTOR, UNAUTHENTICATED, admit
from .controller_assign import assign
from .controller_config import Issuer, sign_on_error
from .controller_database import Database, Shelf, network_ids
from .controller_grants import concerns_members, grants, signed_in, withdrawn
from .controller_ledger import Ledger
from .controller_records import MemberRecord, NetworkRecord
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
    ERROR_NETWORK_AUTHENTICATION_REQUIRED,
    ERROR_OBJ_NOT_FOUND,
    VERB_ECHO,
    VERB_ERROR,
    VERB_NETWORK_CONFIG,
    VERB_NETWORK_CONFIG_REQUEST,
    VERB_OK,
)

_REQUEST_GATE = const(1000)  # ms; a second request within this is dropped (protocol/08 §8.1)
_PUSH_WITHIN = const(120000)  # ms since the member was heard last (protocol/08 §8.4)
_AUTHORISED_FOR = const(180000)  # ms since the last config (protocol/08 §8.1)
_READ_INTERVAL = const(700)  # ms between looks at all records: members are told within a second
_GLANCE_INTERVAL = const(100)  # the same at what shows that records were replaced
_PUSHES_AT_ONCE = const(64)  # some 5 ms on a PC
_REUSE = const(120000)  # ms that credentials are sent again with a pushed config
_KEEPING = const(256)  # members: who serves so many has the memory to keep signatures
_MAX_METADATA = const(1024)  # bytes that are read (protocol/06 §6.4)
_RECEIPT = const(16)  # bytes: network id, update id (protocol/03 §3.15)


class _Client:
    """A member that asked since the controller started."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.understands_rules = False  # what its last request said
        self.last_request = 0
        self.last_heard = 0  # a request, or the receipt of a push
        self.sent = b""  # update id of its last config
        self.last_config: int | None = None  # when it got one, if it may have one
        self.signed: dict[tuple, object] = {}  # credentials, by what they say,
        self.signed_at = 0  # and the earliest time that one of them bears
        self.lines: dict[str, bytes] = {}  # of its config,
        self.lines_of: tuple = ()  # and the member's record and the version that they were made of

    def forget_signatures(self) -> None:
        """The next config gets new ones."""
        self.signed = {}
        self.lines = {}
        self.lines_of = ()

    def listens(self, now: int) -> bool:
        """Whether it was heard so lately that it is worth sending it something unasked."""
        return now - self.last_heard <= _PUSH_WITHIN


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
        self._store = store
        self._shelves: dict[bytes, Shelf] = {}
        self._clients: dict[tuple[bytes, bytes], _Client] = {}  # (nwid, address)
        self._due: dict[tuple[bytes, bytes], bool] = {}  # clients that get a new config
        self._keeps_signatures = transport.limits.members >= _KEEPING
        self._wakes_until: int | None = None  # all networks are looked at, whoever asks
        self._next_read = 0
        self._next_glance = 0
        self._max_clients = transport.limits.networks * transport.limits.members
        self._max_strangers = transport.limits.members
        self._other_ok = transport.verbs[VERB_OK]
        transport.verbs[VERB_OK] = self.receive_ok
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
        client.last_request = client.last_heard = now
        client.understands_rules = get_int(said, "revr") > 0
        verdict, member = self._admit(shelf, client, said, now)
        if verdict == ADMITTED:
            header = messages.ok_header(VERB_NETWORK_CONFIG_REQUEST, request_id)
            client.signed_at = 0  # who asks gets credentials of today
            self._send_config(shelf, client, member, VERB_OK, (header,), now)
            return RECEIVED
        self._shut_out(nwid, client)
        if verdict == UNAUTHENTICATED:
            self._count("controller_not_signed_in")
            code = ERROR_NETWORK_AUTHENTICATION_REQUIRED
            extra = sign_on_error(shelf.network, peer.address)
        else:
            self._count("controller_denied")
            code = ERROR_NETWORK_ACCESS_DENIED
            extra = b""
        self._refuse(peer.address, nwid, request_id, code, now, extra)
        return RECEIVED

    def receive_ok(self, peer: Peer, packet: Packet, now: int) -> int:
        """OK: the receipt of a push (protocol/03 §3.15); any other goes to who expects it.

        The reference asks again a minute after its last config. Pushes put that off, so that a member of a
        network that changes often says nothing but this.
        """
        verb, _, body = messages.parse_ok(packet.payload)
        if verb == VERB_ECHO and len(body) == _RECEIPT:
            client = self._clients.get((bytes(body[:8]), peer.address))
            if client is not None and client.sent == body[8:]:
                client.last_heard = now
                return RECEIVED
        return self._other_ok(peer, packet, now)

    def tick(self, now: int) -> int:
        """Notice what changed in the records, and tell the members; the time of the next call."""
        if self._wakes_until is None:
            self._wake(now)
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
        revoke_at = self._revoker.tick(now)
        if self._due:
            return now + 1
        return next_look if revoke_at is None else min(revoke_at, next_look)

    def _wake(self, now: int) -> None:
        """Records may have changed while there was no controller: whoever has lost something by that is told of.

        And so is everybody else on these networks, who may not ask again for a minute.
        """
        self._wakes_until = now + _PUSH_WITHIN
        for nwid in network_ids(self._store):
            if nwid[:5] == self._address and nwid not in self._shelves:
                shelf = self._shelves[nwid] = Shelf(nwid)
                self._look(shelf, None, now)
                if shelf.ledger is not None and shelf.ledger.void:
                    for address in shelf.ledger.given:
                        self._revoker.hear(nwid, address)

    def _read(self, now: int) -> None:
        if self._wakes_until and now >= self._wakes_until:
            self._wakes_until = 0
            self._revoker.keep(self._clients)
        for key in list(self._clients):
            client = self._clients[key]
            if not client.listens(now):
                self._revoker.forget(key[0], key[1])
                if not self.authorised(key[1], key[0], now):
                    del self._clients[key]
        asked = {nwid for nwid, _ in self._clients}
        for nwid in list(self._shelves):
            shelf = self._shelves[nwid]
            if nwid in asked or self._wakes_until:
                self._look(shelf, None, now)
                if shelf.network is not None:
                    self._revoker.prune(nwid, now - shelf.network.window)
            else:
                del self._shelves[nwid]  # nobody to tell: read anew when somebody asks
                self._revoker.close(nwid)

    # --- records ---

    def _look(self, shelf: Shelf, asking: bytes | None, now: int) -> None:
        """Read what may have changed, and tell everybody but the one who is asking right now."""
        specialists = shelf.specialists()
        before = shelf.network
        is_first = shelf.read_at is None
        everybody = self._database.read_network(shelf)
        if asking is None or shelf.read_at is None:
            changed = self._database.read_members(shelf, now)
        else:  # requests come at any rate, and there may be many members
            changed = [asking] if self._database.read_member(shelf, asking) else []
        if shelf.network is None:
            return
        self._withdraw(shelf, before, changed, now)
        if is_first:
            return
        if everybody or specialists is not shelf.specialists():
            changed = [address for nwid, address in self._clients if nwid == shelf.nwid]
        for address in changed:
            if address != asking and (shelf.nwid, address) in self._clients:
                self._due[(shelf.nwid, address)] = True
        self._push_some(now)

    def _withdraw(
        self, shelf: Shelf, before: NetworkRecord | None, changed: list[bytes], now: int
    ) -> None:
        """Find what members may not hold any more, remember it, and have it told.

        A record that cannot be read is no decision: it is compared once it can be. `before`: the
        network's record at the last look. `changed`: the members whose records changed since.
        """
        network = shelf.network
        assert network is not None
        suspects = changed
        if shelf.ledger is None:
            shelf.ledger = Ledger(self._store, shelf.nwid, self._transport.counters, now)
            void = [key + (shelf.ledger.void[key],) for key in shelf.ledger.void]
            self._revoker.add(shelf.nwid, void)
            suspects = list(shelf.ledger.given)
        elif before is None or concerns_members(before, network):
            shelf.members_version += 1
            suspects = list(shelf.ledger.given)
        elif network.sso:  # time goes by for those who have signed in
            suspects = changed + _signed_out(shelf, now)
        lost = []
        for address in suspects:
            given = shelf.ledger.given.get(address)
            if given is None or address in shelf.damaged:
                continue
            allowed = grants(network, shelf.members.get(address), now)
            gone, kept = withdrawn(given, allowed)
            if gone:
                shelf.ledger.withdraw(address, kept, gone, now)
                # In a public network nobody looks at memberships.
                lost += [
                    (address, kind, id, now)
                    for kind, id in gone
                    if network.private or kind != CREDENTIAL_MEMBERSHIP
                ]
        if lost:
            self._count("controller_revoked", len(lost))
            self._revoker.add(shelf.nwid, lost)

    def _admit(
        self, shelf: Shelf, client: _Client, metadata: dict, now: int
    ) -> tuple[int, MemberRecord]:
        """(verdict, the member's record, brought up to date)."""
        address = client.identity.address
        assert shelf.network is not None
        known = shelf.members.get(address)
        verdict, fields = admit(shelf.network, known, client.identity, metadata, now)
        member = MemberRecord(fields)
        if address in shelf.damaged:
            return DENIED, member
        if verdict == IMPOSTOR:
            self._count("controller_impostor")
            return verdict, member
        if known is None and verdict == DENIED and self._full_of_strangers(shelf):
            self._count("controller_strangers_full")
            return verdict, member
        if verdict == ADMITTED:
            # Now, so that a new member costs one wait for the disk and not two.
            member = member.with_ips(assign(shelf.network, member, shelf.uses)[1])
            fields = member.fields
        # Who is not let in does not wear out the flash: only the first request leaves a trace.
        noted = verdict == ADMITTED or known is None or not known.identity
        if noted and (known is None or fields != known.fields):
            self._save(shelf, member)
        return verdict, shelf.members.get(address, member)

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

    # --- clients ---

    def _add_client(self, nwid: bytes, peer: Peer) -> _Client:
        if len(self._clients) >= self._max_clients:
            oldest = min(self._clients, key=lambda key: self._clients[key].last_heard)
            del self._clients[oldest]
            self._revoker.forget(oldest[0], oldest[1])
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
        network = shelf.network
        if network is None or not client.listens(now):
            return
        if member is None or not member.authorized or not signed_in(network, member, now):
            self._shut_out(shelf.nwid, client)
        elif member.identity.lower() == client.identity.to_text():
            self._send_config(shelf, client, member, VERB_NETWORK_CONFIG, (), now)

    def _shut_out(self, nwid: bytes, client: _Client) -> None:
        client.last_config = None
        self._revoker.forget(nwid, client.identity.address)

    # --- packets ---

    def _send_config(
        self, shelf: Shelf, client: _Client, member: MemberRecord, verb: int, head: tuple, now: int
    ) -> None:
        address = member.address
        ledger = shelf.ledger
        assert ledger is not None
        issued = max(now, ledger.issue_from(address))
        if now - client.signed_at > _REUSE or client.signed_at < ledger.issue_from(address):
            client.forget_signatures()
            client.signed_at = issued
        if client.lines_of != (member, shelf.members_version):
            if verb == VERB_NETWORK_CONFIG and self._database.read_member(shelf, address):
                self._due[(shelf.nwid, address)] = True  # it has just been changed again
                return
            self._make_lines(shelf, client, member, issued)
        config = self._issuer.config(self._shared_lines(shelf), client.lines, issued)
        client.sent, chunks = self._issuer.chunks(shelf.nwid, config)
        for chunk in chunks:
            self._transport.send(address, verb, head + (chunk,), now)
        client.last_config = now
        self._revoker.hear(shelf.nwid, address)  # also who was refused when it asked last
        if not self._keeps_signatures:
            client.forget_signatures()
        self._count("controller_config_sent")

    def _make_lines(
        self, shelf: Shelf, client: _Client, member: MemberRecord, issued: int
    ) -> None:
        """The lines of a config that are this member's own. What it gets by them is in the ledger first."""
        network, ledger = shelf.network, shelf.ledger
        assert network is not None and ledger is not None
        ips, new = assign(network, member, shelf.uses)
        if new:
            self._save(shelf, member.with_ips(new))
            member = shelf.members[member.address]
        client.lines = self._issuer.personal(
            network, member, client.identity, ips, client.understands_rules, client.signed, issued
        )
        client.lines_of = (member, shelf.members_version)
        ledger.note(member.address, grants(network, member, issued))

    def _shared_lines(self, shelf: Shelf) -> dict[str, bytes]:
        """The lines that are the same for all members."""
        network, specialists = shelf.network, shelf.specialists()
        assert network is not None
        if shelf.shared_of[0] is not network or shelf.shared_of[1] is not specialists:
            shelf.shared = self._issuer.shared(network, specialists)
            shelf.shared_of = (network, specialists)
        return shelf.shared

    def _refuse(
        self,
        address: bytes,
        nwid: bytes,
        request_id: bytes,
        code: int,
        now: int,
        extra: bytes = b"",
    ) -> None:
        error = messages.encode_error(VERB_NETWORK_CONFIG_REQUEST, request_id, code, nwid + extra)
        self._transport.send(address, VERB_ERROR, (error,), now)


def _signed_out(shelf: Shelf, now: int) -> list[bytes]:
    """Members that have been given something, and whose single sign-on has come to its end."""
    network, ledger = shelf.network, shelf.ledger
    assert network is not None and ledger is not None
    found = []
    for address in ledger.given:
        member = shelf.members.get(address)
        if member is not None and not signed_in(network, member, now):
            found.append(address)
    return found
