"""Messages that no peer should send: nothing raises, nothing grows, everything is counted."""

from random import getrandbits, seed

from host_tests.unit.mesh import Lan
from host_tests.unit.support import unhex
from zerotier.limits import DEVICE
from zerotier.vl2 import ethernet, status
from zerotier.wire import messages
from zerotier.wire.chunk import split
from zerotier.wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_MEMBERSHIP,
    CREDENTIAL_TAG,
    Capability,
    Membership,
    Ownership,
    Revocation,
    Tag,
    encode_credentials,
)
from zerotier.wire.verbs import (
    VERB_ERROR,
    VERB_EXT_FRAME,
    VERB_FRAME,
    VERB_MULTICAST_FRAME,
    VERB_MULTICAST_GATHER,
    VERB_MULTICAST_LIKE,
    VERB_NETWORK_CONFIG,
    VERB_NETWORK_CONFIG_REQUEST,
    VERB_NETWORK_CREDENTIALS,
    VERB_OK,
)

_MDNS = unhex("01005e0000fb")


def _lan() -> Lan:
    """Two members with device tables that know each other."""
    lan = Lan(2, limits=DEVICE)
    lan.transmit(0, lan.frame(0, 1))
    lan.transmit(1, lan.frame(1, 0))
    lan.transmit(1, lan.arp(1, 0))
    lan.ports[1].frames.clear()
    return lan


def _messages(lan: Lan) -> list:
    """(verb, payload): one good message of each kind, as member 0 could send it."""
    com = lan.networks[0].config.membership
    mac = lan.networks[0].mac
    other = lan.networks[1].mac
    nwid = lan.nwid
    chunk = split(nwid, lan.networks[0].config.encode(), b"update-1")[0]
    chunk.signature = lan.controller.identity.sign(chunk.signed_bytes())
    gathered = messages.encode_ok_gather(nwid, _MDNS, 0, 2, [b"\x01\x02\x03\x04\x05"] * 2)
    multicast = messages.encode_multicast_frame(
        nwid, 0, 7, mac, ethernet.BROADCAST, 1, 0x0800, b"payload", com.encode()
    )
    return [
        (VERB_FRAME, messages.encode_frame(nwid, 0x0800, b"payload")),
        (
            VERB_EXT_FRAME,
            messages.encode_ext_frame(nwid, 0x10, other, mac, 0x0800, b"payload", com.encode()),
        ),
        (VERB_MULTICAST_FRAME, multicast),
        (VERB_MULTICAST_LIKE, messages.encode_multicast_like([(nwid, _MDNS, 0)])),
        (VERB_MULTICAST_GATHER, messages.encode_multicast_gather(nwid, _MDNS, 0, 9, com.encode())),
        (VERB_NETWORK_CREDENTIALS, encode_credentials([com], (), (), (), ())),
        (VERB_NETWORK_CONFIG, chunk.encode()),
        (VERB_ERROR, messages.encode_error(VERB_FRAME, bytes(8), 6, nwid)),
        (VERB_ERROR, messages.encode_error(VERB_FRAME, bytes(8), 8, nwid + _MDNS + bytes(4))),
        (VERB_ERROR, messages.encode_error(VERB_NETWORK_CONFIG_REQUEST, bytes(8), 7, nwid)),
        (VERB_OK, messages.ok_header(VERB_MULTICAST_GATHER, bytes(8)) + gathered),
        (VERB_OK, messages.ok_header(VERB_NETWORK_CONFIG_REQUEST, bytes(8)) + chunk.encode()),
    ]


def _check_tables(lan: Lan) -> None:
    network = lan.networks[1]
    assert len(network.members) <= DEVICE.members
    assert len(network.multicast) <= DEVICE.groups
    assert network.status == status.OK and network.name == "mesh"


def _still_works(lan: Lan) -> None:
    lan.mesh.run(6000)
    lan.ports[1].frames.clear()
    lan.transmit(0, lan.frame(0, 1, b"still here"))
    assert lan.ports[1].frames == [lan.frame(0, 1, b"still here")]


def test_truncated_messages_are_dropped_and_counted():
    lan = _lan()
    for verb, payload in _messages(lan):
        for size in range(len(payload)):
            lan.send(0, 1, verb, payload[:size])
            if size % 50 == 0:
                lan.mesh.run(10)
        lan.mesh.run(10)
        _check_tables(lan)
    assert lan.members[1].count("malformed") > 300
    _still_works(lan)


def test_messages_with_flipped_bits_change_nothing_that_they_should_not():
    lan = _lan()
    for verb, payload in _messages(lan):
        for bit in range(0, 8 * len(payload), 3):
            flipped = bytearray(payload)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            lan.send(0, 1, verb, bytes(flipped))
            if bit % 50 == 0:
                lan.mesh.run(10)
        lan.mesh.run(10)
        _check_tables(lan)
    _still_works(lan)


def test_random_messages_are_survived():
    lan = _lan()
    seed(1)
    for verb, _ in _messages(lan):
        for _ in range(100):
            payload = bytes([getrandbits(8) for _ in range(getrandbits(8))])
            lan.send(0, 1, verb, lan.nwid + payload)
        lan.mesh.run(10)
        _check_tables(lan)
    _still_works(lan)


def test_replayed_datagrams_grow_no_table():
    lan = _lan()
    recorded: list = []
    lan.mesh.tap = lambda datagram, source, destination: recorded.append(
        (datagram, source, destination)
    )
    lan.transmit(0, lan.frame(0, 1))
    lan.transmit(0, lan.arp(0, 1))
    lan.mesh.run(130000)
    lan.mesh.tap = None
    network = lan.networks[1]
    before = (len(network.members), len(network.multicast), network.config.timestamp)
    ours = [entry for entry in recorded if entry[2] == lan.members[1].endpoint]
    for _ in range(3):
        for datagram, source, destination in ours:
            lan.mesh.carry(datagram, source, destination)
        lan.mesh.run(100)
    after = (len(network.members), len(network.multicast), network.config.timestamp)
    assert before == after
    _check_tables(lan)
    _still_works(lan)


def test_a_config_that_only_the_controller_may_send_is_refused_from_members():
    lan = _lan()
    for verb, payload in _messages(lan):
        if verb == VERB_NETWORK_CONFIG:
            lan.send(0, 1, verb, payload)
    lan.mesh.run(100)
    assert lan.members[1].count("config_refused") == 1


def test_a_flood_from_many_strangers_leaves_the_tables_and_the_members_alone():
    lan = _lan()
    strangers = [lan.mesh.add() for _ in range(6)]
    lan.mesh.run(15000)
    to = lan.members[1].address
    for stranger in strangers:
        frame = messages.encode_frame(lan.nwid, 0x0800, b"hello")
        stranger.node.transport.send(to, VERB_FRAME, (frame,), lan.mesh.now)
        lan.mesh.run(200)
        for verb, payload in _messages(lan):
            for _ in range(5):
                stranger.node.transport.send(to, verb, (payload,), lan.mesh.now)
        lan.mesh.run(200)
    _check_tables(lan)
    assert lan.ports[1].frames == []
    assert lan.members[1].count("frame_not_admitted") > 0
    _still_works(lan)


def test_no_frame_of_who_is_no_member_reaches_the_port_whatever_its_kind():
    lan = Lan(2)
    lan.transmit(0, lan.frame(0, 1))
    lan.ports[1].frames.clear()
    stranger = lan.mesh.add()
    stranger.node.wake()
    lan.mesh.run(1000)
    victim = lan.members[1]
    mac = ethernet.mac_of(stranger.address, lan.nwid)
    ours = lan.networks[1].mac
    com = lan.networks[0].config.membership.encode()  # a good one, of somebody else
    refused = 0
    for verb, payload in (
        (VERB_FRAME, messages.encode_frame(lan.nwid, 0x0800, b"x")),
        (VERB_EXT_FRAME, messages.encode_ext_frame(lan.nwid, 0, ours, mac, 0x0800, b"x")),
        (VERB_EXT_FRAME, messages.encode_ext_frame(lan.nwid, 0, ours, mac, 0x0800, b"x", com)),
        (
            VERB_MULTICAST_FRAME,
            messages.encode_multicast_frame(
                lan.nwid, 0, 0, None, ethernet.BROADCAST, 0, 0x0800, b"x"
            ),
        ),
        (
            VERB_MULTICAST_FRAME,
            messages.encode_multicast_frame(
                lan.nwid, 0, 0, None, ethernet.BROADCAST, 0, 0x0800, b"x", com
            ),
        ),
    ):
        stranger.node.transport.send(victim.address, verb, (payload,), lan.mesh.now)
        lan.mesh.run(7000)  # longer than anything is kept
        assert victim.count("frame_not_admitted") > refused
        refused = victim.count("frame_not_admitted")
    assert lan.ports[1].frames == []


def test_credentials_for_another_network_of_the_same_controller_are_refused():
    lan = _lan()
    sender, victim = lan.members[0], lan.members[1]
    to, by, other = sender.address, lan.controller.address, lan.nwid[:-1] + b"\x09"
    window = lan.networks[1].config.credential_max_delta
    later = lan.mesh.now + window
    newcomer = (
        lan.mesh.add().identity
    )  # a certificate of the sender would wait until the one held is old
    com = Membership.issue(later, window, other, newcomer.address, newcomer.fingerprint())
    capability = Capability(other, later, 1, 0, b"")
    tag = Tag(other, later, 1, 1, to, by)
    ownership = Ownership(other, later, 1, b"", to, by)
    revocation = Revocation(1, other, 0, later, 0, to, by, CREDENTIAL_MEMBERSHIP)
    sign = lan.controller.identity.sign
    for credential in (com, tag, ownership, revocation):
        credential.signer, credential.signature = by, sign(credential.signed_bytes())
    capability.custody = [(to, by, sign(capability.signed_bytes()))]
    checked = victim.count("signatures_checked")
    for payload in (
        encode_credentials([com]),
        encode_credentials((), [capability]),
        encode_credentials((), (), [tag]),
        encode_credentials((), (), (), [revocation]),
        encode_credentials((), (), (), (), [ownership]),
    ):
        lan.send(0, 1, VERB_NETWORK_CREDENTIALS, payload)
        lan.mesh.run(2000)
    assert victim.count("credential_other_network") == 5
    macs = lan.networks[1].mac, lan.networks[0].mac
    lan.send(
        *(0, 1, VERB_EXT_FRAME),
        messages.encode_ext_frame(lan.nwid, 1, *macs, 0x0800, b"mine", com.encode()),
    )
    lan.mesh.run(100)
    assert victim.count("credential_other_network") == 6
    assert victim.count("signatures_checked") == checked
    held = lan.networks[1].members.get(to).held  # its ownership of its address on this network
    assert held.candidate(CREDENTIAL_TAG, 1) is None
    assert held.candidate(CREDENTIAL_CAPABILITY, 1) is None
    assert lan.ports[1].frames[-1][14:] == b"mine"  # the sender is a member as before
    _still_works(lan)
