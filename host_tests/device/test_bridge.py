"""Two interpreters talk over a virtual Ethernet: the stack, the interface and the sockets, without a node.

Owns the pairs of programs. What travels between them is in scripts/bridge.py.
"""

import pytest

from host_tests.device import interpreter
from host_tests.device.bridge_ports import free_ports

LOSE = 20  # every twentieth frame, each way


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
    ports = [str(port) for port in free_ports(2)]
    server = interpreter.start("echo_asyncio", *ports, str(lose))
    try:
        assert interpreter.line_of(server) == "ready\n"
        assert interpreter.run("client_asyncio", *reversed(ports), str(lose)) == "done\n"
        output = interpreter.finish(server, "\n")
        assert server.returncode == 0, output
    finally:
        server.kill()
