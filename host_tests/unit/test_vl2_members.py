"""Who is let in: certificates of membership from a real controller, and their revocation."""

from host_tests.unit.mesh import START, Mesh
from host_tests.unit.support import unhex, vectors
from zerotier.identity import Identity
from zerotier.limits import DEVICE
from zerotier.vl1.outcome import HOLD, RECEIVED, TRUSTED
from zerotier.vl2.members import Members
from zerotier.wire.config import NetworkConfig
from zerotier.wire.credentials import Membership, Revocation

_CREDENTIALS = vectors("credentials")
_NWID = unhex(_CREDENTIALS["network_id"])
_STRANGER = b"\x11\x22\x33\x44\x55"


def _com(number: int) -> Membership:
    return Membership.parse(unhex(_CREDENTIALS["com"][number]["binary"]))[0]


def _member(number: int) -> bytes:
    return unhex(_CREDENTIALS["com"][number]["issued_to"])


def _revocation(number: int) -> Revocation:
    return Revocation.parse(unhex(_CREDENTIALS["revocations"][number]["binary"]))[0]


def _config(number: int = 0, public: bool = False) -> NetworkConfig:
    """A config whose owner holds certificate `number`."""
    config = NetworkConfig()
    config.nwid = _NWID
    config.membership = _com(number)
    config.credential_max_delta = _CREDENTIALS["com"][number]["max_delta"]
    config.public = public
    return config


def _members(config: NetworkConfig | None) -> tuple:
    """(members, station): the mesh's root has the identity of the recorded controller."""
    station = Mesh().add(limits=DEVICE)
    for case in _CREDENTIALS["com"]:
        station.node.topology.add(Identity.from_text(case["identity"]), START)
    members = Members(_NWID, station.node.transport)
    if config is not None:
        members.set_own(config)
    return members, station


def test_a_member_with_a_certificate_that_agrees_is_admitted():
    members, _ = _members(_config())
    assert members.admit(_member(1), START) is None
    assert members.offer(_com(1), _member(1), START) == TRUSTED
    member = members.admit(_member(1), START)
    assert member is not None and member.allowed
    assert members.by_mac(member.mac) is member


def test_whoever_passes_a_certificate_on_it_is_that_of_the_member_it_names():
    members, _ = _members(_config())
    assert members.offer(_com(1), _member(2), START) == TRUSTED
    assert members.admit(_member(2), START) is None
    assert members.admit(_member(1), START) is not None


def test_the_gate_agrees_with_every_recorded_verdict():
    for case in _CREDENTIALS["com_agreement"]:
        if case["other_identity_index"] != case["other"] or case["mine"] == case["other"]:
            continue
        members, _ = _members(_config(case["mine"]))
        other = _member(case["other"])
        assert members.offer(_com(case["other"]), other, START) == TRUSTED
        assert (members.admit(other, START) is not None) == case["agrees"]


def test_nobody_is_admitted_before_there_is_a_config():
    members, _ = _members(None)
    assert members.admit(_member(1), START) is None
    assert members.offer(_com(1), _member(1), START) == HOLD
    assert len(members) == 0


def test_a_public_network_admits_everybody_and_verifies_nothing():
    members, _ = _members(_config(public=True))
    assert members.admit(_STRANGER, START) is not None
    com = _com(1)
    com.signature = bytes(96)
    assert members.offer(com, _member(1), START) == RECEIVED


def test_a_certificate_whose_signature_is_wrong_leaves_no_trace():
    for field in ("signature", "qualifiers"):
        members, station = _members(_config())
        com = _com(1)
        changed = bytearray(getattr(com, field))
        changed[-1] ^= 1
        setattr(com, field, bytes(changed))
        assert members.offer(com, _member(1), START) == RECEIVED
        assert station.count("com_refused") == 1
        assert len(members) == 0


def test_a_certificate_signed_by_somebody_else_is_refused_unverified():
    members, station = _members(_config())
    com = _com(1)
    com.signer = _member(0)
    assert members.offer(com, _member(1), START) == RECEIVED
    assert station.count("com_refused") == 1
    assert members.offer(_com(1), _member(1), START) == TRUSTED


def test_a_certificate_of_an_impostor_with_the_same_address_does_not_help():
    members, station = _members(_config())
    impostor = Identity(_member(1), Identity.from_text(_CREDENTIALS["com"][2]["identity"]).public)
    station.node.topology.get(_member(1)).identity = impostor
    assert members.offer(_com(1), _member(1), START) == TRUSTED
    assert members.admit(_member(1), START) is None


def test_an_older_certificate_never_replaces_a_newer_one():
    members, station = _members(_config())
    members.offer(_com(1), _member(1), START)
    held = members.get(_member(1)).com
    com = _com(1)
    com.timestamp -= 1
    assert members.offer(com, _member(1), START + 5000) == RECEIVED
    assert members.get(_member(1)).com is held
    assert station.count("com_older") == 1


def test_a_peer_makes_us_check_one_signature_a_second():
    members, station = _members(_config())
    forged = _com(1)
    forged.signature = bytes(96)
    for _ in range(10):
        assert members.offer(forged, _STRANGER, START) == RECEIVED
    assert station.count("com_refused") == 1
    assert station.count("credentials_gate") == 9
    assert members.offer(_com(1), _member(1), START) == TRUSTED


def test_a_newer_certificate_is_taken_unverified_for_as_long_as_the_old_one_will_do():
    members, _ = _members(_config())
    members.offer(_com(1), _member(1), START)
    members.admit(_member(1), START)
    held = members.get(_member(1)).com
    newer = _com(1)
    newer.timestamp += 60000
    newer.signature = bytes(96)
    assert members.offer(newer, _member(1), START + 60000) == TRUSTED
    assert members.offer(newer, _STRANGER, START + 60000) == RECEIVED
    assert members.get(_member(1)).com is held


def test_a_revoked_member_is_out_at_once_and_stays_out():
    members, station = _members(_config(1))
    members.offer(_com(0), _member(0), START)
    assert members.admit(_member(0), START) is not None
    assert members.revoke(_revocation(0), _member(2), START) == TRUSTED
    assert members.admit(_member(0), START) is None
    assert members.offer(_com(0), _member(0), START + 2000) == RECEIVED
    assert station.count("com_revoked") == 1
    assert members.revoke(_revocation(0), _member(2), START + 4000) == RECEIVED


def test_a_forged_revocation_changes_nothing():
    members, _ = _members(_config(1))
    members.offer(_com(0), _member(0), START)
    forged = _revocation(0)
    forged.threshold += 1
    assert members.revoke(forged, _STRANGER, START) == RECEIVED
    assert members.admit(_member(0), START) is not None


def test_revocations_of_tags_and_capabilities_do_not_shut_a_member_out():
    members, _ = _members(_config(1))
    members.offer(_com(0), _member(0), START)
    for number in (1, 2):
        now = START + 100 * number
        assert members.revoke(_revocation(number), _STRANGER, now) == TRUSTED
    assert members.admit(_member(0), START) is not None


def test_credentials_wait_for_a_controller_that_is_not_known_yet():
    mesh = Mesh()
    station = mesh.add(limits=DEVICE)
    nwid = b"\x12\x34\x56\x78\x9a\x00\x00\x01"
    members = Members(nwid, station.node.transport)
    members.set_own(_config())
    com = _com(1)
    com.nwid = nwid
    com.signer = nwid[:5]
    assert members.offer(com, _member(1), START) == HOLD


def test_the_table_of_members_is_bounded_and_the_least_recently_used_leaves():
    members, station = _members(_config(public=True))
    for number in range(100):
        members.make(number.to_bytes(5, "big"), START + number)
        members.make((0).to_bytes(5, "big"), START + number)
    assert len(members) == DEVICE.members
    assert members.get((0).to_bytes(5, "big")) is not None
    assert members.get((1).to_bytes(5, "big")) is None
    assert station.count("member_evicted") == 100 - DEVICE.members


def test_a_new_config_of_ours_shuts_out_those_whose_certificates_are_too_old():
    members, _ = _members(_config())
    members.offer(_com(1), _member(1), START)
    assert members.admit(_member(1), START) is not None
    later = _config()
    later.membership = Membership.issue(
        _com(1).timestamp + later.credential_max_delta + 1,
        later.credential_max_delta,
        _NWID,
        _member(0),
        bytes(48),
    )
    members.set_own(later)
    assert members.admit(_member(1), START) is None
