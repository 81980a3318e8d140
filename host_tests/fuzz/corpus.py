"""Captures of real nodes in the language of inbound.c: what each node of a capture received, with its keys.

Owns the writing of that language. The corpus in the repository was made by this and then grown and reduced by
`run.py --grow`.

    python -m host_tests.fuzz.corpus FOLDER
"""

import json
import sys
from pathlib import Path

from host_tests.captures.pcap import datagrams
from zerotier.identity import Identity

CAPTURES = Path(__file__).resolve().parent.parent / "vectors" / "captures"
NAMES = ("01_join_and_ping", "02_relay_then_direct", "09_protocol_11_join")

PEERS = 3  # the bounds of inbound.c
NETWORKS = 2
ADMITTED_AND_OPEN = 3
MTU = 2800

RECEIVE = 0  # operations
AUTHENTIC = 2
TRANSMIT = 4
DRAIN = 5
RULES = 12
IPV4 = 1  # the kind of an endpoint

DATAGRAMS = 12  # in one input: an input should be short
RULE_LISTS = (
    bytes.fromhex("0100"),  # accept
    bytes.fromhex("a5020800a5020806a50286dd00000100"),  # only IPv4, ARP and IPv6
    bytes.fromhex("000001000000"),
)
VERB_FRAME = 6
VERB_EXT_FRAME = 7


def tables(ours: Identity, others: list[Identity], nwids: list[bytes]) -> bytes:
    """The part of an input before its operations."""
    peers = others[:PEERS]
    parts = [ours.address, bytes([len(peers)])]
    parts += [peer.address + ours.agree(peer)[:32] for peer in peers]
    parts.append(bytes([len(nwids)]))
    for nwid in nwids:
        parts.append(nwid + MTU.to_bytes(2, "big") + bytes([ADMITTED_AND_OPEN] * len(peers)))
    parts.append(b"\x12")  # sizes: three slots, all of full size
    return b"".join(parts)


def received(datagram: bytes, misalignment: int) -> bytes:
    """The operation that a datagram comes in."""
    size = len(datagram).to_bytes(2, "big")
    return bytes([RECEIVE, IPV4, misalignment]) + size + datagram


def authentic(verb: int, size: int, piece: int, shape: int, network: int) -> bytes:
    """The operation that a packet of the first peer comes in, which inbound.c makes authentic."""
    numbers = size.to_bytes(2, "big") + (piece - 1).to_bytes(2, "big")
    return bytes([AUTHENTIC, 0, IPV4, shape]) + numbers + bytes([1, 0, verb, network, 0])


def of_capture(name: str) -> list[bytes]:
    """One input for each dozen of datagrams that some node of the capture received."""
    known = json.loads((CAPTURES / f"{name}.ids.json").read_text())
    nodes = [Identity.from_text(text) for text in known["identities"].values()]
    nwids = [bytes.fromhex(nwid) for nwid in known.get("networks", {}).values()][:NETWORKS]
    inputs = []
    for ours in nodes:
        if ours.secret is None:
            continue
        start = tables(ours, [node for node in nodes if node is not ours], nwids)
        mine = [
            datagram
            for _, _, datagram in datagrams(str(CAPTURES / f"{name}.pcap"))
            if datagram[8:13] == ours.address
        ]
        for first in range(0, len(mine), DATAGRAMS):
            operations = [
                received(datagram, number % 8)
                for number, datagram in enumerate(mine[first : first + DATAGRAMS])
            ]
            inputs.append(start + b"".join(operations) + bytes([DRAIN, 0xFF]))
    return inputs


def made() -> list[bytes]:
    """Frames of every shape between two nodes that need no identities."""
    start = b"\x01\x02\x03\x04\x05\x01\xa1\xa2\xa3\xa4\xa5" + bytes(32) + b"\x01"
    start += bytes(7) + b"\x01" + MTU.to_bytes(2, "big") + bytes([ADMITTED_AND_OPEN]) + b"\x02"
    inputs = []
    for verb in (VERB_FRAME, VERB_EXT_FRAME, 0x0E, 0x86, 0x08):
        for shape in (0x00, 0x13, 0x41, 0x65):
            inputs.append(start + authentic(verb, 2838, 1400, shape, 0))
    for rules in RULE_LISTS:
        change = bytes([RULES, 0, len(rules)]) + rules + bytes(5)
        inputs.append(start + change + authentic(VERB_FRAME, 200, 1400, 0, 0))
    transmit = bytes([TRANSMIT, 0, 0]) + (2814).to_bytes(2, "big") + b"\x00" + bytes(6)
    inputs.append(start + transmit + bytes([8, 0, 1, 1, 1, 0]) + transmit)
    return inputs


def main() -> None:
    """The command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {name: of_capture(name) for name in NAMES} | {"made": made()}
    for name, contents in inputs.items():
        for number, content in enumerate(contents):
            (folder / f"{name}_{number:02}").write_bytes(content)


if __name__ == "__main__":
    main()
