"""Asks an echo server by blocking sockets: client_blocking.py PORT PEER_PORT. TCP over IPv4 and IPv6, then datagrams
that need fragments, both ways."""

import socket

import bridge

BLOCK = bytes(range(256)) * 16
BLOCKS = 50
DATAGRAM = 4000

end = bridge.from_arguments("a")
for host in (end.peer4, end.peer6):
    connection = socket.socket()
    connection.settimeout(20)
    connection.connect((host, 7))
    for number in range(BLOCKS):
        connection.write(BLOCK)
        got = b""
        while len(got) < len(BLOCK):
            got += connection.recv(len(BLOCK) - len(got))
        assert got == BLOCK, number
    connection.close()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(5)
for host in (end.peer4, end.peer6):
    for size in (1, 1472, 2772, 2773, DATAGRAM):
        datagram = bytes((size + i) & 0xFF for i in range(size))
        udp.sendto(datagram, (host, 7))
        assert udp.recv(5000) == datagram, (host, size)
udp.sendto(b"end", (end.peer4, 7))
assert udp.recv(5000) == b"end"
print("done")
