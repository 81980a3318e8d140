"""The tags, capabilities and certificates of ownership that another member has shown us.

Owns which of them count now, and in what form rules get them (protocol/06 §6.9). Never checks a
signature: a credential that a member shows of itself waits here unread until a rule asks for it,
so members that rules do not ask about cost no Ed25519.

    shown    is it newer than what is held?    -> candidate (not trusted)
    asked    is its signature right?           -> trusted, else forgotten
    trusted  until a candidate says something else, the window of time has passed, or it is revoked
"""

from _zerotier import Holdings

from ..wire.bounds import u16_bytes, u32_bytes
from ..wire.config import NetworkConfig
from ..wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
    Capability,
    Ownership,
    Tag,
)

_THING = 17

NAMES = {
    CREDENTIAL_CAPABILITY: "capability",
    CREDENTIAL_TAG: "tag",
    CREDENTIAL_OWNERSHIP: "ownership",
}


class _Slot:
    """One credential by its kind and id."""

    def __init__(self) -> None:
        self.trusted: Tag | Capability | Ownership | None = None
        self.candidate: Tag | Capability | Ownership | None = None

    def newest(self) -> "Tag | Capability | Ownership | None":
        return self.candidate if self.candidate is not None else self.trusted


class HeldCredentials:
    """What one other member holds. `bounds`: how many of each kind are kept, by CREDENTIAL_*."""

    def __init__(self, bounds: dict[int, int]) -> None:
        self._bounds = bounds
        self._slots: dict[tuple[int, int], _Slot] = {}
        self._compiled: Holdings | None = None
        self._compiled_for = (0, 0)

    def objection(self, kind: int, credential: "Tag | Capability | Ownership") -> str | None:
        """Why this credential is not taken, in a word; empty if it is held already; else None."""
        slot = self._slots.get((kind, credential.id))
        if slot is None:
            count = len([1 for other, _ in self._slots if other == kind])
            return "too_many" if count >= self._bounds[kind] else None
        newest = slot.newest()
        if newest is None:
            return None
        if credential.timestamp < newest.timestamp:
            return "older"
        if credential.timestamp == newest.timestamp:
            # Two of the same time cannot both be genuine; the first stays unless it is refused.
            return "" if _content(credential) == _content(newest) else "older"
        return None

    def show(self, kind: int, credential: "Tag | Capability | Ownership") -> None:
        """Keep a credential that nobody has verified."""
        self._slot(kind, credential.id).candidate = credential
        self._compiled = None

    def trust(self, kind: int, credential: "Tag | Capability | Ownership") -> None:
        """Keep a credential whose signature is right."""
        slot = self._slot(kind, credential.id)
        slot.trusted = credential
        slot.candidate = None
        self._compiled = None

    def candidate(self, kind: int, id: int) -> "Tag | Capability | Ownership | None":
        """The credential that waits to be verified, if there is one."""
        slot = self._slots.get((kind, id))
        return None if slot is None else slot.candidate

    def refuse(self, kind: int, id: int) -> None:
        """Forget a candidate whose signature is wrong. What was trusted before it still counts."""
        self._slots[(kind, id)].candidate = None
        self._tidy(kind, id)

    def revoke(self, kind: int, id: int, threshold: int) -> bool:
        """Forget what is not newer than the threshold; True if there was something."""
        slot = self._slots.get((kind, id))
        if slot is None:
            return False
        found = False
        if slot.trusted is not None and slot.trusted.timestamp <= threshold:
            slot.trusted = None
            found = True
        if slot.candidate is not None and slot.candidate.timestamp <= threshold:
            slot.candidate = None
            found = True
        self._tidy(kind, id)
        return found

    def holdings(self, config: NetworkConfig) -> Holdings:
        """What counts under our config: within its window of time, in the form of the rules."""
        window = (config.timestamp, config.credential_max_delta)
        compiled = self._compiled
        if compiled is None or self._compiled_for != window:
            compiled = self._compiled = self._compile(window)
            self._compiled_for = window
        return compiled

    def _slot(self, kind: int, id: int) -> _Slot:
        slot = self._slots.get((kind, id))
        if slot is None:
            slot = self._slots[(kind, id)] = _Slot()
        return slot

    def _tidy(self, kind: int, id: int) -> None:
        self._compiled = None
        if self._slots[(kind, id)].newest() is None:
            del self._slots[(kind, id)]

    def _compile(self, window: tuple[int, int]) -> Holdings:
        records: dict[int, list[bytes]] = {kind: [] for kind in NAMES}
        for kind, id in sorted(self._slots):
            slot = self._slots[(kind, id)]
            chosen = _choose(slot, window)
            if chosen is not None:
                trust = 1 if chosen is slot.trusted else 0
                records[kind].append(packed(kind, chosen, trust))
        return Holdings(
            b"".join(records[CREDENTIAL_TAG]),
            b"".join(records[CREDENTIAL_OWNERSHIP]),
            b"".join(records[CREDENTIAL_CAPABILITY]),
        )


def _choose(slot: _Slot, window: tuple[int, int]) -> "Tag | Capability | Ownership | None":
    """The one that counts: a candidate only if it says something new or nothing else is valid."""
    trusted = slot.trusted if _is_within(slot.trusted, window) else None
    candidate = slot.candidate if _is_within(slot.candidate, window) else None
    if trusted is None or candidate is None:
        return candidate if trusted is None else trusted
    return trusted if _content(trusted) == _content(candidate) else candidate


def _is_within(credential: "Tag | Capability | Ownership | None", window: tuple[int, int]) -> bool:
    return credential is not None and abs(credential.timestamp - window[0]) <= window[1]


def _content(credential: "Tag | Capability | Ownership") -> int | bytes:
    if isinstance(credential, Tag):
        return credential.value
    return credential.rules if isinstance(credential, Capability) else credential.things


def packed(kind: int, credential: "Tag | Capability | Ownership", trust: int) -> bytes:
    """The records of one credential that Holdings is made of."""
    head = u32_bytes(credential.id) + bytes((trust,))
    if isinstance(credential, Tag):
        return head + u32_bytes(credential.value)
    if isinstance(credential, Capability):
        return head + u16_bytes(len(credential.rules)) + credential.rules
    things = credential.things
    return b"".join([head + things[at : at + _THING] for at in range(0, len(things), _THING)])


def own_holdings(config: NetworkConfig) -> Holdings:
    """What we hold ourselves: all that the controller gave us, whatever its time."""
    return Holdings(
        _all(CREDENTIAL_TAG, config.tags),
        b"".join([packed(CREDENTIAL_OWNERSHIP, item, 1) for item in config.ownerships]),
        _all(CREDENTIAL_CAPABILITY, config.capabilities),
    )


def _all(kind: int, credentials: list) -> bytes:
    """Records in the order of their ids; of several with one id the last counts."""
    by_id = {credential.id: credential for credential in credentials}
    return b"".join([packed(kind, by_id[id], 1) for id in sorted(by_id)])
