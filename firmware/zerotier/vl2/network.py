"""A joined network as the local port sees it: its state, and the way of a frame out and in.

Owns the status and the decision where a frame goes (protocol/07 §7.2). What the controller and
other members say is judged elsewhere; the port belongs to the driver.

    port.deliver(frame)       an Ethernet frame for the port; borrowed, valid during the call only
    port.configure(network)   addresses, mtu or name changed; OSError if the interface refuses
    port.close()              the network was left
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire import address as addresses
from ..wire.config import DEFAULT_MTU, ROLE_ANCHOR, ROLE_REPLICATOR, NetworkConfig
from ..wire.verbs import VERB_FRAME
from . import ethernet
from .addresses import applied, contains
from .config_change import differs
from .config_exchange import ConfigExchange
from .members import Members
from .multicast import Multicast
from .own_credentials import OwnCredentials
from .rules import NetworkRules
from .saved import Saved
from .status import (
    NOT_FOUND,
    OK,
    PORT_ERROR,
    REASONS,
    REQUESTING_CONFIGURATION,
    RULES_TOO_LARGE,
)
from .subscriptions import Subscriptions

_QUIET = const(60000)  # nothing to do for that long
_MAX_KEEPERS = const(16)  # protocol/07 §7.5
_MAX_PAYLOAD = const(9890)  # bytes that seven datagrams carry behind network id and ethertype
_AD_HOC = const(0xFF)  # first byte of the ids of networks without a controller (protocol/06 §6.10)


class Network:
    """One joined network. `addresses`: those applied; an endpoint's port is its prefix length."""

    def __init__(self, nwid: bytes, port, transport: Transport, saved: Saved, now: int) -> None:  # type: ignore[no-untyped-def]
        self.nwid = nwid
        self.mac = ethernet.mac_of(transport.address, nwid)
        self.config: NetworkConfig | None = None
        self.status: int = REQUESTING_CONFIGURATION
        self.reason: str = REASONS[REQUESTING_CONFIGURATION]
        self.addresses: list[bytes] = []
        self.name = ""
        self.mtu = DEFAULT_MTU
        self.multicast_limit = 0  # copies of one frame; 0: no multicast
        self.members = Members(nwid, transport)
        self.rules = NetworkRules(nwid, self.members, transport)
        self.credentials = OwnCredentials(transport)
        self.subscriptions = Subscriptions(self, transport)
        self.multicast = Multicast(self, transport)
        self.exchange = ConfigExchange(nwid, transport, now)
        self._allow_global = False
        self._rules_problem: str | None = None
        self._port = port
        self._saved = saved
        self._transport = transport
        self._frame = memoryview(b"")  # inbound frames are put together here
        config = saved.load(transport.address)
        if config is not None:
            self.exchange.held = config
            self._apply(config, now)
        elif nwid[0] == _AD_HOC:
            self._fail(NOT_FOUND, "networks without a controller are not supported")
        elif self.exchange.controller == transport.address:
            self._fail(NOT_FOUND, "a node cannot join a network that it controls itself")

    def __repr__(self) -> str:
        return "<Network %s, status %d>" % (self.nwid.hex(), self.status)

    # --- state ---

    def accept(self, config: NetworkConfig, now: int) -> None:
        """Use a config that the controller sent, and remember it."""
        self._saved.save(config)
        config.raw = b""  # parsed and saved; a few KiB that nobody reads again
        self._apply(config, now)

    def refuse(self, status: int, now: int) -> None:
        """The controller said no. A config that we have stays in use until others refuse it."""
        self.exchange.refused(now)
        self._fail(status, REASONS[status])

    def unusable(self, reason: str) -> None:
        """The controller's config cannot be accepted: tell the user, who has no other one."""
        if self.status == REQUESTING_CONFIGURATION:
            self.reason = reason

    def allow_global(self, allowed: bool, now: int) -> None:
        """Whether public addresses may be assigned to the port; not unless asked."""
        if allowed == self._allow_global:
            return
        self._allow_global = allowed
        if self.config is not None:
            self._configure(self.config, now)

    def _apply(self, config: NetworkConfig, now: int) -> None:
        changed = differs(self.config, config)
        self.config = config
        self.multicast_limit = config.multicast_limit
        self.members.set_own(config)
        self.credentials.set(config, changed)
        self.status = OK
        self.reason = REASONS[OK]
        if changed:
            self._rules_problem = self.rules.configure(config)
            self._configure(config, now)
        if self._rules_problem is not None:
            self._fail(RULES_TOO_LARGE, "%s: %s" % (REASONS[RULES_TOO_LARGE], self._rules_problem))

    def _configure(self, config: NetworkConfig, now: int) -> None:
        self.addresses = applied(config.addresses, self._allow_global)
        self.name = config.name
        self.mtu = config.mtu
        if len(self._frame) != ethernet.HEADER + config.mtu:
            self._frame = memoryview(bytearray(ethernet.HEADER + config.mtu))
        try:
            self._port.configure(self)
        except OSError as error:
            self._fail(PORT_ERROR, "%s: %s" % (REASONS[PORT_ERROR], error))
        self.subscriptions.configure(config, self.addresses, now)

    def _fail(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason

    def contains(self, ip: bytes) -> bool:
        """True if this IP (4 or 16 bytes) is inside the subnet of an address of ours."""
        for endpoint in self.addresses:
            if contains(endpoint, ip):
                return True
        return False

    def tick(self, now: int) -> int:
        """Ask, announce and expire what is due; the time of the next call that is needed."""
        if self.nwid[0] == _AD_HOC or self.exchange.controller == self._transport.address:
            return now + _QUIET
        deadline = self.exchange.tick(now)
        if self.config is not None:
            deadline = min(deadline, self.multicast.tick(now), self.subscriptions.tick(now))
        return deadline

    def close(self) -> None:
        """The network is left, or the node stops."""
        self.exchange.close()
        self._port.close()

    # --- who else matters ---

    def keepers(self, now: int) -> list[bytes]:
        """Who keeps lists of listeners and is in reach: roots, controller, anchors and the like."""
        roots = self._transport.topology.root_peers()
        return self._others([root.address for root in roots if root.best_path(now) is not None])

    def gather_sources(self, now: int) -> list[bytes]:
        """Who is asked for listeners: the best root, the controller, anchors and replicators."""
        root = self._transport.topology.best_root(now)
        return self._others([root.address] if root is not None else [])

    def _others(self, roots: list[bytes]) -> list[bytes]:
        """These roots, and the network's own keepers if there is a root to reach them through."""
        others: list[bytes] = []
        if roots or self._transport.topology.is_root:
            others.append(self.exchange.controller)
            if self.config is not None:
                others += self.config.specialists_with(ROLE_ANCHOR | ROLE_REPLICATOR)
        chosen = list(roots)
        for address in others:
            if address not in chosen and address != self._transport.address:
                chosen.append(address)
        return chosen[:_MAX_KEEPERS]

    # --- frames ---

    def transmit(self, frame: bytes | memoryview, now: int) -> None:
        """Send an Ethernet frame (14-byte header and payload) that came from the local port."""
        count = self._transport.counters.count
        if self.config is None:
            count("frame_without_config")
            return
        size = len(frame) - ethernet.HEADER
        if size <= 0 or size > self.mtu or size > _MAX_PAYLOAD:
            count("frame_size_out")
            return
        view = memoryview(frame)
        if view[ethernet.SOURCE : ethernet.ETHERTYPE] != self.mac:
            count("frame_foreign_source_out")
            return
        if frame[0] & 1:
            self.multicast.transmit(view, now)
            return
        mac = bytes(view[: ethernet.SOURCE])
        member = self.members.by_mac(mac)
        if member is None:
            address = ethernet.address_of(mac, self.nwid)
            if address is None or addresses.is_reserved(address):
                count("frame_to_nobody")
                return
            if address == self._transport.address:
                count("frame_to_ourselves")
                return
            member = self.members.make(address, now)
        member.last_used = now
        if not self.rules.leaves_for(member, view, now):
            return
        self.credentials.before_frame(member, now)
        # Ethertype and payload follow each other in FRAME as in Ethernet.
        self._transport.send(
            member.address, VERB_FRAME, (self.nwid, view[ethernet.ETHERTYPE :]), now
        )

    def compose(
        self, destination: bytes, source: bytes, ethertype: int, payload: bytes | memoryview
    ) -> memoryview | None:
        """An Ethernet frame from a member, valid until the next one; None if it is too long."""
        end = ethernet.HEADER + len(payload)
        frame = self._frame
        if end > len(frame):
            self._transport.counters.count("frame_size_in")
            return None
        frame[: ethernet.SOURCE] = destination
        frame[ethernet.SOURCE : ethernet.ETHERTYPE] = source
        frame[ethernet.ETHERTYPE] = ethertype >> 8
        frame[ethernet.ETHERTYPE + 1] = ethertype & 0xFF
        frame[ethernet.HEADER : end] = payload
        return frame[:end]

    def deliver(self, frame: memoryview) -> None:
        """Hand a frame that the rules let through to the local port."""
        self._transport.counters.count("frames_in")
        self._port.deliver(frame)
