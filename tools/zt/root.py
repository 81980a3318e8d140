"""`zt root`: runs a root, alone or with a controller beside it (protocol/09).

Owns the command. Running is service.py's.
"""

import argparse
from typing import Any

from . import service


def add_parser(subparsers: Any) -> None:
    """Add `zt root`."""
    parser = subparsers.add_parser(
        "root",
        help="run a root",
        description="Run a root until it is told to stop (SIGTERM, Ctrl-C). The folder DIR holds "
        "its identity.secret and the planet that names it; `zt identity new` and "
        "`zt world planet` make them.",
    )
    parser.add_argument("--home", metavar="DIR", required=True, help="folder of the node")
    parser.add_argument(
        "--controller", action="store_true", help="be the controller of the networks in DIR too"
    )
    service.add_options(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    home = options.home
    service.require(
        home, "identity.secret", f"`zt identity new --out {home}/identity.secret` makes one"
    )
    service.require(home, "planet", "`zt world planet` makes one")
    service.run(options, options.controller, True)
