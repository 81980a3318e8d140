"""A MicroPython device of a laboratory: does the JSON requests that come on its input.
Usage: micropython device_node.py HOME BIND [PORT [port_mapping]]. Runs on the desktop build of MicroPython only.
It never tests: it does what it is asked and reports what it saw. Traffic is device_node_traffic.py's.

Events: up (address, ms: how long identity and node took), listening (port). Requests are done one after the
other, those that wait by a blocking socket too: the node lives in the background meanwhile.
"""

import asyncio
import gc
import json
import sys
import time

from device_node_traffic import Traffic, say

import zerotier


class Device(Traffic):
    """The requests: every method without a leading underscore is one."""

    def __init__(self, zt) -> None:
        super().__init__()
        self._zt = zt
        self._lan = None  # a second interface of the stack, once it is made

    def _name(self) -> str:
        return self._zt.address

    def join(self, nwid: str) -> dict:
        """Join a network; returns at once."""
        self._zt.join(nwid)
        return {}

    def bridge(self, nwid: str, interface: str) -> dict:
        """Join a TAP interface of Linux, which is made, to a network."""
        import network

        self._lan = network.LAN(interface)
        self._network(nwid).bridge(self._lan.config("name"))
        return {}

    def leave(self, nwid: str) -> dict:
        self._zt.leave(nwid)
        return {}

    def _network(self, nwid: str):
        return self._zt.join(nwid)

    def network(self, nwid: str) -> dict:
        """status, reason, addresses."""
        network = self._network(nwid)
        answer = {"status": network.status(), "reason": network.reason(), "name": network.name}
        answer["addresses"] = []
        if network.isconnected():
            answer["addresses"] = [network.ifconfig()[0]]
            answer["addresses"] += [row[0] for row in network.ipconfig("addr6")]
        return answer

    def ready(self, nwid: str, seconds: float) -> dict:
        """Block until the network is connected; ms: how long it took."""
        begun = time.ticks_ms()
        self._network(nwid).wait(seconds)
        answer = self.network(nwid)
        answer["ms"] = time.ticks_diff(time.ticks_ms(), begun)
        return answer

    def peers(self) -> dict:
        return {"peers": self._zt.peers(), "online": self._zt.isconnected()}

    def stop(self) -> dict:
        """Stop the node."""
        self._zt.active(False)
        return {}

    def stats(self) -> dict:
        return {"stats": self._zt.stats()}

    def memory(self) -> dict:
        """heap: octets in use after a collection; resident: KiB of the process; peak: the same, at most."""
        gc.collect()
        answer = {"heap": gc.mem_alloc()}
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith("VmRSS"):
                    answer["resident"] = int(line.split()[1])
                if line.startswith("VmHWM"):
                    answer["peak"] = int(line.split()[1])
        return answer


def do(device: Device, line: str) -> None:
    """Do one request and say its answer, or its error in words."""
    request = json.loads(line)
    number = request.pop("id")
    name = request.pop("do")
    try:
        method = getattr(device, name, None)
        if method is None or name.startswith("_"):
            raise ValueError("there is no request '%s'" % name)
        answer = method(**request)
        answer["id"] = number
        say(answer)
    except (OSError, ValueError, TypeError) as error:
        say({"id": number, "error": repr(error)})


async def main() -> None:
    home, bind = sys.argv[1:3]
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 9993
    begun = time.ticks_ms()
    asks_router = "port_mapping" in sys.argv[4:]
    zt = zerotier.ZeroTier(home, bind=bind, port=port, port_mapping=asks_router)
    zt.active(True)
    say({"event": "up", "address": zt.address, "ms": time.ticks_diff(time.ticks_ms(), begun)})
    device = Device(zt)
    requests = asyncio.StreamReader(sys.stdin)
    while True:
        line = await requests.readline()
        if not line:
            return
        do(device, line.decode() if isinstance(line, bytes) else line)


asyncio.run(main())
