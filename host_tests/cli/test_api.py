"""The HTTP API of `zt controller run`: each verb at each path, who may ask, and bad input."""

import json
import signal
import socket
import stat
import threading

import pytest

from host_tests.cli.command import Service, answer, done, refused
from host_tests.cli.conftest import SECRETS, make_home
from host_tests.cli.http_client import Client, started

IP = "127.95.1.1"
ROOT = "127.95.9.1"
CONTROLLER = SECRETS[1][:10]
MEMBER = "8f65490231"
DROP_IPV6 = {"type": "MATCH_ETHERTYPE", "etherType": 34525}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home of a controller whose root is away: the API does not need one."""
    folder = tmp_path_factory.mktemp("api")
    root, controller = make_home(folder / "root", 0), make_home(folder / "controller", 1)
    place = f"{root}/identity.public@{ROOT}/9993"
    done("world", "planet", "--root", place, "--out", root / "planet", "--key", folder / "key")
    (controller / "planet").write_bytes((root / "planet").read_bytes())
    return controller


@pytest.fixture(scope="module")
def client(home):
    with Service("controller", "--home", home, "run", "--bind", IP, "--port", 0) as service:
        yield started(service, home, IP)
        assert service.stop(signal.SIGTERM) == 0
    assert not (home / "zerotier-one.port").exists()


@pytest.fixture
def nwid(client):
    """A new network."""
    return client.post("/controller/network", {"name": "lab"})["id"]


# --- who may ask


def test_the_token_is_made_once_for_its_owner_alone(client, home):
    token = home / "authtoken.secret"
    assert len(client.token) == 24 and client.token.isalnum() and client.token.islower()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


@pytest.mark.parametrize("way", ("header", "bearer", "query"))
def test_the_token_opens_and_a_wrong_one_does_not(client, way):
    for token, status in ((client.token, 200), (client.token[:-1] + "_", 401), ("", 401)):
        path, headers = "/status", {}
        if way == "header":
            headers = {"X-ZT1-Auth": token}
        elif way == "bearer":
            headers = {"Authorization": f"bearer {token}"}
        else:
            path += f"?auth={token}"
        found, value = client.ask("GET", path, headers=headers)
        assert found == status and (status == 200 or value == {})


def test_without_a_token_only_the_health_is_told(client):
    assert client.ask("GET", "/health", headers={})[0] == 200
    for path in ("/", "/status", "/controller", "/controller/network", "/nothing"):
        assert client.ask("GET", path, headers={}) == (401, {})


def test_other_addresses_of_the_machine_are_closed(client):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.95.1.2", client.port), 5)


# --- networks


def test_the_controller_tells_of_itself(client):
    status = client.get("/controller")
    assert status["controller"] is True and status["apiVersion"] == 4
    assert status["databaseReady"] is True and status["clock"] > 1_700_000_000_000


def test_a_network_is_made_changed_and_deleted(client, home):
    made = client.post("/controller/network", {"name": "one", "private": False})
    nwid = made["id"]
    assert nwid[:10] == CONTROLLER and made["nwid"] == nwid and made["objtype"] == "network"
    assert made["name"] == "one" and made["private"] is False and made["revision"] == 1
    assert made["rules"] == [{"type": "ACTION_ACCEPT"}]
    assert nwid in client.get("/controller/network")
    changed = client.post(f"/controller/network/{nwid}", {"mtu": 1400, "name": "two"})
    assert changed == {**made, "mtu": 1400, "name": "two", "revision": 2}
    assert client.get(f"/controller/network/{nwid}") == changed
    assert client.ask("PUT", f"/controller/network/{nwid}", {"mtu": 1400}) == (200, changed)
    assert answer("controller", "--home", home, "network", "show", nwid) == changed
    assert client.delete(f"/controller/network/{nwid}") == changed
    assert nwid not in client.get("/controller/network")
    assert nwid in client.refused(404, "GET", f"/controller/network/{nwid}")
    assert not list((home / "controller.d").rglob(f"{nwid}*.json"))


def test_a_network_can_be_made_under_a_wildcard_or_a_number_of_ones_choice(client):
    wild = client.post(f"/controller/network/{CONTROLLER}______", {"name": "wild"})
    assert wild["name"] == "wild" and wild["id"][:10] == CONTROLLER
    chosen = client.post(f"/controller/network/{CONTROLLER}00ab12", {"name": "chosen"})
    assert chosen["id"] == f"{CONTROLLER}00ab12" and chosen["revision"] == 1
    assert MEMBER in client.refused(404, "POST", f"/controller/network/{MEMBER}______", {})
    assert CONTROLLER in client.refused(400, "POST", f"/controller/network/{MEMBER}000001", {})
    client.refused(400, "POST", f"/controller/network/{CONTROLLER}000000", {})


def test_every_field_of_a_network_comes_back_as_it_was_given(client, nwid):
    rules = [
        {**DROP_IPV6, "not": True, "or": False},
        {"type": "ACTION_DROP"},
        {"type": "ACTION_ACCEPT"},
    ]
    fields = {
        "name": "all",
        "private": True,
        "mtu": 2000,
        "multicastLimit": 7,
        "enableBroadcast": False,
        "routes": [
            {"target": "10.1.0.0/16", "via": None},
            {"target": "10.2.0.0/16", "via": "10.1.0.1"},
        ],
        "ipAssignmentPools": [{"ipRangeStart": "10.1.0.1", "ipRangeEnd": "10.1.9.9"}],
        "v4AssignMode": {"zt": True},
        "v6AssignMode": {"zt": False, "6plane": True, "rfc4193": True},
        "rules": rules,
        "rulesSource": "drop not ethertype ipv6;\naccept;",
        "capabilities": [{"id": 5, "default": True, "rules": rules[1:]}],
        "tags": [{"id": 7, "default": 3}],
        "authTokens": {"sesame": 0},
        "dns": {"domain": "lab.example", "servers": ["10.1.0.53"]},
        "ssoEnabled": True,
        "authenticationURL": "https://login.example/?m={member}",
        "remoteTraceTarget": None,
        "remoteTraceLevel": 0,
    }
    changed = client.post(f"/controller/network/{nwid}", fields)
    assert {name: changed[name] for name in fields} == fields


def test_what_nobody_may_set_vanishes_and_rules_get_all_their_fields(client, nwid):
    before = client.get(f"/controller/network/{nwid}")
    body = {"id": "1" * 16, "revision": 99, "creationTime": 1, "clock": 5, "objtype": "moon"}
    assert client.post(f"/controller/network/{nwid}", body) == before
    changed = client.post(f"/controller/network/{nwid}", {"rules": [{**DROP_IPV6, "x": 1}]})
    assert changed["rules"] == [{**DROP_IPV6, "not": False, "or": False}]
    changed = client.post(f"/controller/network/{nwid}", {"v6AssignMode": {"rfc4193": True}})
    assert changed["v6AssignMode"] == {"zt": False, "6plane": False, "rfc4193": True}


@pytest.mark.parametrize(
    "body, reason",
    (
        ({"mtu": "large"}, "mtu must be a number"),
        ({"private": 1}, "private must be true or false"),
        ({"routes": {}}, "routes must be a list"),
        ({"routes": [{"target": "10.0.0.0"}]}, "is not an address with a prefix length"),
        ({"rules": [{"type": "ACTION_FLY"}]}, "there is no type 'ACTION_FLY'"),
        ({"v4AssignMode": True}, "v4AssignMode must be an object"),
        ({"v4AssignMode": {"zt": 1}}, "zt must be true or false"),
        ({"capabilities": [{"id": -1}]}, "id must be a number"),
        ({"rulesSource": 1}, "rulesSource must be a string"),
        ([], "the body is not a JSON object"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
    ),
)
def test_a_network_is_not_changed_by_what_cannot_be_meant(client, nwid, body, reason):
    before = client.get(f"/controller/network/{nwid}")
    assert reason in client.refused(400, "POST", f"/controller/network/{nwid}", body)
    assert client.get(f"/controller/network/{nwid}") == before


# --- members


def test_a_member_is_authorized_before_it_ever_asked_changed_and_deleted(client, nwid):
    path = f"/controller/network/{nwid}/member/{MEMBER}"
    assert MEMBER in client.refused(404, "GET", path)
    made = client.post(path, {"authorized": True})
    assert made["id"] == made["address"] == MEMBER and made["nwid"] == nwid
    assert made["authorized"] is True and made["lastAuthorizedTime"] > 0
    assert made["revision"] == 1 and made["objtype"] == "member"
    fields = {
        "name": "printer",
        "activeBridge": True,
        "noAutoAssignIps": True,
        "ipAssignments": ["10.1.2.3"],
        "tags": [[7, 1]],
        "capabilities": [5],
        "ssoExempt": True,
        "authenticationExpiryTime": 1_800_000_000_000,
    }
    changed = client.post(path, fields)
    assert changed == {**made, **fields, "revision": 2}
    assert client.get(path) == changed
    assert client.get(f"/controller/network/{nwid}/member") == {MEMBER: 2}
    shut = client.post(path, {"authorized": False, "identity": "mine", "vMajor": 9})
    assert shut["authorized"] is False and shut["lastDeauthorizedTime"] > 0
    assert shut["identity"] == "" and "vMajor" not in shut
    assert client.delete(path) == shut
    assert client.get(f"/controller/network/{nwid}/member") == {}


@pytest.mark.parametrize(
    "body, reason",
    (
        ({"authorized": "yes"}, "authorized must be true or false"),
        ({"ipAssignments": ["10.0.0"]}, "is not an IP address"),
        ({"tags": [[1]]}, "must be [id, value]"),
        ({"capabilities": ["5"]}, "every entry of capabilities must be a number"),
        ({"authenticationExpiryTime": -1}, "must be a number from 0"),
    ),
)
def test_a_member_is_not_changed_by_what_cannot_be_meant(client, nwid, body, reason):
    path = f"/controller/network/{nwid}/member/{MEMBER}"
    assert reason in client.refused(400, "POST", path, body)
    assert client.ask("GET", path)[0] == 404


def test_nobody_is_shut_out_of_a_public_network(client, nwid):
    client.post(f"/controller/network/{nwid}", {"private": False})
    path = f"/controller/network/{nwid}/member/{MEMBER}"
    client.post(path, {"authorized": True})
    assert "make it private first" in client.refused(400, "POST", path, {"authorized": False})


def test_whole_lists_come_with_their_number(client, nwid):
    client.post(f"/controller/network/{nwid}/member/{MEMBER}", {"authorized": True})
    networks = client.get("/unstable/controller/network")
    assert nwid in [network["id"] for network in networks["data"]]
    assert networks["meta"]["totalCount"] == len(networks["data"])
    members = client.get(f"/unstable/controller/network/{nwid}/member")
    assert [member["id"] for member in members["data"]] == [MEMBER]
    assert members["meta"] == {"totalCount": 1, "authorizedCount": 1}


# --- the node


def test_the_node_tells_of_itself(client, home):
    status = client.get("/status")
    assert status["address"] == CONTROLLER
    assert status["publicIdentity"] == (home / "identity.public").read_text()
    assert status["online"] is False and status["tcpFallbackActive"] is False
    assert status["version"].split(".") == [
        str(status[f"version{part}"]) for part in ("Major", "Minor", "Rev")
    ]
    assert status["planetWorldId"] > 0 and status["planetWorldTimestamp"] > 0
    assert status["config"]["settings"]["homeDir"] == str(home)
    (root,) = client.get("/peer")
    assert root["role"] == "PLANET" and root["latency"] == -1 and root["versionMajor"] == -1
    assert client.get(f"/peer/{root['address']}")["address"] == root["address"]
    client.refused(404, "GET", f"/peer/{MEMBER}")


def test_networks_are_joined_set_and_left(client):
    nwid = f"{MEMBER}000001"
    assert client.get("/network") == []
    joined = client.post(f"/network/{nwid}", {"allowDNS": True, "allowManaged": "10.0.0.0/8"})
    assert joined["id"] == nwid and joined["status"] == "REQUESTING_CONFIGURATION"
    assert joined["allowDNS"] is True and joined["allowManaged"] == "10.0.0.0/8"
    assert joined["allowGlobal"] is False and joined["assignedAddresses"] == []
    assert client.post(f"/network/{nwid}", {"allowDNS": False})["allowDNS"] is False
    assert [one["id"] for one in client.get("/network")] == [nwid]
    client.refused(400, "POST", f"/network/{nwid}", {"allowGlobal": "yes"})
    client.refused(400, "POST", f"/network/{nwid}", {"allowManaged": "everything"})
    assert client.delete(f"/network/{nwid}") == {"result": True}
    client.refused(404, "DELETE", f"/network/{nwid}")
    client.refused(404, "GET", f"/network/{nwid}")


def test_moons_are_orbited_and_left(client):
    assert client.get("/moon") == []
    moon = client.post(f"/moon/{MEMBER}", {"seed": MEMBER})
    assert moon["id"] == f"000000{MEMBER}" and moon["waiting"] is True
    assert client.get(f"/moon/{MEMBER}") == moon and client.get("/moon") == [moon]
    assert client.delete(f"/moon/{MEMBER}") == {"result": True}
    client.refused(404, "DELETE", f"/moon/{MEMBER}")
    client.refused(400, "POST", f"/moon/{MEMBER}", {"seed": 5})
    client.refused(400, "POST", f"/moon/{MEMBER}", {})


# --- HTTP


@pytest.mark.parametrize(
    "path",
    (
        *(
            "/",
            "/nothing",
            "/status/more",
            "/network/12",
            "/network/0123456789abcdeg",
            "/peer/1/2",
        ),
        *("/controller/members", "/controller/network/1", "/controller/network/..%2f..%2fx"),
        f"/controller/network/{CONTROLLER}00ab12/members",
        f"/controller/network/{CONTROLLER}00ab12/member/{MEMBER}/x",
        "/unstable/controller",
    ),
)
def test_a_path_that_leads_nowhere_is_said_to(client, path):
    client.refused(404, "GET", path)


def test_a_method_that_means_nothing_is_refused(client, nwid):
    for method, path in (
        ("DELETE", "/status"),
        ("POST", "/controller"),
        ("DELETE", "/controller/network"),
        ("PATCH", f"/controller/network/{nwid}"),
        ("POST", f"/controller/network/{nwid}/member"),
        ("GET", f"/controller/network/{CONTROLLER}______"),
    ):
        assert "not possible" in client.refused(405, method, path)


def test_a_body_that_is_too_large_is_refused_unread(client, nwid):
    path = f"/controller/network/{nwid}"
    assert "must not have more" in client.refused(413, "POST", path, b"x" * (5 << 20))


def test_who_has_no_token_is_refused_before_a_body_is_read(client):
    with socket.create_connection((client.ip, client.port), 10) as wire:
        wire.sendall(
            b"POST /controller/network HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n"
        )
        assert wire.recv(65536).startswith(b"HTTP/1.1 401")


def said(client: Client, text: bytes) -> bytes:
    """What comes back for these bytes, up to the end of the connection."""
    with socket.create_connection((client.ip, client.port), 10) as wire:
        wire.sendall(text)
        wire.shutdown(socket.SHUT_WR)
        found = b""
        while piece := wire.recv(65536):
            found += piece
        return found


@pytest.mark.parametrize(
    "text",
    (
        *(b"\x16\x03\x01\x02\x00\x01\n\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"),
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: minus\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
)
def test_what_is_no_http_gets_one_error_and_the_end(client, text):
    found = said(client, text)
    assert found.startswith(b"HTTP/1.1 4")
    assert list(json.loads(found.partition(b"\r\n\r\n")[2])) == ["error"]
    assert client.get("/controller")["controller"] is True


def test_the_answer_to_a_head_has_no_body(client):
    for path in ("/health", "/status", "//["):
        found = said(client, f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert found.startswith(b"HTTP/1.1 4") and found.endswith(b"\r\n\r\n")


def test_a_body_of_any_depth_is_answered(client, nwid):
    for depth in range(900, 1000, 2):
        deep = b'{"rulesSource": ' + b"[" * depth + b"]" * depth + b"}"
        client.refused(400, "POST", f"/controller/network/{nwid}", deep)


def test_half_a_request_does_not_hold_up_others(client):
    with socket.create_connection((client.ip, client.port), 10) as wire:
        wire.sendall(b"POST /controller/network HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        assert client.get("/controller")["controller"] is True
    assert said(client, b"") == b""


def test_a_connection_serves_one_request_after_another(client):
    head = f"Host: x\r\nX-ZT1-Auth: {client.token}\r\n".encode()
    first = b"GET /controller HTTP/1.1\r\n" + head + b"\r\n"
    last = b"GET /peer HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n"
    assert said(client, first + first + last).count(b"HTTP/1.1 200") == 3


def test_many_at_once_lose_no_change(client, nwid):
    def authorize(number):
        member = f"{0x1000000000 + number:010x}"
        client.post(f"/controller/network/{nwid}/member/{member}", {"authorized": True})

    threads = [threading.Thread(target=authorize, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(client.get(f"/controller/network/{nwid}/member")) == 24


def test_a_port_that_is_taken_costs_the_api_but_not_the_node_unless_it_was_asked_for(tmp_path):
    home = make_home(tmp_path / "other", 2)
    with socket.create_server((IP, 0)) as taken:
        port = taken.getsockname()[1]
        run = ("controller", "--home", home, "run", "--bind", IP, "--port")
        with Service(*run, port) as service:
            assert "the API is not there" in service.event("warning")["text"]
            assert service.event("ready")["api"] == ""
            assert service.stop(signal.SIGTERM) == 0
        assert "cannot be had" in refused(*run, 0, "--api-port", port)
    with Service(*run, 0, "--no-api") as service:
        assert service.event("ready")["api"] == ""
        assert service.stop(signal.SIGTERM) == 0
