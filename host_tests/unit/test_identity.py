"""Identities: text, bytes, and what keys do (protocol/01)."""

from host_tests.unit.broken import survives_bit_flips, survives_truncation
from host_tests.unit.support import raises, vectors
from zerotier.identity import Identity
from zerotier.wire.identity import parse


def recorded() -> list:
    return vectors("identities")["valid"]


def one(name: str) -> Identity:
    return Identity.from_text(vectors("protocol_12")["identity_" + name])


def test_recorded_identities_in_text_and_bytes() -> None:
    for case in recorded():
        public = Identity.from_text(case["identity"])
        assert public.secret is None
        assert public.address.hex() == case["address"]
        assert public.to_text() == case["identity"]
        assert public.to_bytes().hex() == case["binary_public"]
        assert Identity.from_bytes(public.to_bytes()) == public
        assert public.fingerprint().hex() == case["public_key_hash_sha384"]
        own = Identity.from_text(case["secret"])
        assert own == public and own.to_text(True) == case["secret"]
        assert own.to_text() == case["identity"]
        assert own.to_bytes() == public.to_bytes()
        read = Identity.from_bytes(bytes.fromhex(case["binary_with_secret"]))
        assert read.secret == own.secret and read == own


def test_recorded_identities_are_valid() -> None:
    for case in recorded()[:3]:
        assert Identity.from_text(case["identity"]).validate()


def test_recorded_forgeries_are_not() -> None:
    for case in vectors("identities")["invalid"]:
        if case["parses"]:
            assert not Identity.from_text(case["identity"]).validate(), case["why"]
        else:
            assert raises(ValueError, Identity.from_text, case["identity"])


def test_the_identities_of_the_specification() -> None:
    text = vectors("protocol_12")
    a, b = one("a"), one("b")
    assert a.validate() and b.validate()
    assert a.fingerprint().hex() == text["fingerprint_a"]
    assert a.agree(b) == b.agree(a) == bytes.fromhex(text["shared48"])
    signature = a.sign(b"hello world")
    assert signature.hex() == text["signature_hello_world"]
    assert a.verify(b"hello world", signature)
    assert not a.verify(b"hello worle", signature)
    assert not b.verify(b"hello world", signature)
    assert not a.verify(b"hello world", signature[:64])


def test_the_parser_of_text_is_lenient_where_the_reference_is() -> None:
    text = one("a").to_text()
    address, kind, public = text.split(":")
    for same in (
        text + "\n", text + ":", ":" + text, text.replace(":", "::"), text.upper(), text + "ff",
        "123" + address + ":0:" + public,  # more than 40 bits lose the upper ones
    ):  # fmt: skip
        assert Identity.from_text(same) == one("a"), same
    secret = one("a").to_text(True)
    assert Identity.from_text(secret + "\n").secret == one("a").secret


def test_a_short_address_is_filled_with_zeros() -> None:
    public = one("a").to_text().split(":")[2]
    assert Identity.from_text("1:0:" + public).address == b"\x00\x00\x00\x00\x01"


def test_text_that_is_no_identity_is_refused_in_one_sentence() -> None:
    address, kind, public = one("a").to_text().split(":")
    for text in (
        "", ":", address, address + ":0", address + ":0:", address + ":1:" + public,
        address + ":00:" + public, address + ":0:" + public[:-1], address + ":0:x" + public[1:],
        address + ":0:" + public + ":" + public[:-2], address + ":0:" + public + ":\n",
        address + ":0:" + public + ":" + public + ":x",
        "0000000000:0:" + public, "ff00000001:0:" + public, "zz:0:" + public,
        address + ":0:" + public + " " * 243,
    ):  # fmt: skip
        assert raises(ValueError, Identity.from_text, text), text
    assert Identity.from_text(address + ":0:" + public + " " * 242)


def test_bytes_that_are_no_identity_are_refused() -> None:
    public = one("a").to_bytes()
    secret = bytes.fromhex(recorded()[0]["binary_with_secret"])
    for blob in (
        b"", public[:-1], public + b"\x00", secret[:-1], public[:70] + b"\x40", public[:70] + b"\x01",
        public[:5] + b"\x01" + public[6:], secret[:70] + b"\x00" + secret[71:],
    ):  # fmt: skip
        raises(ValueError, Identity.from_bytes, blob)
    survives_truncation(Identity.from_bytes, secret)
    survives_bit_flips(Identity.from_bytes, public)
    assert Identity.from_bytes(memoryview(public)).to_bytes() == public


def test_an_identity_inside_a_message_is_stepped_over() -> None:
    public = one("a").to_bytes()
    secret = bytes.fromhex(recorded()[0]["binary_with_secret"])
    assert parse(b"##" + public + b"rest", 2) == (public, 73)
    assert parse(memoryview(secret + b"rest"), 0) == (
        bytes.fromhex(recorded()[0]["binary_public"]),
        135,
    )
    assert survives_truncation(lambda blob: parse(blob, 0), secret) == 0
    raises(ValueError, parse, public[:70] + b"\x20" + bytes(64), 0)
    raises(ValueError, parse, public[:5] + b"\x01" + public[6:], 0)


def test_equality_is_of_address_and_key() -> None:
    a = one("a")
    assert a == Identity(a.address, a.public)
    assert a != Identity(one("b").address, a.public)
    assert a != one("b") and a != "a"
    assert len({a: 1, Identity(a.address, a.public): 2}) == 1


def test_a_secret_is_never_shown_unasked() -> None:
    a = one("a")
    assert repr(a) == str(a) == "<Identity f85afca4d6>"
    public = Identity.from_text(a.to_text())
    for use in (lambda: public.to_text(True), lambda: public.agree(a), lambda: public.sign(b"x")):
        assert "secret" in raises(ValueError, use)
    sentence = raises(ValueError, Identity.from_text, a.to_text(True)[:-1])
    assert a.secret.hex()[:16] not in sentence


def test_keys_of_wrong_lengths_make_no_identity() -> None:
    a = one("a")
    raises(ValueError, Identity, a.address[:4], a.public)
    raises(ValueError, Identity, a.address, a.public[:63])
    raises(ValueError, Identity, a.address, a.public, a.secret[:63])


def test_a_new_identity_is_valid_and_works() -> None:
    new = Identity.generate()
    assert new.validate()
    assert Identity.from_text(new.to_text(True)).secret == new.secret
    assert new.agree(one("a")) == one("a").agree(new)
    assert new.verify(b"message", new.sign(b"message"))
    assert Identity.generate() != new
