"""Two interpreters talk over a virtual network: the datapath, the stack, the interface and the sockets, without a node.

Owns the pairs of programs, and what loses their datagrams. The network is in scripts/bridge.py.
"""

import select
import socket
import threading

import pytest

from host_tests.device import interpreter
from host_tests.device.bridge_ports import free_ports

LOSE = 20  # every twentieth datagram, each way
HOST = "127.0.0.1"
LARGEST = 2048


class Lossy:
    """A context: passes datagrams on between two ends, and loses every `lose`-th of each way (0: none)."""

    def __init__(self, ends: list[int], lose: int) -> None:
        self.ports = free_ports(2)  # where each end finds the other
        self._ends = ends
        self._lose = lose
        self._sockets = []
        for port in self.ports:
            self._sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self._sockets[-1].bind((HOST, port))
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        counts = [0, 0]
        while True:
            for ready in select.select(self._sockets, [], [])[0]:
                from_end = self._sockets.index(ready)
                datagram = ready.recv(LARGEST)
                if not datagram:
                    return
                counts[from_end] += 1
                if self._lose and counts[from_end] % self._lose == 0:
                    continue
                self._sockets[1 - from_end].sendto(datagram, (HOST, self._ends[1 - from_end]))

    def __enter__(self) -> "Lossy":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
            stop.sendto(b"", (HOST, self.ports[0]))
        self._thread.join()
        for udp in self._sockets:
            udp.close()


def test_blocking_sockets():
    ports = [str(port) for port in free_ports(2)]
    server = interpreter.start("echo_blocking", *ports)
    try:
        assert interpreter.line_of(server) == "ready\n"
        assert interpreter.run("client_blocking", *reversed(ports)) == "done\n"
        output = interpreter.finish(server)
        assert server.returncode == 0, output
    finally:
        server.kill()


@pytest.mark.parametrize("lose", (0, LOSE))
def test_asyncio_streams(lose):
    ends = free_ports(2)
    with Lossy(ends, lose) as between:
        server_ports, client_ports = (map(str, pair) for pair in zip(ends, between.ports))
        server = interpreter.start("echo_asyncio", *server_ports)
        try:
            assert interpreter.line_of(server) == "ready\n"
            assert interpreter.run("client_asyncio", *client_ports) == "done\n"
            output = interpreter.finish(server, "\n")
            assert server.returncode == 0, output
        finally:
            server.kill()
