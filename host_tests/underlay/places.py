"""Owns places with IPv6 beside IPv4, or with one of the two alone, and firewalls in them.
It never knows what a node is.
"""

from __future__ import annotations

import subprocess

from host_tests.router.homes import find
from zt.lab import Namespaces
from zt.lab.namespaces import NODE_INTERFACE, ROUTER

TABLE = """
table inet firewall {
  chain output { type filter hook output priority 0; }
}
"""


class Places(Namespaces):
    """Place N has fd77:N::2/64 beside its IPv4 address, and its IPv6 route through fd77:N::1."""

    def __init__(self) -> None:
        super().__init__()
        self._in(ROUTER, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")

    def add(self, place: str) -> str:
        address = super().add(place)
        number = address.split(".")[2]
        self._ip(
            f"-n {self._name(ROUTER)} addr add {self._gateway(place)}/64 dev node{number} nodad"
        )
        self.give_ipv6(place)
        return address

    def ipv6(self, place: str) -> str:
        """The IPv6 address of a place."""
        return f"fd77:{self.address(place).split('.')[2]}::2"

    def _gateway(self, place: str) -> str:
        return self.ipv6(place)[:-1] + "1"

    def take_ipv4(self, place: str) -> None:
        """From now on it has no IPv4."""
        self._ip(f"-n {self._name(place)} -4 addr flush dev {NODE_INTERFACE}")

    def give_ipv4(self, place: str) -> None:
        """It has its IPv4 address again."""
        address = self.address(place)
        self._ip(
            f"-n {self._name(place)} addr add {address}/24 dev {NODE_INTERFACE}",
            f"-n {self._name(place)} route replace default via {address[:-1]}1",
        )

    def take_ipv6(self, place: str) -> None:
        """From now on it has no IPv6."""
        self._ip(f"-n {self._name(place)} -6 addr flush dev {NODE_INTERFACE} scope global")

    def give_ipv6(self, place: str) -> None:
        """It has its IPv6 address again."""
        self._ip(
            f"-n {self._name(place)} addr add {self.ipv6(place)}/64 dev {NODE_INTERFACE} nodad",
            f"-n {self._name(place)} -6 route replace default via {self._gateway(place)}",
        )

    def firewall(self, place: str, rule: str) -> None:
        """What leaves the place from now on: everything but what this rule drops; "" drops nothing."""
        rules = f"{TABLE}delete table inet firewall{TABLE}"
        if rule:
            rules += f"add rule inet firewall output oifname {NODE_INTERFACE} {rule} drop\n"
        command = self.command(place, [find("nft"), "-f", "-"])
        subprocess.run(command, input=rules, text=True, check=True, capture_output=True)
