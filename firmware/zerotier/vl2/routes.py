"""The routes that a network manages: which of them are applied, and to what gateways.

Owns the policy of protocol/07 §7.10 for routes. Never touches a network interface.
"""

from ..wire import address
from .addresses import contains
from .permissions import Permissions
from .subnet import network_of


class Route:
    """A way out of the network's own subnets. `gateway` b"": the destinations are on the link."""

    def __init__(self, target: bytes, bits: int, gateway: bytes, metric: int) -> None:
        self.target = target
        self.bits = bits
        self.gateway = gateway
        self.metric = metric

    def __repr__(self) -> str:
        via = " via %s" % address.ip_text(self.gateway) if self.gateway else ""
        return "<Route %s/%d%s>" % (address.ip_text(self.target), self.bits, via)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Route) and self.fields() == other.fields()

    def fields(self) -> tuple[bytes, int, bytes, int]:
        """(target, prefix length, gateway, metric)."""
        return self.target, self.bits, self.gateway, self.metric


def applied_routes(
    managed: list[tuple[bytes, bytes, int, int]], own: list[bytes], permissions: Permissions
) -> list[Route]:
    """Those of a config's routes that are in force: the narrowest first, then the lowest metric.

    `own`: our addresses. Of several routes to one prefix only the best is kept.
    """
    routes = []
    for target, via, _, metric in managed:
        route = _route(target, via, metric, own)
        if route is not None and _may(route, permissions):
            routes.append(route)
    routes.sort(key=lambda route: (-route.bits, route.metric, route.target))
    chosen: list[Route] = []
    seen = set()
    for route in routes:
        if (route.target, route.bits) not in seen:
            seen.add((route.target, route.bits))
            chosen.append(route)
    return chosen


def _route(target: bytes, via: bytes, metric: int, own: list[bytes]) -> Route | None:
    """The route, unless it leads to ourselves or says what an address of ours says already."""
    ip, bits = address.ip(target), address.port(target)
    gateway = address.ip(via) if via != address.NIL else b""
    if not ip or bits > 8 * len(ip) or (gateway and len(gateway) != len(ip)):
        return None
    ours = [endpoint for endpoint in own if len(address.ip(endpoint)) == len(ip)]
    if not ours:
        return None  # packets would have no source
    if gateway in [address.ip(endpoint) for endpoint in ours]:
        return None
    for endpoint in ours:
        if address.port(endpoint) == bits and contains(endpoint, ip):
            return None
    return Route(network_of(ip, bits), bits, gateway, metric)


def _may(route: Route, permissions: Permissions) -> bool:
    if route.bits == 0:
        return permissions.managed and permissions.default
    return permissions.allow(route.target, route.bits)
