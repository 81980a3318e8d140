"""`network` of the emulated board: Ethernet, with the address that the emulator was told.

Owns the shape of MicroPython's `network.LAN`. The interface is lwIP's, behind `_virt`.
"""

import _virt

_DEFAULT = (
    "10.0.2.15/24,10.0.2.2,10.0.2.3"  # QEMU's user network: address/prefix, gateway, DNS server
)


class LAN:
    """The only interface; all objects are the same one."""

    @staticmethod
    def exists() -> bool:
        """False if the emulator was started without a network."""
        try:
            _virt.mac()
        except OSError:
            return False
        return True

    def active(self, is_up=None) -> bool:
        """Put it up or down; going up, it gets its address as if from DHCP."""
        if is_up is None:
            return _virt.active()
        if is_up and self.ifconfig()[0] == "0.0.0.0":
            address, gateway, server = (_virt.setting("ip") or _DEFAULT).split(",")
            ip, bits = address.split("/")
            mask = 0xFFFFFFFF << (32 - int(bits)) & 0xFFFFFFFF
            octets = [str(mask >> shift & 255) for shift in (24, 16, 8, 0)]
            _virt.ifconfig(ip, ".".join(octets), gateway, server)
        return _virt.active(is_up)

    def isconnected(self) -> bool:
        return _virt.active() and self.ifconfig()[0] != "0.0.0.0"

    def ifconfig(self, settings=None):
        """(address, netmask, gateway, DNS server)."""
        return _virt.ifconfig(*settings) if settings else _virt.ifconfig()

    def config(self, name: str):
        if name == "mac":
            return _virt.mac()
        raise ValueError("unknown config param")
