"""Roots that need no contact while nothing happens, since what others send through them comes to us by another root.

Owns which roots are left, and the proof that packets still arrive through each. Never chooses a way for a packet.

A root without a path to somebody passes what is for him to the best other root that it knows (protocol/04 §4.7). So one
root that keeps our NAT open may do for all; which ones, a *detour* tells: a datagram for ourselves, sent to the
root that we want to leave. They are left one by one, since each one that stays may be what another one relies on.

    state        a detour                                  then
    in contact                                             leaving, when idle for long and others are in contact, too
    leaving      comes straight back: it has a path to us  NAT kept open with junk until it forgets that path
    leaving      still comes straight back                 in contact again, and not left for a long time
    leaving      comes back by another root                left
    left         comes back by another root                asked again after CHECK, and when another root was lost
    any          gets lost                                 in contact again, and not left for a long time
"""

from os import urandom

from ..const import const
from ..limits import PATH_EXPIRATION, ROOT_KEEPALIVE
from ..wire.packet import detour
from .candidates import NEVER

_CHECK = const(600000)  # ms between two detours through a root that was left
_EXPECT = const(2000)  # the same while it may forget us at any time
_OVERDUE = const(
    60000
)  # after that time it should have: to ask on would cost more than contact does
_PATIENCE = const(1000)  # for a detour
_TRIES = const(3)
_AGAIN = const(
    86400000
)  # until a root that does not pass on is tried again: for seconds nothing comes through it
_FRESH = const(
    1000
)  # a root is left when it has just been heard, or it would forget us at an unknown time
_JUNK_SIZE = const(4)
_ID_SIZE = const(8)


class _Left:
    """A root without contact, or about to be."""

    def __init__(self, root, endpoint: bytes, heard: int) -> None:
        self.root = root
        self.endpoint = endpoint
        self.forgets = heard + PATH_EXPIRATION  # unless it hears from us
        self.passes_on = False
        self.id = b""  # of the detour under way,
        self.tries = 0  # the last of so many
        self.due = heard


class Standby:
    """The roots of one node that were left. A root's `is_left` says so to others."""

    def __init__(self, transport, probe_path) -> None:
        self._transport = transport
        self._probe_path = probe_path
        self._topology = transport.topology
        self._left: list[_Left] = []
        self._others: list = []  # roots in contact, as of the last look
        self._refused: dict[bytes, int] = {}  # roots that do not pass on: until when they stay
        transport.on_detour = self.returned

    def tick(self, is_idle: bool, now: int) -> int:
        """Leave roots, check those that were left, or greet all again; when to call next."""
        others = self.in_contact(now)
        if not is_idle or not others:
            self.end()
            return NEVER
        self._left = [left for left in self._left if left.root.is_left]  # worlds change
        if others != self._others:
            self._others = others
            for left in self._left:
                left.due = min(left.due, now)
        deadline = NEVER
        if len(others) > 1 and all(left.passes_on for left in self._left):
            deadline = self._leave_one(others, now)
        for left in list(self._left):
            deadline = min(deadline, self._tick_left(left, now))
        return deadline

    def end(self) -> None:
        """Contact with all roots is wanted: those that were left are greeted at once."""
        for left in self._left:
            self._greet(left)
        self._left = []

    def _greet(self, left: _Left) -> None:
        left.root.is_left = False
        left.root.last_hello = left.root.hellos_unanswered = 0

    def in_contact(self, now: int) -> list:
        """The roots that answer."""
        found = []
        for root in self._topology.root_peers():
            path = root.best_path(now)
            if path is not None and path.is_proved:
                found.append(root)
        return found

    def _leave_one(self, others: list, now: int) -> int:
        """Leave the farthest that may be left, as soon as it has answered; when to look again."""
        farthest = None
        longest = 0
        deadline = NEVER
        for root in others:
            until = self._refused.get(root.address, 0)
            if until > now:
                deadline = min(deadline, until)
                continue
            distance = root.best_path(now).distance(now - root.last_receive)
            if farthest is None or distance >= longest:
                farthest = root
                longest = distance
        if farthest is None:
            return deadline
        path = farthest.best_path(now)
        if now - path.last_receive >= _FRESH:
            if now - path.last_probe >= _FRESH:
                self._probe_path(farthest, path, now)
            return now + _FRESH // 2
        self._left.append(_Left(farthest, path.endpoint, path.last_receive))
        farthest.is_left = True
        farthest.paths = []
        self._others = self.in_contact(now)
        return now

    def _tick_left(self, left: _Left, now: int) -> int:
        if now < left.due:
            return left.due
        if left.id and left.tries >= _TRIES:
            self._lost(left, now)
            return now
        if not left.id and not left.passes_on and now < left.forgets:
            self._transport.send_raw(urandom(_JUNK_SIZE), left.endpoint)
            left.due = min(now + ROOT_KEEPALIVE, left.forgets)
            return left.due
        left.id = urandom(_ID_SIZE)
        left.tries += 1
        left.due = now + _PATIENCE
        self._transport.send_raw(detour(left.id, self._transport.address), left.endpoint)
        return left.due

    def _lost(self, left: _Left, now: int) -> None:
        self._transport.counters.count("root_passes_nothing_on")
        self._refused[left.root.address] = now + _AGAIN
        self._left.remove(left)
        self._greet(left)

    def returned(self, detour_id: bytes, endpoint: bytes, now: int) -> None:
        """A detour came to us from this endpoint."""
        for left in self._left:
            if left.id != detour_id:
                continue
            self._transport.wake_at = min(self._transport.wake_at, now)
            if endpoint == left.endpoint:
                if left.passes_on:
                    left.forgets = now + PATH_EXPIRATION  # it has found us again
                elif now - left.forgets >= _OVERDUE:
                    self._lost(left, now)
                    return
                left.passes_on = False
                left.due = now + _EXPECT
            elif self._is_in_contact(endpoint):
                if not left.passes_on:
                    self._transport.counters.count("root_left")
                    self._check_all(now)
                left.passes_on = True
                left.due = now + _CHECK
            else:
                return
            left.id = b""
            left.tries = 0

    def _check_all(self, now: int) -> None:
        """Others may have relied on the root that was left just now."""
        for left in self._left:
            if left.passes_on:
                left.due = now

    def _is_in_contact(self, endpoint: bytes) -> bool:
        for root in self._others:
            if root.path(endpoint) is not None:
                return True
        return False
