"""`zt node`: a full member on this machine, with a TAP interface for each network it joins.

Owns the command. Running is service.py's, the interface firmware/zerotier/tap.py's.
"""

import argparse
from typing import Any

from zerotier.wire import address as addresses

from . import service


def add_parser(subparsers: Any) -> None:
    """Add `zt node`."""
    parser = subparsers.add_parser(
        "node",
        help="run a member on this machine, with TAP interfaces (Linux, root)",
        description="Run a member until it is told to stop (SIGTERM, Ctrl-C). Each network that it "
        "joins gets a TAP interface, so that every program on the machine reaches it. The folder DIR "
        "holds its identity, which is made at the first start, its planet and its networks.",
    )
    parser.add_argument("--home", metavar="DIR", required=True, help="folder of the node")
    parser.add_argument(
        "--join",
        metavar="NETWORK",
        action="append",
        default=[],
        type=_network,
        help="join a network, and remember it; may be given several times",
    )
    parser.add_argument(
        "--no-port-mapping",
        dest="port_mapping",
        action="store_false",
        help="do not ask the router to forward the UDP port (PCP, NAT-PMP, UPnP)",
    )
    service.add_options(parser)
    parser.set_defaults(run=_run)


def _network(text: str) -> str:
    try:
        addresses.nwid_from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _run(options: argparse.Namespace) -> None:
    from zerotier.tap import TapPort, interface_name

    from .running import run_member

    run_member(options, TapPort, interface_name)
