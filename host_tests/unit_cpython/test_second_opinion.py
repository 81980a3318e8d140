"""Random cases on which `_zerotier`, PyNaCl's own build of libsodium and hashlib must agree.

It owns comparisons with other people's code; what the reference recorded is in host_tests/unit.
"""

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor

import _zerotier
import pytest
from nacl import bindings

CASES = 200
RANDOM = random.Random(20240229)


def random_bytes(length: int) -> bytes:
    return RANDOM.randbytes(length)


def test_public_keys_are_those_of_libsodium() -> None:
    for _ in range(CASES):
        secret = random_bytes(64)
        x25519 = bindings.crypto_scalarmult_base(secret[:32])
        ed25519, _expanded = bindings.crypto_sign_seed_keypair(secret[32:])
        assert _zerotier.public_key(secret) == x25519 + ed25519


def test_agreed_keys_are_the_hash_of_libsodiums_x25519() -> None:
    for _ in range(CASES):
        secret, public = random_bytes(64), random_bytes(64)
        raw = bindings.crypto_scalarmult(secret[:32], public[:32])
        assert _zerotier.agree(secret, public) == hashlib.sha512(raw).digest()[:48]


def test_signatures_are_libsodiums_over_the_cut_hash() -> None:
    for length in range(CASES):
        secret, message = random_bytes(64), random_bytes(length)
        digest = hashlib.sha512(message).digest()[:32]
        _public, expanded = bindings.crypto_sign_seed_keypair(secret[32:])
        expected = bindings.crypto_sign(digest, expanded)[:64] + digest
        assert _zerotier.sign(secret, message) == expected


def test_verdicts_on_damaged_signatures_are_libsodiums() -> None:
    for length in range(CASES):
        secret, message = random_bytes(64), random_bytes(length)
        public = _zerotier.public_key(secret)
        signature = bytearray(_zerotier.sign(secret, message))
        assert _zerotier.verify(public, message, signature)
        signature[RANDOM.randrange(64)] ^= 1 << RANDOM.randrange(8)
        assert not _zerotier.verify(public, message, signature)
        with pytest.raises(Exception, match="forged|corrupt"):
            bindings.crypto_sign_open(bytes(signature), public[32:])


def test_a_signature_with_s_out_of_range_is_refused() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    secret = random_bytes(64)
    signature = bytearray(_zerotier.sign(secret, b"message"))
    s = int.from_bytes(signature[32:64], "little") + order
    signature[32:64] = s.to_bytes(32, "little")
    assert not _zerotier.verify(_zerotier.public_key(secret), b"message", signature)


def test_hashes_are_those_of_hashlib_for_every_length() -> None:
    for length in range(300):
        message = random_bytes(length)
        assert _zerotier.sha512(message) == hashlib.sha512(message).digest()
        assert _zerotier.sha384(message) == hashlib.sha384(message).digest()


def test_the_wide_and_the_narrow_way_through_salsa20_agree() -> None:
    # PyNaCl has no Salsa20. One block at a time is the narrow way, all at once the wide one.
    for rounds in (12, 20):
        key, nonce = random_bytes(32), random_bytes(8)
        whole = bytearray(64 * 33)
        _zerotier.salsa20(key, nonce, whole, rounds=rounds)
        for counter in range(33):
            block = bytearray(64)
            _zerotier.salsa20(key, nonce, block, counter, rounds)
            assert block == whole[64 * counter : 64 * counter + 64]


def test_identity_hashes_of_two_threads_do_not_disturb_each_other() -> None:
    keys = [random_bytes(64) for _ in range(8)]
    alone = [_zerotier.identity_hash(key) for key in keys]
    with ThreadPoolExecutor(max_workers=2) as pool:
        assert list(pool.map(_zerotier.identity_hash, keys)) == alone
