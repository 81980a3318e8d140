"""Captures of real nodes in the language of inbound.c: what each node of a capture received, with its keys.

Owns the writing of that language. The corpus in the repository is what this wrote and what `run.py --grow` added to it.

    python -m host_tests.fuzz.corpus FOLDER
"""

import json
import sys
from pathlib import Path

from host_tests.captures.pcap import datagrams
from zerotier.identity import Identity

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
CAPTURES = VECTORS / "captures"
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

ACCEPT = bytes.fromhex("0100")  # rules
FRAMES = [  # ethertype and what rules look at
    bytes.fromhex(digits)
    for digits in (
        "08004500001400000000400600000a0000010a00000201bb0050" + "00" * 8 + "5012",  # TCP
        "08004500001400000000401100000a0000010a0000020035270f",  # UDP
        "08004500001400000000400100000a0000010a0000020800",  # ICMP
        "0800460000180000000040060000" + "0a" * 12 + "01bb0050",  # with an option
        "08060001080006040001" + "02" * 6 + "0a000001" + "00" * 6 + "0a000002",  # ARP
        "86dd6000000000200640" + "fd" * 32 + "01bb0050" + "00" * 8 + "5012",  # TCP
        "86dd6000000000203aff" + "fc" * 32 + "8700",  # neighbour solicitation
        "86dd6000000000200040" + "fd" * 32 + "2b00" + "00" * 6 + "0600" + "00" * 6 + "01bb",
    )
]

GO_ON = bytes.fromhex("0700")  # an action of no meaning
LONGEST_LIST = 240  # bytes
DATAGRAMS = 12  # in one input: an input should be short
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


def authentic(verb: int, size: int, shape: int, payload: bytes = b"") -> bytes:
    """The operation that a packet of the first peer on the first network comes in, which inbound.c
    makes authentic, cuts into pieces of at most 1400 bytes and fills up with zeros.
    """
    numbers = size.to_bytes(2, "big") + (1399).to_bytes(2, "big")
    rest = bytes([1, 0, verb, 0, len(payload)]) + payload
    return bytes([AUTHENTIC, 0, IPV4, shape]) + numbers + rest


def rule_lists() -> list[bytes]:
    """Every recorded match, each evaluated whatever became of those before it; then all is accepted."""
    recorded = json.loads((VECTORS / "rules.json").read_text())["rules"]
    lists = [ACCEPT]
    content = b""
    for rule in recorded:
        block = bytes.fromhex(rule["binary"])
        if rule["decoded_type"].startswith("MATCH"):
            block += GO_ON
        if len(content) + len(block) > LONGEST_LIST:
            lists.append(content + ACCEPT)
            content = b""
        content += block
    return [*lists, content + ACCEPT]


def rules(content: bytes, network: int, peers: int) -> bytes:
    """The operation that a network gets rules; nobody holds anything."""
    return bytes([RULES, network, len(content)]) + content + bytes(4 + peers)


def of_capture(name: str) -> list[bytes]:
    """One input for each dozen of datagrams that some node of the capture received."""
    known = json.loads((CAPTURES / f"{name}.ids.json").read_text())
    nodes = [Identity.from_text(text) for text in known["identities"].values()]
    nwids = [bytes.fromhex(nwid) for nwid in known.get("networks", {}).values()][:NETWORKS]
    lists = rule_lists()
    inputs: list[bytes] = []
    for ours in nodes:
        if ours.secret is None:
            continue
        others = [node for node in nodes if node is not ours]
        start = tables(ours, others, nwids)
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
            content = lists[len(inputs) % len(lists)]
            operations = [
                rules(content, network, len(others[:PEERS])) for network in range(len(nwids))
            ] + operations
            inputs.append(start + b"".join(operations) + bytes([DRAIN, 0xFF]))
    return inputs


def made() -> list[bytes]:
    """Frames of every shape between two nodes that need no identities."""
    start = b"\x01\x02\x03\x04\x05\x01\xa1\xa2\xa3\xa4\xa5" + bytes(32) + b"\x01"
    start += bytes(7) + b"\x01" + MTU.to_bytes(2, "big") + bytes([ADMITTED_AND_OPEN]) + b"\x02"
    inputs = []
    for verb in (VERB_FRAME, VERB_EXT_FRAME, 0x0E, 0x86, 0x08):
        for shape in (0x00, 0x13, 0x41, 0x65, 0x80):
            inputs.append(start + authentic(verb, 2838, shape))
    for content in rule_lists():
        packets = b"".join([authentic(VERB_FRAME, 200, 0, bytes(8) + frame) for frame in FRAMES])
        inputs.append(start + rules(content, 0, 1) + packets)
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
