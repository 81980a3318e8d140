"""main.py of a board in the tests: joins, says when it did, and then evaluates what it is asked.

Owns nothing of the tests. It is small, because it lives in the heap that is measured. `setup.json` beside it is written
by the test: nwid, and perhaps whom to ping until an answer comes.
"""

import gc
import json
import sys
import time

import _virt  # noqa: F401  # for the requests

gc.collect()
before = gc.mem_alloc()

import zerotier  # noqa: E402  # measured

gc.collect()
imported = gc.mem_alloc() - before


def say(message: dict) -> None:
    print(json.dumps(message))


def heap() -> int:
    """Bytes that the node holds."""
    gc.collect()
    return gc.mem_alloc() - before


def ping(host: str, seconds: float) -> int:
    """The time since power on, in ms, when the first answer came; -1 if none did."""
    import select
    import socket

    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
    poller = select.poll()
    poller.register(raw, select.POLLIN)
    answer = -1
    for _ in range(int(seconds * 10)):
        raw.sendto(b"\x08\x00\xf7\xff\x00\x00\x00\x00", (host, 0))
        if poller.poll(100) and raw.recv(64)[20] == 0:
            answer = time.ticks_ms()
            break
    raw.close()
    return answer


with open("/setup.json") as file:
    setup = json.load(file)
zt = zerotier.ZeroTier()
say({"event": "up", "address": zt.address, "ms": time.ticks_ms(), "heap": heap()})
net = zt.join(setup["nwid"])
net.wait(30)
say({"event": "joined", "ms": time.ticks_ms(), "ip": net.ifconfig()[0]})
if setup.get("ping"):
    say({"event": "answered", "ms": ping(setup["ping"], 20)})
while True:
    request = json.loads(sys.stdin.readline())
    try:
        say({"id": request["id"], "result": eval(request["do"])})
    except Exception as error:
        say({"id": request["id"], "error": repr(error)})
