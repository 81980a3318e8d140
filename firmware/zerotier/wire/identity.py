"""The binary form of an identity inside messages and worlds (protocol/01 §1.3).

Owns the 71-byte layout and how to step over it.
Never checks a hash or a signature: that is `zerotier.identity`.
"""

from ..const import const
from .bounds import need

PUBLIC_SIZE = const(71)
SECRET_SIZE = const(135)
TYPE_OFFSET = const(5)
KEY_OFFSET = const(6)
KEY_SIZE = const(64)
SECRET_LENGTH_OFFSET = const(70)


def parse(buffer: bytes | memoryview, offset: int) -> tuple[bytes, int]:
    """(the 71 public bytes, next offset) of the identity at `offset`; a secret is stepped over."""
    end = need(buffer, offset, PUBLIC_SIZE)
    if buffer[offset + TYPE_OFFSET] != 0:
        raise ValueError("the identity has an unknown type")
    secret_length = buffer[offset + SECRET_LENGTH_OFFSET]
    if secret_length == 0:
        return bytes(buffer[offset:end]), end
    if secret_length != KEY_SIZE:
        raise ValueError("the identity has a secret of a wrong length")
    public = bytes(buffer[offset : end - 1]) + b"\x00"
    return public, need(buffer, offset, SECRET_SIZE)
