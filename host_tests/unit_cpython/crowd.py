"""A controller on real files with a crowd of members, without a network: requests go in, packets are counted.

Owns the members' identities, which are cheap: nobody here checks that an address belongs to its key. Never measures.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import _zerotier

from zerotier.controller import Controller
from zerotier.controller_records import new_member, new_network
from zerotier.identity import Identity
from zerotier.limits import HOST
from zerotier.node import Node
from zerotier.store import FileStore
from zerotier.vl1.packet import Packet
from zerotier.wire import address as addresses
from zerotier.wire import messages
from zerotier.wire.config import request_metadata
from zerotier.wire.packet import PAYLOAD, write_header
from zerotier.wire.verbs import VERB_NETWORK_CONFIG_REQUEST

START = 1_700_000_000_000  # ms
_FIRST_ADDRESS = 0x1000000000
_SECRET_SIZE = 64


def cheap_identity(number: int) -> Identity:
    """Keys of its own; the address is not derived from them."""
    secret = os.urandom(_SECRET_SIZE)
    address = (_FIRST_ADDRESS + number).to_bytes(5, "big")
    return Identity(address, _zerotier.public_key(secret), secret)


class Crowd:
    """`home`: where the files are. Members 0 to `count` - 1 are authorized and have not asked yet.

    If there are files, this is the successor of the controller that wrote them, with its address.
    """

    def __init__(self, home: Path, count: int, controller: Identity | None = None) -> None:
        self.now = START
        self.packets = 0
        self.reached: set[bytes] = set()  # who was sent something
        self.identity = controller or cheap_identity(-1)
        self.members = [cheap_identity(number) for number in range(count)]
        self.store = FileStore(str(home))
        self.nwid = self.identity.address + b"\x00\x00\x01"
        self.folder = home / "controller.d" / "network" / self.nwid.hex() / "member"
        if not self.folder.exists():
            self._write(home)
        self.node = Node(self.identity, self.store, self, self.now, HOST)
        self.transport = self.node.transport
        self.controller = Controller(self.transport, self.store)
        self.node.add_role(self.controller)
        self.endpoint = addresses.inet("10.0.0.1", 9993)
        self._request = messages.encode_config_request(self.nwid, request_metadata(1))

    def _write(self, home: Path) -> None:
        network = new_network(self.nwid, "crowd", self.now)
        network["routes"] = [{"target": "10.64.0.0/16", "via": None}]
        network["ipAssignmentPools"] = [
            {"ipRangeStart": "10.64.0.1", "ipRangeEnd": "10.64.255.254"}
        ]
        network["v4AssignMode"] = {"zt": True}
        network["v6AssignMode"] = {"zt": False, "6plane": True, "rfc4193": True}
        self.folder.mkdir(parents=True)
        (self.folder.parent.parent / f"{self.nwid.hex()}.json").write_text(json.dumps(network))
        for member in self.members:
            record = new_member(self.nwid, member.address, self.now)
            record["authorized"] = True
            (self.folder / f"{member.address.hex()}.json").write_text(json.dumps(record))

    def send(self, datagram: bytes, endpoint: bytes) -> None:
        """The node's wire."""
        self.packets += 1
        self.reached.add(bytes(datagram[8:13]))

    def meet(self, number: int) -> object:
        """The controller knows this member, and a path to it."""
        peer = self.transport.topology.add(self.members[number], self.now)
        if not peer.paths:
            peer.learn(self.endpoint, HOST.paths, self.now)
        peer.paths[0].heard(self.now)
        peer.last_receive = self.now
        return peer

    def ask(self, number: int) -> int:
        """A member's request; how many datagrams the answer took."""
        peer = self.meet(number)
        head = memoryview(bytearray(PAYLOAD))
        write_header(
            head, os.urandom(8), self.identity.address, peer.address, VERB_NETWORK_CONFIG_REQUEST
        )
        packet = Packet(head, peer.address, self.endpoint, memoryview(self._request))
        before = self.packets
        self.controller.receive_request(peer, packet, self.now)
        return self.packets - before

    def record(self, number: int) -> dict:
        """What is in a member's file."""
        path = self.folder / f"{self.members[number].address.hex()}.json"
        record: dict = json.loads(path.read_text())
        return record

    def change(self, number: int, **fields: object) -> None:
        """Change a member's file as another process would: a new file takes its place."""
        record = self.record(number)
        record.update(fields)
        path = self.folder / f"{self.members[number].address.hex()}.json"
        path.with_suffix(".other").write_text(json.dumps(record))
        os.replace(path.with_suffix(".other"), path)
