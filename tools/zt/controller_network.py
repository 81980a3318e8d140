"""`zt controller network`: makes, lists, shows, changes and deletes networks.

Owns the options that describe a network. What is valid is decided by `NetworkRecord`.
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from zerotier import controller_database as database
from zerotier.controller_records import Route, parse_prefix
from zerotier.wire.address import IPV4_SIZE, ip_text, nwid_from_text, parse_ip

from . import files
from .controller_document import read_document
from .controller_edit import edited_network
from .controller_home import add_home_option, home_of
from .output import add_json_option, print_fields, print_json, print_table

_NEVER = 0  # expiry of a token


def add_parser(commands: Any) -> None:
    """Add `zt controller network`."""
    parser = commands.add_parser(
        "network",
        help="networks: create, list, show, set, export, import, delete",
        description="Manage networks.",
    )
    add_home_option(parser)
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    create = actions.add_parser(
        "create",
        help="make a network",
        description="Make a network and print its id. It is private unless you say --public: "
        "members must be authorized.",
    )
    create.add_argument("--id", help="network id (default: the controller's, a random number)")
    _add_settings(create)
    _finish(create, _create)

    show_all = actions.add_parser("list", help="list networks", description="List all networks.")
    _finish(show_all, _list)

    show = actions.add_parser(
        "show",
        help="show a network",
        description="Show a network; --json shows all of its record.",
    )
    _add_nwid(show)
    _finish(show, _show)

    change = actions.add_parser(
        "set",
        help="change a network",
        description="Change a network; what is not mentioned stays. Members that are online get "
        "the change within a second.",
    )
    _add_nwid(change)
    _add_settings(change)
    _finish(change, _set)

    export = actions.add_parser(
        "export",
        help="print a network with its members as JSON",
        description="Print a network and its members as one JSON document, which "
        "`zt controller network import` reads.",
    )
    _add_nwid(export)
    add_home_option(export)
    export.set_defaults(run=_export)

    load = actions.add_parser(
        "import",
        help="make a network from JSON",
        description="Make a network, with its members, from what `zt controller network export` "
        "has printed, or from a network object of the API. Print its id.",
    )
    load.add_argument("file", metavar="FILE", help="the JSON document; `-` for standard input")
    load.add_argument(
        "--id", help="network id (default: that of the document, if it is this controller's)"
    )
    _finish(load, _import)

    delete = actions.add_parser(
        "delete",
        help="delete a network with its members",
        description="Delete a network and the records of all its members. There is no way back.",
    )
    _add_nwid(delete)
    _finish(delete, _delete)


def _finish(parser: argparse.ArgumentParser, run: Callable) -> None:
    add_home_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def _add_nwid(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NWID", help="network id, 16 hex digits")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="name that members see")
    access = parser.add_mutually_exclusive_group()
    access.add_argument(
        "--public", dest="private", action="store_false", default=None, help="everybody may join"
    )
    access.add_argument(
        "--private", dest="private", action="store_true", help="only who is authorized may join"
    )
    parser.add_argument(
        "--pool",
        metavar="CIDR",
        dest="pools",
        action="append",
        help="give members addresses from this range, and a route to it: 10.147.20.0/24. "
        "May be repeated; replaces the pools of before",
    )
    parser.add_argument("--no-pool", action="store_true", help="give members no more addresses")
    parser.add_argument(
        "--route",
        metavar="CIDR[@GATEWAY][,METRIC]",
        dest="routes",
        action="append",
        help="a route for the members, through the member GATEWAY or direct; of several to one "
        "place the lowest METRIC counts. May be repeated; replaces all routes",
    )
    for name, text in (
        ("rfc4193", "give each member its RFC 4193 IPv6 address (/88)"),
        ("6plane", "give each member its 6PLANE IPv6 address (/40)"),
        ("broadcast", "let members send Ethernet broadcasts (ARP works without)"),
    ):
        parser.add_argument(
            f"--{name}", dest=name, action=argparse.BooleanOptionalAction, default=None, help=text
        )
    parser.add_argument("--mtu", type=int, help="Ethernet payload, 1280 to 10000 (default: 2800)")
    parser.add_argument(
        "--multicast-limit",
        metavar="N",
        type=int,
        help="recipients of a multicast, 0 for none (default: 32)",
    )
    parser.add_argument("--dns-domain", metavar="DOMAIN", help="domain that --dns-server serves")
    parser.add_argument(
        "--dns-server",
        metavar="IP",
        dest="dns_servers",
        action="append",
        help="up to four; replaces those of before",
    )
    parser.add_argument(
        "--rules",
        metavar="FILE",
        help="rules, capabilities and tags as JSON: a list of rules, or an object with "
        '"rules", "capabilities" and "tags"; `-` for standard input',
    )
    parser.add_argument(
        "--token",
        dest="tokens",
        action="append",
        help="who presents this token is authorized. May be repeated; replaces those of before",
    )
    parser.add_argument(
        "--sso",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="members have to sign in: each is let in up to the time that is set for it",
    )
    parser.add_argument(
        "--sso-url",
        metavar="URL",
        help="where they sign in; {network} and {member} stand for the two ids",
    )


# --- commands


def _create(options: argparse.Namespace) -> None:
    home = home_of(options)
    network = home.new_network(options.id)
    network = edited_network(network, _changes(options, network.fields)) or network
    home.create(network)
    if options.json:
        print_json(network.fields)
    else:
        print(network.nwid.hex())


def _set(options: argparse.Namespace) -> None:
    home = home_of(options)
    network = home.network(options.network)
    changed = edited_network(network, _changes(options, network.fields))
    if changed is not None:
        database.save_network(home.store, changed)
    if options.json:
        print_json((changed or network).fields)


def _list(options: argparse.Namespace) -> None:
    home = home_of(options)
    networks = []
    for nwid in database.network_ids(home.store):
        try:
            networks.append(home.network(nwid.hex()))
        except ValueError as error:
            print(f"zt: {error}", file=sys.stderr)
    if options.json:
        print_json([network.fields for network in networks])
        return
    rows = []
    for network in networks:
        members, _ = home.members(network)
        joined = sum(member.authorized for member in members)
        access = "private" if network.private else "public"
        rows.append((network.nwid.hex(), access, f"{joined}/{len(members)}", network.name))
    print_table(("NETWORK", "ACCESS", "MEMBERS", "NAME"), rows)


def _show(options: argparse.Namespace) -> None:
    home = home_of(options)
    network = home.network(options.network)
    if options.json:
        print_json(network.fields)
        return
    members, damaged = home.members(network)
    fields: list[tuple[str, object]] = [
        ("network", network.nwid.hex()),
        ("name", network.name),
        ("access", "private" if network.private else "public"),
        ("revision", network.revision),
        ("members", f"{len(members)}, {sum(member.authorized for member in members)} authorized"),
        ("MTU", network.mtu),
        ("multicast limit", network.multicast_limit),
        ("broadcast", "on" if network.broadcast else "off"),
    ]
    fields += [("route", _route_text(route)) for route in network.routes]
    fields += [("pool", f"{ip_text(start)} - {ip_text(end)}") for start, end in network.pools]
    fields += [
        (name, "on")
        for name, on in (("RFC 4193", network.assign_rfc4193), ("6PLANE", network.assign_6plane))
        if on
    ]
    if network.dns_domain:
        fields.append(("DNS domain", network.dns_domain))
    fields += [("DNS server", ip_text(server[1:-2])) for server in network.dns_servers]
    fields.append(("rules", len(network.fields.get("rules") or ())))
    fields += [("damaged", sentence) for sentence in damaged]
    print_fields(fields)


def _route_text(route: Route) -> str:
    via = "" if route.via is None else f" via {ip_text(route.via)}"
    metric = f" metric {route.metric}" if route.metric else ""
    return f"{ip_text(route.target)}/{route.bits}{via}{metric}"


def _delete(options: argparse.Namespace) -> None:
    home = home_of(options)
    nwid = nwid_from_text(options.network)
    if home.store.get(database.network_key(nwid)) is None:
        raise ValueError(f"there is no network {options.network} in {home.path}")
    members = database.delete_network(home.store, nwid)
    if options.json:
        print_json({"deleted": nwid.hex(), "members": members})


def _export(options: argparse.Namespace) -> None:
    home = home_of(options)
    network = home.network(options.network)
    members, damaged = home.members(network)
    if damaged:
        raise ValueError(damaged[0])
    print_json({"network": network.fields, "members": [member.fields for member in members]})


def _import(options: argparse.Namespace) -> None:
    home = home_of(options)
    network, members = read_document(options.file, home, options.id)
    home.create(network, members)
    if options.json:
        print_json({"network": network.fields, "members": len(members)})
    else:
        print(network.nwid.hex())


# --- settings


def _changes(options: argparse.Namespace, now: dict) -> dict:
    """The fields that the command line sets; some of them add to what the network has `now`."""
    fields: dict = {}
    for field, value in (
        ("name", options.name),
        ("private", options.private),
        ("mtu", options.mtu),
        ("multicastLimit", options.multicast_limit),
        ("enableBroadcast", options.broadcast),
        ("ssoEnabled", options.sso),
        ("authenticationURL", options.sso_url),
    ):
        if value is not None:
            fields[field] = value
    if options.mtu is not None and not 1280 <= options.mtu <= 10000:
        raise ValueError("the MTU must be from 1280 to 10000")
    v6 = dict(now.get("v6AssignMode") or {})
    if options.rfc4193 is not None:
        v6["rfc4193"] = options.rfc4193
    sixplane = getattr(options, "6plane")
    if sixplane is not None:
        v6["6plane"] = sixplane
    fields["v6AssignMode"] = v6
    fields["routes"] = now.get("routes")
    if options.routes is not None:
        fields["routes"] = [_route(text) for text in options.routes]
    _apply_pools(options, fields)
    _apply_dns(options, now, fields)
    if options.rules is not None:
        _apply_rules(options.rules, fields)
    if options.tokens is not None:
        fields["authTokens"] = dict.fromkeys(options.tokens, _NEVER)
    return fields


def _apply_pools(options: argparse.Namespace, fields: dict) -> None:
    if options.no_pool and options.pools:
        raise ValueError("--pool and --no-pool exclude each other")
    if not options.no_pool and options.pools is None:
        return
    pools, families = [], set()
    for text in options.pools or ():
        ip, bits = parse_prefix(text)
        start, end = _range(ip, bits)
        families.add(len(ip))
        pools.append({"ipRangeStart": ip_text(start), "ipRangeEnd": ip_text(end)})
        route = {"target": _network_text(ip, bits), "via": None}
        known = [existing.get("target") for existing in fields.get("routes") or ()]
        if route["target"] not in known:
            fields["routes"] = [*(fields.get("routes") or ()), route]
    fields["ipAssignmentPools"] = pools
    fields["v4AssignMode"] = {"zt": IPV4_SIZE in families}
    fields["v6AssignMode"]["zt"] = bool(families - {IPV4_SIZE})


def _range(ip: bytes, bits: int) -> tuple[bytes, bytes]:
    """(first, last) address of a pool: of IPv4 neither the network's own nor the broadcast."""
    host_bits = 8 * len(ip) - bits
    first = int.from_bytes(ip, "big") >> host_bits << host_bits
    last = first + (1 << host_bits) - 1
    if len(ip) == IPV4_SIZE:
        if host_bits < 2:
            raise ValueError(f"{ip_text(ip)}/{bits} has no room for members")
        first, last = first + 1, last - 1
    return first.to_bytes(len(ip), "big"), last.to_bytes(len(ip), "big")


def _network_text(ip: bytes, bits: int) -> str:
    host_bits = 8 * len(ip) - bits
    first = int.from_bytes(ip, "big") >> host_bits << host_bits
    return f"{ip_text(first.to_bytes(len(ip), 'big'))}/{bits}"


def _route(text: str) -> dict:
    where, comma, metric = text.partition(",")
    target, at, via = where.partition("@")
    ip, bits = parse_prefix(target)
    gateway = ip_text(parse_ip(via)) if at else None
    route: dict = {"target": _network_text(ip, bits), "via": gateway}
    if comma:
        if not metric.isdigit():
            raise ValueError(f"{metric} is not a metric, which is a number")
        route["metric"] = int(metric)
    return route


def _apply_dns(options: argparse.Namespace, now: dict, fields: dict) -> None:
    dns = now.get("dns") or {}
    if options.dns_domain is not None:
        dns = {**dns, "domain": options.dns_domain}
    if options.dns_servers is not None:
        dns = {**dns, "servers": options.dns_servers}
    if dns:
        fields["dns"] = dns


def _apply_rules(path: str, fields: dict) -> None:
    try:
        rules = json.loads(files.read(path))
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not JSON") from None
    if isinstance(rules, list):
        rules = {"rules": rules}
    known = ("rules", "capabilities", "tags")
    if not isinstance(rules, dict) or not set(rules) <= set(known):
        raise ValueError(f"{path} must be a list of rules, or an object with {', '.join(known)}")
    fields.update(rules)
