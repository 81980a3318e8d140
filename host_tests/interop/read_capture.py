"""Owns telling what is in a capture of a laboratory: one line for each UDP datagram, opened.
Usage: python -m host_tests.interop.read_capture CAPTURE HOME... (HOME: folders with identity.secret)
It never fails on what it cannot open: the line then says so.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from host_tests.captures import gmac_siv
from host_tests.captures.pcap import timed_datagrams
from host_tests.unit.opening import INCOMPLETE, JUNK, Opener
from zerotier.wire import address, messages, packet, verbs

IPV4, ARP = 0x0800, 0x0806
IPV4_PROTOCOL, IPV4_SOURCE, ARP_SOURCE, ARP_TARGET = 9, 12, 14, 24
PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP"}
ARP_KINDS = {1: "request", 2: "reply"}


class FullOpener(Opener):
    """Opens cipher 3 too, which reference nodes speak among themselves."""

    def dearmor(self, key: bytes, head: bytearray) -> bool:
        if (head[packet.FLAGS] & packet.CIPHER_MASK) >> packet.CIPHER_SHIFT == gmac_siv.CIPHER:
            return gmac_siv.dearmor(key, head)
        return super().dearmor(key, head)


def group(mac: bytes, adi: int) -> str:
    """A multicast group, as MAC/ADI."""
    return f"{mac.hex()}/{adi:08x}"


def ethernet(ethertype: int, payload: bytes) -> str:
    """What an Ethernet payload is, if that is easily told."""
    ip = address.ip_text
    if ethertype == ARP and len(payload) >= ARP_TARGET + 4:
        ends = [ip(payload[offset : offset + 4]) for offset in (ARP_SOURCE, ARP_TARGET)]
        return f"ARP {ARP_KINDS.get(payload[7], payload[7])} {ends[0]} to {ends[1]}"
    if ethertype == IPV4 and len(payload) >= IPV4_SOURCE + 8:
        name = PROTOCOLS.get(payload[IPV4_PROTOCOL], payload[IPV4_PROTOCOL])
        source = ip(payload[IPV4_SOURCE : IPV4_SOURCE + 4])
        target = ip(payload[IPV4_SOURCE + 4 : IPV4_SOURCE + 8])
        return f"IPv4 {name} {source} to {target}, {len(payload)} octets"
    return f"{ethertype:04x}, {len(payload)} octets"


def _ok(payload: bytes) -> str:
    verb, _, body = messages.parse_ok(payload)
    more = ""
    if verb == verbs.VERB_MULTICAST_GATHER:
        found = messages.parse_ok_gather(body)
        more = f" {group(found.mac, found.adi)}: " + " ".join(a.hex() for a in found.members)
    return verbs.verb_name(verb) + more


def _error(payload: bytes) -> str:
    verb, _, code, _ = messages.parse_error(payload)
    return f"{verbs.verb_name(verb)} code {code}"


def _whois(payload: bytes) -> str:
    return " ".join(a.hex() for a in messages.parse_whois(payload))


def _rendezvous(payload: bytes) -> str:
    peer, endpoint = messages.parse_rendezvous(payload)
    return f"{peer.hex()} at {address.text(endpoint)}"


def _push(payload: bytes) -> str:
    return " ".join(address.text(e) for _, e in messages.parse_push_direct_paths(payload))


def _frame(payload: bytes) -> str:
    _, ethertype, body = messages.parse_frame(payload)
    return ethernet(ethertype, bytes(body))


def _ext_frame(payload: bytes) -> str:
    frame = messages.parse_ext_frame(payload)
    return ethernet(frame.ethertype, bytes(frame.payload))


def _like(payload: bytes) -> str:
    return " ".join(group(mac, adi) for _, mac, adi in messages.parse_multicast_like(payload))


def _gather(payload: bytes) -> str:
    gather = messages.parse_multicast_gather(payload)
    return group(gather.mac, gather.adi)


def _multicast(payload: bytes) -> str:
    frame = messages.parse_multicast_frame(payload)
    inside = ethernet(frame.ethertype, bytes(frame.payload))
    return f"{group(frame.destination, frame.adi)} {inside}"


READERS: dict[int, Callable[[bytes], str]] = {
    verbs.VERB_OK: _ok,
    verbs.VERB_ERROR: _error,
    verbs.VERB_WHOIS: _whois,
    verbs.VERB_RENDEZVOUS: _rendezvous,
    verbs.VERB_PUSH_DIRECT_PATHS: _push,
    verbs.VERB_FRAME: _frame,
    verbs.VERB_EXT_FRAME: _ext_frame,
    verbs.VERB_MULTICAST_LIKE: _like,
    verbs.VERB_MULTICAST_GATHER: _gather,
    verbs.VERB_MULTICAST_FRAME: _multicast,
}


def told(opener: FullOpener, datagram: bytes, link: str) -> str:
    """What a datagram says, in a few words."""
    try:
        verb, payload = opener.open(datagram, link)
        if verb == JUNK:
            return "(opens a NAT)"
        if verb == INCOMPLETE:
            return "(part of a packet)"
        reader = READERS.get(verb)
        return f"{verbs.verb_name(verb)} {reader(payload) if reader else ''}".rstrip()
    except KeyError:
        return "(of a node whose identity was not given)"
    except (AssertionError, ValueError) as error:
        return f"(cannot be opened: {error})"


def lines(capture: str, homes: list[str]) -> Iterator[str]:
    """Seconds since the first datagram, physical ends, size, ZeroTier ends, content."""
    secrets = {home: (Path(home) / "identity.secret").read_text().strip() for home in homes}
    opener = FullOpener(secrets)
    begun: float | None = None
    for seconds, source, target, datagram in timed_datagrams(capture):
        begun = seconds if begun is None else begun
        link = f"{address.text(source)} > {address.text(target)}"
        ends = ""
        if len(datagram) >= packet.MIN_PACKET and datagram[packet.FRAGMENT_MARK] != 0xFF:
            sender = datagram[packet.SOURCE : packet.FLAGS].hex()
            ends = f"{sender} > {datagram[packet.DESTINATION : packet.SOURCE].hex()}"
        words = told(opener, datagram, link)
        yield f"{seconds - begun:9.4f} {link:34}{len(datagram):5} {ends:24} {words}"


def main() -> None:
    """Prints all lines."""
    for line in lines(sys.argv[1], sys.argv[2:]):
        print(line)


if __name__ == "__main__":
    main()
