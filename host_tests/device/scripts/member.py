"""A device that joins a network and then does one thing: member.py HOME BIND PLANET NWID WAY [ARGUMENT].

Owns the ways. Prints its address and its IP when it is ready.
"""

import sys
import time

import zerotier

JOIN = 10  # s
DENIED = 2  # s
LONG = 60_000  # ms; the test ends it earlier

home, bind, planet, nwid, way = sys.argv[1:6]


def wait_for_root() -> None:
    """A network that is remembered is connected at once, before any root has answered."""
    while not zt.isconnected():
        time.sleep_ms(10)


def prompt() -> None:
    pass


def sleep() -> None:
    time.sleep_ms(LONG)


def busy() -> None:
    end = time.ticks_add(time.ticks_ms(), LONG)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        pass


def accept() -> None:
    import socket

    listener = socket.socket()
    listener.bind(("", 9))
    listener.listen(1)
    listener.accept()


def asyncio_sleep() -> None:
    import asyncio

    async def wait() -> None:
        await asyncio.sleep_ms(LONG)

    asyncio.run(wait())


def poll_posix() -> None:
    import select

    import usocket

    poller = select.poll()
    poller.register(usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM), select.POLLIN)
    poller.poll(LONG)


def stdin() -> None:
    sys.stdin.readline()


def ping() -> None:
    """Ask the UDP echo of another device's stack: a port that nobody has makes it answer by ICMP."""
    from pinger import ping

    print(ping(sys.argv[6]))


def udp_echo() -> None:
    import socket

    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", 7))
    while True:
        datagram, source = udp.recvfrom(1500)
        udp.sendto(datagram, source)


def fetch() -> None:
    """A page from another device."""
    import socket

    connection = socket.socket()
    connection.settimeout(JOIN)
    connection.connect((sys.argv[6], 80))
    connection.write(b"GET / HTTP/1.0\r\nHost: board\r\n\r\n")
    print(connection.read().decode())


def rest() -> None:
    """Stop, find nobody, start again."""
    from pinger import ping

    zt.active(False)
    print(zt.active(), zt.isconnected(), len(zt.networks()))
    zt.active(True)
    zt.networks()[0].wait(JOIN)
    wait_for_root()
    print(zt.active(), zt.isconnected(), len(zt.networks()))
    print(ping(sys.argv[6]))


def leave() -> None:
    import socket

    zt.leave(nwid)
    print(zt.networks())
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[6], 9))
    except OSError as error:
        print(error.errno)


def remember() -> None:
    print([network.id for network in zt.networks()])


def orbit() -> None:
    """Use the moon of a seed: its id is ARGUMENT."""
    moon = sys.argv[6]
    try:
        zt.orbit(moon)
    except ValueError as error:
        print(error)
    zt.orbit(moon, moon[6:])
    print(zt.moons())
    while zt.moons()[0]["waiting"]:
        time.sleep_ms(10)
    print(zt.moons())


def deorbit() -> None:
    moon = sys.argv[6]
    print([row["id"] for row in zt.moons()])
    zt.deorbit(moon)
    print(zt.moons())
    try:
        zt.deorbit(moon)
    except ValueError as error:
        print(error)


def twice() -> None:
    try:
        zerotier.ZeroTier(home + "2", bind=bind)
    except OSError as error:
        print(error)


def interrupted() -> None:
    """Control-C while a node is made, after it has begun to run: then it does not run, and another can."""
    from zerotier.api import ZeroTierBase

    zt.active(False)
    activate = ZeroTierBase.active

    def interrupt(self: ZeroTierBase, active: bool | None = None) -> bool:
        result = activate(self, active)
        if active:
            raise KeyboardInterrupt
        return result

    ZeroTierBase.active = interrupt
    try:
        zerotier.ZeroTier(home, bind=bind)
    except KeyboardInterrupt:
        print("interrupted")
    ZeroTierBase.active = activate
    print(zerotier.ZeroTier(home, bind=bind).active())


def sockets6() -> None:
    """TCP over IPv6 from both kinds of computed addresses to the other device: host, host."""
    import socket

    for host in sys.argv[6].split(","):
        connection = socket.socket(socket.AF_INET6)
        connection.settimeout(5)
        connection.connect((host, 9))
        connection.write(b"hello")
        print(connection.recv(10))
        connection.close()


def serve6() -> None:
    import socket

    print(" ".join(row[0] for row in net.ipconfig("addr6")))
    listener = socket.socket()
    listener.bind(("::", 9))
    listener.listen(2)
    while True:
        connection, _ = listener.accept()
        connection.write(connection.recv(10))
        connection.close()


with open(planet, "rb") as file:
    zt = zerotier.ZeroTier(home, bind=bind, planet=file.read())
net = zt.join(nwid) if way != "remember" else zt.networks()[0]
net.wait(JOIN if way != "denied" else DENIED)
wait_for_root()
print(zt.address, net.ifconfig()[0])
globals()[way]()
