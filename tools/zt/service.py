"""Runs a node in the foreground for as long as nobody stops it, and tells what happens.

Owns signals and event lines. Which roles the node has is decided by `zt root` and `zt controller`.
"""

import argparse
import asyncio
import json
import signal

from zerotier.host import ZeroTier
from zerotier.store import FileStore

from .output import add_json_option

DEFAULT_PORT = 9993
_LOOK_INTERVAL = 1.0  # s between looks for news


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that runs a node."""
    parser.add_argument(
        "--bind", metavar="IP", default="0.0.0.0", help="local IP address (default: all)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        help="UDP port (default: %(default)s, 0 picks one)",
    )
    parser.add_argument(
        "--stats",
        metavar="SECONDS",
        type=_seconds,
        help="print statistics this often; SIGUSR1 always does",
    )
    add_json_option(parser)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a UDP port")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return seconds


def require(home: str, key: str, advice: str) -> None:
    """ValueError with advice unless the home of a node has this file."""
    if FileStore(home).get(key) is None:
        raise ValueError(f"{home} has no {key}: {advice}")


def run(options: argparse.Namespace, controller: bool, needs_root: bool) -> None:
    """Run the node in `options.home` until SIGTERM or SIGINT."""
    asyncio.run(_serve(options, controller, needs_root))


async def _serve(options: argparse.Namespace, controller: bool, needs_root: bool) -> None:
    node = ZeroTier(options.home, bind=options.bind, port=options.port, controller=controller)
    if needs_root and node.root is None:
        raise ValueError(f"the planet in {options.home} does not name {node.address} as a root")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if hasattr(signal, "SIGUSR1"):
        loop.add_signal_handler(signal.SIGUSR1, lambda: _print_statistics(node, options.json))
    node.active(True)
    try:
        _print_ready(node, options)
        await _watch(node, options, stop)
    finally:
        node.active(False)
    _print_event(options.json, "stopped", {}, "stopped")


async def _watch(node: ZeroTier, options: argparse.Namespace, stop: asyncio.Event) -> None:
    """Tell the news until `stop` is set."""
    loop = asyncio.get_running_loop()
    next_statistics = loop.time() + (options.stats or 0)
    told: list[str] = []
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), _LOOK_INTERVAL)
        except asyncio.TimeoutError:
            pass
        if node.controller is not None:
            news = list(node.controller.sentences)
            for text in [sentence for sentence in news if sentence not in told]:
                _print_event(options.json, "warning", {"text": text}, f"warning: {text}")
            told = news
        if options.stats and loop.time() >= next_statistics:
            next_statistics += options.stats
            _print_statistics(node, options.json)


def _roles(node: ZeroTier) -> list[str]:
    roles = []
    if node.root is not None:
        roles.append("root")
    if node.controller is not None:
        roles.append("controller")
    return roles


def _print_ready(node: ZeroTier, options: argparse.Namespace) -> None:
    ip, port = node.local_address()
    roles = _roles(node)
    fields = {"address": node.address, "roles": roles, "ip": ip, "port": port}
    _print_event(
        options.json,
        "ready",
        fields,
        f"{node.address} is ready as {' and '.join(roles)} on {ip}/{port}",
    )


def _print_statistics(node: ZeroTier, as_json: bool) -> None:
    counters = node.stats()
    fields = {"peers": len(node.peers()), "counters": counters}
    lines = [f"  {name}: {counters[name]}" for name in sorted(counters)]
    _print_event(as_json, "statistics", fields, "\n".join([f"{fields['peers']} peers", *lines]))


def _print_event(as_json: bool, event: str, fields: dict, text: str) -> None:
    """One event at once, also into a pipe: a line of JSON, or words."""
    print(json.dumps({"event": event, **fields}) if as_json else text, flush=True)
