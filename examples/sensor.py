"""A sensor that sleeps: main.py of a board that `zt provision` has set up. It wakes, reports by UDP, and sleeps again.

Owns the report, which is repeated until the collector says that it has it. The node remembers its peers and their paths
in flash, so the first frame after a sleep leaves without any exchange before it.
"""

import json
import socket
import time

import zerotier

NETWORK = "8056c2e21c000001"
COLLECTOR = ("10.147.20.1", 5000)
SLEEP = 60_000  # ms
TRIES = 5
PATIENCE = 2  # s for the collector's answer


def measure() -> dict:
    """One sample: put your sensor here."""
    return {"sensor": zerotier.node.address, "awake_ms": time.ticks_ms()}


def report(nwid: str, collector: tuple) -> bool:
    """Whether the collector has it. OSError, in words, if there is no network."""
    zerotier.node.join(nwid).wait(30)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(PATIENCE)
    for _ in range(TRIES):
        udp.sendto(json.dumps(measure()).encode(), collector)
        try:
            udp.recvfrom(64)
            return True
        except OSError:
            pass  # lost on the way there or back
    return False


if __name__ == "__main__":
    import machine

    try:
        report(NETWORK, COLLECTOR)
    except OSError as error:
        print(error)
    zerotier.node.active(False)  # what it learned of its peers goes to flash
    machine.deepsleep(SLEEP)
