"""Serves TCP echo by asyncio streams until its input ends: echo_asyncio.py PORT PEER_PORT."""

import asyncio
import sys

import bridge

end = bridge.from_arguments("b")


async def echo(reader, writer) -> None:
    while True:
        data = await reader.read(4096)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    await asyncio.start_server(echo, "::", 7)
    print("ready")
    await asyncio.StreamReader(sys.stdin).readline()


asyncio.run(main())
