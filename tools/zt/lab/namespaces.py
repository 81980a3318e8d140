"""Owns the underlay of network namespaces: one for each node and a router between them.
It needs Linux, root rights and iproute2. Every namespace is named after the run and ends with it.
It never touches the machine's own interfaces, and no datagram can leave the laboratory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from .underlay import Numbering, Underlay

PREFIX = "microzt"
ROUTER = "router"  # a node cannot be called so, see add()
NETWORK = "10.77.0.0/16"  # private scope: unmodified nodes take it (protocol/04 §4.2)
NODE_HOST, ROUTER_HOST = 2, 1
FORWARDING = {
    4: "/proc/sys/net/ipv4/ip_forward",
    6: "/proc/sys/net/ipv6/conf/all/forwarding",
}
NODE_INTERFACE = "eth0"  # unmodified nodes skip interfaces called lo*, zt*, tun*, tap*
BLOCK_PRIORITY = "100"  # before the rule `lookup main`, which has 32766


class Namespaces(Underlay):
    """Node N has 10.77.N.2/24 and its route through 10.77.N.1, the router's end of its cable.

    Blocking is two `blackhole` rules in the router, one for each direction: the router drops, and
    neither node is told, as with a firewall on the way.
    """

    carries_unmodified_nodes = True

    def __init__(self, network: str = NETWORK) -> None:
        """`network`: the /16 of the places; or an IPv6 /48, then there is no IPv4."""
        reason = Namespaces.why_not()
        if reason:
            raise OSError(reason)
        remove_leftovers()
        self._run = f"{PREFIX}-{os.getpid()}-{start_time(os.getpid())}-{id(self) & 0xFFFF:04x}"
        self._numbers = Numbering(network, NODE_HOST)
        self._blocked: set[frozenset[str]] = set()
        self._made: list[str] = []
        try:
            self._make(ROUTER)
            self._in(ROUTER, "sh", "-c", f"echo 1 >{FORWARDING[self._numbers.version]}")
        except BaseException:
            self.close()
            raise

    @staticmethod
    def why_not() -> str | None:
        """The reason, in words, why namespaces are impossible here; None if they are possible."""
        if sys.platform != "linux":
            return "network namespaces need Linux"
        if not shutil.which("ip"):
            return "network namespaces need iproute2 (the command ip)"
        if os.geteuid() != 0:
            return "network namespaces need root rights"
        trial = f"{PREFIX}-{os.getpid()}-{start_time(os.getpid())}-trial"
        try:
            made = subprocess.run(["ip", "netns", "add", trial], capture_output=True, check=False)
        finally:  # also after Ctrl-C
            subprocess.run(["ip", "netns", "del", trial], capture_output=True, check=False)
        if made.returncode:
            return f"ip netns add failed: {made.stderr.decode(errors='replace').strip()}"
        return None

    def add(self, place: str) -> str:
        if place == ROUTER:
            raise ValueError(f"'{ROUTER}' is the laboratory's own place")
        address = self._numbers.add(place)
        gateway = str(self._numbers.places[place] - NODE_HOST + ROUTER_HOST)
        number = len(self._numbers.places)
        ip = f"-{self._numbers.version}"
        bits = self._numbers.bits
        usable = "nodad" if self._numbers.version == 6 else ""  # at once
        self._make(place)
        self._ip(
            f"-n {self._name(ROUTER)} link add node{number} type veth"
            f" peer name {NODE_INTERFACE} netns {self._name(place)}",
            f"-n {self._name(ROUTER)} addr add {gateway}/{bits} dev node{number} {usable}",
            f"-n {self._name(ROUTER)} link set node{number} up",
            f"-n {self._name(place)} addr add {address}/{bits} dev {NODE_INTERFACE} {usable}",
            f"-n {self._name(place)} link set {NODE_INTERFACE} up",
            f"-n {self._name(place)} {ip} route add default via {gateway}",
        )
        return address

    def address(self, place: str) -> str:
        return self._numbers.address(place)

    def command(self, place: str, argv: list[str]) -> list[str]:
        if place != ROUTER:
            self.address(place)
        return ["ip", "netns", "exec", self._name(place), *argv]

    def block(self, one: str, other: str) -> None:
        pair = frozenset((one, other))
        if pair not in self._blocked:
            self._rules("add", one, other)
            self._blocked.add(pair)

    def unblock(self, one: str, other: str) -> None:
        pair = frozenset((one, other))
        if pair in self._blocked:
            self._rules("del", one, other)
            self._blocked.remove(pair)

    def watch_point(self) -> str | None:
        return ROUTER

    def close(self) -> None:
        while self._made:
            remove(self._made[-1])
            self._made.pop()

    def _name(self, place: str) -> str:
        return f"{self._run}-{place}"

    def _make(self, place: str) -> None:
        # Noted first, so that an interruption leaves nothing behind.
        self._made.append(self._name(place))
        self._ip(f"netns add {self._name(place)}", f"-n {self._name(place)} link set lo up")

    def _rules(self, action: str, one: str, other: str) -> None:
        ends = self.address(one), self.address(other)
        for source, target in (ends, ends[::-1]):
            self._ip(
                f"-n {self._name(ROUTER)} -{self._numbers.version} rule {action} from {source} to {target}"
                f" priority {BLOCK_PRIORITY} blackhole"
            )

    def _in(self, place: str, *argv: str) -> None:
        run(self.command(place, list(argv)))

    @staticmethod
    def _ip(*commands: str) -> None:
        for command in commands:
            run(["ip", *command.split()])


def run(argv: list[str]) -> None:
    """Runs a command that must succeed. OSError with its message if it does not."""
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise OSError(f"{' '.join(argv)}: {message or done.returncode}")


def start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None if it is dead.

    With the pid it names a process for ever, while a pid alone is used again.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def remove_leftovers() -> None:
    """Removes the namespaces, and the processes in them, of runs whose process is dead."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, check=False)
    for line in listed.stdout.decode(errors="replace").splitlines():
        name = line.split()[0] if line.split() else ""
        prefix, _, rest = name.partition("-")
        pid, _, rest = rest.partition("-")
        if prefix == PREFIX and pid.isdigit() and start_time(int(pid)) != rest.partition("-")[0]:
            remove(name)


def remove(namespace: str) -> None:
    """Ends the processes in a namespace and deletes it. Never fails: it may be gone already."""
    listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, check=False)
    for pid in listed.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
