"""Owns homes: places behind a NAT of their own, in a laboratory whose other places have public addresses.
The router of a home is Linux with nftables; miniupnpd, which many routers run, forwards ports in it if it is told to.
It never knows what a node is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from zt.lab import Lab, Namespaces, Process
from zt.lab.namespaces import NODE_INTERFACE

OUTSIDE = "40.77.0.0/16"  # global scope: what a router gives us there is told to peers
DAEMON = "miniupnpd"

# Every connection to the outside gets a random port, and nobody comes in who was not asked: symmetric.
NAT = """
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
    jump miniupnpd
  }
  chain input { type filter hook input priority 0; }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain postrouting {
    type nat hook postrouting priority 100;
    jump postrouting_miniupnpd
    oifname "eth0" masquerade fully-random
  }
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
"""
# The first byte of a PCP request.
WITHOUT_PCP = "add rule inet filter input udp dport 5351 @th,64,8 2 drop"
FORWARDED = ("prerouting_miniupnpd", "miniupnpd", "postrouting_miniupnpd")

SETTINGS = """
ext_ifname=eth0
listening_ip=lan
http_port=0
enable_upnp={upnp}
enable_natpmp={pmp}
secure_mode=yes
uuid=00000000-0000-4000-8000-000000000001
allow 1024-65535 0.0.0.0/0 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""


class Homes(Namespaces):
    """Places as in Namespaces, with public addresses, and places inside of them: 192.168.N.2, router 192.168.N.1."""

    def __init__(self) -> None:
        super().__init__(OUTSIDE)
        self._inside: dict[str, str] = {}
        self._gateways: dict[tuple[str, str], str] = {}  # (router, place) -> its address inside

    def add_router(self, router: str) -> str:
        """A home's router; its address outside."""
        address = self.add(router)
        self._in(router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        self.nft(router, NAT)
        return address

    def add_inside(self, place: str, router: str) -> str:
        """A place in a home, or one more home for it; its address there. Its first router is the default one."""
        number = len(self._gateways) + 1
        interface = f"eth{sum(place == inner for _, inner in self._gateways)}"
        address, gateway = f"192.168.{number}.2", f"192.168.{number}.1"
        self._gateways[router, place] = gateway
        if interface == NODE_INTERFACE:
            self._make(place)
            self._inside[place] = address
        self._ip(
            f"-n {self._name(router)} link add lan type veth"
            f" peer name {interface} netns {self._name(place)}",
            f"-n {self._name(router)} addr add {gateway}/24 dev lan",
            f"-n {self._name(router)} link set lan up",
            f"-n {self._name(place)} addr add {address}/24 dev {interface}",
            f"-n {self._name(place)} link set {interface} up",
        )
        if interface == NODE_INTERFACE:
            self.use_router(place, router)
        return address

    def use_router(self, place: str, router: str) -> None:
        """From now on this is the default router of a place."""
        gateway = self._gateways[router, place]
        self._ip(f"-n {self._name(place)} route replace default via {gateway}")

    def address(self, place: str) -> str:
        return self._inside.get(place) or super().address(place)

    def nft(self, router: str, rules: str) -> str:
        """Change or list a router's rules; what nft prints."""
        return subprocess.run(
            self.command(router, [find("nft"), "-f", "-"]),
            input=rules,
            text=True,
            check=True,
            capture_output=True,
        ).stdout

    def forwarded(self, router: str) -> list[str]:
        """The ports that a router forwards to a place inside, as nftables writes the rules."""
        listed = self.nft(router, f"list chain inet filter {FORWARDED[0]}")
        return [line.strip() for line in listed.splitlines() if "dnat" in line]


def serve(lab: Lab, router: str, folder: Path, *, upnp: bool = True, pmp: bool = True) -> Process:
    """Start miniupnpd in a home's router."""
    yes = {True: "yes", False: "no"}
    config = folder / f"{DAEMON}-{router}.conf"
    config.write_text(SETTINGS.format(upnp=yes[upnp], pmp=yes[pmp]))
    argv = [find(DAEMON), "-d", "-f", str(config), "-P", str(folder / f"{DAEMON}-{router}.pid")]
    process = lab.start(router, argv, name=f"{DAEMON}-{router}")
    process.wait_line(r"starting|Listening")
    return process


def find(command: str) -> str:
    """The path of a command that only root usually runs. OSError if it is not installed."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    found = shutil.which(command, path=path)
    if found is None:
        raise OSError(
            f"{command} is not installed (Debian: miniupnpd-nftables, nftables, iputils-ping)"
        )
    return found
