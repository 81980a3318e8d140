"""UDP ports for a test. Owns nothing: another program may take them in between, which is unlikely."""

import socket


def free_ports(count: int) -> list[int]:
    """Ports on the loopback interface that nobody uses now."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for udp in sockets:
        udp.bind(("127.0.0.1", 0))
    ports = [udp.getsockname()[1] for udp in sockets]
    for udp in sockets:
        udp.close()
    return ports
