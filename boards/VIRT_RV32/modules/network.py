"""`network` of the emulated board: its only interface, as Ethernet or in the disguise of Wi-Fi.

Owns the shape of MicroPython's `network.LAN` and `network.WLAN`. The interface is lwIP's, behind `_virt`; there is
Wi-Fi if the emulator was told which SSID and password are in the air.
"""

import _virt

_DEFAULT = (
    "10.0.2.15/24,10.0.2.2,10.0.2.3"  # QEMU's user network: address/prefix, gateway, DNS server
)

STA_IF = 0
# As on an ESP32.
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202

_air = _virt.setting("wifi")  # "SSID,password"


class LAN:
    """The only interface; all objects are the same one."""

    @staticmethod
    def exists() -> bool:
        """False if the emulator was started without a network, or with Wi-Fi instead."""
        if _air is not None:
            return False
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


class WLAN(LAN):
    """Wi-Fi with one access point in reach. As on an ESP32 it outlives a soft reset, and does not like to be told to
    connect twice.
    """

    IF_STA = STA_IF
    _status = STAT_IDLE

    def __init__(self, interface: int = STA_IF) -> None:
        if _air is None:
            raise OSError("this board has no Wi-Fi")

    def active(self, is_up=None) -> bool:
        """The radio is always on; only `connect` brings the link up."""
        return True

    def connect(self, ssid: str, key: str = "") -> None:
        """Returns at once. OSError if it is connected or tries to: `disconnect` first."""
        if WLAN._status != STAT_IDLE or self.isconnected():
            raise OSError("Wifi Internal State Error")
        there, _, password = _air.partition(",")
        if ssid != there:
            WLAN._status = STAT_NO_AP_FOUND
        elif key != password:
            WLAN._status = STAT_WRONG_PASSWORD
        else:
            WLAN._status = STAT_GOT_IP
            super().active(True)

    def disconnect(self) -> None:
        WLAN._status = STAT_IDLE
        super().active(False)

    def status(self) -> int:
        return STAT_GOT_IP if self.isconnected() else WLAN._status

    def config(self, name: str):
        if name == "ssid":
            return _air.partition(",")[0] if self.isconnected() else ""
        return super().config(name)
