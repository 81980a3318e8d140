"""Planet and moons: what is believed, what is kept, and what a lying root or peer gains."""

from host_tests.unit.mesh import START, Mesh, Station
from host_tests.unit.support import raises
from zerotier.identity import Identity
from zerotier.wire.world import KIND_MOON, KIND_PLANET, Root, World


def edition(mesh: Mesh, timestamp: int, signer: Identity | None = None, **changes) -> bytes:
    """Another edition of the mesh's planet; by default signed by its key, the root's."""
    world, _ = World.parse(mesh.planet)
    world.timestamp = timestamp
    for name, value in changes.items():
        setattr(world, name, value)
    world.signature = (signer or mesh.root.identity).sign(world.signed_bytes())
    return world.encode()


def moon_of(root: Station, timestamp: int = START, signer: Identity | None = None) -> World:
    signer = signer or root.identity
    named = [Root(root.identity.to_bytes(), [root.endpoint])]
    moon = World(KIND_MOON, bytes(3) + root.address, timestamp, signer.public, b"", named)
    moon.signature = signer.sign(moon.signed_bytes())
    return moon


class Offered:
    """A member to whom the root hands out a world."""

    def __init__(self) -> None:
        self.mesh = Mesh()
        self.member = self.mesh.add()
        self.mesh.run(100)
        self.before = self.member.node.worlds.planet.encode()

    def offer(self, world: bytes, peer=None) -> None:
        peer = peer or self.member.node.topology.get(self.mesh.root.address)
        self.member.node.worlds.receive(peer, world, self.mesh.now)

    def planet(self) -> bytes:
        return self.member.node.worlds.planet.encode()


def test_a_newer_planet_arrives_with_the_greeting_and_is_kept() -> None:
    mesh = Mesh()
    member = mesh.add()
    mesh.run(100)
    newer = edition(mesh, START + 5)
    mesh.root.node.worlds.planet, _ = World.parse(newer)
    mesh.run(700000)  # a greeting at least every ten minutes
    assert member.node.worlds.planet.timestamp == START + 5
    assert member.store.values["planet"] == newer
    assert member.node.online(mesh.now)
    member.restart()
    assert member.node.worlds.planet.timestamp == START + 5


def test_a_planet_that_is_not_newer_is_refused() -> None:
    case = Offered()
    for timestamp in (0, START - 1, START):
        case.offer(edition(case.mesh, timestamp))
    assert case.planet() == case.before
    assert case.member.count("world_refused") == 3
    assert "planet" not in case.member.store.values


def test_a_planet_without_the_old_keys_signature_is_refused() -> None:
    case = Offered()
    stranger = case.mesh._identities[9]
    case.offer(edition(case.mesh, START + 5, stranger))
    case.offer(edition(case.mesh, START + 5, stranger, update_key=stranger.public))
    broken = bytearray(edition(case.mesh, START + 5))
    broken[100] ^= 1
    case.offer(bytes(broken))
    assert case.planet() == case.before
    assert case.member.count("world_refused") == 3


def test_another_planet_is_refused_whoever_signed_it() -> None:
    case = Offered()
    case.offer(edition(case.mesh, START + 5, id=b"another!"))
    assert case.planet() == case.before


def test_a_planet_from_anybody_but_a_root_is_not_looked_at() -> None:
    case = Offered()
    peer = case.member.node.topology.add(case.mesh._identities[9], case.mesh.now)
    case.offer(edition(case.mesh, START + 5), peer)
    assert case.planet() == case.before
    assert case.member.count("world_not_from_root") == 1


def test_worlds_in_front_of_a_broken_one_count() -> None:
    case = Offered()
    case.offer(edition(case.mesh, START + 5) + b"\x01broken")
    assert case.member.node.worlds.planet.timestamp == START + 5
    assert case.member.count("world_malformed") == 1


def test_the_key_may_be_handed_on_with_an_edition() -> None:
    case = Offered()
    successor = case.mesh._identities[8]
    case.offer(edition(case.mesh, START + 5, update_key=successor.public))
    case.offer(edition(case.mesh, START + 6))
    assert case.member.node.worlds.planet.timestamp == START + 5
    case.offer(edition(case.mesh, START + 7, successor))
    assert case.member.node.worlds.planet.timestamp == START + 7


def test_a_root_that_is_named_no_more_is_a_root_no_more() -> None:
    case = Offered()
    other = case.mesh.add()
    named = [Root(other.identity.to_bytes(), [other.endpoint])]
    case.offer(edition(case.mesh, START + 5, roots=named))
    topology = case.member.node.topology
    assert not topology.get(case.mesh.root.address).is_root
    assert topology.roots() == [other.address]


def test_a_world_cannot_change_a_known_identity() -> None:
    case = Offered()
    known = case.member.node.topology.add(case.mesh._identities[7], case.mesh.now)
    liar = bytearray(case.mesh._identities[8].to_bytes())
    liar[:5] = known.address
    named = [Root(bytes(liar), [case.mesh.root.endpoint])]
    case.offer(edition(case.mesh, START + 5, roots=named))
    assert case.member.node.topology.get(known.address).identity == case.mesh._identities[7]
    assert not known.is_root


def test_a_planet_file_that_is_older_than_the_one_that_was_received_stays_behind() -> None:
    case = Offered()
    case.offer(edition(case.mesh, START + 5))
    case.member.restart()  # the user's program still passes the old planet
    assert case.member.node.worlds.planet.timestamp == START + 5


def test_a_moon_arrives_from_its_seed_and_is_kept() -> None:
    mesh = Mesh()
    seed = mesh.add()
    moon = moon_of(seed)
    seed.store.put("moons.d/%s.moon" % moon.id.hex(), moon.encode())
    seed.restart()
    member = mesh.add()
    mesh.run(200)
    member.node.worlds.orbit(moon.id, seed.address, mesh.now)
    member.node.wake()
    mesh.run_until(lambda: bool(member.node.worlds.moons()), 10000)
    assert member.node.topology.get(seed.address).is_moon
    assert member.store.values["moons.d/%s.moon" % moon.id.hex()] == moon.encode()
    member.restart()
    assert member.node.topology.get(seed.address).is_root


def test_a_moon_that_nobody_wants_is_refused() -> None:
    case = Offered()
    case.offer(moon_of(case.mesh.add()).encode())
    assert case.member.node.worlds.moons() == []


def test_a_moon_that_its_seed_is_no_root_of_is_refused() -> None:
    case = Offered()
    seed = case.mesh.add()
    other = case.mesh.add()
    worlds = case.member.node.worlds
    moon = moon_of(other)
    worlds.orbit(moon.id, seed.address, case.mesh.now)
    case.offer(moon.encode(), case.member.node.topology.add(seed.identity, case.mesh.now))
    assert worlds.moons() == []


def test_a_moon_that_its_own_key_has_not_signed_is_refused() -> None:
    case = Offered()
    seed = case.mesh.add()
    worlds = case.member.node.worlds
    moon = moon_of(seed)
    worlds.orbit(moon.id, seed.address, case.mesh.now)
    moon.signature = case.mesh._identities[9].sign(moon.signed_bytes())
    peer = case.member.node.topology.add(seed.identity, case.mesh.now)
    case.offer(moon.encode(), peer)
    assert worlds.moons() == []
    case.offer(moon_of(seed).encode(), peer)
    assert len(worlds.moons()) == 1


def test_the_seed_of_a_moon_does_not_change_the_planet() -> None:
    case = Offered()
    seed = case.mesh.add()
    case.member.node.worlds.orbit(moon_of(seed).id, seed.address, case.mesh.now)
    peer = case.member.node.topology.add(seed.identity, case.mesh.now)
    case.offer(edition(case.mesh, START + 5), peer)
    assert case.planet() == case.before


def test_a_newer_moon_needs_the_old_ones_signature() -> None:
    case = Offered()
    seed = case.mesh.add()
    moon = moon_of(seed)
    key = "moons.d/%s.moon" % moon.id.hex()
    case.member.store.put(key, moon.encode())
    case.member.restart()
    worlds = case.member.node.worlds
    case.offer(moon_of(seed, START + 9, case.mesh._identities[9]).encode())
    assert worlds.moons()[0].timestamp == START
    case.offer(moon_of(seed, START + 9).encode())
    assert worlds.moons()[0].timestamp == START + 9


def test_a_moon_is_left_and_forgotten() -> None:
    mesh = Mesh()
    seed = mesh.add()
    moon = moon_of(seed)
    key = "moons.d/%s.moon" % moon.id.hex()
    member = mesh.add()
    member.store.put(key, moon.encode())
    member.node.worlds.orbit(moon.id, None, mesh.now)
    assert member.node.topology.get(seed.address).is_root
    assert member.node.worlds.deorbit(moon.id, mesh.now)
    assert not member.node.topology.get(seed.address).is_root
    assert key not in member.store.values
    assert not member.node.worlds.deorbit(moon.id, mesh.now)


def test_orbiting_something_that_is_nowhere_is_said() -> None:
    mesh = Mesh()
    worlds = mesh.add().node.worlds
    sentence = raises(ValueError, worlds.orbit, bytes(8), None, mesh.now)
    assert "has no seed" in sentence


def test_with_its_moon_a_node_works_on_when_the_internet_is_cut() -> None:
    mesh = Mesh()
    seed = mesh.add()
    moon = moon_of(seed)
    for station in (seed,):
        station.store.put("moons.d/%s.moon" % moon.id.hex(), moon.encode())
        station.restart()
    member = mesh.add()
    member.store.put("moons.d/%s.moon" % moon.id.hex(), moon.encode())
    member.restart()
    mesh.run(1000)
    mesh.root.running = False
    mesh.run(120000)
    assert member.node.online(mesh.now)
    assert member.node.topology.best_root(mesh.now).address == seed.address


def test_files_that_are_no_worlds_are_counted_and_left_alone() -> None:
    mesh = Mesh()
    member = mesh.add()
    member.store.put("moons.d/0000000000000001.moon", b"flat")
    member.store.put("planet", b"flat")
    member.restart()
    assert member.count("stored_moon_unusable") == 1
    assert member.count("stored_planet_unusable") == 1
    assert member.node.worlds.planet.kind == KIND_PLANET
