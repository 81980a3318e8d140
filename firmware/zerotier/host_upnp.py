"""Port mapping by UPnP IGD on CPython, for routers that know neither PCP nor NAT-PMP.

Owns the thread in which the library miniupnpc waits for the router, and which router that is. The library is optional:
nothing of it is touched before a router has to be asked. When a router is asked is host_port_mapping.py's.
"""

import asyncio
import threading
from types import ModuleType
from urllib.parse import urlsplit

from .vl1.port_mapping import LIFETIME
from .wire import address as addresses

_SEARCH = 500  # ms that routers have for their answer
_TRIES = 4  # external ports, the first is our own
_FOR_EVER = 0  # a lease, for routers that know no other
_NO_LEASES = "OnlyPermanentLeasesSupported"  # error 725
_PROTOCOL = "UDP"
_FIRST_PORT = 1024
_LAST_PORT = 65535
_PATIENCE = 2.0  # seconds that a stop waits for the router


def library() -> ModuleType | None:
    """The module miniupnpc; None if it is not installed."""
    try:
        import miniupnpc
    except ImportError:
        return None
    module: ModuleType = miniupnpc
    return module


class Router:
    """The router as the library sees it. `map` and `unmap` block: they are for threads."""

    def __init__(self, module: ModuleType, local: bytes, gateway: str, name: str) -> None:
        """`local`: our endpoint. `gateway`: nobody else is taken for our router. `name`: for its list."""
        self._local = local
        self._ip = addresses.ip_text(addresses.ip(local))
        self._gateway = gateway
        self._name = name
        self._igd = module.UPnP(multicastif=self._ip, discoverdelay=_SEARCH)
        self._is_found = False
        self._forwarded = 0  # the external port
        self._is_over = False
        self._turn = threading.Lock()

    def map(self) -> bytes | None:
        """Make or renew the mapping; its external endpoint, or None if there is none."""
        with self._turn:
            if self._is_over:
                return None
            try:
                if not self._is_found:
                    self._find()
                self._forwarded = self._add()
                return addresses.inet(self._igd.externalipaddress(), self._forwarded)
            except Exception:  # the library raises nothing more special
                self._is_found = False
                return None

    def unmap(self) -> None:
        """Take the mapping away, also one that is just being made; there will be none any more."""
        with self._turn:
            self._is_over = True
            try:
                if self._forwarded:
                    self._igd.deleteportmapping(self._forwarded, _PROTOCOL)
            except Exception:
                pass  # its lease ends

    def _find(self) -> None:
        self._igd.discover()
        if urlsplit(self._igd.selectigd()).hostname != self._gateway:
            raise OSError("somebody else answers")
        self._is_found = True

    def _add(self) -> int:
        """The external port."""
        own = addresses.port(self._local)
        external = self._forwarded or own
        lease = LIFETIME
        for _ in range(_TRIES):
            try:
                self._igd.addportmapping(external, _PROTOCOL, self._ip, own, self._name, "", lease)
                return external
            except Exception as error:
                if lease and _NO_LEASES in str(error):
                    lease = _FOR_EVER
                else:
                    external = external + 1 if external < _LAST_PORT else _FIRST_PORT
        raise OSError("the router forwards nothing")


class Upnp:
    """Asks one router at a time. `on_answer(endpoint)` is called in the event loop; None: there is no mapping."""

    def __init__(self, on_answer) -> None:
        self._on_answer = on_answer
        self._loop = asyncio.get_running_loop()
        self._router: Router | None = None
        self._is_asking = False

    def ask(self, module: ModuleType, local: bytes, gateway: str, name: str) -> None:
        """Ask for a mapping of our endpoint, or for more time for it."""
        if self._router is None:
            self._router = Router(module, local, gateway, name)
        if not self._is_asking:
            self._is_asking = True
            start(self._wait, self._router)

    def _wait(self, router: Router) -> None:
        endpoint = router.map()
        try:
            self._loop.call_soon_threadsafe(self._answered, router, endpoint)
        except RuntimeError:
            pass  # the program has ended meanwhile

    def _answered(self, router: Router, endpoint: bytes | None) -> None:
        if router is self._router:
            self._is_asking = False
            self._on_answer(endpoint)

    def forget(self) -> threading.Thread | None:
        """Our address or our router is another one: the old mapping is taken away by the thread that is returned."""
        router, self._router = self._router, None
        self._is_asking = False
        return start(router.unmap) if router is not None else None

    def close(self) -> None:
        """Take the mapping away; waits for the router, but not long."""
        thread = self.forget()
        if thread is not None:
            thread.join(_PATIENCE)


def start(work, *arguments) -> threading.Thread:
    """A thread that keeps no program from ending."""
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread
