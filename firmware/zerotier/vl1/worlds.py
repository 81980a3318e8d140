"""The worlds of a node: its planet and its moons, and which new ones it believes (protocol/05).

Owns the rules of acceptance, the files `planet` and `moons.d/`, and the wait for moons that are orbited by a seed.
A world that came over the network is taken only with the signature of the one that it replaces, and never if it is
older.
"""

from _zerotier import verify

from ..const import const
from ..wire.world import EARTH, KIND_MOON, KIND_PLANET, World, parse_worlds

PLANET_KEY = "planet"
_MOONS = "moons.d/"
_MOON_SUFFIX = ".moon"
_MAX_MOONS = const(4)
_SEED_FIRST = const(1000)  # ms between two HELLOs to a seed, doubled each time
_SEED_LONGEST = const(60000)


class _Seed:
    """A moon that is waited for, and who has it."""

    def __init__(self, address: bytes) -> None:
        self.address = address
        self.last = 0
        self.count = 0


class Worlds:
    """Planet and moons. `planet`: a serialized world given by the user, or None. ValueError if it is none."""

    def __init__(self, topology, store, counters, planet, now: int) -> None:
        self._topology = topology
        self._store = store
        self._counters = counters
        self._moons: dict[bytes, World] = {}
        self._seeds: dict[bytes, _Seed] = {}  # by the id of the moon
        stored = store.get(PLANET_KEY)
        self.planet, _ = World.parse(planet or stored or EARTH)
        for offered in (stored, EARTH):
            if offered:
                self._offer_stored_planet(offered)
        self._load_moons()
        self._rebuild(now)

    def _offer_stored_planet(self, encoded: bytes) -> None:
        """A newer edition of our planet, from the last run or built in (protocol/05 §5.3)."""
        try:
            world, _ = World.parse(encoded)
        except ValueError:
            self._counters.count("stored_planet_unusable")
            return
        if _supersedes(world, self.planet):
            self.planet = world

    def _load_moons(self) -> None:
        for key in self._store.list(_MOONS):
            if not key.endswith(_MOON_SUFFIX) or len(self._moons) >= _MAX_MOONS:
                continue
            try:
                moon, _ = World.parse(self._store.get(key))
            except ValueError:
                self._counters.count("stored_moon_unusable")
                continue
            if moon.kind == KIND_MOON and key == _moon_key(moon.id):
                self._moons[moon.id] = moon

    def _rebuild(self, now: int) -> None:
        self._topology.set_roots([self.planet] + self.moons(), now)

    def moons(self) -> list[World]:
        return list(self._moons.values())

    def waiting(self) -> list[tuple[bytes, bytes]]:
        """(moon id, seed) of moons that are not here yet."""
        return [(moon, seed.address) for moon, seed in self._seeds.items()]

    # --- what the user wants ---

    def orbit(self, moon: bytes, seed: bytes | None, now: int) -> None:
        """Use a moon: the one in the store, or the one that the node `seed` has. OSError if there are too many."""
        if moon in self._moons:
            return
        if len(self._moons) + len(self._seeds) >= _MAX_MOONS:
            raise OSError("a node can orbit no more than %d moons" % _MAX_MOONS)
        self._load_moons()
        if moon in self._moons:
            self._rebuild(now)
        elif seed is None:
            raise ValueError("moon %s is not in %s and has no seed" % (moon.hex(), _MOONS))
        else:
            self._seeds[moon] = _Seed(seed)

    def deorbit(self, moon: bytes, now: int) -> bool:
        """Forget a moon; False if it was not there."""
        known = self._moons.pop(moon, None)
        waiting = self._seeds.pop(moon, None)
        self._store.delete(_moon_key(moon))
        if known is not None:
            self._rebuild(now)
        return known is not None or waiting is not None

    # --- what travels ---

    def in_hello(self) -> list[tuple[bytes, int]]:
        """(id, timestamp) of our moons, and timestamp 0 for those that we want (protocol/03 §3.5)."""
        listed = [(moon.id, moon.timestamp) for moon in self._moons.values()]
        return listed + [(moon, 0) for moon in self._seeds]

    def newer(self, planet: bytes, planet_timestamp: int, moons: list) -> list[bytes]:
        """Serialized worlds that the sender of a HELLO has an older edition of (protocol/05 §5.4)."""
        found = []
        if planet == self.planet.id and planet_timestamp < self.planet.timestamp:
            found.append(self.planet.encode())
        for moon, timestamp in moons:
            ours = self._moons.get(moon)
            if ours is not None and timestamp < ours.timestamp:
                found.append(ours.encode())
        if found:
            self._counters.count("worlds_sent", len(found))
        return found

    def receive(self, peer, encoded, now: int) -> None:
        """Worlds in an OK(HELLO), of which only those of roots and seeds are looked at."""
        if not len(encoded):
            return
        if not peer.is_root and not self._is_seed(peer.address):
            self._counters.count("world_not_from_root")
            return
        worlds, is_whole = parse_worlds(encoded)
        if not is_whole:
            self._counters.count("world_malformed")
        for world in worlds:
            if not self._take(world, peer, now):
                self._counters.count("world_refused")

    def _take(self, world: World, peer, now: int) -> bool:
        if world.kind == KIND_PLANET and peer.is_root:
            if not _supersedes(world, self.planet):
                return False
            self.planet = world
            self._put(PLANET_KEY, world)
        elif world.kind == KIND_MOON:
            known = self._moons.get(world.id)
            if known is not None:
                if not _supersedes(world, known):
                    return False
            elif not self._is_wanted(world, peer.address):
                return False
            self._seeds.pop(world.id, None)
            self._moons[world.id] = world
            self._put(_moon_key(world.id), world)
        else:
            return False
        self._counters.count("world_updated")
        self._rebuild(now)
        return True

    def _is_wanted(self, world: World, sender: bytes) -> bool:
        """A moon that we wait for, with its seed among its roots; signed by the key that it names itself."""
        seed = self._seeds.get(world.id)
        if seed is None or seed.address not in [root.address for root in world.roots]:
            return False
        return verify(world.update_key, world.signed_bytes(), world.signature)

    def _is_seed(self, address: bytes) -> bool:
        for seed in self._seeds.values():
            if seed.address == address:
                return True
        return False

    def _put(self, key: str, world: World) -> None:
        try:
            self._store.put(key, world.encode())
        except OSError:
            self._counters.count("world_not_saved")  # it works on without

    # --- waiting for a moon ---

    def tick(self, transport, greeting, now: int) -> int:
        """Ask seeds for their moons (protocol/05 §5.5); when to call again."""
        deadline = now + _SEED_LONGEST
        for seed in self._seeds.values():
            due = seed.last + min(_SEED_FIRST << min(seed.count, 6), _SEED_LONGEST)
            if now >= due:
                seed.last = now
                if self._ask(seed.address, transport, greeting, now):
                    seed.count += 1
                due = now + _SEED_FIRST
            deadline = min(deadline, due)
        return deadline

    def _ask(self, address: bytes, transport, greeting, now: int) -> bool:
        peer = transport.topology.get(address)
        if peer is None:
            transport.whois(address, now)
            return False
        endpoint = transport.route(peer, now)
        if endpoint is None:
            return False
        greeting.send(peer, endpoint, now)
        return True


def _supersedes(world: World, known: World) -> bool:
    """Never older, of the same kind and id, and signed with the key that the known one names (§5.3)."""
    return (
        world.kind == known.kind
        and world.id == known.id
        and world.timestamp > known.timestamp
        and verify(known.update_key, world.signed_bytes(), world.signature)
    )


def _moon_key(moon: bytes) -> str:
    return _MOONS + moon.hex() + _MOON_SUFFIX
