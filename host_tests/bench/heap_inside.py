"""Runs inside MicroPython: bytes of the garbage-collected heap for one more network, member and peer.

Prints one line of JSON for each figure. Owns what is measured; never a judgement on it.

    build/desktop/micropython -X heapsize=16M host_tests/bench/heap_inside.py     in the project's root
"""

import gc
import json
import sys

sys.path[:0] = ["", "firmware"]  # the files of this checkout, before what is frozen

from host_tests.unit.mesh import START, Mesh, Port  # noqa: E402
from host_tests.unit.support import vectors  # noqa: E402
from zerotier.identity import Identity  # noqa: E402
from zerotier.limits import DEVICE  # noqa: E402
from zerotier.wire.address import inet  # noqa: E402
from zerotier.wire.config import NetworkConfig  # noqa: E402
from zerotier.wire.credentials import (  # noqa: E402
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
    THING_IPV4,
    Membership,
    Ownership,
    Tag,
    encode_credentials,
    parse_credentials,
    thing,
)

WINDOW = 1800000
MANY = 16
CONTROLLER = b"\x01\x02\x03\x04\x05"
US = b"\x09\x08\x07\x06\x05"
IP = thing(THING_IPV4, b"\x0a\x00\x00\x01")
RULES = (b"\x24\x01\x11" + b"\x28\x04\x17\x70\x17\x70" + b"\x00\x00") * 5 + b"\x01\x00"


def used() -> int:
    gc.collect()
    return gc.mem_alloc()


def each(make, number: int = MANY) -> int:
    """The bytes that the last of `number` calls cost on average, without what the first one costs."""
    kept = [make(0)]
    kept += [None] * number
    before = used()
    for index in range(1, number + 1):
        kept[index] = make(index)
    return (used() - before) // number


def report(figure: str, value: int) -> None:
    print(json.dumps({"figure": figure, "value": value}))


def credentials(nwid: bytes, of: bytes) -> tuple:
    """A COM, a tag and a certificate of ownership, as they come from the wire."""
    com = Membership.issue(START, WINDOW, nwid, of, bytes(48))
    com.signer = CONTROLLER
    tag = Tag(nwid, START, 1, 5, of, CONTROLLER)
    ownership = Ownership(nwid, START, 1, IP, of, CONTROLLER)
    com.signature = tag.signature = ownership.signature = bytes(96)
    payload = encode_credentials([com], (), [tag], (), [ownership])
    found = parse_credentials(memoryview(payload))
    return found.memberships[0], found.tags[0], found.ownerships[0]


def config(nwid: bytes) -> NetworkConfig:
    """One address, one route, 16 rules, a tag."""
    made = NetworkConfig()
    made.nwid = nwid
    made.timestamp = START
    made.credential_max_delta = WINDOW
    made.member = US
    made.name = "network"
    made.rules = RULES
    made.addresses = [inet("10.0.0.1", 24)]
    made.routes = [(inet("10.0.0.0", 24), b"\x00", 0, 0)]
    made.membership, tag, ownership = credentials(nwid, US)
    made.tags, made.ownerships = [tag], [ownership]
    return NetworkConfig.parse(made.encode())


def measure() -> None:
    limits = DEVICE
    limits.networks = 2 * MANY
    mesh = Mesh()
    node = mesh.add(limits=limits).node

    def join(index: int):
        nwid = CONTROLLER + index.to_bytes(3, "big")
        network = node.networks.join(nwid, Port(), START)
        network.accept(config(nwid), START)
        return network

    report("heap of one more network", each(join))
    members = node.networks.all()[0].members

    def meet(index: int):
        return members.make(b"\x11\x22\x33\x44" + bytes((index,)), START)

    def show(index: int):
        address = b"\x11\x22\x33\x55" + bytes((index,))
        member = members.make(address, START)
        member.com, tag, ownership = credentials(members.nwid, address)
        members.show(CREDENTIAL_TAG, tag, address, START)
        members.show(CREDENTIAL_OWNERSHIP, ownership, address, START)
        assert members.holdings(member) is not None
        return member

    report("heap of one more member, nothing known", each(meet))
    report("heap of one more member with COM, tag and ownership", each(show))
    identities = [case["identity"] for case in vectors("identities")["valid"]]

    def greet(index: int):
        return node.topology.add(Identity.from_text(identities[3 + index]), START)

    report("heap of one more peer, no paths", each(greet, 8))


measure()
