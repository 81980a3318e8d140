"""Identity: a node's keys, its address, and what can be done with them (protocol/01).

Owns the text and binary forms, generation and validation. Never stores itself, and never shows its
secret except where it is asked for by name.
"""

from os import urandom

import _zerotier

from .const import const
from .wire.address import is_hex, is_reserved

PUBLIC_SIZE = const(71)
SECRET_SIZE = const(135)
KEY_SIZE = const(64)
_ADDRESS_SIZE = const(5)
_TEXT_LIMIT = const(383)  # the reference reads into 384 bytes with a final NUL
_HASHCASH = const(17)  # the first byte of the identity hash must be less


class Identity:
    """One identity: `address` (5 bytes), `public` (64), `secret` (64, or None if not ours).

    The keys are X25519 || Ed25519 (protocol/01 §1.1).
    """

    def __init__(self, address: bytes, public: bytes, secret: bytes | None = None) -> None:
        if len(address) != _ADDRESS_SIZE:
            raise ValueError("a ZeroTier address must be 5 bytes")
        if len(public) != KEY_SIZE or (secret is not None and len(secret) != KEY_SIZE):
            raise ValueError("the keys of an identity must be 64 bytes")
        self.address = address
        self.public = public
        self.secret = secret

    @classmethod
    def from_text(cls, text: str) -> "Identity":
        """The identity in `address:0:public[:secret]` (protocol/01 §1.4).

        Only the form is checked; `validate` checks that the address belongs to the key.
        """
        if len(text) > _TEXT_LIMIT:
            raise ValueError("the identity is too long")
        fields = [field for field in text.split(":") if field]
        if len(fields) != 3 and len(fields) != 4:
            raise ValueError("an identity has 3 fields, or 4 with its secret")
        if fields[1] != "0":
            raise ValueError("the identity has an unknown type")
        address = _address_field(fields[0])
        if is_reserved(address):
            raise ValueError("the identity has a reserved address")
        secret = _key_field(fields[3]) if len(fields) == 4 else None
        return cls(address, _key_field(fields[2]), secret)

    def to_text(self, secret: bool = False) -> str:
        """The text form, 141 characters, or 270 with the secret; ValueError if there is none."""
        text = f"{self.address.hex()}:0:{self.public.hex()}"
        if not secret:
            return text
        return f"{text}:{self._own_secret().hex()}"

    @classmethod
    def from_bytes(cls, blob: bytes) -> "Identity":
        """The identity in its 71 or 135 bytes (protocol/01 §1.3); only the form is checked."""
        size = len(blob)
        if size != PUBLIC_SIZE and size != SECRET_SIZE:
            raise ValueError("an identity must be 71 or 135 bytes")
        if blob[_ADDRESS_SIZE] != 0:
            raise ValueError("the identity has an unknown type")
        if blob[PUBLIC_SIZE - 1] != size - PUBLIC_SIZE:
            raise ValueError("the identity has a secret of a wrong length")
        secret = bytes(blob[PUBLIC_SIZE:]) if size == SECRET_SIZE else None
        return cls(bytes(blob[:5]), bytes(blob[6:70]), secret)

    def to_bytes(self) -> bytes:
        """The public binary form, 71 bytes: the one that travels."""
        return self.address + b"\x00" + self.public + b"\x00"

    @classmethod
    def generate(cls) -> "Identity":
        """A new identity from hardware randomness; about 15 identity hashes of 2 MiB each (§1.6).

        MemoryError if the machine cannot lend that much.
        """
        while True:
            secret = bytearray(urandom(KEY_SIZE))
            while True:
                _next_secret(secret)
                public = _zerotier.public_key(secret)
                digest = _zerotier.identity_hash(public)
                if digest[0] < _HASHCASH:
                    break
            if not is_reserved(digest[-_ADDRESS_SIZE:]):
                return cls(digest[-_ADDRESS_SIZE:], public, bytes(secret))

    def validate(self) -> bool:
        """Whether the address really comes from the key (protocol/01 §1.7).

        MemoryError if the machine cannot lend 2 MiB for the hash.
        """
        if is_reserved(self.address):
            return False
        digest = _zerotier.identity_hash(self.public)
        return digest[0] < _HASHCASH and digest[-_ADDRESS_SIZE:] == self.address

    def agree(self, other: "Identity") -> bytes:
        """The 48 bytes that only this pair of identities shares (protocol/01 §1.9)."""
        return _zerotier.agree(self._own_secret(), other.public)

    def sign(self, message: bytes) -> bytes:
        """Our signature over the message, 96 bytes (protocol/01 §1.8)."""
        return _zerotier.sign(self._own_secret(), message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether this identity signed the message (protocol/01 §1.8)."""
        return _zerotier.verify(self.public, message, signature)

    def fingerprint(self) -> bytes:
        """SHA-384 of address and key, 48 bytes; its first 32 are in certificates (§1.10)."""
        return _zerotier.sha384(self.address + self.public)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Identity)
            and self.address == other.address
            and self.public == other.public
        )

    def __hash__(self) -> int:
        return hash(self.public)

    def __repr__(self) -> str:
        return f"<Identity {self.address.hex()}>"

    def _own_secret(self) -> bytes:
        if self.secret is None:
            raise ValueError("the secret of this identity is not known")
        return self.secret


def _address_field(field: str) -> bytes:
    """The address in hex: digits up to the first other letter, the last 40 bits of them."""
    return _leading_hex(field, len(field), 2 * _ADDRESS_SIZE)


def _key_field(field: str) -> bytes:
    """The first 128 hex digits; what follows them, a newline of a file mostly, does not count."""
    if len(field) < 2 * KEY_SIZE or not is_hex(field[: 2 * KEY_SIZE]):
        raise ValueError("the keys of an identity must be 128 hex digits")
    return bytes.fromhex(field[: 2 * KEY_SIZE])


def _leading_hex(field: str, limit: int, width: int) -> bytes:
    end = 0
    while end < limit and is_hex(field[end]):
        end += 1
    digits = field[:end][-width:]
    return bytes.fromhex("0" * (width - len(digits)) + digits)


def _next_secret(secret: bytearray) -> None:
    """Another secret with the same Ed25519 half: count one word up and the next one down (§1.6)."""
    up = (int.from_bytes(secret[8:16], "little") + 1) & 0xFFFFFFFFFFFFFFFF
    down = (int.from_bytes(secret[16:24], "little") - 1) & 0xFFFFFFFFFFFFFFFF
    secret[8:16] = up.to_bytes(8, "little")
    secret[16:24] = down.to_bytes(8, "little")
