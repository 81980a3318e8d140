"""`zt root`: runs a root, alone or with a controller beside it (protocol/09).

Owns the command. Running is service.py's.
"""

import argparse
from typing import Any

from zerotier.store import FileStore
from zerotier.wire.world import KIND_MOON, World

from . import files, service
from .identity import load as load_identity


def add_parser(subparsers: Any) -> None:
    """Add `zt root`."""
    parser = subparsers.add_parser(
        "root",
        help="run a root",
        description="Run a root until it is told to stop (SIGTERM, Ctrl-C). The folder DIR holds "
        "its identity.secret and the planet that names it; `zt identity new` and "
        "`zt world planet` make them. With --moon it is the root of a moon instead, beside the "
        "planet in DIR or the public one.",
    )
    parser.add_argument("--home", metavar="DIR", required=True, help="folder of the node")
    parser.add_argument(
        "--controller", action="store_true", help="be the controller of the networks in DIR too"
    )
    parser.add_argument(
        "--moon",
        metavar="FILE",
        action="append",
        default=[],
        help="a moon that names this root, made by `zt world moon`; it is copied to DIR/moons.d",
    )
    service.add_options(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    home = options.home
    service.require(
        home, "identity.secret", f"`zt identity new --out {home}/identity.secret` makes one"
    )
    for path in options.moon:
        _install(home, path)
    if not options.moon:
        service.require(home, "planet", "`zt world planet` makes one")
    service.run(options, options.controller, True)


def _install(home: str, path: str) -> None:
    """Put a moon where the node looks for it. ValueError unless it is one, and names the identity in the home."""
    content = files.read(path)
    try:
        moon, _ = World.parse(content)
    except ValueError as error:
        raise ValueError(f"{path} is not a moon: {error}") from None
    if moon.kind != KIND_MOON:
        raise ValueError(f"{path} is not a moon but a planet")
    store = FileStore(home)
    own = load_identity(f"{home}/identity.secret")
    if own.to_bytes() not in [root.identity for root in moon.roots]:
        raise ValueError(f"{path} does not name {own.address.hex()} as a root")
    store.put(f"moons.d/{moon.id.hex()}.moon", content)
