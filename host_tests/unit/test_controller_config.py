"""What a controller signs, byte for byte compared with the reference (protocol/12 §12.9)."""

from host_tests.unit.support import unhex, vectors
from zerotier.controller_config import Issuer
from zerotier.controller_records import MemberRecord, NetworkRecord
from zerotier.identity import Identity
from zerotier.wire.chunk import MAX_PIECE, Chunk
from zerotier.wire.config import ROLE_ACTIVE_BRIDGE, NetworkConfig
from zerotier.wire.credentials import CREDENTIAL_MEMBERSHIP
from zerotier.wire.dictionary import parse as parse_dictionary
from zerotier.wire.rules import ACCEPT_ALL

NOW = 1700000000000
A = Identity.from_text(
    "f85afca4d6:0:8688eafd4658505bbfcb3b42bcfc588177d96de5be496034502eafa44e41c75b2def84ae379365a6"
    "726fd6d2ef17725becafe4569d2c8f06d01502be8254f8c5:a9e95fcf9cefb78e547663769f6be8211c8942af8d9d"
    "9036725f55d7ff753421fabd8322447e9ffc3eab136ac947b1b1d1ba877ae8dae03912e3a115cda4b6bf"
)
B = Identity.from_text(
    "8f65490231:0:6e5e7cf8ce99adebd3cc61df3c828cdeecdf6adf386647235ff0bf38c1a611389deaa40b47638bc5"
    "3bce9011ecea851b60d0f8c8f7a0482100a2da7dcbfe89d2"
)
DICTIONARY = (
    unhex(
        """
763d303030303030303030303030303030370a6e7769643d663835616663613464363132333435360a74733d30303030
3031386263666535363830300a63746d643d303030303030303030303162373734300a723d3030303030303030303030
30303030330a69643d386636353439303233310a74743d303030303030303030300a746c3d3030303030303030303030
30303030300a663d303030303030303030303030303030320a6d6c3d303030303030303030303030303032300a743d30
3030303030303030303030303030300a6e3d746573746e65740a6d74753d303030303030303030303030306166300a43
3d015c30075c305c305c305c305c305c305c305c305c305c30018bcfe5685c305c305c305c305c305c301b77405c305c
305c305c305c305c305c3001f85afca4d61234565c305c305c305c305c305c305c305c305c305c305c305c305c305c30
5c30025c305c305c308f65490231ffffffffffffffff5c305c305c305c305c305c305c300372af7a5b66f55730ffffff
ffffffffff5c305c305c305c305c305c305c30043004a59f4d68b2beffffffffffffffff5c305c305c305c305c305c30
5c300597305c653b059146d0ffffffffffffffff5c305c305c305c305c305c305c3006df344f0214f2b344ffffffffff
fffffff85afca4d6478e0e1246325be551d82070cb5ac9b12421a397709e70bb4d57d8b0211e06353bf7bec9a429af2f
1fd803f9eea212ad9d61361a1a5f05b2575c5cb3075a3f520b7b2b1eed2f5037ea4ff9329c224b12320ffbd5f88d2687
f9f01a0852472046ac0a434f4f3df85afca4d61234565c305c30018bcfe5685c305c305c305c305c305c305c305c305c
305c305c305c30015c3001025c6e9311055c305c305c305c305c305c305c305c305c305c305c305c308f65490231f85a
fca4d6015c30605f60c925d55c72c03897d78d76e47eb24b1f6f3b5c6e578d6461a445a17ecc33d2be62ca4958db0b8f
875893f509f419988a934cd510e6e7be468b62b3424187580760ccc127128b1e5160fc488bce8552440f89b8bc2904e6
13455de5853892be4c5c305c300a52543d045c6e93115c305c30185c305c305c305c305c300a493d045c6e9311055c30
180a523da502085c30a5020806a50286dd5c305c30015c300a444e533d"""
    )
    + b"\\0" * 132
    + b"\nssov=0000000000000000\nssoe=0"
)


def network(**changes) -> NetworkRecord:
    fields = {
        "id": "f85afca4d6123456",
        "name": "testnet",
        "revision": 3,
        "routes": [{"target": "10.147.17.0/24", "via": None}],
        "rules": [
            {"type": "MATCH_ETHERTYPE", "etherType": 0x0800, "not": True},
            {"type": "MATCH_ETHERTYPE", "etherType": 0x0806, "not": True},
            {"type": "MATCH_ETHERTYPE", "etherType": 0x86DD, "not": True},
            {"type": "ACTION_DROP"},
            {"type": "ACTION_ACCEPT"},
        ],
    }
    fields.update(changes)
    return NetworkRecord(fields)


def member(**changes) -> MemberRecord:
    fields = {"address": "8f65490231", "authorized": True}
    fields.update(changes)
    return MemberRecord(fields)


def issue(one: NetworkRecord, other: MemberRecord, specialists=(), rules: bool = True) -> bytes:
    ips = [(b"\x0a\x93\x11\x05", 24)]
    issuer = Issuer(A)
    personal = issuer.personal(one, other, B, ips, rules, {}, NOW)
    return issuer.config(issuer.shared(one, list(specialists)), personal, NOW)


def test_a_config_is_the_same_as_that_of_the_reference() -> None:
    assert issue(network(), member()) == DICTIONARY


def test_a_member_without_rules_engine_gets_one_rule_and_no_capabilities_or_tags() -> None:
    one = network(capabilities=[{"id": 7, "rules": []}], tags=[{"id": 5, "default": 1}])
    config = NetworkConfig.parse(issue(one, member(capabilities=[7]), rules=False))
    assert config.rules == ACCEPT_ALL
    assert config.capabilities == [] and config.tags == []


def test_capabilities_and_tags_are_signed_as_the_reference_does() -> None:
    rules = network().fields["rules"]
    one = network(capabilities=[{"id": 7, "rules": rules}], tags=[{"id": 5, "default": 9}])
    config = NetworkConfig.parse(issue(one, member(capabilities=[7, 8], tags=[[6, 2]])))
    # protocol/12 §12.8, with this network, member, time and rules
    assert config.capabilities[0].encode() == unhex(
        """
f85afca4d61234560000018bcfe56800000000070005a5020800a5020806a50286dd00000100018f65490231f85afca4
d60100605c9bf6359302484b8ef210c116ae238a3e97245e3fb91a15e6a55eb89679b1a0b84e913a617eedc355fd9c7b
862b775cde12cc5f3cdae59ca0c1eaf0c96a1b0f11e587488119db231ef4f0e4d7486504d21c688b2e327c7ff4a8b2fb
ee5a39c100000000000000"""
    )
    assert len(config.capabilities) == 1  # the network has no 8
    assert [(tag.id, tag.value) for tag in config.tags] == [(5, 9), (6, 2)]
    for tag in config.tags:
        assert A.verify(tag.signed_bytes(), tag.signature)
        assert tag.issued_to == B.address


def test_members_with_roles_are_specialists() -> None:
    roles = [(b"\xf3\x9f\xe6\x09\x49", ROLE_ACTIVE_BRIDGE)]
    assert NetworkConfig.parse(issue(network(), member(), roles)).specialists == roles


def test_ipv6_schemes_switch_ndp_emulation_on() -> None:
    for scheme in ("6plane", "rfc4193"):
        config = NetworkConfig.parse(issue(network(v6AssignMode={scheme: True}), member()))
        assert config.flags == 0x06


def test_limits_of_numbers_are_those_of_the_reference() -> None:
    for window, expected in ((None, 1800000), (1, 300000), (99999999, 7200000)):
        one = network(certificateTimeoutWindowSize=window, mtu=70000, private=False)
        config = NetworkConfig.parse(issue(one, member()))
        assert config.credential_max_delta == expected
        assert config.membership is not None and config.membership.max_delta == expected
        assert config.mtu == 10000 and config.public


def test_dns_is_sent_with_its_servers() -> None:
    dns = {"domain": "lab.example", "servers": ["10.147.17.1", "fd00::1"]}
    config = NetworkConfig.parse(issue(network(dns=dns), member()))
    assert config.dns_domain == "lab.example" and len(config.dns_servers) == 2


def test_a_revocation_is_that_of_the_reference_but_for_its_random_id() -> None:
    revocation = Issuer(A).revocation(
        bytes.fromhex("f85afca4d6123456"), CREDENTIAL_MEMBERSHIP, 0, B.address, NOW
    )
    assert A.verify(revocation.signed_bytes(), revocation.signature)
    revocation.id = 0x0BADF00D
    assert revocation.signed_bytes() == unhex(
        """
7f7f7f7f7f7f7f7f000000000badf00df85afca4d612345600000000000000000000018bcfe568000000000000000001
8f65490231f85afca4d60100007f7f7f7f7f7f7f7f"""
    )


def test_a_large_config_travels_in_several_signed_chunks() -> None:
    rules = [vector["json"] for vector in vectors("rules")["rules"]] * 8  # type: ignore[call-overload]
    config = issue(network(rules=rules), member())
    chunks = [Chunk.parse(chunk) for chunk in Issuer(A).chunks(network().nwid, config)[1]]
    assert len(chunks) == len(config) // MAX_PIECE + 1 > 1
    assert b"".join([bytes(chunk.piece) for chunk in chunks]) == config
    assert len({chunk.update_id for chunk in chunks}) == 1
    assert chunks[0].update_id != bytes(8)
    for chunk in chunks:
        assert A.verify(chunk.signed_bytes(), chunk.signature)


def test_the_vector_is_a_whole_dictionary() -> None:
    assert len(DICTIONARY) == 1138
    assert parse_dictionary(DICTIONARY)["n"] == b"testnet"


def test_what_the_file_says_of_the_own_key_is_in_no_signature() -> None:
    # Ed25519 with another public key than the secret's would give the secret away.
    foreign = Identity(A.address, B.public, A.secret)
    revocation = Issuer(foreign).revocation(
        network().nwid, CREDENTIAL_MEMBERSHIP, 0, B.address, NOW
    )
    assert A.verify(revocation.signed_bytes(), revocation.signature)
