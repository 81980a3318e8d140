"""boot.py of the image: brings Wi-Fi and the node up from what was provisioned; then a program's own boot.py runs.

Owns the start, and that nothing which goes wrong in it keeps the prompt or main.py away. The node is `zerotier.node`.
"""

SETTINGS = "/zerotier.d/board.json"  # written by `zt provision`: ssid, key


def start() -> None:
    """Start what was provisioned. A board that was not is left alone."""
    import json
    import os

    try:
        with open(SETTINGS) as file:
            settings = json.load(file)
        os.stat("/zerotier.d/identity.secret")
    except (OSError, ValueError):
        return
    if settings.get("ssid"):
        import network

        wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        # Returns at once, and goes on trying.
        wlan.connect(settings["ssid"], settings.get("key", ""))
    import zerotier

    zerotier.node = zerotier.ZeroTier()


try:
    start()
except Exception as error:
    print("zerotier:", error)

# A frozen boot.py hides the one in the file system.
try:
    with open("/boot.py") as file:
        program = file.read()
except OSError:
    program = ""
exec(program)
