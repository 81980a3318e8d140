"""A joined network as the local port sees it: its state, and what is applied of its config.

Owns the status. What the controller and other members say is judged elsewhere, and so is where a
frame goes; the port belongs to the driver.

    port.deliver(frame)       an Ethernet frame for the port; borrowed, valid during the call only
    port.configure(network)   addresses, routes, dns, mtu or name changed; OSError if the interface refuses
    port.close()              the network was left
"""

from ..const import const
from ..vl1.transport import Transport
from ..wire.config import (
    DEFAULT_MTU,
    ROLE_ANCHOR,
    ROLE_RELAY,
    ROLE_REPLICATOR,
    NetworkConfig,
)
from ..wire.verbs import VERB_NETWORK_CONFIG_REQUEST
from . import ethernet
from .ad_hoc import config_of, is_ad_hoc
from .addresses import applied, contains
from .bridge import Bridge
from .bridges import Bridges
from .config_change import differs
from .config_exchange import ConfigExchange
from .mdns import Responder
from .members import Members
from .multicast import Multicast
from .outbound import MAX_PAYLOAD, Outbound
from .own_credentials import OwnCredentials
from .permissions import Permissions
from .routes import Route, applied_routes
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
_CONTACT_INTERVAL = const(60000)


class Network:
    """One joined network. `addresses`: those applied; an endpoint's port is its prefix length."""

    def __init__(
        self,
        nwid: bytes,
        port,
        transport: Transport,
        saved: Saved,
        permissions: Permissions,
        now: int,
    ) -> None:
        self.nwid = nwid
        self.mac = ethernet.mac_of(transport.address, nwid)
        self.config: NetworkConfig | None = None
        self.status: int = REQUESTING_CONFIGURATION
        self.reason: str = REASONS[REQUESTING_CONFIGURATION]
        self.sign_on_url = ""  # where the user has to sign in first
        self.addresses: list[bytes] = []
        self.routes: list[Route] = []
        self.dns: tuple[str, list[bytes]] = ("", [])  # domain, servers; only if they are allowed
        self.name = ""
        self.mtu = DEFAULT_MTU
        self.largest = DEFAULT_MTU  # payload that is taken: not everybody follows a smaller MTU
        self.multicast_limit = 0  # copies of one frame; 0: no multicast
        self.permissions = permissions
        self.members = Members(nwid, transport)
        self.bridges = Bridges(
            nwid, transport.address, transport.limits.bridged_hosts, transport.counters.count
        )
        self.bridge: Bridge | None = None  # a local Ethernet that is joined to the network
        self._on_ethernet_left = None
        self.rules = NetworkRules(nwid, self.members, transport)
        self.credentials = OwnCredentials(transport)
        self.subscriptions = Subscriptions(self, transport)
        self.multicast = Multicast(self, transport)
        self.outbound = Outbound(self, transport)
        self.responder: Responder | None = None  # answers questions for our own name
        self.count = transport.counters.count
        self.exchange = ConfigExchange(nwid, transport, now)
        self._contact_at = now
        self._rules_problem: str | None = None
        self._port = port
        self._saved = saved
        self._transport = transport
        if is_ad_hoc(nwid):
            self._configure_ad_hoc(now)
            return
        config = saved.load(transport.address)
        if config is not None:
            self.exchange.held = config
            self._apply(config, now)

    def _configure_ad_hoc(self, now: int) -> None:
        self._saved.load(self._transport.address)  # leaves a file: the network is joined
        try:
            self._apply(config_of(self.nwid, self._transport.address, now), now)
        except ValueError as error:
            self._fail(NOT_FOUND, str(error))

    def __repr__(self) -> str:
        return "<Network %s, status %d>" % (self.nwid.hex(), self.status)

    # --- state ---

    def accept(self, config: NetworkConfig, now: int) -> None:
        """Use a config that the controller sent, and remember it."""
        self._saved.save(config)
        self._apply(config, now)

    def refuse(self, status: int, now: int, sign_on_url: str = "") -> None:
        """The controller said no. A config that we have stays in use until others refuse it."""
        self.exchange.refused(now)
        self.sign_on_url = sign_on_url
        reason = REASONS[status]
        self._fail(status, "%s at %s" % (reason, sign_on_url) if sign_on_url else reason)

    def unusable(self, reason: str) -> None:
        """The controller's config cannot be accepted: tell the user, who has no other one."""
        if self.status == REQUESTING_CONFIGURATION:
            self.reason = reason

    def permit(self, now: int) -> None:
        """The user changed what the network may do to this device: apply and remember it.

        OSError if it cannot be remembered; it is in force all the same.
        """
        if self.config is not None:
            self._configure(self.config, now)
        self.permissions.save()

    def set_hostname(self, hostname: str, now: int) -> None:
        """Answer multicast DNS questions for `<hostname>.local`; for none if it is empty.

        ValueError if it cannot be a name.
        """
        self.responder = Responder(self, hostname) if hostname else None
        if self.config is not None:
            self.subscriptions.configure(self.config, self.addresses, now)

    def join_ethernet(self, port, on_close) -> Bridge:
        """Join a local Ethernet to the network (bridge.py); works as long as the controller lets us.

        `on_close()`, if not None, is called when that ends.
        """
        self.bridge = Bridge(self, port, self._port, self.count)
        self._on_ethernet_left = on_close
        return self.bridge

    def leave_ethernet(self) -> None:
        """The network is no longer joined to a local Ethernet. No error if it was not."""
        self.bridge = None
        self.bridges.left_ethernet()
        on_close = self._on_ethernet_left
        self._on_ethernet_left = None
        if on_close is not None:
            on_close()

    def _apply(self, config: NetworkConfig, now: int) -> None:
        changed = differs(self.config, config)
        config.raw = b""  # parsed and saved; a few KiB that nobody reads again
        self.config = config
        self.multicast_limit = config.multicast_limit
        self.members.set_own(config)
        self.bridges.set(config)
        self.credentials.set(config, changed)
        self.status = OK
        self.reason = REASONS[OK]
        self.sign_on_url = ""
        if changed:
            self._rules_problem = self.rules.configure(config)
            self._configure(config, now)
        if self._rules_problem is not None:
            self._fail(RULES_TOO_LARGE, "%s: %s" % (REASONS[RULES_TOO_LARGE], self._rules_problem))

    def _configure(self, config: NetworkConfig, now: int) -> None:
        self.addresses = applied(config.addresses, self.permissions)
        self.routes = applied_routes(config.routes, self.addresses, self.permissions)
        self.dns = ("", [])
        if self.permissions.dns and config.dns_domain:
            self.dns = (config.dns_domain, config.dns_servers)
        self.name = config.name
        self.mtu = min(config.mtu, MAX_PAYLOAD)
        self.largest = max(config.mtu, DEFAULT_MTU)
        try:
            self._port.configure(self)
        except OSError as error:
            self._fail(PORT_ERROR, "%s: %s" % (REASONS[PORT_ERROR], error))
        self.subscriptions.configure(config, self.addresses, now)
        if self.responder is not None:
            self.responder.configure()

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
        deadline = now + _QUIET
        if not is_ad_hoc(self.nwid):
            if self._is_nobodys():
                self._fail(NOT_FOUND, "this node would be its controller, and is none")
                return deadline
            deadline = self.exchange.tick(now)
        if self.config is not None:
            if now >= self._contact_at:
                self._contact_at = now + _CONTACT_INTERVAL
                self._contact(now)
            deadline = min(
                deadline, self.multicast.tick(now), self.subscriptions.tick(now), self._contact_at
            )
            deadline = min(deadline, self.credentials.tick(now))
            if self.responder is not None:
                deadline = min(deadline, self.responder.tick(now))
        return deadline

    def early(self, now: int) -> bool:
        """A packet has to go out through the best root; True if one that is nearly due took its place."""
        return self.config is not None and self.subscriptions.early(now)

    def _is_nobodys(self) -> bool:
        """We are the controller by our address, but have not got that role."""
        is_ours = self.exchange.controller == self._transport.address
        return is_ours and VERB_NETWORK_CONFIG_REQUEST not in self._transport.verbs

    def close(self) -> None:
        """The network is left, or the node stops."""
        self.exchange.close()
        self.leave_ethernet()
        self._port.close()

    # --- who else matters ---

    def keepers(self, now: int) -> list[bytes]:
        """Who keeps lists of listeners and is in reach: roots, controller, anchors and the like."""
        roots = self._transport.topology.root_peers()
        return self._others(
            [root.address for root in roots if root.is_left or root.best_path(now) is not None]
        )

    def gather_sources(self, now: int) -> list[bytes]:
        """Who is asked for listeners: the best root, the controller, anchors and replicators."""
        root = self._transport.topology.best_root(now)
        return self._others([root.address] if root is not None else [])

    def relays(self) -> list[bytes]:
        """The network's own relays (protocol/14 §14.3), ourselves not among them."""
        return self._specialists(ROLE_RELAY)

    def is_specialist(self, address: bytes, roles: int) -> bool:
        """Whether the controller gave this node one of these ROLE_*."""
        return self.config is not None and address in self.config.specialists_with(roles)

    def _specialists(self, roles: int) -> list[bytes]:
        if self.config is None:
            return []
        found = self.config.specialists_with(roles)
        return [address for address in found if address != self._transport.address]

    def _contact(self, now: int) -> None:
        """Others rely on these nodes, so the way to them is kept open (protocol/04 §4.5)."""
        for address in self._specialists(ROLE_ANCHOR | ROLE_REPLICATOR | ROLE_RELAY):
            peer = self._transport.topology.get(address)
            if peer is None:
                self._transport.whois(address, now)
            else:
                peer.last_active = now
                self._transport.on_watch(peer, now)
                self.credentials.before_frame(self.members.make(address, now), now)

    def _others(self, roots: list[bytes]) -> list[bytes]:
        """These roots, and the network's own keepers if there is a root to reach them through."""
        ourselves = self._transport.address
        controller = self.exchange.controller
        others: list[bytes] = []
        if controller == ourselves:
            others.append(controller)  # the role beside us keeps the lists
        elif (roots or self._transport.topology.is_root) and not is_ad_hoc(self.nwid):
            others.append(controller)
        if roots or self._transport.topology.is_root:
            others += self._specialists(ROLE_ANCHOR | ROLE_REPLICATOR)
        chosen = list(roots)
        for address in others:
            if address not in chosen:
                chosen.append(address)
        return chosen[:_MAX_KEEPERS]

    # --- frames ---

    def transmit(self, frame: bytes | memoryview, now: int) -> None:
        """Send an Ethernet frame (14-byte header and payload) that came from the local port."""
        view = memoryview(frame)
        if (
            self.bridge is None
            or len(frame) <= ethernet.HEADER
            or not self.bridge.takes(view, now)
        ):
            self.outbound.transmit(view, now)

    def compose(
        self, destination: bytes, source: bytes, ethertype: int, payload: bytes | memoryview
    ) -> memoryview | None:
        """An Ethernet frame from a member; None if it is too long."""
        if len(payload) > self.largest:
            self._transport.counters.count("frame_size_in")
            return None
        frame = memoryview(bytearray(ethernet.HEADER + len(payload)))
        frame[: ethernet.SOURCE] = destination
        frame[ethernet.SOURCE : ethernet.ETHERTYPE] = source
        frame[ethernet.ETHERTYPE] = ethertype >> 8
        frame[ethernet.ETHERTYPE + 1] = ethertype & 0xFF
        frame[ethernet.HEADER :] = payload
        return frame

    def deliver(self, frame: memoryview, now: int) -> None:
        """Hand a frame that the rules let through to the local port."""
        self.count("frames_in")
        if self.responder is not None:
            self.responder.hear(frame, now)
        if self.bridge is None:
            self._port.deliver(frame)
        else:
            self.bridge.deliver(frame)
