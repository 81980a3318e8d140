"""`zt controller member`: lists, authorizes, changes and deletes the members of a network.

Owns the options that describe a member. What is valid is decided by `MemberRecord`.
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from zerotier import controller_database as database
from zerotier.controller_records import MemberRecord, NetworkRecord, new_member, set_authorized
from zerotier.wire.address import ip_text, parse_ip

from .controller_home import Home, add_home_option, member_address, now
from .output import add_json_option, print_fields, print_json, print_table, time_text

# Roles of a member: the option and the name in its record. The first name is that of protocol/08 §8.6.
_ROLES = (
    ("bridge", "activeBridge"),
    ("anchor", "anchor"),
    ("replicator", "multicastReplicator"),
    ("relay", "networkRelay"),
)
_BY_HAND = ("api", "")  # how a member came to be authorized: (type, credential)


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
    home = Home(options)
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
    home = Home(options)
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
    home = Home(options)
    network = home.network(options.network)
    members = []
    for address in [member_address(text) for text in options.members]:
        member = database.load_member(home.store, network.nwid, address)
        if member is None:
            fields = new_member(network.nwid, address, now())
            fields["capabilities"] = network.default_capabilities()
            member = MemberRecord(fields)
        members.append(member)
    _set_authorized(home, network, members, True)
    _answer(options, members)


def _deauthorize(options: argparse.Namespace) -> None:
    home = Home(options)
    network = home.network(options.network)
    if not network.private:
        raise ValueError(f"{options.network} is public, so everybody is in: make it private first")
    members = [home.member(network, text) for text in options.members]
    _set_authorized(home, network, members, False)
    _answer(options, members)


def _set_authorized(
    home: Home, network: NetworkRecord, members: list[MemberRecord], authorized: bool
) -> None:
    """All records have been read by now: either all of them change or none."""
    for member in members:
        if member.authorized is not authorized or not member.fields.get("revision"):
            set_authorized(member.fields, authorized, _BY_HAND, now())
            database.save_member(home.store, network.nwid, member)


def _answer(options: argparse.Namespace, members: list[MemberRecord]) -> None:
    if options.json:
        print_json({"members": [member.fields for member in members]})


def _set(options: argparse.Namespace) -> None:
    home = Home(options)
    network = home.network(options.network)
    member = home.member(network, options.member)
    before = json.dumps(member.fields)
    fields = json.loads(before)
    if options.name is not None:
        fields["name"] = options.name
    for option, field in _ROLES:
        if getattr(options, option) is not None:
            fields[field] = getattr(options, option)
    if options.auto_assign is not None:
        fields["noAutoAssignIps"] = not options.auto_assign
    if options.no_ip and options.ips:
        raise ValueError("--ip and --no-ip exclude each other")
    if options.no_ip:
        fields["ipAssignments"] = []
    if options.ips is not None:
        _check_ips(home, network, member, options.ips)
        fields["ipAssignments"] = [ip_text(parse_ip(ip)) for ip in options.ips]
    if options.tags is not None:
        fields["tags"] = [_tag(text) for text in options.tags]
    if options.capabilities is not None:
        for id in options.capabilities:
            if id not in network.capabilities:
                raise ValueError(f"the network has no capability {id}")
        fields["capabilities"] = options.capabilities
    changed = MemberRecord(fields)
    if json.dumps(fields) != before:
        database.save_member(home.store, network.nwid, changed)
    if options.json:
        print_json(fields)


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
    home = Home(options)
    network = home.network(options.network)
    addresses = [member_address(text) for text in options.members]
    for address, text in zip(addresses, options.members, strict=True):
        if home.store.get(database.member_key(network.nwid, address)) is None:
            raise ValueError(f"the network {options.network} has no member {text}")
    for address in addresses:
        home.store.delete(database.member_key(network.nwid, address))
    if options.json:
        print_json({"deleted": [address.hex() for address in addresses]})
