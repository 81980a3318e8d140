"""Pings the other end of a bridge: ping.py PORT PEER_PORT. Prints how many answers came."""

import bridge
from pinger import ping

PAYLOAD = 1000

end = bridge.from_arguments("a")
print(ping(end.peer4, PAYLOAD))
