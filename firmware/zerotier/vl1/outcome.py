"""What a handler says of a packet. Owns four numbers."""

from ..const import const

IGNORED = const(0)  # dropped; not even counted as heard from that peer
RECEIVED = const(1)  # fine
TRUSTED = const(2)  # fine, and the sender proved to be somebody whom we talk to on a network
HOLD = const(3)  # cannot be judged yet: kept for a while and tried again
