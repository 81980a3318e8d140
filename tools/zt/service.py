"""What the commands that run a node have in common: their options, and the start.

Owns the options. Running is running.py's, which is imported when it is needed: it takes a tenth of
a second that commands on files can do without.
"""

import argparse

from zerotier.store import FileStore

from .output import add_json_option

DEFAULT_PORT = 9993


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
        "--api-port",
        metavar="PORT",
        type=_port,
        help="TCP port of the HTTP API, for programs on this machine that know authtoken.secret "
        "(default: the number of the UDP port)",
    )
    parser.add_argument("--no-api", action="store_true", help="no HTTP API")
    parser.add_argument(
        "--stats",
        metavar="SECONDS",
        type=_seconds,
        help="print statistics this often; SIGUSR1 always does",
    )
    add_json_option(parser)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port")
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
    from .running import run_root_or_controller

    run_root_or_controller(options, controller, needs_root)
