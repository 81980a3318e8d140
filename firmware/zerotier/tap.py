"""A network's port on Linux: a TAP interface, so that every program on the machine reaches the network.

Owns the interface: its name, MAC, MTU and addresses, which it sets with iproute2. Needs root rights (CAP_NET_ADMIN).
Never decides which addresses there are.
"""

import asyncio
import fcntl
import os
import struct
import subprocess

from .host import HostPort
from .wire import address as addresses

_DEVICE = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_NAME_SIZE = 16
_ETHERNET_HEADER = 14
_BATCH = 64  # frames, then other tasks may run


def interface_name(nwid: bytes) -> str:
    """The interface of a network: `zt` and the last 12 digits of its id, since 15 characters are all there is."""
    return "zt" + nwid.hex()[-12:]


class TapPort(HostPort):
    """A TAP interface. It appears with the network's first config and goes when the network is left."""

    def __init__(self, driver) -> None:
        super().__init__(driver)
        self.name = ""
        self._file = -1
        self._size = 0  # of the largest frame
        self._applied: list[bytes] = []

    def deliver(self, frame) -> bool:
        try:
            os.write(self._file, frame)
        except OSError:  # the interface is down, or its queue is full
            return False
        return True

    def configure(self, network) -> None:
        """Bring the interface to the network's MAC, MTU and addresses. OSError, in words, if it cannot."""
        if self._file < 0:
            self._open(interface_name(network.nwid))
            _ip("link set dev %s address %s" % (self.name, _mac_text(network.mac)))
        self._size = _ETHERNET_HEADER + network.mtu
        _ip("link set dev %s mtu %d up" % (self.name, network.mtu))
        for endpoint in self._applied:
            if endpoint not in network.addresses:
                _ip("addr del %s dev %s" % (_cidr(endpoint), self.name))
        for endpoint in network.addresses:
            if endpoint not in self._applied:
                # Nobody else can have the address that the controller gave us.
                no_dad = " nodad" if len(addresses.ip(endpoint)) == addresses.IPV6_SIZE else ""
                _ip("addr add %s dev %s%s" % (_cidr(endpoint), self.name, no_dad))
        self._applied = list(network.addresses)
        super().configure(network)

    def close(self) -> None:
        super().close()
        if self._file >= 0:
            asyncio.get_running_loop().remove_reader(self._file)
            os.close(self._file)  # the interface ends with its last user
            self._file = -1
            self._applied = []

    def _open(self, name: str) -> None:
        try:
            file = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            raise OSError(error.errno, "cannot open %s: %s" % (_DEVICE, error.strerror))
        try:
            request = struct.pack("%dsH22x" % _NAME_SIZE, name.encode(), _IFF_TAP | _IFF_NO_PI)
            fcntl.ioctl(file, _TUNSETIFF, request)
        except OSError as error:
            os.close(file)
            raise OSError(error.errno, "cannot make interface %s: %s" % (name, error.strerror))
        self.name = name
        self._file = file
        asyncio.get_running_loop().add_reader(file, self._readable)

    def _readable(self) -> None:
        for _ in range(_BATCH):
            try:
                frame = os.read(self._file, self._size)
            except BlockingIOError:
                return
            except OSError:  # the interface was taken away by somebody else
                return
            self.send(frame)


def _ip(command: str) -> None:
    """Run `ip`; OSError with what it said if it fails."""
    done = subprocess.run(["ip"] + command.split(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError("ip %s: %s" % (command, done.stderr.strip()))


def _mac_text(mac: bytes) -> str:
    return ":".join(["%02x" % octet for octet in mac])


def _cidr(endpoint: bytes) -> str:
    return "%s/%d" % (addresses.ip_text(addresses.ip(endpoint)), addresses.port(endpoint))
