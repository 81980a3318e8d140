"""`zt controller`: runs a network controller (protocol/08), and groups its other commands.

Owns the command. Networks are controller_network.py's, members controller_member.py's.
"""

import argparse
from typing import Any

from . import controller_member, controller_network, service
from .controller_home import add_home_option


def add_parser(subparsers: Any) -> None:
    """Add `zt controller`."""
    parser = subparsers.add_parser(
        "controller",
        help="run a network controller; manage networks and members",
        description="Run a network controller, and manage its networks and their members. The "
        "records of both are files in the folder DIR of the controller; they may be changed while "
        "it runs, and it tells the members within a second.",
    )
    add_home_option(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = commands.add_parser(
        "run",
        help="run the controller",
        description="Run the controller until it is told to stop (SIGTERM, Ctrl-C). If the planet "
        "in DIR names it, it is a root too.",
    )
    add_home_option(run)
    service.add_options(run)
    run.set_defaults(run=_run)

    controller_network.add_parser(commands)
    controller_member.add_parser(commands)


def _run(options: argparse.Namespace) -> None:
    home = options.home
    service.require(
        home, "identity.secret", f"`zt identity new --out {home}/identity.secret` makes one"
    )
    service.run(options, True, False)
