"""The states of a joined network, and what they are called in words.

Owns the table from a controller's error code to a status. Never decides when to ask again.
"""

from ..const import const
from ..wire.verbs import (
    ERROR_NETWORK_ACCESS_DENIED,
    ERROR_NETWORK_AUTHENTICATION_REQUIRED,
    ERROR_OBJ_NOT_FOUND,
    ERROR_UNSUPPORTED_OPERATION,
)

# protocol/06 §6.7; failures are negative, as in MicroPython's network module.
REQUESTING_CONFIGURATION = const(0)
OK = const(1)
ACCESS_DENIED = const(-2)
NOT_FOUND = const(-3)
PORT_ERROR = const(-4)
CLIENT_TOO_OLD = const(-5)
AUTHENTICATION_REQUIRED = const(-6)
RULES_TOO_LARGE = const(-7)

NAMES = {
    REQUESTING_CONFIGURATION: "REQUESTING_CONFIGURATION",
    OK: "OK",
    ACCESS_DENIED: "ACCESS_DENIED",
    NOT_FOUND: "NOT_FOUND",
    PORT_ERROR: "PORT_ERROR",
    CLIENT_TOO_OLD: "CLIENT_TOO_OLD",
    AUTHENTICATION_REQUIRED: "AUTHENTICATION_REQUIRED",
    RULES_TOO_LARGE: "RULES_TOO_LARGE",
}

REASONS = {
    REQUESTING_CONFIGURATION: "the controller has not answered yet",
    OK: "",
    ACCESS_DENIED: "the network is private and its administrator has not authorised this node",
    NOT_FOUND: "the controller does not know this network",
    PORT_ERROR: "the virtual network interface could not be set up",
    CLIENT_TOO_OLD: "the network's configuration has a form that this node does not understand",
    AUTHENTICATION_REQUIRED: "the user of this node has to sign in",
    RULES_TOO_LARGE: "this node cannot enforce the network's rules, so no frame passes",
}

# What an ERROR in reply to NETWORK_CONFIG_REQUEST means (protocol/03 §3.3).
FROM_ERROR = {
    ERROR_OBJ_NOT_FOUND: NOT_FOUND,
    ERROR_UNSUPPORTED_OPERATION: NOT_FOUND,
    ERROR_NETWORK_ACCESS_DENIED: ACCESS_DENIED,
    ERROR_NETWORK_AUTHENTICATION_REQUIRED: AUTHENTICATION_REQUIRED,
}
