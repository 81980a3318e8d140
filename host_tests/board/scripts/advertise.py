"""A router's advertisements of an IPv6 subnet (RFC 4861 §4.2), once a second, until it is ended.
Usage: advertise.py INTERFACE PREFIX. Runs in the namespace of the router.
"""

import ipaddress
import json
import socket
import struct
import sys
import time

ADVERTISEMENT = 134
PREFIX = 3
ON_LINK_AND_AUTOCONFIG = 0xC0
LIFETIME = 1800  # s
HOPS = 255  # others are not believed


def main() -> None:
    interface, prefix = sys.argv[1], ipaddress.IPv6Network(sys.argv[2])
    head = struct.pack("!BBHBBHII", ADVERTISEMENT, 0, 0, 64, 0, LIFETIME, 0, 0)
    option = struct.pack("!BBBBIII", PREFIX, 4, 64, ON_LINK_AND_AUTOCONFIG, LIFETIME, LIFETIME, 0)
    message = head + option + prefix.network_address.packed
    raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOPS)
    everybody = ("ff02::1", 0, 0, socket.if_nametoindex(interface))
    print(json.dumps({"event": "advertising"}), flush=True)
    while True:
        raw.sendto(message, everybody)  # the kernel fills in the checksum
        time.sleep(1)


main()
