"""A node that asks its router, and tells what it would tell its peers.
Usage: mapped.py HOME. Events: mapped (endpoints) at each change, stopped (late: the longest time, in s, that other
tasks of the program had to wait; stopping: how long the stop took).
"""

import asyncio
import json
import signal
import sys
import time

from zerotier.host import ZeroTier
from zerotier.wire import address as addresses

LOOK = 0.01


def say(**message: object) -> None:
    print(json.dumps(message), flush=True)


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    node = ZeroTier(sys.argv[1], port_mapping=True)
    traversal = node.node.traversal
    tell = traversal.mapped

    def mapped(endpoints: list[bytes]) -> None:
        tell(endpoints)
        say(event="mapped", endpoints=[addresses.text(endpoint) for endpoint in endpoints])

    traversal.mapped = mapped
    node.active(True)
    late = 0.0
    while not stop.is_set():
        begun = time.monotonic()
        await asyncio.sleep(LOOK)
        late = max(late, time.monotonic() - begun - LOOK)
    begun = time.monotonic()
    node.active(False)
    say(event="stopped", late=late, stopping=time.monotonic() - begun)


asyncio.run(main())
