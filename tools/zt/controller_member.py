"""`zt controller member`: lists, authorizes, changes and deletes the members of a network.

Owns the options that describe a member. What is valid is decided by `MemberRecord`.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from zerotier import controller_database as database
from zerotier.controller_records import MemberRecord, NetworkRecord
from zerotier.wire.address import ip_text, parse_ip

from .controller_edit import edited_member
from .controller_home import Home, add_home_option, home_of, member_address, now
from .output import add_json_option, print_fields, print_json, print_table, time_text

# Roles of a member: the option and the name in its record. The first name is that of protocol/08 §8.6.
_ROLES = (
    ("bridge", "activeBridge"),
    ("anchor", "anchor"),
    ("replicator", "multicastReplicator"),
    ("relay", "networkRelay"),
)


def add_parser(commands: Any) -> None:
    """Add `zt controller member`."""
    parser = commands.add_parser(
        "member",
        help="members: list, show, authorize, deauthorize, set, delete",
        description="Manage the members of a network.",
    )
    add_home_option(parser)
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    show_all = actions.add_parser(
        "list",
        help="list members, also those that ask to be let in",
        description="List the members of a network, also those that ask to be let in.",
    )
    _finish(show_all, _list)

    show = actions.add_parser(
        "show", help="show a member", description="Show a member; --json shows all of its record."
    )
    _finish(show, _show, "a member")

    authorize = actions.add_parser(
        "authorize",
        help="let nodes into the network",
        description="Let nodes into the network, also nodes that have never asked. One that is "
        "waiting gets its config within a second.",
    )
    _finish(authorize, _authorize, "members", True)

    deauthorize = actions.add_parser(
        "deauthorize",
        help="shut members out",
        description="Shut members out of a private network. The others are told within a second.",
    )
    _finish(deauthorize, _deauthorize, "members", True)

    change = actions.add_parser(
        "set",
        help="change a member",
        description="Change a member; what is not mentioned stays.",
    )
    change.add_argument("--name", help="a name for you; members do not see it")
    change.add_argument(
        "--ip",
        metavar="IP",
        dest="ips",
        action="append",
        help="an IP address for it, inside a route of the network. May be repeated; replaces "
        "those of before",
    )
    change.add_argument("--no-ip", action="store_true", help="forget its IP addresses")
    for name, text in (
        ("bridge", "let it bridge another Ethernet into the network"),
        ("anchor", "others keep contact with it, and tell it what they listen to"),
        ("replicator", "others leave the copies of their multicasts to it"),
        ("relay", "members without a direct path relay through it rather than through a root"),
        ("auto-assign", "give it addresses by itself (default: yes)"),
        ("sso-exempt", "let it in without a single sign-on"),
    ):
        change.add_argument(
            f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=text
        )
    change.add_argument(
        "--tag",
        metavar="ID=VALUE",
        dest="tags",
        action="append",
        help="a tag for rules. May be repeated; replaces those of before",
    )
    change.add_argument(
        "--capability",
        metavar="ID",
        dest="capabilities",
        action="append",
        type=int,
        help="a capability of the network. May be repeated; replaces those of before",
    )
    change.add_argument(
        "--signed-in",
        metavar="SECONDS",
        type=int,
        help="its user has signed in: let it in for this long. 0 ends that",
    )
    _finish(change, _set, "a member")

    delete = actions.add_parser(
        "delete",
        help="forget members",
        description="Delete the records of members. One that asks again appears again, not "
        "authorized.",
    )
    _finish(delete, _delete, "members", True)


def _finish(
    parser: argparse.ArgumentParser, run: Callable, members: str = "", several: bool = False
) -> None:
    parser.add_argument("network", metavar="NWID", help="network id, 16 hex digits")
    if members:
        parser.add_argument(
            "members" if several else "member",
            metavar="ADDRESS",
            nargs="+" if several else None,
            help=f"address of {members}, 10 hex digits",
        )
    add_home_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


# --- commands


def _list(options: argparse.Namespace) -> None:
    home = home_of(options)
    members, damaged = home.members(home.network(options.network))
    for sentence in damaged:
        print(f"zt: {sentence}", file=sys.stderr)
    if options.json:
        print_json([member.fields for member in members])
        return
    rows = []
    for member in members:
        ips = ",".join(ip_text(ip) for ip in member.ips)
        rows.append(
            (
                member.address.hex(),
                "yes" if member.authorized else "no",
                _version(member.fields) or "-",
                ips or "-",
                member.name,
            )
        )
    print_table(("MEMBER", "AUTHORIZED", "VERSION", "IP", "NAME"), rows)


def _version(fields: dict) -> str:
    numbers = [fields.get(name, -1) for name in ("vMajor", "vMinor", "vRev")]
    if any(not isinstance(number, int) or number < 0 for number in numbers):
        return ""
    return ".".join(map(str, numbers))


def _show(options: argparse.Namespace) -> None:
    home = home_of(options)
    member = home.member(home.network(options.network), options.member)
    if options.json:
        print_json(member.fields)
        return
    fields: list[tuple[str, object]] = [
        ("member", member.address.hex()),
        ("name", member.name),
        ("authorized", "yes" if member.authorized else "no"),
        ("identity", member.identity or "not seen yet"),
        ("version", _version(member.fields)),
        ("roles", ", ".join(o for o, field in _ROLES if member.fields.get(field)) or "none"),
        ("auto-assign", "no" if member.no_auto_assign else "yes"),
    ]
    fields += [("IP", ip_text(ip)) for ip in member.ips]
    fields += [("tag", f"{id} = {value}") for id, value in member.tags.items()]
    fields += [("capability", id) for id in member.capabilities]
    for name, field in (
        ("created", "creationTime"),
        ("last authorized", "lastAuthorizedTime"),
        ("last deauthorized", "lastDeauthorizedTime"),
    ):
        if member.fields.get(field):
            fields.append((name, time_text(member.fields[field])))
    print_fields(fields)


def _authorize(options: argparse.Namespace) -> None:
    home = home_of(options)
    network = home.network(options.network)
    members = [home.known_or_new(network, member_address(text)) for text in options.members]
    _answer(options, _save_all(home, network, members, {"authorized": True}))


def _deauthorize(options: argparse.Namespace) -> None:
    home = home_of(options)
    network = home.network(options.network)
    members = [home.member(network, text) for text in options.members]
    _answer(options, _save_all(home, network, members, {"authorized": False}))


def _save_all(
    home: Home, network: NetworkRecord, members: list[MemberRecord], changes: dict
) -> list[MemberRecord]:
    """Change members: either all of them or none. What they are then."""
    edited = [edited_member(network, member, changes, now()) for member in members]
    for member in edited:
        if member is not None:
            database.save_member(home.store, network.nwid, member)
    return [new or old for new, old in zip(edited, members, strict=True)]


def _answer(options: argparse.Namespace, members: list[MemberRecord]) -> None:
    if options.json:
        print_json({"members": [member.fields for member in members]})


def _set(options: argparse.Namespace) -> None:
    home = home_of(options)
    network = home.network(options.network)
    member = home.member(network, options.member)
    changes: dict = {}
    if options.name is not None:
        changes["name"] = options.name
    for option, field in _ROLES:
        if getattr(options, option) is not None:
            changes[field] = getattr(options, option)
    if options.auto_assign is not None:
        changes["noAutoAssignIps"] = not options.auto_assign
    if options.sso_exempt is not None:
        changes["ssoExempt"] = options.sso_exempt
    if options.signed_in is not None:
        changes["authenticationExpiryTime"] = now() + options.signed_in * 1000
    if options.no_ip and options.ips:
        raise ValueError("--ip and --no-ip exclude each other")
    if options.no_ip:
        changes["ipAssignments"] = []
    if options.ips is not None:
        _check_ips(home, network, member, options.ips)
        changes["ipAssignments"] = [ip_text(parse_ip(ip)) for ip in options.ips]
    if options.tags is not None:
        changes["tags"] = [_tag(text) for text in options.tags]
    if options.capabilities is not None:
        for id in options.capabilities:
            if id not in network.capabilities:
                raise ValueError(f"the network has no capability {id}")
        changes["capabilities"] = options.capabilities
    (member,) = _save_all(home, network, [member], changes)
    if options.json:
        print_json(member.fields)


def _check_ips(home: Home, network: NetworkRecord, member: MemberRecord, texts: list[str]) -> None:
    others, _ = home.members(network)
    for text in texts:
        ip = parse_ip(text)
        if not any(route.contains(ip) for route in network.routes):
            raise ValueError(f"{text} is in none of the routes of the network")
        for other in others:
            if other.address != member.address and ip in other.ips:
                raise ValueError(f"{text} is the address of the member {other.address.hex()}")


def _tag(text: str) -> list[int]:
    id, _, value = text.partition("=")
    if not id.isdigit() or not value.isdigit():
        raise ValueError(f"{text} is not a tag like 1000=5")
    return [int(id), int(value)]


def _delete(options: argparse.Namespace) -> None:
    home = home_of(options)
    network = home.network(options.network)
    addresses = [member_address(text) for text in options.members]
    for address, text in zip(addresses, options.members, strict=True):
        if home.store.get(database.member_key(network.nwid, address)) is None:
            raise ValueError(f"the network {options.network} has no member {text}")
    for address in addresses:
        home.store.delete(database.member_key(network.nwid, address))
    if options.json:
        print_json({"deleted": [address.hex() for address in addresses]})
