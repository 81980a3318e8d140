"""The HTTP API of a running node: paths, fields and token of protocol/10 §10.3 and protocol/08 §8.6.

Owns who may ask, and which part answers. What the parts say is api_node.py's and api_controller.py's.
"""

from collections.abc import Callable

from zerotier.host import ZeroTier
from zerotier.store import FileStore
from zerotier.wire.address import is_hex

from .api_controller import ControllerApi
from .api_node import NodeApi
from .api_token import allows, load_token
from .http_server import HttpError, HttpServer, Request

PORT_KEY = "zerotier-one.port"  # where tools look for the port (protocol/10 §10.1)
HOST = "127.0.0.1"
_ADDRESS_DIGITS = 10
_NWID_DIGITS = 16


class Api:
    """Serves one node on this machine alone. `port_name(nwid)`: the interface of a network, or ""."""

    def __init__(self, node: ZeroTier, home: str, port_name: Callable[[bytes], str]) -> None:
        self._store = FileStore(home)
        self._token = load_token(self._store)
        self._node = NodeApi(node, home, port_name)
        self._controller = ControllerApi(home) if node.controller is not None else None
        self._server = HttpServer(self._admit, self._answer)

    async def open(self, ip: str, port: int) -> int:
        """Listen on a loopback address; the port. OSError if that is impossible."""
        await self._server.open(ip, port)
        self._store.put(PORT_KEY, str(self._server.port).encode())
        return self._server.port

    def close(self) -> None:
        """Stop."""
        self._server.close()
        self._store.delete(PORT_KEY)

    def _admit(self, request: Request) -> None:
        if request.parts != ["health"] and not allows(self._token, request):
            raise HttpError(401, "")

    def _answer(self, request: Request) -> object:
        if request.parts == ["health"]:
            return _call(request, {"GET": self._node.health})
        subject, *rest = request.parts or [""]
        handler = {
            "status": self._status,
            "network": self._network,
            "peer": self._peer,
            "moon": self._moon,
            "controller": self._of_controller,
            "unstable": self._unstable,
        }.get(subject)
        if handler is None:
            raise _nothing()
        return handler(request, rest)

    # --- the node

    def _status(self, request: Request, rest: list[str]) -> object:
        if rest:
            raise _nothing()
        return _call(request, {"GET": self._node.status})

    def _network(self, request: Request, rest: list[str]) -> object:
        if not rest:
            return _call(request, {"GET": self._node.networks})
        nwid = _id(rest, _NWID_DIGITS)
        return _call(
            request,
            {
                "GET": lambda: self._node.network(nwid),
                "POST": lambda: self._node.join(nwid, request.document()),
                "DELETE": lambda: self._node.leave(nwid),
            },
        )

    def _peer(self, request: Request, rest: list[str]) -> object:
        if not rest:
            return _call(request, {"GET": self._node.peers})
        address = _id(rest, _ADDRESS_DIGITS)
        return _call(request, {"GET": lambda: self._node.peer(address)})

    def _moon(self, request: Request, rest: list[str]) -> object:
        if not rest:
            return _call(request, {"GET": self._node.moons})
        moon = _id(rest, _ADDRESS_DIGITS)
        return _call(
            request,
            {
                "GET": lambda: self._node.moon(moon),
                "POST": lambda: self._node.orbit(moon, request.document()),
                "DELETE": lambda: self._node.deorbit(moon),
            },
        )

    # --- the controller

    def _of_controller(self, request: Request, rest: list[str]) -> object:
        api = self._controller
        if api is None:
            raise HttpError(404, "this node is no controller")
        if not rest:
            return _call(request, {"GET": api.status})
        if rest[0] != "network" or len(rest) > 4 or rest[2:3] not in ([], ["member"]):
            raise _nothing()
        if len(rest) == 1:
            return _call(
                request,
                {"GET": api.networks, "POST": lambda: api.create(None, request.document())},
            )
        if len(rest) == 2 and rest[1][_ADDRESS_DIGITS:] == "_" * 6:
            prefix = _id([rest[1][:_ADDRESS_DIGITS]], _ADDRESS_DIGITS)
            return _call(request, {"POST": lambda: api.create(prefix, request.document())})
        nwid = _id(rest[1:2], _NWID_DIGITS)
        if len(rest) == 2:
            return _call(
                request,
                {
                    "GET": lambda: api.network(nwid),
                    "POST": lambda: api.set_network(nwid, request.document()),
                    "DELETE": lambda: api.delete_network(nwid),
                },
            )
        if len(rest) == 3:
            return _call(request, {"GET": lambda: api.members(nwid)})
        address = _id(rest[3:], _ADDRESS_DIGITS)
        return _call(
            request,
            {
                "GET": lambda: api.member(nwid, address),
                "POST": lambda: api.set_member(nwid, address, request.document()),
                "DELETE": lambda: api.delete_member(nwid, address),
            },
        )

    def _unstable(self, request: Request, rest: list[str]) -> object:
        api = self._controller
        if api is None or rest[:2] != ["controller", "network"]:
            raise _nothing()
        if len(rest) == 2:
            return _call(request, {"GET": api.all_networks})
        if len(rest) != 4 or rest[3] != "member":
            raise _nothing()
        nwid = _id(rest[2:3], _NWID_DIGITS)
        return _call(request, {"GET": lambda: api.all_members(nwid)})


def _call(request: Request, methods: dict[str, Callable[[], object]]) -> object:
    """What the method of a request asks for. HttpError 405 if there is no such method."""
    method = "POST" if request.method == "PUT" else request.method
    if method not in methods:
        raise HttpError(405, f"{request.method} is not possible here, only {', '.join(methods)}")
    return methods[method]()


def _id(parts: list[str], digits: int) -> str:
    """The only part of a path, which has to be an id, in lower case. HttpError 404."""
    if len(parts) != 1 or len(parts[0]) != digits or not is_hex(parts[0]):
        raise _nothing()
    return parts[0].lower()


def _nothing() -> HttpError:
    return HttpError(404, "there is nothing at this path")
