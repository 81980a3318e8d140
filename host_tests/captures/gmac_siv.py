"""AES-GMAC-SIV, cipher 3, as reference nodes use it between themselves (protocol/02 §2.7.3).

Owns opening and sealing with the `cryptography` package, so that captures between reference nodes can
be read. Never part of the node: it announces a version to which nobody answers with cipher 3.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CIPHER = 3
_FLAGS_MASK = 0xF8  # hops are not authenticated
_AAD_PADDING = bytes(5)


def derive(shared48: bytes, label: bytes) -> bytes:
    """The 48 bytes of KBKDF-HMAC-SHA384; the first 32 are k0 (label b"0") or k1 (b"1")."""
    message = bytes(4) + b"ZT" + label + bytes(2) + (384).to_bytes(4, "big")
    return hmac.new(shared48, message, hashlib.sha384).digest()


def gmac(key: bytes, iv12: bytes, message: bytes) -> bytes:
    """The 16-byte GMAC: AES-GCM of nothing, with the message as associated data."""
    return AESGCM(key).encrypt(iv12, b"", message)


def seal(k0: bytes, k1: bytes, iv8: bytes, aad: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
    """(tag of 16 bytes, ciphertext); the tag becomes packet id and MAC."""
    tag = _block(k1, iv8 + _folded(k0, iv8, aad, plaintext), True)
    return tag, _counter_mode(k1, tag, plaintext)


def open_sealed(k0: bytes, k1: bytes, tag: bytes, aad: bytes, ciphertext: bytes) -> bytes | None:
    """The plaintext, or None if it is not authentic."""
    plaintext = _counter_mode(k1, tag, ciphertext)
    block = _block(k1, tag, False)
    if not hmac.compare_digest(_folded(k0, block[:8], aad, plaintext), block[8:]):
        return None
    return plaintext


def dearmor(shared48: bytes, packet: bytearray) -> bool:
    """Open a whole packet in place, like `_zerotier.dearmor` does for ciphers 0 and 1."""
    k0, k1 = derive(shared48, b"0")[:32], derive(shared48, b"1")[:32]
    tag = bytes(packet[0:8] + packet[19:27])
    plaintext = open_sealed(k0, k1, tag, _aad(packet), bytes(packet[27:]))
    if plaintext is None:
        return False
    packet[27:] = plaintext
    return True


def armor(shared48: bytes, packet: bytearray) -> None:
    """Seal a whole packet in place; its first 8 bytes become the id on the wire."""
    k0, k1 = derive(shared48, b"0")[:32], derive(shared48, b"1")[:32]
    packet[18] = packet[18] & 0x40 | CIPHER << 3
    tag, ciphertext = seal(k0, k1, bytes(packet[:8]), _aad(packet), bytes(packet[27:]))
    packet[27:] = ciphertext
    packet[0:8] = tag[:8]
    packet[19:27] = tag[8:]


def _aad(packet: bytearray) -> bytes:
    return bytes(packet[8:18]) + bytes((packet[18] & _FLAGS_MASK,))


def _folded(k0: bytes, iv8: bytes, aad: bytes, plaintext: bytes) -> bytes:
    tag = gmac(k0, iv8 + bytes(4), aad + _AAD_PADDING + plaintext)
    return bytes(one ^ other for one, other in zip(tag[:8], tag[8:], strict=True))


def _block(key: bytes, block: bytes, encrypt: bool) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.ECB())
    context = cipher.encryptor() if encrypt else cipher.decryptor()
    return context.update(block) + context.finalize()


def _counter_mode(key: bytes, tag: bytes, text: bytes) -> bytes:
    # The counter is 32 bits: with bit 7 of its first byte cleared it never carries past them.
    first = tag[:12] + bytes((tag[12] & 0x7F,)) + tag[13:]
    context = Cipher(algorithms.AES(key), modes.CTR(first)).encryptor()
    return context.update(text) + context.finalize()
