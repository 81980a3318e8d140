"""The rules of one network applied to its frames: who may pass, and who gets a copy.

Owns the compiled rules, and the packets that TEE, WATCH and REDIRECT send (protocol/07 §7.9). Never
evaluates a rule: the C module does. Never delivers a frame.
"""

from os import urandom

from _zerotier import RuleSet

from ..const import const
from ..vl1.outcome import HOLD, TRUSTED
from ..vl1.transport import Transport
from ..wire import messages
from ..wire.config import FLAG_NDP_EMULATION, FLAG_UNSUPPORTED_MATCHES, NetworkConfig
from ..wire.verbs import VERB_EXT_FRAME
from . import ethernet
from .addresses import own_prefixes
from .credentials_held import own_holdings
from .members import Member, Members

# Verdicts of RuleSet.
DROP = const(0)
ACCEPT = const(1)
SUPER_ACCEPT = const(2)  # deliver whatever the MACs are
_REDIRECT = const(3)
_NO_MATCH = const(4)
_VERIFY = const(5)
WAIT = const(6)  # ours: cannot be judged before somebody's identity is known

_NOBODY = bytes(5)
_SEED = const(4)  # bytes


class NetworkRules:
    """Before there is a config, and with rules that are too many, nothing passes.

    `accept_all`: every frame passes both ways, so that nobody need ask. `compiled`: the RuleSet.
    """

    def __init__(self, nwid: bytes, members: Members, transport: Transport) -> None:
        self._nwid = nwid
        self._members = members
        self._transport = transport
        self._count = transport.counters.count
        self._nothing = RuleSet(b"", transport.address, None, False, b"", 0)
        self.compiled = self._nothing
        self.accept_all = False

    def configure(self, config: NetworkConfig) -> str | None:
        """Take the rules of a new config; what is wrong with them if they cannot be enforced."""
        problem = None
        bound = self._transport.limits.rules
        try:
            rules = self._compile(config)
            if rules.count > bound:
                problem = "the network has %d rules, and this node can enforce %d" % (
                    rules.count,
                    bound,
                )
        except MemoryError:
            problem = "the network's rules do not fit into memory"
        self.compiled = self._nothing if problem is not None else rules
        self.accept_all = self.compiled.accept_all
        return problem

    def _compile(self, config: NetworkConfig) -> RuleSet:
        prefixes = b""
        if config.flags & FLAG_NDP_EMULATION:
            prefixes = own_prefixes(self._nwid, self._transport.address, config.addresses)
        return RuleSet(
            config.rules,
            self._transport.address,
            own_holdings(config),
            config.flags & FLAG_UNSUPPORTED_MATCHES != 0,
            prefixes,
            int.from_bytes(urandom(_SEED), "big"),
        )

    # --- outbound: True if the frame is to be sent as it was meant to be ---

    def leaves_for(self, member: Member, frame: memoryview, now: int) -> bool:
        """A frame to one member. Copies leave before it."""
        if self.accept_all:
            return True
        outcome = self._judge(self.compiled.outbound, member.address, member, frame, now)
        return self._leaves(outcome, frame, True, now)

    def leaves_for_many(self, frame: memoryview, now: int) -> bool:
        """A frame to a group, or behind a bridge, before its recipients are known."""
        if self.accept_all:
            return True
        outcome = self._judge(self.compiled.outbound, _NOBODY, None, frame, now)
        return self._leaves(outcome, frame, True, now)

    def leaves_for_each(self, member: Member, frame: memoryview, now: int) -> bool:
        """The same frame, to one of its recipients: without copies, they have left."""
        if self.accept_all:
            return True
        outcome = self._judge(self.compiled.outbound, member.address, member, frame, now)
        return self._leaves(outcome, frame, False, now)

    def _leaves(
        self, outcome: tuple | None, frame: memoryview, with_copies: bool, now: int
    ) -> bool:
        if outcome is None:
            self._count("rules_wait_out")
            return False
        verdict, redirect_to, copies, _ = outcome
        if with_copies:
            for to, length, is_watch in copies:
                flags = messages.EXT_FRAME_WATCH_OUT if is_watch else messages.EXT_FRAME_TEE_OUT
                self._forward(to, flags, frame[: ethernet.HEADER + length], now)
        if verdict == _REDIRECT:
            self._count("rules_redirect_out")
            self._forward(redirect_to, messages.EXT_FRAME_REDIRECT_OUT, frame, now)
        elif verdict == DROP:
            self._count("rules_drop_out")
        elif verdict == _NO_MATCH:
            self._count("rules_no_match_out")
        return verdict == ACCEPT

    # --- inbound ---

    def arrives_from(self, member: Member, frame: memoryview, now: int) -> int:
        """A frame that a member sent to us: DROP, ACCEPT, SUPER_ACCEPT or WAIT."""
        if self.accept_all:
            return ACCEPT
        outcome = self._judge(self.compiled.inbound, member.address, member, frame, now)
        if outcome is None:
            self._count("rules_wait_in")
            return WAIT
        verdict, redirect_to, copies, _ = outcome
        for to, length, is_watch in copies:
            flags = messages.EXT_FRAME_WATCH_IN if is_watch else messages.EXT_FRAME_TEE_IN
            self._forward(to, flags, frame[: ethernet.HEADER + length], now)
        if verdict == SUPER_ACCEPT:
            self._count("rules_super_in")
        if verdict == ACCEPT or verdict == SUPER_ACCEPT:
            return verdict
        if verdict == _REDIRECT:
            self._count("rules_redirect_in")
            self._forward(redirect_to, messages.EXT_FRAME_REDIRECT_IN, frame, now)
        else:
            self._count("rules_drop_in" if verdict == DROP else "rules_no_match_in")
        return DROP

    # --- both ---

    def _judge(
        self, ask, address: bytes, member: Member | None, frame: memoryview, now: int
    ) -> tuple | None:
        """The outcome, after the credentials on which it depends were verified; None: wait.

        Every round trusts or forgets one credential, so it ends.
        """
        while True:
            theirs = None if member is None else self._members.holdings(member)
            outcome = ask(address, theirs, frame)
            if outcome[0] != _VERIFY or member is None:
                return outcome
            kind, id = outcome[3]
            settled = self._members.settle(member, kind, id, now)
            if settled == HOLD:
                return None
            if settled != TRUSTED:
                return DROP, None, (), None

    def _forward(self, to: bytes, flags: int, frame: memoryview, now: int) -> None:
        """An EXT_FRAME with the MACs of the original frame. No credentials go before it: who lacks
        them asks (protocol/07 §7.9).
        """
        head = self._nwid + bytes((flags,))
        self._transport.send(to, VERB_EXT_FRAME, (head, frame), now)
