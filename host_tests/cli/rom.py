"""The program in the ROM of an ESP32-C3 that waits for an image, at the other end of a serial port, for esptool.

Owns what it answers: enough to be recognised. It is given nothing to write; a test fails if it is.
"""

from __future__ import annotations

import os
import pty
import select
import struct
import threading
import tty

END = b"\xc0"
SYNC, READ_REGISTER, SECURITY = 0x08, 0x0A, 0x14
CHIP_ID = 5
DONE = bytes(4)


class Rom:
    """A context; `port` is the device. `commands`: the numbers of those that came."""

    def __init__(self) -> None:
        self.commands: list[int] = []

    def __enter__(self) -> Rom:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._is_over = False
        self._thread = threading.Thread(target=self._live)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over = True
        self._thread.join()
        os.close(self._slave)
        os.close(self._master)

    def _live(self) -> None:
        heard = b""
        while not self._is_over:
            if select.select([self._master], [], [], 0.05)[0]:
                heard += os.read(self._master, 4096)
                *packets, heard = heard.split(END)
                for packet in filter(None, packets):
                    self._answer(packet.replace(b"\xdb\xdc", END).replace(b"\xdb\xdd", b"\xdb"))

    def _answer(self, packet: bytes) -> None:
        command = packet[1]
        self.commands.append(command)
        value, content = 0, b""
        if command == SECURITY:
            content = struct.pack("<IB7xII", 0, 0, CHIP_ID, 0)
        content += DONE
        answer = struct.pack("<BBHI", 1, command, len(content), value) + content
        escaped = answer.replace(b"\xdb", b"\xdb\xdd").replace(END, b"\xdb\xdc")
        for _ in range(8 if command == SYNC else 1):
            os.write(self._master, END + escaped + END)
