"""Provisions all boards that are plugged in, and lets them into a private network of a controller on this PC.

Owns the order: identities are written first, then their addresses are authorised, then each is waited for. Run it again
for the next boards, or if a cable was loose. On a PC:

    python many_boards.py controller planet 8056c2e21c000001 site [PORT ...]
"""

import json
import subprocess
import sys


def zt(*words: str) -> list:
    """The JSON documents that a command prints, one a line. Its sentences for what goes wrong are on stderr."""
    done = subprocess.run(["zt", *words, "--json"], stdout=subprocess.PIPE, text=True)
    return [
        json.loads(line)
        for line in done.stdout.splitlines()
        if line.startswith("{") and line.endswith("}")
    ]


def main(controller: str, planet: str, nwid: str, ssid: str, *ports: str) -> int:
    """0 if all boards are in the network."""
    boards = [word for port in ports for word in ("--port", port)] or ["--all"]
    command = ["provision", *boards, "--wifi", ssid, "--planet", planet, "--network", nwid]
    written = zt(*command, "--no-wait")
    for board in written:
        zt("controller", "--home", controller, "member", "authorize", nwid, board["address"])
    joined = zt(*command)
    for board in joined:
        print(board["port"], board["address"], board["networks"][0]["ip"])
    return 0 if joined and len(joined) == len(written) >= len(ports) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
