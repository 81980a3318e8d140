"""Serves TCP and UDP echo by blocking sockets, one connection after the other: echo_blocking.py PORT PEER_PORT."""

import socket

import bridge

end = bridge.from_arguments("b")
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # before the client can ask
udp.bind(("", 7))
listener = socket.socket()
listener.bind(("::", 7))
listener.listen(2)
print("ready")
for _ in range(2):
    connection, peer = listener.accept()
    while True:
        data = connection.recv(4096)
        if not data:
            break
        connection.write(data)
    connection.close()
while True:
    data, peer = udp.recvfrom(5000)
    udp.sendto(data, peer)
    if data == b"end":
        break
end.pump()
