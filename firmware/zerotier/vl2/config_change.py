"""What is new in a configuration, apart from its dates.

Owns the comparison of two configurations. Every answer of a controller has new timestamps and
signatures; flash, the interface and the members need to hear only of the rest.
"""

from ..wire.config import NetworkConfig


def differs(old: NetworkConfig | None, new: NetworkConfig) -> bool:
    """True if the new one says something else than the old one, or is the first at all."""
    return old is None or _said(old) != _said(new)


def _said(config: NetworkConfig) -> tuple:
    return (
        config.credential_max_delta,
        config.flags,
        config.multicast_limit,
        config.public,
        config.name,
        config.mtu,
        config.membership is None,
        [(tag.id, tag.value) for tag in config.tags],
        [(capability.id, capability.rules) for capability in config.capabilities],
        [(ownership.id, ownership.things) for ownership in config.ownerships],
        config.specialists,
        config.routes,
        config.addresses,
        config.rules,
        config.dns_raw,
    )
