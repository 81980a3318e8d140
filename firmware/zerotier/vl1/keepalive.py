"""The timers of paths: roots are greeted, paths in use are kept open, dead ones are found and given up (04 §4.5).

Owns when something is sent to keep or to test a path, and what happens when our own address changes. How an endpoint
becomes a path is paths.py's.

    state of a path      found out by                          then
    proved               heard lately                          used
    probed               sent but heard nothing, or idle       probed again every PROBE_REPEAT
    failed               no answer within its patience         not used; the root relays; probed on
    given up             failed for DEAD_PATH                  an endpoint to be tried now and then
    not proved           our own address changed, or a start   a root relays until it is heard
"""

from os import urandom

from ..const import const
from ..limits import (
    DEAD_PATH,
    HEARTBEAT,
    HELLO_RETRY,
    PORT_PATIENCE,
    PROBE_REPEAT,
    PROBE_SILENCE,
    QUIET,
    RECENT,
    ROOT_KEEPALIVE,
    ROOT_LIVENESS,
    ROOT_LOST,
    ROOT_SILENCE,
)
from ..wire.verbs import VERB_ECHO
from .candidates import NEVER
from .standby import Standby

_ROOT_RETRY_FIRST = const(1000)  # after the first HELLO; then 2 s, 4 s, and HELLO_RETRY for ever
_FAILED_REPEAT = const(1000)
_IDLE = const(60000)
_OTHER_ROOTS = const(5)  # so many times slower are the roots kept that we do not relay through
_JITTER = const(1024)
_JUNK_SIZE = const(4)


def _one_port() -> None:
    """The driver has only one UDP port."""


def _nothing_to_say(now: int) -> bool:
    """Until the node says who may have something to send."""
    return False


class Keepalive:
    """Timers of all paths of a node."""

    def __init__(self, transport, greeting, paths, traversal, surface, prediction) -> None:
        self._transport = transport
        self._topology = transport.topology
        self._greeting = greeting
        self._paths = paths
        self._traversal = traversal
        self._surface = surface
        self._prediction = prediction
        self._watched: list = []  # peers with timers, roots not among them
        self._standby = Standby(transport, paths.probe_path)
        self._offline_since = 0
        self.speak_early = (
            _nothing_to_say  # (now): send something that is nearly due to or through the best root
        )
        self.switch_port = _one_port  # driver's: use the other UDP port
        transport.on_watch = self.watch
        greeting.on_moved = self.moved
        greeting.on_remapped = self.remapped

    def watch(self, peer, now: int) -> None:
        """This peer has timers from now on, and something for them to do."""
        peer.due = now
        if not peer.is_watched and not peer.is_root:
            peer.is_watched = True
            self._watched.append(peer)
        self._transport.wake_at = min(self._transport.wake_at, now)

    def watch_active(self, now: int) -> None:
        """Look for peers whose frames passed without Python; called by the housekeeping."""
        for peer in self._topology.peers():
            if not peer.is_watched and peer.active(now):
                self.watch(peer, now)

    def tick(self, now: int) -> int:
        """Do what is due; the time of the next call that is needed."""
        deadline = now + _IDLE
        deadline = min(deadline, self._standby.tick(self._is_idle(now), now))
        best = self._topology.best_root(now)
        for root in self._topology.root_peers():
            if not root.is_left:
                deadline = min(deadline, self._tick_root(root, root is best, now))
        if self._watched:
            kept = []
            for peer in self._watched:
                if peer.due <= now:
                    peer.due = self._tick_peer(peer, now)
                    if peer.due == NEVER or self._topology.get(peer.address) is not peer:
                        peer.is_watched = False
                        continue
                kept.append(peer)
                if peer.due < deadline:
                    deadline = peer.due
            self._watched = kept
        if self.switch_port is not _one_port:
            deadline = min(deadline, self._other_port(now))
        return max(deadline, now + 1)

    def _is_idle(self, now: int) -> bool:
        """Whether nobody has exchanged frames with us for long."""
        if not self._transport.limits.leaves_roots or self._topology.is_root:
            return False
        for peer in self._watched:
            if peer.active(now):
                return False
        return True

    # --- roots ---

    def _tick_root(self, root, is_best: bool, now: int) -> int:
        self._drop_expired(root, now)
        path = root.best_path(now)
        if path is None or not path.is_proved:
            return self._greet(root, now)
        if path.probe_since:
            return self._probe_on(root, path, now)
        due: int = path.last_receive + _OTHER_ROOTS * ROOT_KEEPALIVE
        fades = max(path.last_receive, path.last_send) + ROOT_KEEPALIVE
        if is_best:
            # Whatever goes out keeps the NAT's mapping, but only an answer shows that the root is there.
            due = path.last_receive + ROOT_LIVENESS
            if fades <= now < due and self.speak_early(now):
                fades = path.last_send + ROOT_KEEPALIVE
            due = min(fades, due)
        if path.last_send > path.last_receive and self._watched:
            due = min(due, path.last_receive + ROOT_SILENCE)
        if now >= due:
            self._paths.probe_path(root, path, now)
            return now + PROBE_REPEAT
        if now >= fades:
            # Others may relay to us through this root, so its mapping has to stay, too.
            path.last_send = now
            self._transport.send_raw(urandom(_JUNK_SIZE), path.endpoint)
            fades = now + ROOT_KEEPALIVE
        return min(due, fades)

    def _greet(self, root, now: int) -> int:
        """HELLO to all endpoints of a root that does not answer, for ever."""
        doublings = min(max(root.hellos_unanswered - 1, 0), 3)
        wait = min(_ROOT_RETRY_FIRST << doublings, HELLO_RETRY)
        if now - root.last_hello < wait:
            return int(root.last_hello + wait)
        # A crowd that starts at once must not stay in step.
        root.last_hello = now - wait * urandom(1)[0] // _JITTER
        root.hellos_unanswered += 1
        places = root.endpoints or [path.endpoint for path in root.paths]
        if not places:  # a moon's root may be anywhere: through another root
            relay = self._topology.best_root(now)
            path = relay.best_path(now) if relay is not None else None
            if path is not None:
                self._greeting.send(root, path.endpoint, now)
        for endpoint in places:
            if self._paths.acceptable(root, endpoint):
                self._greeting.send(root, endpoint, now)
        return int(root.last_hello + wait)

    def _ask_roots(self, now: int) -> None:
        """If our NAT has forgotten us, all roots have to see the new mapping: others relay through any of them."""
        for root in self._topology.root_peers():
            path = root.best_path(now)
            if path is None or path.probe_since:
                continue
            if now - path.last_receive >= PROBE_SILENCE:
                self._paths.probe_path(root, path, now)

    def _other_port(self, now: int) -> int:
        """No root answers: something may be wrong with our port."""
        if self._topology.is_root or self._standby.in_contact(now):
            self._offline_since = 0
            return now + PORT_PATIENCE
        if not self._offline_since:
            self._offline_since = now
        elif now - self._offline_since >= PORT_PATIENCE:
            self._offline_since = now
            self.switch_port()
            self._transport.counters.count("port_switched")
        return self._offline_since + PORT_PATIENCE

    def online(self, now: int) -> bool:
        """True if a root was heard lately: proved, not assumed."""
        if self._topology.is_root:
            return True
        for root in self._topology.root_peers():
            if now - root.last_receive < ROOT_LOST:
                for path in root.paths:
                    if not path.is_remembered:
                        return True
        return False

    # --- other peers ---

    def _tick_peer(self, peer, now: int) -> int:
        if peer.is_root:
            return NEVER
        deadline = NEVER
        is_active = peer.active(now)
        for path in list(peer.paths):
            deadline = min(deadline, self._tick_path(peer, path, is_active, now))
        if is_active:
            # Frames may pass without Python; what they did is looked at once a second.
            if now - peer.last_active < RECENT:
                deadline = min(deadline, now + PROBE_SILENCE)
                # A relayed conversation breaks off: our NAT may have forgotten us.
                if QUIET <= now - peer.last_receive < RECENT and peer.best_path(now) is None:
                    self._ask_roots(now)
            deadline = min(deadline, now + HEARTBEAT)
        return min(deadline, self._traversal.try_candidates(peer, now))

    def _tick_path(self, peer, path, is_active: bool, now: int) -> int:
        if path.expired(now):
            self._lose(peer, path, "silent", now)
            return NEVER
        if path.probe_since:
            patience = DEAD_PATH if is_active else path.patience()
            if now - path.probe_since >= patience:
                self._lose(peer, path, "no answer", now)
                peer.candidates.add(path.endpoint, now)
                return NEVER
            return self._probe_on(peer, path, now)
        if not is_active:
            return NEVER
        due: int = path.last_receive + HEARTBEAT
        if path.last_send > path.last_receive:
            due = path.last_receive + PROBE_SILENCE
        elif now - peer.last_active < RECENT:
            due = path.last_receive + QUIET
        if now < due:
            return due
        self._paths.probe_path(peer, path, now)
        return now + PROBE_REPEAT

    def _probe_on(self, peer, path, now: int) -> int:
        """A probe is not answered yet: again, and more slowly when the path has failed."""
        wait = _FAILED_REPEAT if path.failed(now) else PROBE_REPEAT
        if now - path.last_probe >= wait:
            if not peer.is_root:
                self._ask_roots(now)
            self._paths.probe_path(peer, path, now)
            return now + wait
        return int(path.last_probe + wait)

    def _lose(self, peer, path, reason: str, now: int) -> None:
        peer.lose(path, reason, now)
        self._transport.counters.count("path_" + reason.replace(" ", "_"))

    def _drop_expired(self, peer, now: int) -> None:
        for path in list(peer.paths):
            if path.expired(now):
                self._lose(peer, path, "silent", now)

    def drop_expired(self, now: int) -> None:
        """Paths of all peers that were silent too long are given up; called by the housekeeping."""
        for peer in self._topology.peers():
            if peer.paths:
                self._drop_expired(peer, now)

    # --- we have moved ---

    def underlay_changed(self, now: int) -> None:
        """Our own addresses changed, or the network came back: tell everybody at once."""
        self._transport.counters.count("underlay_changed")
        self._surface.clear()
        self._prediction.clear()
        self._standby.end()
        has_one_family = len({len(endpoint) for endpoint in self._paths.local}) == 1
        for root in self._topology.root_peers():
            root.hellos_unanswered = 0
            root.last_hello = 0
            if has_one_family and root.paths:
                self._note_move(root, now)  # or it might stay with the family that we do not keep
            for path in root.paths:
                path.is_proved = False
        self._reprove(None, now)
        self.tick(now)
        for peer in self._watched:
            if peer.active(now):
                # Through the root: its NAT may not let our new address in.
                self._transport.send(peer.address, VERB_ECHO, (now.to_bytes(8, "big"),), now)

    def moved(self, scope: int, size: int, now: int) -> None:
        """A root sees us at another IP than before (protocol/04 §4.6)."""
        self._transport.counters.count("surface_changed")
        self._prediction.clear()
        self._standby.end()
        self._reprove((scope, size), now)

    def remapped(self, root, now: int) -> None:
        """A root sees us at another port than before: the other roots would, too, and others relay through them."""
        self._standby.end()
        self._ask_roots(now)
        for peer in self._watched:
            if peer.active(now):
                for path in peer.paths:
                    self._paths.challenge(peer, path, now)
                self._tell_moved(peer, now)
                peer.due = now

    def _tell_moved(self, peer, now: int) -> None:
        """A reference node goes on using our old path for 19 s, unless it is told; first ask it where it sees us."""
        if peer.paths and self._note_move(peer, now):
            for path in peer.paths:
                self._greeting.send(peer, path.endpoint, now)

    def _note_move(self, peer, now: int) -> bool:
        """Its next OK(HELLO) is answered with a redirect; False if it needs none."""
        if peer.is_ours() or not peer.protocol:
            return False
        peer.moved_at = now
        peer.moves += 1
        return True

    def _reprove(self, which: tuple | None, now: int) -> None:
        """Paths (of a scope and a size of address, or all) are not used until they are heard again."""
        for peer in self._topology.peers():
            if peer.is_root:
                continue
            if peer.is_ours() or not peer.paths:
                peer.last_push = (
                    0  # a reference node gets a redirect, and stops listening to many pushes
                )
            for path in peer.paths:
                if which is None or path.is_like(which):
                    path.is_proved = False
                    if peer.active(now):
                        self._paths.challenge(peer, path, now)
            if peer.active(now):
                self._tell_moved(peer, now)
                self.watch(peer, now)
