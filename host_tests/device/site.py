"""A root and a controller on this machine, for tests with real devices.

Owns their places (addresses of 127/8 that no other run is likely to use) and one public and one
private network. Never a device.
"""

import asyncio
import json
import random
import tempfile
import threading
from pathlib import Path

from zerotier.controller_records import new_network
from zerotier.host import ZeroTier
from zerotier.identity import Identity
from zerotier.store import FileStore
from zerotier.wire import address as addresses
from zerotier.wire.world import KIND_MOON, KIND_PLANET, World
from zerotier.wire.world import Root as WorldRoot

PORT = 9993
PLANET_ID = bytes(7) + b"\x01"
PUBLIC = 1  # the low bytes of the network ids
PRIVATE = 2
POOL = ("10.55.0.1", "10.55.0.254", "10.55.0.0/24")


class Site:
    """A context; the nodes run in a thread of their own meanwhile."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.home = Path(self._folder.name)
        self._prefix = f"127.{random.randrange(200, 250)}."
        self._places: dict[str, str] = {}
        self._root_place = self.place("root")
        self._controller_place = self.place("controller")
        self.planet = self.home / "planet.world"
        root = Identity.generate()
        self._write_planet(root)
        for name, identity in (("root", root), ("controller", Identity.generate())):
            store = FileStore(str(self.home / name))
            store.put("planet", self.planet.read_bytes())
            store.put("identity.secret", identity.to_text(True).encode())
        self._store = store
        self._prefix_of_networks = identity.address
        self.public = self._add_network(PUBLIC, private=False)
        self.private = self._add_network(PRIVATE, private=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def place(self, name: str) -> str:
        """The IP address of a node: each in a /24 of its own, since nodes limit strangers by /24."""
        if name not in self._places:
            self._places[name] = f"{self._prefix}{len(self._places) + 1}.1"
        return self._places[name]

    def _write_planet(self, root: Identity) -> None:
        self.planet.write_bytes(self._world(KIND_PLANET, PLANET_ID, root, self._root_place))

    @staticmethod
    def _world(kind: int, id: bytes, root: Identity, place: str) -> bytes:
        key = Identity.generate()
        root_at = WorldRoot(root.to_bytes(), [addresses.inet(place, PORT)])
        world = World(kind, id, 1, key.public, b"", [root_at])
        world.signature = key.sign(world.signed_bytes())
        return world.encode()

    def add_moon(self, name: str) -> str:
        """Starts a root of a moon of its own; the moon's id."""
        root = Identity.generate()
        moon = bytes(3) + root.address
        store = FileStore(str(self.home / name))
        store.put("planet", self.planet.read_bytes())
        store.put("identity.secret", root.to_text(True).encode())
        world = self._world(KIND_MOON, moon, root, self.place(name))
        store.put(f"moons.d/{moon.hex()}.moon", world)
        self._nodes.append(self.run(self._start_one(name, self.place(name), False)))
        return moon.hex()

    def cut(self) -> None:
        """The root of the planet is gone."""
        self.run(self._stop_root())

    async def _stop_root(self) -> None:
        self._nodes[0].active(False)

    async def _start_one(self, name: str, place: str, controller: bool) -> ZeroTier:
        node = ZeroTier(str(self.home / name), bind=place, controller=controller)
        node.active(True)
        return node

    def _add_network(self, number: int, *, private: bool) -> str:
        nwid = self._prefix_of_networks + number.to_bytes(3, "big")
        record = new_network(nwid, "site", 0)
        record["private"] = private
        record["routes"] = [{"target": POOL[2], "via": None}]
        record["ipAssignmentPools"] = [{"ipRangeStart": POOL[0], "ipRangeEnd": POOL[1]}]
        record["v4AssignMode"] = {"zt": True}
        record["v6AssignMode"] = {"zt": False, "6plane": True, "rfc4193": True}
        self._store.put(f"controller.d/network/{nwid.hex()}.json", json.dumps(record).encode())
        return nwid.hex()

    def change_network(self, nwid: str, **fields) -> None:
        """Change the record of a network; members hear of it within a second."""
        self._change(f"controller.d/network/{nwid}.json", fields)

    def change_member(self, nwid: str, address: str, **fields) -> None:
        """Change the record of a member that has asked."""
        self._change(f"controller.d/network/{nwid}/member/{address}.json", fields)

    def _change(self, key: str, fields: dict) -> None:
        record = json.loads(self._store.get(key) or b"{}")
        record.update(fields)
        self._store.put(key, json.dumps(record).encode())

    def run(self, coroutine):
        """Do something in the thread of the nodes; its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _start(self) -> list[ZeroTier]:
        return [
            await self._start_one("root", self._root_place, False),
            await self._start_one("controller", self._controller_place, True),
        ]

    async def _stop(self) -> None:
        for node in self._nodes:
            node.active(False)

    def __enter__(self) -> "Site":
        self._thread.start()
        self._nodes = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._folder.cleanup()
