"""main.py of a board that is the root and the controller of a site without Internet, and its access point.

Owns nothing but the start: identity, planet and network are files, made once on a PC. The board needs an image with the
roles (`ZT_FREEZE_WITH=--roles` in its build) and PSRAM, because it checks the identity of everybody who comes.

    zt identity new --out site/identity.secret
    zt world planet --root "$(cat site/identity.public)@192.168.4.1/9993" --key planet.key --out site/planet
    zt controller --home site network create --name site --pool 10.147.20.0/24 --public
    mpremote cp -r site/. :/zerotier.d/ + cp site_without_internet.py :main.py

`planet.key` stays on the PC: whoever has it can give all nodes of the site other roots.

The other boards: zt provision --wifi site --planet site/planet --network NETWORK
"""

import zerotier

SSID = "site"
PASSWORD = "change this"


def open_wifi() -> None:
    """An access point at 192.168.4.1, which is what the planet says."""
    import network

    wlan = network.WLAN(network.AP_IF)
    wlan.config(ssid=SSID, key=PASSWORD, security=network.AUTH_WPA2_PSK)
    wlan.active(True)


def serve(**options):
    """The node: a root, because the planet names it, and the controller of the networks in its files."""
    return zerotier.ZeroTier(controller=True, **options)


if __name__ == "__main__":
    open_wifi()
    node = serve()
