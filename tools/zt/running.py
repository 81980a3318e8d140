"""Runs a node in the foreground for as long as nobody stops it, and tells what happens.

Owns signals and event lines. Which roles the node has is decided by `zt root`, `zt controller` and `zt node`.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import Callable, Sequence
from typing import Any

from zerotier.host import HostPort, ZeroTier

from .api import HOST, Api

_LOOPBACK = "127."
_LOOK_INTERVAL = 1.0  # s between looks for news
_STOP = (signal.SIGTERM, signal.SIGINT)
_REPORT = (signal.SIGUSR1,)


def run_root_or_controller(
    options: argparse.Namespace, controller: bool, needs_root: bool
) -> None:
    """Run the node in `options.home` until SIGTERM or SIGINT."""
    asyncio.run(_serve_roles(options, controller, needs_root))


def run_member(
    options: argparse.Namespace,
    make_port: Callable[[Any], HostPort],
    port_name: Callable[[bytes], str],
) -> None:
    """Run a member with such ports, whose names are `port_name(nwid)`; it joins `options.join` too."""
    asyncio.run(_serve_member(options, make_port, port_name))


async def _serve_roles(options: argparse.Namespace, controller: bool, needs_root: bool) -> None:
    node = ZeroTier(options.home, bind=options.bind, port=options.port, controller=controller)
    if needs_root and node.root is None:
        raise ValueError(f"the planet in {options.home} does not name {node.address} as a root")
    await _serve(node, options, (), lambda nwid: "")


async def _serve_member(
    options: argparse.Namespace,
    make_port: Callable[[Any], HostPort],
    port_name: Callable[[bytes], str],
) -> None:
    node = ZeroTier(
        options.home,
        bind=options.bind,
        port=options.port,
        make_port=make_port,
        port_mapping=options.port_mapping,
    )
    await _serve(node, options, options.join, port_name)


async def _serve(
    node: ZeroTier,
    options: argparse.Namespace,
    networks: Sequence[str],
    port_name: Callable[[bytes], str],
) -> None:
    signals: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (*_STOP, *_REPORT):
        loop.add_signal_handler(number, signals.put_nowait, number)
    node.active(True)
    api = None
    try:
        for nwid in networks:
            node.join(nwid)
        if not options.no_api:
            api = Api(node, options.home, port_name)
        where = "" if api is None else await _open_api(api, node, options)
        _print_ready(node, options, where)
        await _watch(node, options, signals)
    finally:
        if api is not None:
            api.close()
        node.active(False)
    _print_event(options.json, "stopped", {}, "stopped")


async def _open_api(api: Api, node: ZeroTier, options: argparse.Namespace) -> str:
    """Open the API; its URL. Nobody has asked for the usual port: if it is taken, there is a warning and no API."""
    ip, port = node.local_address()
    if not ip.startswith(_LOOPBACK):
        ip = HOST
    wanted = port if options.api_port is None else options.api_port
    try:
        return f"http://{ip}:{await api.open(ip, wanted)}"
    except OSError:
        sentence = f"the API is not there: TCP port {ip}/{wanted} cannot be had"
        if options.api_port is not None:
            raise OSError(sentence) from None
        _print_event(options.json, "warning", {"text": sentence}, f"warning: {sentence}")
        return ""


async def _watch(
    node: ZeroTier, options: argparse.Namespace, signals: "asyncio.Queue[int]"
) -> None:
    """Tell the news until a signal says stop."""
    loop = asyncio.get_running_loop()
    interval = min(options.stats or _LOOK_INTERVAL, _LOOK_INTERVAL)
    next_statistics = loop.time() + (options.stats or 0)
    told: list[str] = []
    shown: dict[str, dict] = {}
    while True:
        try:
            number = await asyncio.wait_for(signals.get(), interval)
        except asyncio.TimeoutError:
            number = 0
        if number in _STOP:
            return
        news = node.sentences()
        for text in [sentence for sentence in news if sentence not in told]:
            _print_event(options.json, "warning", {"text": text}, f"warning: {text}")
        told = news
        _print_networks(node, shown, options.json)
        due = options.stats is not None and loop.time() >= next_statistics
        if due:
            next_statistics += options.stats
        if due or number in _REPORT:
            _print_statistics(node, options.json)


def _roles(node: ZeroTier) -> list[str]:
    roles = []
    if node.root is not None:
        roles.append("root")
    if node.controller is not None:
        roles.append("controller")
    return roles or ["member"]


def _print_networks(node: ZeroTier, shown: dict[str, dict], as_json: bool) -> None:
    """Tell of each network whose state is another one than last time."""
    for network in node.networks():
        found = [network.ifconfig()[0]] if network.isconnected() else []
        found += [row[0] for row in network.ipconfig("addr6")]
        state = {"id": network.id, "status": network.status(), "name": network.name}
        state.update(addresses=found, reason=network.reason())
        if shown.get(network.id) != state:
            shown[network.id] = state
            text = f"network {network.id}: {network.reason() or ', '.join(found)}"
            _print_event(as_json, "network", state, text)


def _print_ready(node: ZeroTier, options: argparse.Namespace, api: str) -> None:
    ip, port = node.local_address()
    roles = _roles(node)
    fields = {"address": node.address, "roles": roles, "ip": ip, "port": port, "api": api}
    _print_event(
        options.json,
        "ready",
        fields,
        f"{node.address} is ready as {' and '.join(roles)} on {ip}/{port}"
        + (f", API on {api}" if api else ""),
    )


def _print_statistics(node: ZeroTier, as_json: bool) -> None:
    counters = node.stats()
    fields = {"peers": len(node.peers()), "counters": counters}
    lines = [f"  {name}: {counters[name]}" for name in sorted(counters)]
    _print_event(as_json, "statistics", fields, "\n".join([f"{fields['peers']} peers", *lines]))


def _print_event(as_json: bool, event: str, fields: dict, text: str) -> None:
    """One event at once, also into a pipe: a line of JSON, or words."""
    print(json.dumps({"event": event, **fields}) if as_json else text, flush=True)
