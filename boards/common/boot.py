"""boot.py of the image: brings Wi-Fi and the node up from what was provisioned; then a program's own boot.py runs.

Owns the start, and that nothing which goes wrong in it keeps the prompt, main.py or the other steps away: it is told in
one line. The node is `zerotier.node`.
"""

import os

_HOME = "/zerotier.d"
# Written by `zt provision`: ssid and key, or nothing; without it nothing is started.
_SETTINGS = _HOME + "/board.json"
_SECRET = _HOME + "/identity.secret"


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _wifi() -> None:
    """Connect to what was provisioned; returns at once, and Wi-Fi goes on trying."""
    import json

    with open(_SETTINGS) as file:
        try:
            settings = json.load(file)
        except ValueError:
            settings = None
    if not isinstance(settings, dict):
        raise ValueError("not a JSON object")
    ssid = settings.get("ssid", "")
    key = settings.get("key", "")
    if not isinstance(ssid, str) or not isinstance(key, str):
        raise ValueError("ssid and key must be strings")
    if not ssid:
        return
    import network

    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    if wlan.isconnected() and wlan.config("ssid") == ssid:
        return  # a soft reset leaves Wi-Fi alone
    try:
        wlan.disconnect()
    except OSError:
        pass  # it was not connected
    wlan.connect(ssid, key)


def _node() -> None:
    """Start the node, which finds its networks in its files."""
    import zerotier

    zerotier.node = zerotier.ZeroTier(_HOME)


def _start() -> None:
    """A board that was not provisioned is left alone: its main.py may have its own way."""
    for path, step in ((_SETTINGS, _wifi), (_SECRET, _node)):
        if _exists(_SETTINGS) and _exists(path):
            try:
                step()
            except Exception as error:
                text = error.args[-1] if error.args else None
                print("zerotier: %s: %s" % (path, text if isinstance(text, str) else repr(error)))


_start()

# A frozen boot.py hides the one in the file system.
if _exists("/boot.py"):
    with open("/boot.py") as _program:
        _program = _program.read()
    exec(compile(_program, "/boot.py", "exec"))
