"""`zt identity`: makes, shows and checks identities (protocol/01).

Owns the files identity.secret and identity.public as a user handles them, never the keys.
"""

import argparse
from typing import Any

from zerotier.identity import Identity

from . import files
from .output import add_json_option, print_fields, print_json

SECRET_FILE = "identity.secret"
_SECRET_SUFFIX = ".secret"
_PUBLIC_SUFFIX = ".public"
# An argument longer than this with a colon behind the address is an identity, not a file name.
_MAX_FILE_NAME = 32
_ADDRESS_DIGITS = 10
_MAX_IDENTITY_FILE = 384


def add_parser(subparsers: Any) -> None:
    """Add `zt identity`."""
    parser = subparsers.add_parser(
        "identity",
        help="make, show and check identities",
        description="Make, show and check the identities of nodes.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    new = commands.add_parser(
        "new",
        help="make an identity",
        description="Make an identity: a new key pair and the address that belongs to it. "
        "The secret goes into FILE, readable for you only, and the public part into a file "
        "beside it. Files that exist are never overwritten.",
    )
    new.add_argument(
        "--out",
        metavar="FILE",
        default=SECRET_FILE,
        help="where the secret goes (default: %(default)s; `-` prints it and writes no file)",
    )
    add_json_option(new)
    new.set_defaults(run=_new)

    show = commands.add_parser(
        "show",
        help="show the public part of an identity",
        description="Show the address and the public key of an identity. Secrets are not shown.",
    )
    show.add_argument("identity", help="a file, `-` for standard input, or an identity itself")
    add_json_option(show)
    show.set_defaults(run=_show)

    validate = commands.add_parser(
        "validate",
        help="check that an address belongs to its key",
        description="Compute the address of a key (2 MiB of memory, a moment of time) and compare "
        "it with the address in the identity. The exit code is 1 if they differ.",
    )
    validate.add_argument("identity", help="a file, `-` for standard input, or an identity itself")
    add_json_option(validate)
    validate.set_defaults(run=_validate)


def load(argument: str) -> Identity:
    """An identity from a file, from standard input, or written out."""
    if _is_literal(argument):
        return Identity.from_text(argument.strip())
    try:
        text = files.read(argument)[: _MAX_IDENTITY_FILE + 1].decode("ascii")
        return Identity.from_text(text.strip())
    except ValueError:
        raise ValueError(f"{argument} does not hold an identity") from None


def _is_literal(argument: str) -> bool:
    """protocol/10 §10.6"""
    return len(argument) > _MAX_FILE_NAME and argument[_ADDRESS_DIGITS] == ":"


def public_path(secret_path: str) -> str:
    """Where the public part of an identity goes whose secret is in `secret_path`."""
    if secret_path.endswith(_SECRET_SUFFIX):
        return secret_path[: -len(_SECRET_SUFFIX)] + _PUBLIC_SUFFIX
    return secret_path + _PUBLIC_SUFFIX


def _new(options: argparse.Namespace) -> None:
    if options.out == files.STANDARD:
        print(Identity.generate().to_text(True))
        return
    files.refuse_existing(options.out)
    files.refuse_existing(public_path(options.out))
    identity = Identity.generate()
    files.write_new(options.out, identity.to_text(True).encode(), True)
    files.write_new(public_path(options.out), identity.to_text().encode(), False)
    address = identity.address.hex()
    if options.json:
        print_json({"address": address, "secret": options.out, "public": public_path(options.out)})
    else:
        print(f"{address} is in {options.out}, its public part in {public_path(options.out)}")


def _show(options: argparse.Namespace) -> None:
    identity = load(options.identity)
    fields = {
        "address": identity.address.hex(),
        "public": identity.to_text(),
        "secret": identity.secret is not None,
    }
    if options.json:
        print_json(fields)
    else:
        secret = "present, not shown" if fields["secret"] else "none"
        print_fields(
            [("address", fields["address"]), ("public", fields["public"]), ("secret", secret)]
        )


def _validate(options: argparse.Namespace) -> int:
    identity = load(options.identity)
    valid = identity.validate()
    address = identity.address.hex()
    if options.json:
        print_json({"address": address, "valid": valid})
    elif valid:
        print(f"{address} is a valid identity")
    if not valid and not options.json:
        raise ValueError(f"{address} is not the address that belongs to this key")
    return 0 if valid else 1
