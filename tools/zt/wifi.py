"""Wi-Fi as a board is told of it: what the user is asked, and a trial before anything is written.

Owns the words for what can be wrong with Wi-Fi. The password is in no argument, no output and no message.
"""

from __future__ import annotations

import getpass
import json
import os
import time

from . import board as boards

PASSWORD = "ZT_WIFI_PASSWORD"  # noqa: S105  # the name of a variable
_LOOK = 0.5  # s between two looks
_SURE = 3.0  # s for which it must go wrong: access points are missed at times

_CONNECT = """
import network
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
try:
    wlan.disconnect()
except OSError:
    pass
wlan.connect(%r, %r)
"""
_LOOK_AT = "(wlan.isconnected(), wlan.status())"
# What `status()` of an ESP32 tells when it is not just trying.
_FAULTS = {
    201: "no such Wi-Fi is in reach",
    202: "the Wi-Fi refuses the password",
    210: "the Wi-Fi is secured in a way that the board does not know",
    211: "the Wi-Fi is secured in a way that the board does not know",
    212: "the Wi-Fi is too weak here",
}


def ask(ssid: str) -> dict[str, str]:
    """What the board's boot.py reads, with the password from the user or the environment."""
    key = os.environ.get(PASSWORD)
    if key is None:
        key = getpass.getpass(f"Password of {ssid}: ")
    return {"ssid": ssid, "key": key}


def is_written(board: boards.Board, settings: dict[str, str]) -> bool:
    """Whether the board has these settings already."""
    return board.read(boards.SETTINGS) == encode(settings)


def encode(settings: dict[str, str]) -> bytes:
    """The content of the board's settings file."""
    return json.dumps(settings).encode()


def try_out(board: boards.Board, settings: dict[str, str], seconds: float) -> None:
    """Connect without writing anything. OSError, in words, if that does not succeed."""
    board.run(_CONNECT % (settings["ssid"], settings["key"]))
    begun = good = time.monotonic()
    while True:
        is_connected, status = board.value(_LOOK_AT)
        if is_connected:
            return
        now = time.monotonic()
        if status not in _FAULTS:
            good = now
        if now - good >= _SURE:
            raise OSError(f"{board.port}: Wi-Fi {settings['ssid']}: {_FAULTS[status]}")
        if now - begun >= seconds:
            raise OSError(
                f"{board.port}: Wi-Fi {settings['ssid']}: not connected after {seconds:g} s: "
                "is the password right?"
            )
        time.sleep(_LOOK)
