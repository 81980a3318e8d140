"""Wi-Fi as a board is told of it: what the user is asked, and a trial before anything is written.

Owns the words for what can be wrong with Wi-Fi. The password is in no argument, no output and no message.
"""

from __future__ import annotations

import getpass
import json
import os
import threading
import time
import warnings

from . import board as boards

PASSWORD = "ZT_WIFI_PASSWORD"  # noqa: S105  # the name of a variable
_SSID_SIZE = 32  # bytes
_KEY_SIZES = range(8, 65)  # bytes; 64 are the key itself in hex
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
    _refuse_ssid(ssid)
    key = os.environ.get(PASSWORD)
    if key is None:
        key = _typed(ssid)
    _refuse_key(key)
    return {"ssid": ssid, "key": key}


def _typed(ssid: str) -> str:
    """The password from the terminal; ValueError if there is nobody to ask."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would be shown
            return getpass.getpass(f"Password of {ssid}: ")
    except (EOFError, getpass.GetPassWarning):
        raise ValueError(f"no terminal to type the password at: put it into {PASSWORD}")


def _refuse_ssid(ssid: str) -> None:
    """ValueError if no Wi-Fi can have this name: a board would cut it off in silence."""
    size = _size(ssid)
    if not 1 <= size <= _SSID_SIZE:
        raise ValueError(f"the name of a Wi-Fi is UTF-8 of 1 to {_SSID_SIZE} bytes")


def _refuse_key(key: str) -> None:
    """ValueError if no Wi-Fi can have this password. Of the password it says nothing."""
    if key and _size(key) not in _KEY_SIZES:
        raise ValueError("the password of a Wi-Fi has 8 to 63 characters, or none if it is open")


def _size(text: str) -> int:
    """In bytes of UTF-8; -1 if it has none."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1


def is_written(board: boards.Board, settings: dict[str, str]) -> bool:
    """Whether the board has these settings already."""
    return board.read(boards.SETTINGS) == encode(settings)


def encode(settings: dict[str, str]) -> bytes:
    """The content of the board's settings file."""
    # To a board's JSON an emoji as a pair of escapes would be two characters.
    return json.dumps(settings, ensure_ascii=False).encode()


def try_out(
    board: boards.Board, settings: dict[str, str], seconds: float, stop: threading.Event
) -> None:
    """Connect without writing anything. OSError, in words, if that does not succeed or is stopped."""
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
        if stop.wait(_LOOK):
            raise OSError(f"{board.port}: interrupted")
