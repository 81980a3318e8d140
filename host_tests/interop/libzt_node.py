"""Owns a process that is one unmodified libzt node: JSON requests on its input, JSON lines out.
Usage: python -m host_tests.interop.libzt_node LIBRARY SHIM HOME PLANET [PORT]
It never tests: it does what it is asked and reports what it saw.

Events: up (address), online, offline, listening (port), stopped (after the end of input).
Requests are the public methods of LibztNode; each is done in a thread of its own, so that a slow
one holds up no other. libzt cannot tell a direct peer from a relayed one: count datagrams instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .libzt_binding import STATUSES, Libzt

PORT = 9993
CHECK = 0.02  # seconds
ANY = {4: "0.0.0.0", 6: "::"}

Answer = dict[str, Any]


def say(**message: Any) -> None:
    """Prints one JSON line. A single write, so that lines of two threads never mix."""
    os.write(sys.stdout.fileno(), (json.dumps(message) + "\n").encode())


def octets(seed: int, size: int) -> bytes:
    """Content of which no part is like another, so that a lost or doubled part shows."""
    return random.Random(seed).randbytes(size)


class LibztNode:
    """The requests {"id": n, "do": method, argument: value, ...} and their answers."""

    def __init__(self, libzt: Libzt) -> None:
        self._libzt = libzt

    def join(self, nwid: str) -> Answer:
        """Joins a network; returns at once."""
        self._libzt.call("zts_net_join", int(nwid, 16))
        return {}

    def orbit(self, moon: str, seed: str) -> Answer:
        """Orbits a moon that a node has; returns at once."""
        self._libzt.call("zts_moon_orbit", int(moon, 16), int(seed, 16))
        return {}

    def leave(self, nwid: str) -> Answer:
        """Leaves a network."""
        self._libzt.call("zts_net_leave", int(nwid, 16))
        return {}

    def network(self, nwid: str) -> Answer:
        """status (in words), addresses; mac, mtu, name once the configuration is there."""
        number = int(nwid, 16)
        status = STATUSES[self._libzt.call("zts_net_get_status", number)]
        answer: Answer = {"status": status, "addresses": self._libzt.addresses(number)}
        if status == "OK":
            try:
                answer["mac"] = self._libzt.mac(number)
                answer["mtu"] = self._libzt.call("zts_net_get_mtu", number)
                answer["name"] = self._libzt.text("zts_net_get_name", number)
            except OSError:  # with a config from its folder it is OK before all of it is there
                return {"status": status, "addresses": []}
        return answer

    def udp_echo(self, port: int, version: int = 4) -> Answer:
        """From now on sends every datagram that comes to a UDP port back."""
        descriptor = self._libzt.udp(ANY[version], port)
        threading.Thread(target=self._echo, args=(descriptor,), daemon=True).start()
        return {}

    def udp_exchange(self, ip: str, port: int, size: int, seed: int = 1, tries: int = 5) -> Answer:
        """Sends a datagram to an echo, once a second until it is back, and compares it.

        same: whether it came back unchanged; tries: how many were sent; ms: the time of the last.
        """
        libzt, datagram = self._libzt, octets(seed, size)
        descriptor = libzt.udp(ANY[6 if ":" in ip else 4], 0)
        try:
            libzt.call("zts_set_recv_timeout", descriptor, 1, 0)
            for attempt in range(1, tries + 1):
                begun = time.monotonic()
                try:
                    libzt.send_to(descriptor, datagram, (ip, port))
                    echoed, _ = libzt.receive_from(descriptor)
                except OSError:  # no echo in time, or our own IPv6 address is not yet usable
                    time.sleep(max(0.0, begun + 1 - time.monotonic()))
                    continue
                taken = round((time.monotonic() - begun) * 1000, 2)
                return {"same": echoed == datagram, "tries": attempt, "ms": taken}
            raise OSError(f"no echo of {size} octets from {ip} port {port} in {tries} tries")
        finally:
            libzt.close(descriptor)

    def udp_receive(self, port: int, seconds: int, version: int = 4) -> Answer:
        """Waits for a datagram, also for one to everybody, after the event listening.

        text: of it; source: who sent it. libzt's stack is built without IGMP and MLD, so groups cannot be joined.
        """
        descriptor = self._libzt.udp(ANY[version], port)
        try:
            if version == 4:
                self._libzt.allow_broadcast(descriptor)
            self._libzt.call("zts_set_recv_timeout", descriptor, seconds, 0)
            say(event="listening", port=port)
            datagram, source = self._libzt.receive_from(descriptor)
            return {"text": datagram.decode(), "source": source[0]}
        finally:
            self._libzt.close(descriptor)

    def group_send(self, group: str, ip: str, port: int, text: str, seconds: int) -> Answer:
        """Sends a datagram to a group, or to everybody, once a second, by the interface with the address `ip`."""
        descriptor = self._libzt.udp(ip, 0)
        try:
            if ":" not in ip:
                self._libzt.send_groups_by(descriptor, ip)
                self._libzt.allow_broadcast(descriptor)
            for _ in range(seconds):
                self._libzt.send_to(descriptor, text.encode(), (group, port))
                time.sleep(1)
        finally:
            self._libzt.close(descriptor)
        return {}

    def udp_stream(self, ip: str, port: int, seconds: float, gap: int = 20) -> Answer:
        """Sends small datagrams, one each `gap` ms. sent: how many."""
        descriptor = self._libzt.udp(ANY[6 if ":" in ip else 4], 0)
        end, sent = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            self._libzt.send_to(descriptor, b"%d" % sent, (ip, port))
            sent += 1
            time.sleep(gap / 1000)
        self._libzt.close(descriptor)
        return {"sent": sent}

    def udp_count(self, port: int, seconds: float, version: int = 4) -> Answer:
        """Counts the datagrams that come to a port, after the event listening. last: when the last came, in ns."""
        descriptor = self._libzt.udp(ANY[version], port)
        self._libzt.call("zts_set_recv_timeout", descriptor, 0, 100_000)
        say(event="listening", port=port)
        end, count, last = time.monotonic() + seconds, 0, 0
        while time.monotonic() < end:
            try:
                self._libzt.receive_from(descriptor)
            except OSError:  # none in time
                continue
            count, last = count + 1, time.time_ns()
        self._libzt.close(descriptor)
        return {"count": count, "last": last}

    def tcp_receive(self, port: int, size: int, version: int = 4) -> Answer:
        """Accepts one connection, after the event listening, and reads `size` octets from it.

        received: how many came before its end; sha256: of these; peer: who sent them.
        """
        libzt = self._libzt
        listener = libzt.listen(ANY[version], port)
        say(event="listening", port=port)
        connection, peer = libzt.accept(listener)
        libzt.close(listener)
        begun, state, received = time.monotonic(), hashlib.sha256(), 0
        while received < size and (piece := libzt.read(connection, size - received)):
            state.update(piece)
            received += len(piece)
        libzt.close(connection)
        return {
            "received": received,
            "sha256": state.hexdigest(),
            "peer": peer[0],
            "seconds": round(time.monotonic() - begun, 3),
        }

    def tcp_send(self, ip: str, port: int, size: int, seed: int = 1) -> Answer:
        """Connects and sends `size` octets. sha256: of what was sent."""
        content = octets(seed, size)
        connection = self._libzt.connect((ip, port))
        try:
            self._libzt.write(connection, content)
        finally:
            self._libzt.close(connection)
        return {"sent": size, "sha256": hashlib.sha256(content).hexdigest()}

    def _echo(self, descriptor: int) -> None:
        while True:
            try:
                datagram, source = self._libzt.receive_from(descriptor)
                self._libzt.send_to(descriptor, datagram, source)
            except OSError:  # no way back; the next one may come from elsewhere
                time.sleep(CHECK)


def answer(node: LibztNode, request: dict[str, Any]) -> None:
    """Does one request and says its answer, or its error in words."""
    number, name = request.pop("id"), request.pop("do")
    try:
        method: Callable[..., Answer] | None = getattr(node, name, None)
        if name.startswith("_") or method is None:
            raise ValueError(f"there is no request '{name}'")
        say(id=number, **method(**request))
    except (OSError, ValueError, TypeError) as error:
        say(id=number, error=str(error))


def tell_online(libzt: Libzt) -> None:
    """Says online and offline whenever that changes, for ever."""
    online = False
    while True:
        if libzt.online() != online:
            online = not online
            say(event="online" if online else "offline")
        time.sleep(CHECK)


def main() -> None:
    """Starts the node, then does requests until the end of input."""
    library, shim, home, planet = (Path(argument) for argument in sys.argv[1:5])
    port = int(sys.argv[5]) if len(sys.argv) > 5 else PORT
    home.mkdir(parents=True, exist_ok=True)
    libzt = Libzt(library, shim)
    libzt.start(home, planet.read_bytes(), port)
    while (address := libzt.address()) is None:
        time.sleep(CHECK)
    say(event="up", address=f"{address:010x}", port=port)
    threading.Thread(target=tell_online, args=(libzt,), daemon=True).start()
    node = LibztNode(libzt)
    for line in sys.stdin:
        threading.Thread(target=answer, args=(node, json.loads(line)), daemon=True).start()
    libzt.call("zts_node_stop")
    say(event="stopped")
    os._exit(0)  # libzt's threads would hold up an ordinary exit


if __name__ == "__main__":
    main()
