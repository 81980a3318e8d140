"""The bridges of one network: which hosts are behind which of them or on our own Ethernet, and what the latter need.

Owns the bounded tables of MACs and of groups that bridged hosts use (protocol/07 §7.5, §7.6). Never
sends. Whoever has a MAC in the form of a member's is a member, so no bridge can speak for one.
"""

from ..const import const
from ..wire.config import ROLE_ACTIVE_BRIDGE, NetworkConfig
from . import ethernet
from .group import choose

_MAX_RECIPIENTS = const(32)  # bridges that get a frame for a MAC that none is known to have
_GROUP_LIFE = const(1200000)  # ms after a bridged host sent to a group
_HOST_AGE = const(
    300000
)  # ms of silence until a host may be anywhere, as in other switches (IEEE 802.1D)

HERE = b""  # in the place of a bridge's address: on the Ethernet that is joined to the network


class Bridges:
    """`bound`: MACs, and groups, that are remembered.

    `fast`: None, or who forwards for known hosts without asking here: `put(mac, way, now)`, `clear()`.
    """

    def __init__(self, nwid: bytes, ourselves: bytes, bound: int, count) -> None:
        self._nwid = nwid
        self._ourselves = ourselves
        self._bound = bound
        self._count = count
        self._ways: dict[
            bytes, list
        ] = {}  # MAC -> [address of its bridge or HERE, when last heard]
        self._groups: dict[tuple[bytes, int], int] = {}  # of bridged hosts -> until when
        self.others: list[bytes] = []  # active bridges besides us
        self.are_we = False  # one of them
        self.fast = None

    def set(self, config: NetworkConfig) -> None:
        """Take the bridges of a new config; hosts behind a former one are forgotten."""
        active = config.specialists_with(ROLE_ACTIVE_BRIDGE)
        self.are_we = self._ourselves in active
        self.others = [address for address in active if address != self._ourselves]
        allowed = self.others + ([HERE] if self.are_we else [])
        self._keep(lambda way: way in allowed)
        if not self.are_we:
            self._groups.clear()

    def left_ethernet(self) -> None:
        """No Ethernet is joined any more."""
        self._keep(lambda way: way != HERE)

    def _keep(self, is_good) -> None:
        gone = [mac for mac, way in self._ways.items() if not is_good(way[0])]
        for mac in gone:
            del self._ways[mac]
        if gone and self.fast is not None:
            self.fast.clear()

    # --- where hosts are ---

    def hears(self, source: bytes, sender: bytes, now: int) -> bool:
        """A frame from a MAC that is not the sender's: whether it may be one of a bridged host."""
        if sender not in self.others or not self.may_be_bridged(source):
            return False
        self.learn(source, sender, now)
        return True

    def learn(self, mac: bytes, way: bytes, now: int) -> None:
        """A host was heard: behind a bridge, or HERE. It may have been somewhere else before."""
        if mac not in self._ways and len(self._ways) >= self._bound:
            del self._ways[min(self._ways, key=lambda mac: self._ways[mac][1])]
            self._count("bridged_host_evicted")
        self._ways[mac] = [way, now]
        if self.fast is not None:
            self.fast.put(mac, way, now)

    def way(self, mac: bytes, now: int) -> bytes | None:
        """The address of the bridge that a host is behind, or HERE; None if it was not heard lately."""
        way = self._ways.get(mac)
        if way is None or now - way[1] > _HOST_AGE:
            return None
        return way[0]

    def may_be_bridged(self, mac: bytes) -> bool:
        """False for groups, for nobody, and for MACs in the form of members'."""
        return not (
            ethernet.is_multicast(mac)
            or mac == bytes(len(mac))
            or ethernet.is_of_member(mac, self._nwid)
        )

    def towards(self, mac: bytes, now: int) -> list[bytes]:
        """The bridges that get a frame for this MAC: the one that it is behind, or some of all."""
        way = self.way(mac, now)
        return [way] if way else choose(self.others, _MAX_RECIPIENTS)

    # --- our own bridged hosts ---

    def sent_to_group(self, mac: bytes, adi: int, now: int) -> bool:
        """A bridged host sent to a group, so others of its kind may listen; True if that is new."""
        is_new = (mac, adi) not in self._groups
        if is_new and len(self._groups) >= self._bound:
            del self._groups[min(self._groups, key=lambda group: self._groups[group])]
            self._count("bridged_group_evicted")
        self._groups[(mac, adi)] = now + _GROUP_LIFE
        return is_new

    def groups(self, now: int) -> list[tuple[bytes, int]]:
        """The groups that bridged hosts use."""
        for group in [group for group, until in self._groups.items() if until <= now]:
            del self._groups[group]
        return list(self._groups)
