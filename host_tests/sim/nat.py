"""Gateways between segments: NATs of every kind, and firewalls (RFC 4787 has the words).

Owns mappings, filters and their times. Never looks into a datagram.
"""

import random

from host_tests.sim.network import Segment
from zerotier.wire import address

FULL_CONE = "full cone"
ADDRESS_RESTRICTED = "address restricted"
PORT_RESTRICTED = "port restricted"
SYMMETRIC = "symmetric"  # ports one after the other
SYMMETRIC_RANDOM = "symmetric random"
KINDS = (FULL_CONE, ADDRESS_RESTRICTED, PORT_RESTRICTED, SYMMETRIC, SYMMETRIC_RANDOM)

_FIRST_PORT = 20000
_LAST_PORT = 65000
MAPPING_LIFE = 30000  # ms without an outbound datagram


class _Mapping:
    def __init__(self, inside: bytes, outside: bytes) -> None:
        self.inside = inside
        self.outside = outside
        self.last = 0
        self.allowed: dict[bytes, int] = {}  # what the filter looks at -> last outbound datagram


class Nat:
    """Translates between the segment `inside` and an address on the segment `outside`."""

    def __init__(
        self,
        kind: str,
        inside: Segment,
        outside: Segment,
        ip: bytes,
        source: random.Random,
        life: int = MAPPING_LIFE,
        hairpin: bool = False,
    ) -> None:
        self.kind = kind
        self.ip = ip
        self.life = life
        self.hairpin = hairpin
        self.noise = 0.0  # share of mappings before which somebody else takes a port
        self._inside = inside
        self._outside = outside
        self._source = source
        self._mappings: dict[
            bytes, _Mapping
        ] = {}  # by inside endpoint, and destination if symmetric
        self._by_port: dict[int, _Mapping] = {}
        self._next_port = source.randrange(_FIRST_PORT, _LAST_PORT - 5000)
        inside.gateway = self
        outside.attach(ip, self.inbound)

    def outbound(self, datagram: bytes, source: bytes, destination: bytes, ttl: int) -> None:
        now = self._inside.clock.now
        mapping = self._mapping(source, destination, now)
        mapping.last = now
        mapping.allowed[self._what_counts(destination)] = now
        if destination[1:-2] == self.ip:
            if self.hairpin:
                self.inbound(datagram, mapping.outside, destination)
            return
        self._outside.carry(datagram, mapping.outside, destination, ttl)

    def _mapping(self, source: bytes, destination: bytes, now: int) -> _Mapping:
        key = source
        if self.kind in (SYMMETRIC, SYMMETRIC_RANDOM):
            key = source + destination
        mapping = self._mappings.get(key)
        if mapping is not None and now - mapping.last < self.life:
            return mapping
        if mapping is not None:
            self._by_port.pop(address.port(mapping.outside), None)
        port = self._free_port(address.port(source), now)
        mapping = _Mapping(source, address.inet_raw(self.ip, port))
        self._mappings[key] = mapping
        self._by_port[port] = mapping
        return mapping

    def _free_port(self, wanted: int, now: int) -> int:
        """Cones keep the port if they can; symmetric NATs count, or draw."""
        if self.kind not in (SYMMETRIC, SYMMETRIC_RANDOM):
            if self._is_free(wanted, now):
                return wanted
        while True:
            if self.kind == SYMMETRIC:
                if self.noise and self._source.random() < self.noise:
                    self._next_port += 1
                port = self._next_port
                self._next_port += 1
                if self._next_port > _LAST_PORT:
                    self._next_port = _FIRST_PORT
            else:
                port = self._source.randrange(_FIRST_PORT, _LAST_PORT)
            if self._is_free(port, now):
                return port

    def _is_free(self, port: int, now: int) -> bool:
        mapping = self._by_port.get(port)
        return mapping is None or now - mapping.last >= self.life

    def _what_counts(self, endpoint: bytes) -> bytes:
        if self.kind == FULL_CONE:
            return b""
        if self.kind == ADDRESS_RESTRICTED:
            return endpoint[1:-2]
        return endpoint

    def inbound(self, datagram: bytes, source: bytes, destination: bytes) -> None:
        now = self._inside.clock.now
        mapping = self._by_port.get(address.port(destination))
        if mapping is None or now - mapping.last >= self.life:
            return
        last = mapping.allowed.get(self._what_counts(source))
        if last is None or now - last >= self.life:
            return
        self._inside.carry(datagram, source, mapping.inside)

    def forget(self) -> None:
        """A restart: all mappings are gone."""
        self._mappings.clear()
        self._by_port.clear()

    def move(self, ip: bytes) -> None:
        """A restart with another outside address."""
        self._outside.detach(self.ip)
        self.ip = ip
        self._outside.attach(ip, self.inbound)
        self.forget()


class Firewall:
    """Lets in only what answers something that went out; translates nothing. For IPv6, or public IPv4 behind one."""

    def __init__(self, inside: Segment, outside: Segment, life: int = MAPPING_LIFE) -> None:
        self.life = life
        self._inside = inside
        self._outside = outside
        self._open: dict[bytes, int] = {}
        inside.gateway = self

    def add(self, ip: bytes) -> None:
        """An address behind the firewall can be reached from outside."""
        self._outside.attach(ip, self.inbound)

    def outbound(self, datagram: bytes, source: bytes, destination: bytes, ttl: int) -> None:
        self._open[source + destination] = self._inside.clock.now
        self._outside.carry(datagram, source, destination, ttl)

    def inbound(self, datagram: bytes, source: bytes, destination: bytes) -> None:
        last = self._open.get(destination + source)
        if last is not None and self._inside.clock.now - last < self.life:
            self._inside.carry(datagram, source, destination)
