"""Verbs and error codes: the numbers of protocol/03 §3.2 and §3.3.

Owns the names of what a packet may say.
Never knows what is inside a packet or what to do with it.
"""

from ..const import const

VERB_NOP = const(0x00)
VERB_HELLO = const(0x01)
VERB_ERROR = const(0x02)
VERB_OK = const(0x03)
VERB_WHOIS = const(0x04)
VERB_RENDEZVOUS = const(0x05)
VERB_FRAME = const(0x06)
VERB_EXT_FRAME = const(0x07)
VERB_ECHO = const(0x08)
VERB_MULTICAST_LIKE = const(0x09)
VERB_NETWORK_CREDENTIALS = const(0x0A)
VERB_NETWORK_CONFIG_REQUEST = const(0x0B)
VERB_NETWORK_CONFIG = const(0x0C)
VERB_MULTICAST_GATHER = const(0x0D)
VERB_MULTICAST_FRAME = const(0x0E)
VERB_PUSH_DIRECT_PATHS = const(0x10)
VERB_ACK = const(0x12)
VERB_QOS_MEASUREMENT = const(0x13)
VERB_USER_MESSAGE = const(0x14)
VERB_REMOTE_TRACE = const(0x15)
VERB_PATH_NEGOTIATION_REQUEST = const(0x16)

# Byte 27 of a packet (protocol/02 §2.1).
VERB_MASK = const(0x1F)
VERB_COMPRESSED = const(0x80)

ERROR_NONE = const(0x00)
ERROR_INVALID_REQUEST = const(0x01)
ERROR_BAD_PROTOCOL_VERSION = const(0x02)
ERROR_OBJ_NOT_FOUND = const(0x03)
ERROR_IDENTITY_COLLISION = const(0x04)
ERROR_UNSUPPORTED_OPERATION = const(0x05)
ERROR_NEED_MEMBERSHIP_CERTIFICATE = const(0x06)
ERROR_NETWORK_ACCESS_DENIED = const(0x07)
ERROR_UNWANTED_MULTICAST = const(0x08)
ERROR_NETWORK_AUTHENTICATION_REQUIRED = const(0x09)

_NAMES = (
    "NOP",
    "HELLO",
    "ERROR",
    "OK",
    "WHOIS",
    "RENDEZVOUS",
    "FRAME",
    "EXT_FRAME",
    "ECHO",
    "MULTICAST_LIKE",
    "NETWORK_CREDENTIALS",
    "NETWORK_CONFIG_REQUEST",
    "NETWORK_CONFIG",
    "MULTICAST_GATHER",
    "MULTICAST_FRAME",
    "",
    "PUSH_DIRECT_PATHS",
    "",
    "ACK",
    "QOS_MEASUREMENT",
    "USER_MESSAGE",
    "REMOTE_TRACE",
    "PATH_NEGOTIATION_REQUEST",
)


def verb_name(verb: int) -> str:
    """The name of a verb in protocol/03 §3.2, or `VERB_1f` for an unassigned one."""
    if 0 <= verb < len(_NAMES) and _NAMES[verb]:
        return _NAMES[verb]
    return f"VERB_{verb:02x}"
