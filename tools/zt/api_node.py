"""The part of the API that is about the node itself: /status, /network, /peer and /moon (protocol/10 §10.3).

Owns the names and forms of these fields. Never knows of HTTP, but for the error that a thing is not there.
"""

from collections.abc import Callable

from zerotier.api import Network
from zerotier.host import ZeroTier
from zerotier.vl1.peer import Peer
from zerotier.vl2.status import NAMES
from zerotier.wire import address as addresses
from zerotier.wire.config import FLAG_BROADCAST
from zerotier.wire.dictionary import get_int
from zerotier.wire.hello import VERSION

from .http_server import HttpError

# The name in the API, and that of `Network.config`.
_PERMISSIONS = (
    ("allowManaged", "allow_managed"),
    ("allowGlobal", "allow_global"),
    ("allowDefault", "allow_default"),
    ("allowDNS", "allow_dns"),
)


class NodeApi:
    """`port_name(nwid)`: the interface of a network on this machine, "" if it has none."""

    def __init__(self, node: ZeroTier, home: str, port_name: Callable[[bytes], str]) -> None:
        self._zt = node
        self._node = node.node
        self._home = home
        self._port_name = port_name

    # --- /status, /health

    def health(self) -> dict:
        """What everybody on this machine may know."""
        major, minor, revision = VERSION
        return {
            "online": self._zt.isconnected(),
            "versionMajor": major,
            "versionMinor": minor,
            "versionRev": revision,
            "versionBuild": 0,
            "version": f"{major}.{minor}.{revision}",
            "clock": self._zt.clock(),
        }

    def status(self) -> dict:
        """The node at large."""
        ip, port = self._zt.local_address()
        seen = self._node.surface.endpoints(self._zt.clock())
        planet = self._node.worlds.planet
        return {
            "address": self._zt.address,
            "publicIdentity": self._zt.identity,
            **self.health(),
            "tcpFallbackActive": False,
            "config": {
                "settings": {
                    "primaryPort": port,
                    "listeningOn": [f"{ip}/{port}"],
                    "surfaceAddresses": [addresses.text(endpoint) for endpoint in seen],
                    "homeDir": self._home,
                }
            },
            "planetWorldId": int.from_bytes(planet.id, "big"),
            "planetWorldTimestamp": planet.timestamp,
        }

    # --- /network

    def networks(self) -> list[dict]:
        """All joined networks."""
        return [self._network(network) for network in self._zt.networks()]

    def network(self, nwid: str) -> dict:
        """One of them."""
        return self._network(self._joined(nwid))

    def join(self, nwid: str, settings: dict) -> dict:
        """Join a network, or change what it may do to this machine. ValueError for a setting of another kind."""
        chosen = {}
        for name, parameter in _PERMISSIONS:
            if name in settings:
                value = settings[name]
                if not isinstance(value, bool) and not (
                    name == "allowManaged" and isinstance(value, str)
                ):
                    raise ValueError(f"{name} must be true or false")
                chosen[parameter] = value
        network = self._zt.join(nwid)
        if chosen:
            network.config(**chosen)
        return self._network(network)

    def leave(self, nwid: str) -> dict:
        """Leave it."""
        self._zt.leave(self._joined(nwid).id)
        return {"result": True}

    def _joined(self, nwid: str) -> Network:
        for network in self._zt.networks():
            if network.id == nwid:
                return network
        raise HttpError(404, f"the network {nwid} is not joined")

    def _network(self, network: Network) -> dict:
        inner = self._node.networks.get(bytes.fromhex(network.id))
        assert inner is not None
        config = inner.config
        domain, servers = network.config("dns")
        groups = inner.subscriptions.groups(self._zt.clock())
        shown = {
            "id": network.id,
            "nwid": network.id,
            "mac": network.config("mac").hex(":"),
            "name": network.name,
            "status": NAMES[network.status()],
            "reason": network.reason(),
            "type": "PUBLIC" if config is not None and config.public else "PRIVATE",
            "mtu": network.config("mtu"),
            "dhcp": False,
            "bridge": inner.bridge is not None,
            "broadcastEnabled": config is not None and bool(config.flags & FLAG_BROADCAST),
            "portError": 0,
            "netconfRevision": 0 if config is None else config.revision,
            "portDeviceName": self._port_name(inner.nwid),
            "assignedAddresses": network.config("addresses"),
            "routes": [
                {"target": target, "via": via, "flags": 0, "metric": metric}
                for target, via, metric in network.config("routes")
            ],
            "multicastSubscriptions": [{"mac": mac.hex(":"), "adi": adi} for mac, adi in groups],
            "dns": {"domain": domain, "servers": servers},
            "ssoEnabled": bool(inner.sign_on_url) or (config is not None and config.sso_enabled),
        }
        if shown["ssoEnabled"]:
            sso = {} if config is None else config.sso
            shown["authenticationURL"] = inner.sign_on_url or sso.get("aurl", b"").decode(
                "ascii", "replace"
            )
            shown["authenticationExpiryTime"] = get_int(sso, "aexpt")
        for name, parameter in _PERMISSIONS:
            shown[name] = network.config(parameter)
        return shown

    # --- /peer

    def peers(self) -> list[dict]:
        """All known peers."""
        return [self._peer(peer) for peer in self._node.topology.peers()]

    def peer(self, address: str) -> dict:
        """One of them."""
        peer = self._node.topology.get(bytes.fromhex(address))
        if peer is None:
            raise HttpError(404, f"the node {address} is not known here")
        return self._peer(peer)

    def _peer(self, peer: Peer) -> dict:
        now = self._zt.clock()
        best = peer.best_path(now)
        major, minor, revision = peer.version if peer.protocol else (-1, -1, -1)
        role = "LEAF"
        if peer.is_root:
            role = "MOON" if peer.is_moon else "PLANET"
        return {
            "address": peer.address.hex(),
            "versionMajor": major,
            "versionMinor": minor,
            "versionRev": revision,
            "version": f"{major}.{minor}.{revision}" if peer.protocol else "-1.-1.-1",
            "latency": peer.latency(now),
            "role": role,
            "isBonded": False,
            "tunneled": False,
            "paths": [
                {
                    "address": addresses.text(path.endpoint),
                    "lastSend": path.last_send,
                    "lastReceive": path.last_receive,
                    "trustedPathId": 0,
                    "active": not path.expired(now) and not path.failed(now),
                    "expired": path.expired(now),
                    "preferred": path is best,
                    "localSocket": 0,
                    "localPort": self._zt.local_address()[1],
                }
                for path in peer.paths
            ],
        }

    # --- /moon

    def moons(self) -> list[dict]:
        """All moons in use, and those that we have asked for."""
        shown = []
        for moon in self._node.worlds.moons():
            roots = [
                {
                    "identity": f"{root.address.hex()}:0:{root.identity[6:70].hex()}",
                    "stableEndpoints": [addresses.text(end) for end in root.endpoints],
                }
                for root in moon.roots
            ]
            shown.append(
                {
                    "id": moon.id.hex(),
                    "timestamp": moon.timestamp,
                    "signature": moon.signature.hex(),
                    "updatesMustBeSignedBy": moon.update_key.hex(),
                    "roots": roots,
                    "waiting": False,
                }
            )
        for id, _ in self._node.worlds.waiting():
            shown.append(
                {
                    "id": id.hex(),
                    "timestamp": 0,
                    "signature": "",
                    "updatesMustBeSignedBy": "",
                    "roots": [],
                    "waiting": True,
                }
            )
        return shown

    def moon(self, address: str) -> dict:
        """One of them, by the 10 digits of its first root."""
        for moon in self.moons():
            if moon["id"][6:] == address:
                return moon
        raise HttpError(404, f"the moon {address} is not in use")

    def orbit(self, address: str, fields: dict) -> dict:
        """Use a moon, which the node `seed` hands out if it is not in moons.d."""
        seed = fields.get("seed")
        if seed is not None and not isinstance(seed, str):
            raise ValueError("seed must be an address of 10 hex digits")
        self._zt.orbit(address, seed)
        return self.moon(address)

    def deorbit(self, address: str) -> dict:
        """Use it no more."""
        self._zt.deorbit(self.moon(address)["id"])
        return {"result": True}
