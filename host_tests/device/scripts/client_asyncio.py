"""Three connections at a time by asyncio streams: client_asyncio.py PORT PEER_PORT.

Each sends 300 kB and checks what comes back.
"""

import asyncio

import bridge

SIZE = 300_000
BLOCK = bytes(range(251)) * 8

end = bridge.from_arguments("a")


async def one(host: str) -> None:
    reader, writer = await asyncio.open_connection(host, 7)

    async def send() -> None:
        sent = 0
        while sent < SIZE:
            writer.write(BLOCK)
            await writer.drain()
            sent += len(BLOCK)

    sending = asyncio.create_task(send())
    received = 0
    while received < SIZE:
        data = await reader.read(2048)
        assert data
        start = received % len(BLOCK)
        assert data[0] == BLOCK[start]
        received += len(data)
    await sending
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    await asyncio.gather(one(end.peer4), one(end.peer6), one(end.peer4))


asyncio.run(main())
print("done")
