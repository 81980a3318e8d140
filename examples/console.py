"""The board's prompt over a network, for mpremote: main.py of a board that `zt provision` has set up.

Owns the listener, and that a slow reader loses nothing. It listens at the board's address in the network, so that only
members reach it: they may do everything. A new connection takes the place of the last one. From a PC in the network:

    mpremote connect socket://10.147.20.5:2323 repl

WebREPL needs nothing of this: `import webrepl; webrepl.start(password="...")` listens on all interfaces.
"""

import errno
import io
import os
import select
import socket
import time

import zerotier

NETWORK = "8056c2e21c000001"
PORT = 2323
PATIENCE = 10_000  # ms without a reader, who holds up what prints; then the connection ends
_PAUSE = 5  # ms between two tries to write
_POLL = 3  # MicroPython's request to a stream: which of these are ready?
_CALLBACK = 20  # a socket option of MicroPython: a function that is called when something comes


class _Prompt(io.IOBase):
    """A connection whose `write` waits: what a stream of `os.dupterm` does not take at once is lost."""

    def __init__(self, connection) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._poll = select.poll()
        self._poll.register(connection, 0)
        self._interrupt = b""

    def readinto(self, buffer):
        if self._interrupt:
            buffer[0] = self._interrupt[0]
            self._interrupt = b""
            return 1
        return self._connection.readinto(buffer)

    def write(self, octets) -> int:
        rest = memoryview(octets)
        moved = time.ticks_ms()
        try:
            while len(rest):
                sent = self._send(rest)
                if sent:
                    rest = rest[sent:]
                    moved = time.ticks_ms()
                elif time.ticks_diff(time.ticks_ms(), moved) > PATIENCE:
                    raise OSError(errno.ETIMEDOUT, "nobody reads")
                else:
                    time.sleep_ms(_PAUSE)
        except OSError as error:
            self._end(error)
        except KeyboardInterrupt:
            self._interrupt = (
                b"\x03"  # raised here it would end the connection: it comes as if read
            )
            if hasattr(os, "dupterm_notify"):
                os.dupterm_notify(None)
        return len(octets)

    def ioctl(self, request: int, flags: int) -> int:
        if request != _POLL:
            return 0
        if self._interrupt:
            return flags & select.POLLIN
        self._poll.modify(self._connection, flags)
        for _, ready in self._poll.ipoll(0):
            return ready & flags
        return 0

    def close(self) -> None:
        self._connection.close()

    def _send(self, octets) -> int:
        try:
            return self._connection.send(octets)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
            return 0

    def _end(self, error: OSError) -> None:
        current = os.dupterm(None)
        if current is not self:  # a new connection came while this one waited
            os.dupterm(current)
            return
        self.close()
        print("console: the connection was ended:", error)


def _accept(listener) -> None:
    connection, source = listener.accept()
    previous = os.dupterm(_Prompt(connection))
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
