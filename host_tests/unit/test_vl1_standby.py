"""Roots that an idle node leaves, and which answers to its detours it believes; whole days are in host_tests/sim."""

from zerotier.counters import Counters
from zerotier.limits import PATH_EXPIRATION
from zerotier.vl1.path import Path
from zerotier.vl1.standby import Standby
from zerotier.wire import address
from zerotier.wire.packet import DETOUR_SIZE, ID

NEAR = address.inet("203.0.113.1", 9993)
FAR = address.inet("203.0.113.2", 9993)
ELSEWHERE = address.inet("203.0.113.3", 9993)
MINUTE = 60000


class Root:
    """A root in contact over one path; just heard."""

    def __init__(self, number: int, endpoint: bytes, latency: int) -> None:
        self.address = bytes((number, 0, 0, 0, 1))
        path = Path(endpoint, 0)
        path.is_proved = True
        path.latency = latency
        self.paths = [path]
        self.is_left = False
        self.last_receive = self.last_hello = self.hellos_unanswered = 0

    def best_path(self, now: int) -> Path | None:
        return self.paths[0] if self.paths else None

    def path(self, endpoint: bytes) -> Path | None:
        found = [path for path in self.paths if path.endpoint == endpoint]
        return found[0] if found else None


class World:
    """The node's roots, a clock, and all that the node sends; `answer` says from where a detour comes back."""

    def __init__(self, answer) -> None:
        self.near, self.far = Root(1, NEAR, 10), Root(2, FAR, 90)
        self.topology = self
        self.counters = Counters()
        self.address = b"\x09\x08\x07\x06\x05"
        self.wake_at = 0
        self.now = 0
        self.detours: list[bytes] = []
        self._answer = answer
        self._back: list[tuple[bytes, bytes]] = []
        self.standby = Standby(self, lambda root, path, now: None)  # type: ignore[arg-type]

    def root_peers(self) -> list:
        return [self.near, self.far]

    def send_raw(self, datagram: bytes, endpoint: bytes) -> None:
        if len(datagram) == DETOUR_SIZE:
            self.detours.append(datagram)
            back = self._answer(self.now)
            if back is not None:
                self._back.append((datagram[: ID + 8], back))

    def run(self, duration: int) -> None:
        """Tick whenever that is asked for; detours take 50 ms."""
        end = self.now + duration
        while self.now < end:
            due = self.standby.tick(True, self.now)
            back, self._back = self._back, []
            if back:
                self.now += 50
                for detour_id, endpoint in back:
                    self.standby.returned(detour_id, endpoint, self.now)
            else:
                self.now = min(max(due, self.now + 1), end)


def test_the_farther_root_is_left_once_it_has_forgotten_us_and_passes_on() -> None:
    world = World(lambda now: FAR if now < PATH_EXPIRATION + 5000 else NEAR)
    world.run(30 * MINUTE)
    assert world.far.is_left and not world.near.is_left
    assert world.counters.get("root_left") == 1
    assert len(world.detours) < 10


def test_a_root_that_passes_nothing_on_is_in_contact_again() -> None:
    for answer in (None, ELSEWHERE):
        world = World(lambda now, answer=answer: answer)
        world.run(PATH_EXPIRATION + MINUTE)
        assert not world.far.is_left
        assert world.counters.get("root_passes_nothing_on") == 1
        assert len(world.detours) == 3


def test_a_root_that_never_forgets_us_is_not_asked_for_ever() -> None:
    world = World(lambda now: FAR)
    world.run(60 * MINUTE)
    assert not world.far.is_left
    assert len(world.detours) < 40


def test_a_detour_that_nobody_sent_changes_nothing() -> None:
    world = World(lambda now: None)
    world.run(1000)
    assert world.far.is_left
    for endpoint in (NEAR, FAR, ELSEWHERE):
        world.standby.returned(bytes(8), endpoint, world.now)
    assert world.counters.get("root_left") == 0
