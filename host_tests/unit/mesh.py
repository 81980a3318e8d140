"""Several real nodes joined by a wire in memory, in virtual time.

Owns the clock, the datagrams in flight and each node's store and port. Never replaces a part of a
node. Plain Python, which also runs inside MicroPython.
"""

import json

from host_tests.unit.support import vectors
from zerotier.controller import Controller
from zerotier.groups import GroupDatabase
from zerotier.identity import Identity
from zerotier.limits import HOST
from zerotier.node import Node
from zerotier.root import Root
from zerotier.vl2 import ethernet, status
from zerotier.wire import address as addresses
from zerotier.wire.world import KIND_PLANET, World
from zerotier.wire.world import Root as WorldRoot

START = 1700000000000  # ms
LATENCY = 5  # ms that a datagram travels
_UDP_PORT = 9993


class MemoryStore:
    """A store that is a dictionary; `writes` counts changes, as flash would feel them."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.writes = 0

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def put(self, key: str, value: bytes) -> None:
        if self.values.get(key) != value:
            self.values[key] = value
            self.writes += 1

    def append(self, key: str, value: bytes) -> None:
        self.put(key, self.values.get(key, b"") + value)

    def delete(self, key: str) -> None:
        self.values.pop(key, None)

    def list(self, prefix: str) -> list[str]:
        return sorted([key for key in self.values if key.startswith(prefix)])


class Port:
    """The local end of a joined network: keeps what is delivered and counts what it is told."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.configured: list[list[bytes]] = []  # the addresses, each time
        self.closed = False

    def deliver(self, frame: memoryview) -> None:
        self.frames.append(bytes(frame))

    def configure(self, network) -> None:
        self.configured.append(list(network.addresses))

    def close(self) -> None:
        self.closed = True


class Station:
    """One node of a mesh, and the `wire` of that node: what it sends is in flight from here."""

    def __init__(self, mesh, identity, endpoint: bytes, store, limits) -> None:
        self._mesh = mesh
        self.identity = identity
        self.endpoint = endpoint
        self.store = store
        self.limits = limits
        self.sent = 0  # datagrams
        self.running = True
        self.root = None
        self.controller = None
        self.node = Node(identity, store, self, mesh.now, limits, mesh.planet)

    @property
    def address(self) -> bytes:
        return self.identity.address

    def count(self, reason: str) -> int:
        return self.node.counters.get(reason)

    def send(self, datagram: bytearray, endpoint: bytes) -> None:
        self.sent += 1
        self._mesh.carry(bytes(datagram), self.endpoint, endpoint)

    def join(self, nwid: bytes) -> tuple:
        """(network, port) of a network that is joined now."""
        port = Port()
        network = self.node.networks.join(nwid, port, self._mesh.now)
        self.node.wake()
        return network, port

    def restart(self) -> None:
        """A node with the same store takes the place of the old one, as after a power cut."""
        self.node = Node(
            self.identity, self.store, self, self._mesh.now, self.limits, self._mesh.planet
        )


class Mesh:
    """All stations and the wire between them. The first one is the only root of the planet.

    `passes(datagram, source, destination)`: False loses a datagram. Replace it to make trouble.
    """

    def __init__(self) -> None:
        self.now = START
        self.stations: dict[bytes, Station] = {}
        self.passes = lambda datagram, source, destination: True
        self.tap = None  # called with (datagram, source, destination) for each that is carried
        self._flying: list[tuple[int, bytes, bytes, bytes]] = []
        self._identities = [
            Identity.from_text(case["secret"])
            for case in vectors("identities")["valid"]  # type: ignore[call-overload]
        ]
        endpoint = addresses.inet("10.0.0.1", _UDP_PORT)
        self.planet = _planet(self._identities[0], endpoint)
        self.root = self._add(endpoint, MemoryStore(), HOST)
        groups = GroupDatabase(self.root.node.transport)
        self.root.root = Root(self.root.node.transport, groups)
        self.root.node.add_role(self.root.root)
        Root.open_gates(self.root.node)

    def add(self, store: MemoryStore | None = None, limits=HOST) -> Station:
        """Another station, in a subnet of its own, or roots would take a crowd for an attack."""
        endpoint = addresses.inet("10.0.%d.1" % len(self.stations), _UDP_PORT)
        return self._add(endpoint, MemoryStore() if store is None else store, limits)

    def _add(self, endpoint: bytes, store: MemoryStore, limits) -> Station:
        identity = self._identities[len(self.stations)]
        station = Station(self, identity, endpoint, store, limits)
        self.stations[endpoint] = station
        return station

    def add_controller(self) -> Station:
        """A station that serves networks whose records are in its store."""
        station = self.add()
        transport = station.node.transport
        groups = GroupDatabase(transport)
        station.controller = Controller(transport, station.store)
        groups.serve(station.controller.authorised)
        station.node.add_role(station.controller)
        return station

    def carry(self, datagram: bytes, source: bytes, destination: bytes) -> None:
        """Put a datagram on the wire."""
        if self.tap is not None:
            self.tap(datagram, source, destination)
        if self.passes(datagram, source, destination):
            self._flying.append((self.now + LATENCY, datagram, source, destination))

    def run(self, milliseconds: int) -> None:
        """Let time pass; everything that is due happens at its time."""
        end = self.now + milliseconds
        while True:
            upcoming = self._upcoming()
            if upcoming > end:
                self.now = end
                return
            self.now = max(self.now, upcoming)
            while self._flying and self._flying[0][0] <= self.now:
                _, datagram, source, destination = self._flying.pop(0)
                station = self.stations.get(destination)
                if station is not None and station.running:
                    station.node.receive(bytearray(datagram), source, self.now)
            for station in self.stations.values():
                if station.running and station.node.deadline() <= self.now:
                    if station.node.tick(self.now) <= self.now:
                        raise AssertionError("a tick left work that is due at once")

    def _upcoming(self) -> int:
        times = [s.node.deadline() for s in self.stations.values() if s.running]
        if self._flying:
            times.append(self._flying[0][0])
        return min(times)

    def run_until(self, condition, milliseconds: int) -> None:
        """Let time pass until something is so; AssertionError if it does not become so in time."""
        end = self.now + milliseconds
        while not condition():
            if self.now >= end:
                raise AssertionError("it did not happen within %d ms" % milliseconds)
            self.run(LATENCY)


def _planet(root: Identity, endpoint: bytes) -> bytes:
    world = World(
        KIND_PLANET,
        b"\x00\x00\x00\x00\x4d\x65\x73\x68",
        START,
        root.public,
        b"",
        [WorldRoot(root.to_bytes(), [endpoint])],
    )
    world.signature = root.sign(world.signed_bytes())
    return world.encode()


def put_network(controller: Station, number: int, **fields) -> bytes:
    """Make a network on a controller; its id. `fields`: protocol/08 §8.6; private by default."""
    nwid = controller.address + number.to_bytes(3, "big")
    record = {
        "id": nwid.hex(),
        "nwid": nwid.hex(),
        "objtype": "network",
        "name": "mesh",
        "private": True,
        "routes": [{"target": "10.147.17.0/24", "via": None}],
    }
    record.update(fields)
    controller.store.put("controller.d/network/%s.json" % nwid.hex(), json.dumps(record).encode())
    return nwid


def put_member(controller: Station, nwid: bytes, member: bytes, **fields) -> None:
    """Make or change a member's record on a controller; authorised by default."""
    key = "controller.d/network/%s/member/%s.json" % (nwid.hex(), member.hex())
    record = json.loads((controller.store.get(key) or b"{}").decode())
    record.update({"id": member.hex(), "address": member.hex(), "nwid": nwid.hex()})
    record.setdefault("objtype", "member")
    record["authorized"] = True
    record.update(fields)
    controller.store.put(key, json.dumps(record).encode())


class Lan:
    """A network with `count` configured members at 10.147.17.1 and up.

    `each`: more fields of their records at the controller, for the first of them.
    """

    def __init__(self, count: int = 2, limits=HOST, each: list | tuple = (), **fields) -> None:
        self.mesh = Mesh()
        self.controller = self.mesh.add_controller()
        self.nwid = put_network(self.controller, 1, **fields)
        self.members = []
        self.networks = []
        self.ports = []
        for number in range(count):
            member = self.mesh.add(limits=limits)
            ip = "10.147.17.%d" % (number + 1)
            more = each[number] if number < len(each) else {}
            put_member(self.controller, self.nwid, member.address, ipAssignments=[ip], **more)
            network, port = member.join(self.nwid)
            self.members.append(member)
            self.networks.append(network)
            self.ports.append(port)
        self.mesh.run_until(self.configured, 5000)
        self.mesh.run(1000)

    def configured(self) -> bool:
        return min([network.status for network in self.networks]) == status.OK

    def frame(self, sender: int, receiver: int, payload: bytes = b"payload") -> bytes:
        macs = self.networks[receiver].mac + self.networks[sender].mac
        return macs + b"\x08\x00" + payload

    def arp(self, sender: int, receiver: int) -> bytes:
        """An ARP request of one member for the address of another."""
        mac = self.networks[sender].mac
        head = b"\x00\x01\x08\x00\x06\x04\x00\x01" + mac
        addresses = (
            bytes((10, 147, 17, sender + 1)) + bytes(6) + bytes((10, 147, 17, receiver + 1))
        )
        return ethernet.BROADCAST + mac + b"\x08\x06" + head + addresses

    def send(self, sender: int, receiver: int, verb: int, payload: bytes) -> None:
        """A message that the sender's VL2 would not send by itself."""
        transport = self.members[sender].node.transport
        transport.send(self.members[receiver].address, verb, (payload,), self.mesh.now)

    def transmit(self, sender: int, frame: bytes, milliseconds: int = 1000) -> None:
        self.networks[sender].transmit(frame, self.mesh.now)
        self.mesh.run(milliseconds)
