"""What every unit test needs, on CPython and inside MicroPython alike: the recorded vectors, and a check for exceptions.

It owns the place of the vector files, which is relative to the root of the repository, where all tests are run from.
Never anything that only one of the two interpreters has, and never a substitute for the code under test.
"""

import json

VECTORS = "host_tests/vectors/"


def vectors(name: str) -> list | dict:
    """The recorded cases in host_tests/vectors/<name>.json (host_tests/vectors/README.md says what they are)."""
    with open(VECTORS + name + ".json") as file:
        return json.load(file)


def raises(exception: type, function: object, *arguments: object, **named: object) -> str:
    """Call `function`, require that it raises `exception`, and return the sentence that came with it."""
    try:
        function(*arguments, **named)
    except exception as error:
        return str(error)
    raise AssertionError("no " + exception.__name__)


def unhex(digits: str) -> bytes:
    """Bytes from hex digits, with or without white space between them."""
    return bytes.fromhex("".join(digits.split()))


def key_pair(identity: str) -> tuple:
    """The 64 public and 64 secret bytes of an identity string (protocol/01 §1.4), without using the code under test."""
    fields = identity.split(":")
    return bytes.fromhex(fields[2]), bytes.fromhex(fields[3])
