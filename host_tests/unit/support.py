"""What unit tests need on CPython and in MicroPython alike: vectors, and a check for exceptions.

It owns the place of the vector files, relative to the root of the repository, where all tests run.
Never anything that only one of the two interpreters has, and never a substitute for tested code.
"""

import json

VECTORS = "host_tests/vectors/"


def vectors(name: str) -> list | dict:
    """The recorded cases in host_tests/vectors/<name>.json; README.md there describes them."""
    with open(VECTORS + name + ".json") as file:
        return json.load(file)


def raises(exception: type, function: object, *arguments: object, **named: object) -> str:
    """Call `function`, require that it raises `exception`, and return its sentence."""
    try:
        function(*arguments, **named)
    except exception as error:
        return str(error)
    raise AssertionError("no " + exception.__name__)


def unhex(digits: str) -> bytes:
    """Bytes from hex digits, with or without white space between them."""
    return bytes.fromhex("".join(digits.split()))


def key_pair(identity: str) -> tuple:
    """The 64 public and 64 secret bytes of an identity string (protocol/01 §1.4)."""
    fields = identity.split(":")
    return bytes.fromhex(fields[2]), bytes.fromhex(fields[3])
