"""What a user holds: `ZeroTier` and `Network`, in the shape of MicroPython's `network` classes.

Owns the user's words and errors. Sockets, clocks and files are the drivers' (`device.py`, `host.py`), which derive
from `ZeroTierBase` and supply its underscored methods.
"""

from errno import EACCES, ETIMEDOUT

from .const import const
from .identity import Identity
from .node import Node
from .vl2.status import NAMES, OK, REQUESTING_CONFIGURATION
from .wire import address as addresses

OFFLINE = const(0)
ONLINE = const(1)

IDENTITY_KEY = "identity.secret"
_PUBLIC_KEY = "identity.public"
_NETWORKS = "networks.d/"
_POLL = const(20)  # ms between two looks at a status
_ACTIVE = const(2)  # IPv6 address states as lwIP counts them in `ipconfig`


def load_identity(store) -> Identity:
    """The identity in the store; a new one on the first start.

    ValueError if the stored one cannot be read or is not valid: it is never replaced. OSError if a new one is needed
    and there are no 2 MiB to make it in.
    """
    stored = store.get(IDENTITY_KEY)
    if stored is None:
        try:
            identity = Identity.generate()
        except MemoryError:
            raise OSError(
                "a new identity needs 2 MiB of memory: put one made on a PC into %s" % IDENTITY_KEY
            )
        store.put(IDENTITY_KEY, identity.to_text(True).encode())
        store.put(_PUBLIC_KEY, identity.to_text().encode())
        return identity
    try:
        identity = Identity.from_text(stored.decode())
        valid = identity.secret is not None
    except (ValueError, UnicodeError):
        valid = False
    if not valid:
        raise ValueError("%s does not hold a secret identity" % IDENTITY_KEY)
    try:
        valid = identity.validate()
    except MemoryError:
        pass  # checked where it was made; peers check it again
    if not valid:
        raise ValueError("%s holds an identity whose address does not fit its key" % IDENTITY_KEY)
    return identity


class Network:
    """A joined network, as the user sees it. Made by `ZeroTier.join`."""

    def __init__(self, driver, network) -> None:
        self._driver = driver
        self._network = network

    def __repr__(self) -> str:
        return "<Network %s %s>" % (self.id, NAMES[self.status()])

    @property
    def id(self) -> str:
        """The network id, 16 hex digits."""
        return self._network.nwid.hex()

    @property
    def name(self) -> str:
        """The name that the controller gave; empty until the config is there."""
        config = self._network.config
        return config.name if config is not None else ""

    def status(self) -> int:
        """REQUESTING_CONFIGURATION 0, OK 1, or a negative error: ACCESS_DENIED, NOT_FOUND, ..."""
        return self._network.status

    def reason(self) -> str:
        """The status in words; empty while all is well."""
        return self._network.reason

    def isconnected(self) -> bool:
        """True when there is a config with an address."""
        return self._network.status == OK and bool(self._network.addresses)

    def wait(self, seconds: float) -> None:
        """Block until connected. OSError: ETIMEDOUT, or EACCES with the controller's reason."""
        end = self._driver._now() + int(seconds * 1000)
        while not self.isconnected():
            if self._driver._now() >= end:
                self._raise_not_ready()
            self._driver._pause(_POLL)

    async def ready(self, seconds: float) -> None:
        """Like `wait`, for asyncio."""
        end = self._driver._now() + int(seconds * 1000)
        while not self.isconnected():
            if self._driver._now() >= end:
                self._raise_not_ready()
            await self._driver._sleep(_POLL)

    def _raise_not_ready(self) -> None:
        status = self._network.status
        if status < REQUESTING_CONFIGURATION:
            raise OSError(EACCES, "network %s: %s" % (self.id, self.reason()))
        reason = self.reason() or "the controller has assigned no address yet"
        if not self._driver.isconnected():
            reason = "no root answers"
        raise OSError(ETIMEDOUT, "network %s: %s" % (self.id, reason))

    def _addresses(self, ip_length: int) -> list[bytes]:
        return [e for e in self._network.addresses if len(addresses.ip(e)) == ip_length]

    def ifconfig(self) -> tuple[str, str, str, str]:
        """(address, netmask, gateway, DNS server) of the first IPv4 address; zeros for what there is not.

        There is a gateway or a DNS server only where the network was allowed to set it: see `config`.
        """
        gateway = server = "0.0.0.0"
        for route in self._network.routes:
            if route.bits == 0 and len(route.gateway) == addresses.IPV4_SIZE:
                gateway = addresses.ip_text(route.gateway)
        for endpoint in self._network.dns[1]:
            server = addresses.ip_text(addresses.ip(endpoint))
            break
        for endpoint in self._addresses(4):
            ip = addresses.ip_text(addresses.ip(endpoint))
            return (ip, _netmask(addresses.port(endpoint)), gateway, server)
        return ("0.0.0.0", "0.0.0.0", gateway, server)

    def ipconfig(self, parameter: str):
        """`addr4`: (address, netmask). `gw4`: the gateway. `addr6`: list of (address, state, preferred, valid lifetime
        in s).
        """
        if parameter == "addr4":
            return self.ifconfig()[:2]
        if parameter == "gw4":
            return self.ifconfig()[2]
        if parameter == "addr6":
            texts = [addresses.ip_text(addresses.ip(e)) for e in self._addresses(16)]
            return [(text, _ACTIVE, 0xFFFFFFFF, 0xFFFFFFFF) for text in texts]
        raise ValueError("unknown parameter %s: addr4, gw4 and addr6 can be read" % parameter)

    def config(self, parameter: str = "", **settings):
        """Read one parameter, or change what the network may do to this device, which is remembered.

        Read: `mac`, 6 bytes; `mtu`, bytes of an Ethernet payload; `name`; `addresses`, list of "ip/bits"; `routes`,
        list of (target "ip/bits", gateway or None, metric); `dns`, (domain, list of servers); `allow_...`.
        Change: `allow_managed`, True, False or "10.0.0.0/8,fd00::/8": addresses and routes; `allow_global`: also
        public ones; `allow_default`: the route to everywhere; `allow_dns`: the name servers. ValueError for others.
        """
        if settings:
            self._permit(settings)
            return None
        if parameter in _PERMISSIONS:
            return _PERMISSIONS[parameter][0](self._network.permissions)
        if parameter in _PARAMETERS:
            return _PARAMETERS[parameter](self._network)
        names = sorted(_PARAMETERS) + sorted(_PERMISSIONS)
        raise ValueError("unknown parameter %s: there are %s" % (parameter, ", ".join(names)))

    def _permit(self, settings: dict) -> None:
        for name in settings:
            if name not in _PERMISSIONS:
                raise ValueError("%s cannot be changed, only %s" % (name, ", ".join(_PERMISSIONS)))
        driver = self._driver
        driver._enter()
        try:
            for name, value in settings.items():
                _PERMISSIONS[name][1](self._network.permissions, value)
            self._network.permit(driver._now())
        finally:
            driver._leave()

    def bridge(self, port):
        """Join an Ethernet to the network, if the controller has made this node an active bridge. None ends it.

        `port`: the name of an interface of this device (as lwIP names it: "en0"), or an object whose `deliver(frame)`
        gets frames for that Ethernet. Such an object's program gives each frame that is heard there to `receive(frame)`
        of the Bridge that is returned. OSError if the interface cannot be had.
        """
        driver = self._driver
        driver._enter()
        try:
            self._network.leave_ethernet()
            if port is None:
                return None
            if not isinstance(port, str):
                return Bridge(driver, self._network.join_ethernet(port, None))
            ethernet = driver._open_ethernet(port)
            bridge = self._network.join_ethernet(ethernet, ethernet.close)
            driver._joined_ethernet(self._network)
            return Bridge(driver, bridge)
        finally:
            driver._leave()


class Bridge:
    """The network's end of a bridge. Made by `Network.bridge`."""

    def __init__(self, driver, bridge) -> None:
        self._driver = driver
        self._bridge = bridge

    def receive(self, frame) -> None:
        """A frame from the joined Ethernet, header first; borrowed."""
        self._driver._enter()
        try:
            self._bridge.receive(frame, self._driver._now())
        finally:
            self._driver._leave()


def _set_managed(permissions, value) -> None:
    permissions.set_managed(value if isinstance(value, str) else bool(value))


def _set_global(permissions, value) -> None:
    permissions.public = bool(value)


def _set_default(permissions, value) -> None:
    permissions.default = bool(value)


def _set_dns(permissions, value) -> None:
    permissions.dns = bool(value)


def _prefixes(network) -> list[str]:
    return [
        "%s/%d" % (addresses.ip_text(addresses.ip(e)), addresses.port(e))
        for e in network.addresses
    ]


def _routes(network) -> list[tuple]:
    rows = []
    for route in network.routes:
        gateway = addresses.ip_text(route.gateway) if route.gateway else None
        target = "%s/%d" % (addresses.ip_text(route.target), route.bits)
        rows.append((target, gateway, route.metric))
    return rows


def _dns(network) -> tuple[str, list[str]]:
    domain, servers = network.dns
    return domain, [addresses.ip_text(addresses.ip(server)) for server in servers]


# What `Network.config` reads, and what it reads and changes.
_PARAMETERS = {
    "mac": lambda network: network.mac,
    "mtu": lambda network: network.mtu,
    "name": lambda network: network.name,
    "addresses": _prefixes,
    "routes": _routes,
    "dns": _dns,
}
_PERMISSIONS = {
    "allow_managed": (lambda permissions: permissions.managed_text(), _set_managed),
    "allow_global": (lambda permissions: permissions.public, _set_global),
    "allow_default": (lambda permissions: permissions.default, _set_default),
    "allow_dns": (lambda permissions: permissions.dns, _set_dns),
}


def _netmask(bits: int) -> str:
    mask = 0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF
    return addresses.ip_text(mask.to_bytes(4, "big"))


class ZeroTierBase:
    """The part of `ZeroTier` that does not depend on the driver."""

    def __init__(self, store, wire, limits, planet, loopback: bool) -> None:
        self._store = store
        identity = load_identity(store)
        try:
            self.node = Node(identity, store, wire, self._now(), limits, planet, loopback)
        except ValueError as error:
            raise ValueError("the planet cannot be read: %s" % error)
        self._active = False
        self._hostname = "zt-" + self.address
        self.node.networks.set_hostname(self._hostname, self._now())

    # What a driver supplies.

    def _now(self) -> int:
        raise NotImplementedError

    def _pause(self, milliseconds: int) -> None:
        raise NotImplementedError

    async def _sleep(self, milliseconds: int) -> None:
        raise NotImplementedError

    def _make_port(self):
        raise NotImplementedError

    def _set_active(self, active: bool) -> None:
        raise NotImplementedError

    def _open_ethernet(self, name: str):
        raise ValueError("only a device has interfaces to bridge")

    def _joined_ethernet(self, network) -> None:
        raise NotImplementedError

    def _enter(self) -> None:
        """The user is about to use the node's tables: nobody else may until `_leave`."""

    def _leave(self) -> None:
        """The user is done; timers may be due earlier than before."""

    # What a user calls.

    def __repr__(self) -> str:
        return "<ZeroTier %s>" % self.address

    @property
    def address(self) -> str:
        """Our ZeroTier address, 10 hex digits."""
        return self.node.identity.address.hex()

    @property
    def identity(self) -> str:
        """Our public identity (protocol/01 §1.4)."""
        return self.node.identity.to_text()

    def active(self, active: bool | None = None) -> bool:
        """Start or stop the node; without an argument, tell whether it runs."""
        if active is not None and active != self._active:
            self._active = active
            if active:
                self._rejoin()
                self._set_active(True)
            else:
                self._set_active(False)
                self.node.networks.close(self._now())
        return self._active

    def _rejoin(self) -> None:
        for key in self._store.list(_NETWORKS):
            name = key[len(_NETWORKS) :]
            if len(name) == 21 and name.endswith(".conf"):
                try:
                    nwid = addresses.nwid_from_text(name[:16])
                except ValueError:
                    continue
                try:
                    self.node.networks.join(nwid, self._make_port(), self._now())
                except OSError:  # the store remembers more than this device can join
                    self.node.counters.count("network_not_joined")
        self.node.wake()

    def isconnected(self) -> bool:
        """True if a root was heard lately."""
        return self._active and self.node.online(self._now())

    def status(self) -> int:
        """OFFLINE 0 or ONLINE 1."""
        return ONLINE if self.isconnected() else OFFLINE

    def join(self, nwid: str) -> Network:
        """Join a network (16 hex digits) and remember it. Returns at once. ValueError if it is no network id."""
        wanted = addresses.nwid_from_text(nwid)
        network = self.node.networks.get(wanted)
        if network is None:
            network = self.node.networks.join(wanted, self._make_port(), self._now())
            self.node.wake()
        return Network(self, network)

    def leave(self, nwid: str) -> None:
        """Leave a network and forget it. ValueError if we are not in it."""
        wanted = addresses.nwid_from_text(nwid)
        if self.node.networks.get(wanted) is None:
            raise ValueError("network %s is not joined" % nwid)
        self.node.networks.leave(wanted, self._now())

    def hostname(self, name: str | None = None) -> str:
        """The name that others resolve as `<name>.local` on our networks, by multicast DNS. Change it, or tell it;
        an empty one ends that. ValueError if it cannot be a name.
        """
        if name is not None:
            self._enter()
            try:
                self.node.networks.set_hostname(name, self._now())
                self._hostname = name
                self.node.wake()
            finally:
                self._leave()
        return self._hostname

    def networks(self) -> list[Network]:
        """The joined networks."""
        return [Network(self, network) for network in self.node.networks.all()]

    def peers(self) -> list[dict]:
        """Known peers, one dictionary each.

        address, version, role ("LEAF", "MOON", "PLANET"), latency in ms (-1 unknown), direct (False: through a root),
        endpoint ("ip/port" of the path in use), heard (ms since its last packet), paths (of all paths: endpoint, heard,
        state "used", "ready", "unproved" or "failed"), lost (the path given up last and why: "ip/port: reason, s ago").
        """
        now = self._now()
        return [_peer_row(peer, now) for peer in self.node.topology.peers()]

    def orbit(self, world: str, seed: str | None = None) -> None:
        """Use a moon: the one in `moons.d`, or the one that the node `seed` (10 hex digits) hands out. Remembered.

        `world`: its id, 10 or 16 hex digits. ValueError if there is no such moon here and no seed; OSError if there are
        too many moons.
        """
        moon = _moon_id(world)
        address = None if seed is None else addresses.address_from_text(seed)
        self._enter()
        try:
            self.node.worlds.orbit(moon, address, self._now())
            self.node.wake()
        finally:
            self._leave()

    def deorbit(self, world: str) -> None:
        """Stop using a moon, and forget it. ValueError if it is not in use."""
        self._enter()
        try:
            if not self.node.worlds.deorbit(_moon_id(world), self._now()):
                raise ValueError("moon %s is not orbited" % world)
            self.node.wake()
        finally:
            self._leave()

    def moons(self) -> list[dict]:
        """The moons: id (16 hex digits), roots (addresses), waiting (True until a seed has answered)."""
        rows = [
            {"id": moon.id.hex(), "roots": [r.address.hex() for r in moon.roots], "waiting": False}
            for moon in self.node.worlds.moons()
        ]
        for moon, seed in self.node.worlds.waiting():
            rows.append({"id": moon.hex(), "roots": [seed.hex()], "waiting": True})
        return rows

    def stats(self) -> dict[str, int]:
        """Counters; every drop by its reason."""
        return self.node.counters.snapshot()


def _peer_row(peer, now: int) -> dict:
    best = peer.best_path(now)
    if best is not None and not best.is_proved:
        best = None
    role = "LEAF"
    if peer.is_root:
        role = "MOON" if peer.is_moon else "PLANET"
    lost = ""
    if peer.lost is not None:
        endpoint, reason, at = peer.lost
        lost = "%s: %s, %d s ago" % (addresses.text(endpoint), reason, (now - at) // 1000)
    return {
        "address": peer.address.hex(),
        "version": "%d.%d.%d" % peer.version,
        "role": role,
        "latency": peer.latency(now),
        "direct": best is not None,
        "endpoint": addresses.text(best.endpoint) if best is not None else "",
        "heard": now - peer.last_receive,
        "paths": [
            {
                "endpoint": addresses.text(path.endpoint),
                "heard": now - path.last_receive,
                "state": "used" if path is best else path.state(now),
            }
            for path in peer.paths
        ],
        "lost": lost,
    }


def _moon_id(text: str) -> bytes:
    """16 hex digits, or the 10 of its first root (protocol/05 §5.5)."""
    if len(text) == 10:
        text = "000000" + text
    if len(text) != 16 or not addresses.is_hex(text):
        raise ValueError("a moon's id must be 10 or 16 hex digits")
    return bytes.fromhex(text)
