"""The multicast groups that we listen to on one network, and telling others of them.

Owns MULTICAST_LIKE outbound (protocol/07 §7.5). Never keeps who else listens.
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire import address, messages
from ..wire.config import FLAG_BROADCAST, ROLE_ANCHOR, ROLE_REPLICATOR, NetworkConfig
from ..wire.verbs import VERB_MULTICAST_LIKE
from . import ethernet, mdns
from .members import Member

_INTERVAL = const(60000)  # between two tellings of one member
_RETRY = const(1000)  # while nobody can be told
_EARLY = const(
    100000
)  # a telling may be so much early, where it takes the place of another packet
_PER_PACKET = const(555)  # groups of 18 bytes that fit one


class Subscriptions:
    """Groups, as (MAC, ADI), of one network."""

    def __init__(self, network, transport: Transport) -> None:
        self._network = network
        self._transport = transport
        self._configured: list[tuple[bytes, int]] = []
        self._local: list[tuple[bytes, int]] = []  # what the IP stack or the user asked for
        self._told: dict[bytes, int] = {}  # keepers of lists, and when they were told all groups

    def groups(self, now: int) -> list[tuple[bytes, int]]:
        """All groups: those of the config, of the stack, and of the hosts that we bridge."""
        groups = list(self._configured)
        for group in self._local + self._network.bridges.groups(now):
            if group not in groups:
                groups.append(group)
        return groups

    def includes(self, mac: bytes, adi: int, now: int) -> bool:
        return (mac, adi) in self.groups(now)

    def add(self, mac: bytes, now: int) -> None:
        """Listen to a group. ValueError if it is none; OSError if there are too many."""
        if len(mac) != address.MAC_SIZE or not ethernet.is_multicast(mac):
            raise ValueError("a multicast group is a MAC of 6 bytes whose first octet is odd")
        group = (bytes(mac), 0)
        if group in self._local:
            return
        if len(self._local) >= self._transport.limits.groups:
            raise OSError("the network has as many multicast groups as this node can keep")
        self._local.append(group)
        if group not in self._configured:
            self._announce([group], now)

    def remove(self, mac: bytes) -> None:
        """Stop listening. Others forget it ten minutes after the last announcement."""
        if (mac, 0) in self._local:
            self._local.remove((mac, 0))

    def bridged(self, mac: bytes, adi: int, now: int) -> None:
        """A host that we bridge sent to a group, so hosts there may listen to it."""
        known = self.includes(mac, adi, now)
        if self._network.bridges.sent_to_group(mac, adi, now) and not known:
            self._announce([(mac, adi)], now)

    def configure(self, config: NetworkConfig, addresses: list[bytes], now: int) -> None:
        """Take the groups of a new config; new ones are announced at once."""
        groups = [(ethernet.ALL_NODES_IPV4, 0), (ethernet.ALL_NODES_IPV6, 0)]
        if config.flags & FLAG_BROADCAST:
            groups.append((ethernet.BROADCAST, 0))
        if self._network.responder is not None:
            groups += mdns.GROUPS
        for endpoint in addresses:
            ip = address.ip(endpoint)
            if len(ip) == address.IPV4_SIZE:
                group = (ethernet.BROADCAST, int.from_bytes(ip, "big"))
            else:
                group = (ethernet.solicited_node(ip), 0)
                # The stack gives itself a link-local address too, made from the MAC.
                link_local = (ethernet.solicited_node_of_mac(self._network.mac), 0)
                if link_local not in groups:
                    groups.append(link_local)
            if group not in groups:
                groups.append(group)
        new = [group for group in groups if not self.includes(group[0], group[1], now)]
        self._configured = groups
        self._announce(new, now)
        self.tick(now)

    def tell(self, member: Member, now: int) -> None:
        """A member has just passed the gate: it may want to send to our groups.

        It listens to us only after it has seen our credentials.
        """
        if now - member.last_liked >= _INTERVAL:
            member.last_liked = now
            self._network.credentials.before_frame(member, now)
            self._send(member.address, self.groups(now), now)

    def tick(self, now: int) -> int:
        """Tell those whose time has come; when to look again. Whoever comes into reach is told."""
        keepers = self._network.keepers(now)
        for gone in [keeper for keeper in self._told if keeper not in keepers]:
            del self._told[gone]
        deadline = now + self._transport.limits.like_interval
        for keeper in keepers:
            due = self._due(keeper)
            if now >= due:
                self._tell_keeper(keeper, now)
                due = self._due(keeper)
            deadline = min(deadline, due)
        return deadline if self._told else now + _RETRY

    def early(self, now: int) -> bool:
        """Something has to be sent now, whatever it is: tell the keeper that is next, if that is nearly due."""
        if not self._told:
            return False
        keeper = min(self._told, key=self._due)
        if self._due(keeper) - now > _EARLY:
            return False
        self._tell_keeper(keeper, now)
        return True

    def _due(self, keeper: bytes) -> int:
        """When to tell it next. A root without contact is told less often: it is one of several, and far."""
        peer = self._transport.topology.get(keeper)
        interval = self._transport.limits.like_interval
        if peer is not None and peer.is_left:
            interval *= 2
        return self._told.get(keeper, -interval) + interval

    def _tell_keeper(self, keeper: bytes, now: int) -> None:
        self._told[keeper] = now
        if self._network.is_specialist(keeper, ROLE_ANCHOR | ROLE_REPLICATOR):
            member = self._network.members.make(keeper, now)
            self._network.credentials.before_frame(member, now)
        self._send(keeper, self.groups(now), now)

    def _announce(self, new: list[tuple[bytes, int]], now: int) -> None:
        """Tell of new groups at once; `tick` tells those who know of none yet."""
        if not new:
            return
        for keeper in self._told:
            self._send(keeper, new, now)
        for member in self._network.members.admitted():
            self._send(member.address, new, now)

    def _send(self, to: bytes, groups: list[tuple[bytes, int]], now: int) -> None:
        nwid = self._network.nwid
        for start in range(0, len(groups), _PER_PACKET):
            likes = [(nwid, mac, adi) for mac, adi in groups[start : start + _PER_PACKET]]
            payload = messages.encode_multicast_like(likes)
            self._transport.send(to, VERB_MULTICAST_LIKE, (payload,), now)
