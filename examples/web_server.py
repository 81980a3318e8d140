"""A web server that only the members of a network reach: main.py of a board that `zt provision` has set up.

Owns a page. The server listens at the board's address in the network, so nobody in the Wi-Fi sees it.
"""

import asyncio
import json
import time

import zerotier

NETWORK = "8056c2e21c000001"
PORT = 80


def state() -> dict:
    """What the page tells: put your sensors here."""
    return {"address": zerotier.node.address, "up": time.ticks_ms() // 1000}


async def answer(reader, writer) -> None:
    """One request, whatever it asks for."""
    while (await reader.readline()).strip():
        pass  # the request, and its headers
    page = json.dumps(state())
    writer.write("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
    writer.write(page)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def serve(nwid: str, port: int) -> None:
    """For ever."""
    network = zerotier.node.join(nwid)
    await network.ready(60)
    ip = network.ifconfig()[0]
    server = await asyncio.start_server(answer, ip, port)
    print("http://%s:%d/" % (ip, port))
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(serve(NETWORK, PORT))
