"""The board's prompt over a network, for mpremote: main.py of a board that `zt provision` has set up.

Owns the listener. It listens at the board's address in the network, so that only members reach it: they may do
everything. A new connection takes the place of the last one. From a PC in the network:

    mpremote connect socket://10.147.20.5:2323 repl

WebREPL needs nothing of this: `import webrepl; webrepl.start(password="...")` listens on all interfaces.
"""

import os
import socket

import zerotier

NETWORK = "8056c2e21c000001"
PORT = 2323
_CALLBACK = 20  # a socket option of MicroPython: a function that is called when something comes


def _accept(listener) -> None:
    connection, source = listener.accept()
    connection.setblocking(False)
    previous = os.dupterm(connection)
    if previous is not None:
        previous.close()
    if hasattr(os, "dupterm_notify"):  # ports whose prompt does not look by itself
        connection.setsockopt(socket.SOL_SOCKET, _CALLBACK, os.dupterm_notify)


def listen(nwid: str, port: int = PORT):
    """Offer the prompt; returns at once. OSError, in words, if there is no network."""
    network = zerotier.node.join(nwid)
    network.wait(60)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((network.ifconfig()[0], port))
    listener.listen(1)
    listener.setsockopt(socket.SOL_SOCKET, _CALLBACK, _accept)
    return listener


if __name__ == "__main__":
    listener = listen(NETWORK)
