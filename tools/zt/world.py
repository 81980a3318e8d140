"""`zt world`: makes, signs and shows worlds, the root sets that nodes share (protocol/05).

Owns the files of worlds and of signing keys. The layout of a world is `zerotier.wire.world`'s.
"""

import argparse
import os
import time
from typing import Any

import _zerotier

from zerotier.wire import address as addresses
from zerotier.wire.world import KIND_MOON, KIND_PLANET, MAX_ENDPOINTS, MAX_ROOTS, Root, World

from . import files
from .identity import load as load_identity
from .output import add_json_option, print_fields, print_json, time_text

_KEY_SIZE = 64
_KEY_FILE_SIZE = 128  # public, then secret (protocol/09 §9.3)
# Worlds of others: Earth, and Mars, which nobody uses (protocol/09 §9.3).
_FOREIGN_IDS = (149604618, 227883110)
_MAX_ID = (1 << 64) - 1
_NAMES = {KIND_PLANET: "planet", KIND_MOON: "moon"}


def add_parser(subparsers: Any) -> None:
    """Add `zt world`."""
    parser = subparsers.add_parser(
        "world",
        help="make, sign and show planets and moons",
        description="Make, sign and show worlds: the signed lists of roots that nodes share.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_maker(
        commands,
        KIND_PLANET,
        "planet",
        "Make a planet: the roots of a ZeroTier of your own. Put it as the file `planet` into the "
        "home of every node, roots and clients alike.",
    )
    _add_maker(
        commands,
        KIND_MOON,
        "000000<address of the first root>.moon",
        "Make a moon: roots that its users have in addition to their planet. Put it under its "
        "name into the folder `moons.d` of every node that shall use it.",
    )
    show = commands.add_parser(
        "show",
        help="show a world and check its signature",
        description="Show a world and check its signature with its own update key, which signs "
        "all revisions of a world unless its maker changed it; --key names another one.",
    )
    show.add_argument("file", help="a planet or a moon; `-` for standard input")
    show.add_argument("--key", metavar="FILE", help="check with this signing key instead")
    add_json_option(show)
    show.set_defaults(run=_show)


def _add_maker(commands: Any, kind: int, out: str, description: str) -> None:
    name = _NAMES[kind]
    maker = commands.add_parser(name, help=f"make and sign a {name}", description=description)
    maker.add_argument(
        "--root",
        metavar="IDENTITY@IP/PORT[,IP/PORT]",
        dest="roots",
        action="append",
        required=True,
        help="a root: its identity, or a file with it, and the endpoints where it always is. "
        f"Up to {MAX_ROOTS} roots",
    )
    maker.add_argument("--out", metavar="FILE", help=f"where the {name} goes (default: {out})")
    maker.add_argument(
        "--key",
        metavar="FILE",
        help="the signing key, made if there is none (default: the name of the world with .key "
        "behind it). Keep it: only its owner can change the roots later",
    )
    maker.add_argument(
        "--update",
        action="store_true",
        help=f"replace a {name} that exists by its next revision, signed with the same key",
    )
    if kind == KIND_PLANET:
        maker.add_argument("--id", type=_world_id, help="number of the world (default: random)")
    add_json_option(maker)
    maker.set_defaults(run=_make, kind=kind, id=None)


def _world_id(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None
    if not 0 < number <= _MAX_ID:
        raise argparse.ArgumentTypeError("a world id must be from 1 to 2^64 - 1")
    if number in _FOREIGN_IDS:
        raise argparse.ArgumentTypeError(f"{number} is the id of a public planet")
    return number


def _make(options: argparse.Namespace) -> None:
    if len(options.roots) > MAX_ROOTS:
        raise ValueError(f"a world has at most {MAX_ROOTS} roots")
    roots = [_parse_root(text) for text in options.roots]
    out = options.out or _default_out(options.kind, roots)
    now = int(time.time() * 1000)
    known = _existing(out, options.update)
    id = _choose_id(options, roots, known)
    timestamp = now if known is None else max(now, known.timestamp + 1)
    public, secret = _load_key(options.key or f"{out}.key", known)
    world = World(options.kind, id, timestamp, public, bytes(96), roots)
    world.signature = _zerotier.sign(secret, world.signed_bytes())
    if known is None:
        files.write_new(out, world.encode(), False)
    else:
        files.replace(out, world.encode())
    if options.json:
        print_json({"file": out, "key": options.key or f"{out}.key", **_fields(world)})
    else:
        print(f"{out}: {_NAMES[world.kind]} {world.id.hex()} with {len(roots)} root(s)")


def _parse_root(text: str) -> Root:
    name, at, places = text.rpartition("@")
    if not at or not name:
        raise ValueError(f"{text} has no endpoints: write IDENTITY@IP/PORT")
    endpoints = [_parse_endpoint(place) for place in places.split(",")]
    if len(endpoints) > MAX_ENDPOINTS:
        raise ValueError(f"a root has at most {MAX_ENDPOINTS} endpoints")
    identity = load_identity(name)
    if not identity.validate():
        raise ValueError(f"the identity of the root {identity.address.hex()} is not valid")
    return Root(identity.to_bytes(), endpoints)


def _parse_endpoint(text: str) -> bytes:
    ip, _, port = text.rpartition("/")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text} is not an endpoint like 192.0.2.1/9993")
    return addresses.inet(ip, int(port))


def _default_out(kind: int, roots: list[Root]) -> str:
    if kind == KIND_PLANET:
        return "planet"
    return f"000000{roots[0].address.hex()}.moon"


def _existing(path: str, update: bool) -> World | None:
    if not update:
        if os.path.lexists(path):
            raise ValueError(f"{path} exists already and is kept; --update makes a new revision")
        return None
    return _read(path)


def _choose_id(options: argparse.Namespace, roots: list[Root], known: World | None) -> bytes:
    if known is not None:
        if known.kind != options.kind:
            raise ValueError(f"the file to update is not a {_NAMES[options.kind]}")
        if options.id is not None and options.id.to_bytes(8, "big") != known.id:
            raise ValueError("a new revision of a world keeps its id")
        return known.id
    if options.kind == KIND_MOON:
        return bytes(3) + roots[0].address
    if options.id is not None:
        return options.id.to_bytes(8, "big")
    while True:
        number = int.from_bytes(os.urandom(8), "big")
        if number and number not in _FOREIGN_IDS:
            return number.to_bytes(8, "big")


def _load_key(path: str, known: World | None) -> tuple[bytes, bytes]:
    """(public, secret) signing key from a file, which is made if a new world needs one."""
    if known is None and not os.path.lexists(path):
        secret = os.urandom(_KEY_SIZE)
        files.write_new(path, _zerotier.public_key(secret) + secret, True)
    public, secret = _read_key(path)
    if known is not None and known.update_key != public:
        raise ValueError(f"{path} is not the key that may update this world")
    return public, secret


def _read_key(path: str) -> tuple[bytes, bytes]:
    content = files.read(path)
    if len(content) != _KEY_FILE_SIZE:
        raise ValueError(f"{path} is not a signing key: it must have {_KEY_FILE_SIZE} bytes")
    public, secret = content[:_KEY_SIZE], content[_KEY_SIZE:]
    if _zerotier.public_key(secret) != public:
        raise ValueError(f"{path} is not a signing key: its two halves do not belong together")
    return public, secret


def _read(path: str) -> World:
    try:
        world, _ = World.parse(files.read(path))
    except ValueError as error:
        raise ValueError(f"{path} is not a world: {error}") from None
    if world.kind not in _NAMES:
        raise ValueError(f"{path} is neither a planet nor a moon")
    return world


def _fields(world: World) -> dict:
    return {
        "type": _NAMES[world.kind],
        "id": world.id.hex(),
        "timestamp": world.timestamp,
        "updateKey": world.update_key.hex(),
        "roots": [
            {
                "address": root.address.hex(),
                "identity": _identity_text(root.identity),
                "endpoints": [addresses.text(endpoint) for endpoint in root.endpoints],
            }
            for root in world.roots
        ],
    }


def _identity_text(identity: bytes) -> str:
    return f"{identity[:5].hex()}:0:{identity[6:70].hex()}"


def _show(options: argparse.Namespace) -> None:
    world = _read(options.file)
    key = _read_key(options.key)[0] if options.key else world.update_key
    valid = _zerotier.verify(key, world.signed_bytes(), world.signature)
    if options.json:
        print_json({**_fields(world), "signature": world.signature.hex(), "signatureValid": valid})
        return
    made_with = "the given key" if options.key else "its own update key"
    print_fields(
        [
            ("type", _NAMES[world.kind]),
            ("id", world.id.hex()),
            ("timestamp", f"{world.timestamp} ({time_text(world.timestamp)})"),
            ("update key", world.update_key.hex()),
            ("signature", f"{'valid' if valid else 'NOT valid'}, checked with {made_with}"),
        ]
        + [
            ("root", f"{root.address.hex()} {' '.join(map(addresses.text, root.endpoints))}")
            for root in world.roots
        ]
    )
