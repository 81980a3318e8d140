"""Ciphers, hashes, key agreement and signatures against what ZeroTierOne 1.14.1 computed.

It owns the primitives that stand for themselves; the armor made of them is in test_armor.py.
"""

import _zerotier

from host_tests.unit.support import key_pair, raises, unhex, vectors

ROUNDS = (12, 20)
BLOCK = 64
PUBLIC_A = unhex(
    "8688eafd4658505bbfcb3b42bcfc588177d96de5be496034502eafa44e41c75b"
    "2def84ae379365a6726fd6d2ef17725becafe4569d2c8f06d01502be8254f8c5"
)
SECRET_A = unhex(
    "a9e95fcf9cefb78e547663769f6be8211c8942af8d9d9036725f55d7ff753421"
    "fabd8322447e9ffc3eab136ac947b1b1d1ba877ae8dae03912e3a115cda4b6bf"
)


def keystream(case, rounds, length, counter=0):
    buffer = bytearray(length)
    _zerotier.salsa20(unhex(case["key"]), unhex(case["iv"]), buffer, counter, rounds)
    return bytes(buffer)


def test_salsa20_gives_the_recorded_keystream_for_12_and_20_rounds():
    for case in vectors("salsa20"):
        for rounds in ROUNDS:
            recorded = unhex(case[f"salsa20_{rounds}_keystream"])
            assert keystream(case, rounds, len(recorded)) == recorded


def test_salsa20_of_any_length_is_a_beginning_of_the_keystream():
    case = vectors("salsa20")[0]
    recorded = unhex(case["salsa20_12_keystream"])
    for length in range(len(recorded) + 1):
        assert keystream(case, 12, length) == recorded[:length]


def test_salsa20_starts_at_the_block_that_the_counter_names():
    for case in vectors("salsa20"):
        recorded = unhex(case["salsa20_20_keystream"])
        for counter in range(len(recorded) // BLOCK):
            at = counter * BLOCK
            assert keystream(case, 20, len(recorded) - at, counter) == recorded[at:]


def test_salsa20_makes_one_call_a_whole_number_of_blocks():
    # The reference was called for 32, then for 100 bytes: the second call began with block 1.
    for case in vectors("salsa20"):
        recorded = unhex(case["note_two_calls_32_then_100"])
        assert keystream(case, 12, 32) + keystream(case, 12, 100, 1) == recorded


def test_salsa20_uses_12_rounds_from_block_0_unless_told_otherwise():
    case = vectors("salsa20")[1]
    key, nonce = unhex(case["key"]), unhex(case["iv"])
    buffer = bytearray(BLOCK)
    _zerotier.salsa20(key, nonce, buffer)
    assert bytes(buffer) == unhex(case["salsa20_12_keystream"])[:BLOCK]


def test_salsa20_takes_counter_and_rounds_by_name():
    case = vectors("salsa20")[1]
    buffer = bytearray(BLOCK)
    _zerotier.salsa20(unhex(case["key"]), unhex(case["iv"]), buffer, counter=1, rounds=20)
    assert bytes(buffer) == unhex(case["salsa20_20_keystream"])[BLOCK : 2 * BLOCK]


def test_salsa20_is_its_own_inverse():
    case = vectors("salsa20")[2]
    key, nonce = unhex(case["key"]), unhex(case["iv"])
    buffer = bytearray(range(200))
    _zerotier.salsa20(key, nonce, buffer)
    assert buffer != bytearray(range(200))
    _zerotier.salsa20(key, nonce, buffer)
    assert buffer == bytearray(range(200))


def test_salsa20_changes_only_the_bytes_of_the_view_it_was_given():
    case = vectors("salsa20")[0]
    for start in range(8):
        buffer = bytearray(300)
        _zerotier.salsa20(unhex(case["key"]), unhex(case["iv"]), memoryview(buffer)[start:290])
        expected = unhex(case["salsa20_12_keystream"])[: 290 - start]
        assert bytes(buffer) == bytes(start) + expected + bytes(10)


def test_salsa20_refuses_wrong_lengths_rounds_and_counters():
    key, nonce, buffer = bytes(32), bytes(8), bytearray(1)
    salsa20 = _zerotier.salsa20
    assert raises(ValueError, salsa20, bytes(31), nonce, buffer) == "key must be 32 bytes"
    assert raises(ValueError, salsa20, bytes(33), nonce, buffer) == "key must be 32 bytes"
    assert raises(ValueError, salsa20, key, bytes(7), buffer) == "nonce must be 8 bytes"
    assert raises(ValueError, salsa20, key, nonce, buffer, 0, 8) == "rounds must be 12 or 20"
    sentence = raises(ValueError, salsa20, key, nonce, buffer, -1)
    assert sentence == "counter must be 0 to 0x3fffffff"
    assert buffer == bytearray(1)


def test_salsa20_refuses_a_buffer_that_cannot_be_written():
    raises(TypeError, _zerotier.salsa20, bytes(32), bytes(8), b"constant")


def test_poly1305_gives_the_recorded_tags():
    for case in vectors("poly1305"):
        tag = _zerotier.poly1305(unhex(case["key"]), unhex(case["message"]))
        assert tag == unhex(case["tag16"])
        assert tag[:8] == unhex(case["mac8_on_wire"])


def test_poly1305_agrees_with_whole_number_arithmetic_at_its_edges():
    # Keys and messages of all ones drive the accumulator to the top of its range.
    ones = b"\xff" * 16
    prime = (1 << 130) - 5
    for r in (ones, bytes(16), b"\x02" + bytes(15), b"\x04" + bytes(3) + b"\x04" + bytes(11)):
        for s in (ones, bytes(16)):
            for length in (0, 1, 15, 16, 17, 31, 32, 33, 64, 255, 256, 1000):
                for message in (b"\xff" * length, bytes(length), b"\xfb" + b"\xff" * (length - 1)):
                    assert _zerotier.poly1305(r + s, message) == slow_poly1305(
                        r, s, message, prime
                    )


def slow_poly1305(r, s, message, prime):
    multiplier = int.from_bytes(r, "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        piece = message[at : at + 16] + b"\x01"
        total = (total + int.from_bytes(piece, "little")) * multiplier % prime
    return ((total + int.from_bytes(s, "little")) & ((1 << 128) - 1)).to_bytes(16, "little")


def test_poly1305_refuses_a_key_that_is_not_32_bytes():
    assert raises(ValueError, _zerotier.poly1305, bytes(16), b"") == "key must be 32 bytes"


def test_sha512_and_sha384_of_abc_are_those_of_the_standard():
    assert _zerotier.sha512(b"abc") == unhex(
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    )
    assert _zerotier.sha384(b"abc") == unhex(
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
    )


def test_sha384_of_address_and_public_key_is_the_recorded_fingerprint():
    for case in vectors("identities")["valid"]:
        fields = case["identity"].split(":")
        fingerprint = _zerotier.sha384(unhex(fields[0]) + unhex(fields[2]))
        assert fingerprint == unhex(case["public_key_hash_sha384"])


def test_sha512_of_a_public_key_is_the_recorded_start_of_the_identity_hash():
    for case in vectors("identities")["valid"]:
        public = unhex(case["identity"].split(":")[2])
        assert _zerotier.sha512(public) == unhex(case["sha512_of_public"])


def test_a_secret_key_has_the_public_key_of_its_identity():
    for case in vectors("identities")["valid"]:
        public, secret = key_pair(case["secret"])
        assert _zerotier.public_key(secret) == public


def test_a_pair_of_identities_agrees_on_the_recorded_key_from_both_sides():
    for case in vectors("ecdh"):
        public_a, secret_a = key_pair(case["a_secret"])
        public_b, secret_b = key_pair(case["b_secret"])
        assert _zerotier.agree(secret_a, public_b) == unhex(case["agreed_key_48"])
        assert _zerotier.agree(secret_b, public_a) == unhex(case["agreed_key_48"])


def test_a_public_key_of_small_order_agrees_on_the_hash_of_zeros():
    # The reference has no check for it (protocol/01 §1.9).
    expected = _zerotier.sha512(bytes(32))[:48]
    assert _zerotier.agree(SECRET_A, bytes(64)) == expected
    assert _zerotier.agree(SECRET_A, b"\x01" + bytes(63)) == expected


def test_key_functions_refuse_keys_that_are_not_64_bytes():
    secret, public = "secret key must be 64 bytes", "public key must be 64 bytes"
    for length in (0, 32, 63, 65):
        wrong = bytes(length)
        assert raises(ValueError, _zerotier.public_key, wrong) == secret
        assert raises(ValueError, _zerotier.agree, wrong, PUBLIC_A) == secret
        assert raises(ValueError, _zerotier.agree, SECRET_A, wrong) == public
        assert raises(ValueError, _zerotier.sign, wrong, b"") == secret
        assert raises(ValueError, _zerotier.sign, SECRET_A, b"", wrong) == public
        assert raises(ValueError, _zerotier.verify, wrong, b"", bytes(96)) == public


def test_signing_makes_the_recorded_signatures_again():
    secrets = {}
    for case in vectors("identities")["valid"]:
        secrets[case["address"]] = key_pair(case["secret"])[1]
    remade = 0
    for case in vectors("signatures"):
        if case["signer"] in secrets:
            secret, message = secrets[case["signer"]], unhex(case["message"])
            signature = _zerotier.sign(secret, message)
            assert signature == unhex(case["signature96"])
            assert _zerotier.sign(secret, message, _zerotier.public_key(secret)) == signature
            remade += 1
    assert remade == 3


def test_signing_hello_world_gives_the_signature_of_the_specification():
    assert _zerotier.sign(SECRET_A, b"hello world") == unhex(
        "c3b15db22a2b84a6832653ee54b5355a8abf9bddf1396e56080863d0e8ec5bdc"
        "ff1f3be3f5ca1c3f96e81f844c9674fbb84775b94f167fe444081f8ce7b96f00"
        "309ecc489c12d6eb4cc40f50c902f2b4d0ed77ee511a7c7a9bcd3ca86d4cd86f"
    )


def test_recorded_signatures_verify():
    for case in vectors("signatures"):
        public = unhex(case["identity"].split(":")[2])
        message, signature = unhex(case["message"]), unhex(case["signature96"])
        assert _zerotier.verify(public, message, signature) is True


def test_tampered_signatures_get_the_verdict_of_the_reference():
    judged = 0
    for case in vectors("signatures"):
        for tampered in case["tampered"]:
            public = unhex(tampered["identity"].split(":")[2])
            message, signature = unhex(tampered["message"]), unhex(tampered["signature"])
            assert _zerotier.verify(public, message, signature) is tampered["valid"]
            judged += 1
    assert judged == 42


def test_a_signature_of_any_other_length_does_not_verify():
    signature = _zerotier.sign(SECRET_A, b"hello world")
    for length in (0, 64, 95):
        assert _zerotier.verify(PUBLIC_A, b"hello world", signature[:length]) is False
    assert _zerotier.verify(PUBLIC_A, b"hello world", signature + b"\x00") is False


def test_buffers_of_every_kind_are_taken():
    message = b"hello world"
    signature = _zerotier.sign(bytearray(SECRET_A), memoryview(message))
    assert _zerotier.verify(memoryview(PUBLIC_A), bytearray(message), memoryview(signature))
    raises(TypeError, _zerotier.sha512, 5)
