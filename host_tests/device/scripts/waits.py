"""Counts how often the background runs while the program does one thing for half a second: waits.py WAY.

Owns the ways to wait, and the busy loop.
"""

import sys
import time

import _zerotier

PERIOD = 10  # ms between two calls of the background
WAIT = 500  # ms

calls = 0


def background() -> int:
    global calls
    calls += 1
    return PERIOD


def sleep() -> None:
    time.sleep(WAIT / 1000)


def sleep_ms() -> None:
    time.sleep_ms(WAIT)


def sleep_us() -> None:
    time.sleep_us(WAIT * 1000)


def busy() -> None:
    end = time.ticks_add(time.ticks_ms(), WAIT)
    number = 0
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        number += 1


def busy_without_calls() -> None:
    for _ in range(40_000_000 // 8):
        pass


def asyncio_sleep() -> None:
    import asyncio

    async def wait() -> None:
        await asyncio.sleep_ms(WAIT)

    asyncio.run(wait())


def asyncio_event() -> None:
    import asyncio

    async def wait() -> None:
        try:
            await asyncio.wait_for_ms(asyncio.Event().wait(), WAIT)
        except asyncio.TimeoutError:
            pass

    asyncio.run(wait())


def poll_nothing() -> None:
    import select

    select.poll().poll(WAIT)


def poll_posix() -> None:
    import select

    import usocket

    udp = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    udp.bind(usocket.getaddrinfo("127.0.0.1", 0)[0][-1])
    poller = select.poll()
    poller.register(udp, select.POLLIN)
    assert poller.poll(WAIT) == []


def poll_both() -> None:
    import select
    import socket

    import usocket

    poller = select.poll()
    poller.register(usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM), select.POLLIN)
    poller.register(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), select.POLLIN)
    assert poller.poll(WAIT) == []


def accept() -> None:
    import socket

    listener = socket.socket()
    listener.bind(("", 7))
    listener.listen(1)
    _until_timeout(listener, listener.accept)


def receive() -> None:
    import socket

    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("", 7))
    _until_timeout(udp, lambda: udp.recv(1))


def _until_timeout(socket, function) -> None:
    socket.settimeout(WAIT / 1000)
    try:
        function()
    except OSError:
        return
    raise AssertionError("no timeout")


def stdin() -> None:
    sys.stdin.readline()


def key() -> None:
    input()


begun = time.ticks_ms()
_zerotier.background(background)
globals()[sys.argv[1]]()
print(calls, time.ticks_diff(time.ticks_ms(), begun))
