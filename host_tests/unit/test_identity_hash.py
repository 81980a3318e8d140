"""The memory-hard hash of public keys, as ZeroTierOne 1.14.1 computed it (protocol/01 §1.5).

It owns the digest alone; what makes an identity valid beyond that is in test_identity.py.
Never on a board without PSRAM: every call needs 2 MiB.
"""

import _zerotier

from host_tests.unit.support import raises, unhex, vectors

HASHCASH_LIMIT = 17


def public_key(case):
    return unhex(case["identity"].split(":")[2])


def test_valid_identities_have_the_recorded_digest():
    for case in vectors("identities")["valid"]:
        digest = _zerotier.identity_hash(public_key(case))
        assert digest == unhex(case["memory_hard_digest"])
        assert digest[0] < HASHCASH_LIMIT
        assert digest[59:] == unhex(case["address"])


def test_keys_of_invalid_identities_have_the_recorded_digest_too():
    hashed = 0
    for case in vectors("identities")["invalid"]:
        if not case["parses"]:
            continue
        digest = _zerotier.identity_hash(public_key(case))
        assert digest == unhex(case["memory_hard_digest"])
        assert (digest[0] < HASHCASH_LIMIT) is case["digest_first_byte_below_17"]
        assert digest[59:] == unhex(case["address_from_digest"])
        hashed += 1
    assert hashed == 4


def test_no_invalid_identity_has_both_a_good_digest_and_its_own_address():
    for case in vectors("identities")["invalid"]:
        if case["parses"]:
            digest = _zerotier.identity_hash(public_key(case))
            address = unhex(case["identity"].split(":")[0])
            assert digest[0] >= HASHCASH_LIMIT or digest[59:] != address


def test_identities_of_the_specification_have_its_digests():
    a = _zerotier.identity_hash(
        unhex(
            "8688eafd4658505bbfcb3b42bcfc588177d96de5be496034502eafa44e41c75b"
            "2def84ae379365a6726fd6d2ef17725becafe4569d2c8f06d01502be8254f8c5"
        )
    )
    assert a == unhex(
        "077be97aa7ab3be975189340ae29ad8916932be3fc37429c95f2c80f59c73009"
        "b7c0cbaea860586c503a531a50f276f4519b0ba79426e3b1fd703ef85afca4d6"
    )
    b = _zerotier.identity_hash(
        unhex(
            "6e5e7cf8ce99adebd3cc61df3c828cdeecdf6adf386647235ff0bf38c1a61138"
            "9deaa40b47638bc53bce9011ecea851b60d0f8c8f7a0482100a2da7dcbfe89d2"
        )
    )
    assert b == unhex(
        "0c1c13ac5ce09b46c9fb7f90eebf7b06134b57004e8e3126a29c257fff26b891"
        "aeee92967ae818969fcef50788a188f469ff373038a4175e4f14b78f65490231"
    )


def test_only_public_keys_of_64_bytes_are_hashed():
    for length in (0, 32, 63, 65, 71):
        sentence = raises(ValueError, _zerotier.identity_hash, bytes(length))
        assert sentence == "public key must be 64 bytes"
