"""`zt demo`: a root, a controller and two MicroPython devices on this machine, which talk to each other.

Owns the demonstration and its summary (build/demo.json). Uses the commands and the lab as a user would; it knows
nothing of the protocol. Exit status 0 only if everything in it happened.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .lab import Lab, Loopback, Namespaces, Process, Underlay

PROJECT = Path(__file__).resolve().parents[2]
BUILD = PROJECT / "build"
INTERPRETER = BUILD / "desktop" / "micropython"
HOME = BUILD / "demo"
SUMMARY = BUILD / "demo.json"
DEVICE = Path(__file__).resolve().parent / "lab" / "device_node.py"

PORT = 9993
POOL = "10.147.20.0/24"
TRANSFER = 4_000_000  # octets
START_SECONDS = 20
JOIN_SECONDS = 30
POWER_OFF = (
    1.1  # seconds; to one who is back sooner no peer repeats its credentials (protocol/04 §4.8)
)
FIRST_PING = 0.1  # seconds until the next is sent
STEP_SECONDS = 60
DEVICES = ("alice", "bob")


class Failure(Exception):
    """A step of the demonstration did not happen; the text says which."""


def add_parser(subparsers: Any) -> None:
    """Register `zt demo`."""
    parser = subparsers.add_parser(
        "demo",
        help="show two MicroPython devices talking over a private network, all on this machine",
        description="Starts a private root, a controller and two MicroPython devices on this machine, lets the"
        " devices join a network, and has them ping, fetch a page and move 4 MB in each direction."
        " Closes with a summary, also written to build/demo.json.",
    )
    parser.add_argument(
        "--underlay",
        choices=("auto", "namespaces", "loopback"),
        default="auto",
        help="namespaces: one network namespace a node (needs root); loopback: one 127.x address a node",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the summary as JSON, and nothing else"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration; 0 if all of it happened."""
    progress = Progress(arguments.json)
    if not INTERPRETER.exists():
        print(f"zt demo: {INTERPRETER} is missing: run `make` first", file=sys.stderr)
        return 1
    try:
        underlay = choose_underlay(arguments.underlay)
    except OSError as error:
        print(f"zt demo: {error}", file=sys.stderr)
        return 1
    begun = time.monotonic()
    summary: dict[str, Any] = {"underlay": type(underlay).__name__.lower(), "ok": False}
    status = 1
    try:
        with Lab(underlay, HOME / "log") as lab:
            Demonstration(lab, progress, summary).run()
        summary["ok"] = True
        status = 0
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        summary["error"] = str(error)
        progress.fail(str(error))
    summary["seconds"] = round(time.monotonic() - begun, 1)
    SUMMARY.write_text(json.dumps(summary, indent=1) + "\n")
    if arguments.json:
        print(json.dumps(summary))
    elif status == 0:
        print_summary(summary)
    return status


def choose_underlay(name: str) -> Underlay:
    """The underlay of that name; auto: namespaces where they are possible. OSError says why not."""
    if name == "namespaces" or (name == "auto" and Namespaces.why_not() is None):
        return Namespaces()
    return Loopback()


class Progress:
    """Tells what is going on, a line a step."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def step(self, text: str) -> None:
        if not self._quiet:
            print(f"  {text} ...", flush=True)

    def done(self, text: str) -> None:
        if not self._quiet:
            print(f"    {text}", flush=True)

    def fail(self, text: str) -> None:
        print(f"zt demo: {text}", file=sys.stderr)


class Demonstration:
    """The steps, in order. Every one raises Failure or OSError if it does not happen."""

    def __init__(self, lab: Lab, progress: Progress, summary: dict[str, Any]) -> None:
        self._lab = lab
        self._progress = progress
        self._summary = summary
        self._devices: dict[str, Process] = {}
        self._ips: dict[str, str] = {}

    def run(self) -> None:
        for name in ("root", "controller", *DEVICES):
            shutil.rmtree(HOME / name, ignore_errors=True)
            (HOME / name).mkdir(parents=True)
            self._lab.add(name)
        self._start_infrastructure()
        self._start_devices()
        self._summary["directions"] = []
        for source, target in (DEVICES, DEVICES[::-1]):
            self._talk(source, target)
        self._measure()
        for source, target in (DEVICES, DEVICES[::-1]):
            self._switch_off_and_on(source, target)

    def _zt(self, *words: str) -> dict[str, Any]:
        """Run a command of `zt` and read the JSON that it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "zt.cli", *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failure(done.stderr.strip() or f"zt {words[0]} failed")
        answer: dict[str, Any] = json.loads(done.stdout or "{}")
        return answer

    def _start_infrastructure(self) -> None:
        self._progress.step("Making the identities, the planet and a private network")
        for name in ("root", "controller"):
            self._zt("identity", "new", "--out", str(HOME / name / "identity.secret"), "--json")
        root = (HOME / "root" / "identity.public").read_text()
        endpoint = f"{self._lab.address('root')}/{PORT}"
        planet = HOME / "root" / "planet"
        self._zt(
            *("world", "planet", "--root", f"{root}@{endpoint}"),
            *("--key", str(HOME / "world.key"), "--out", str(planet), "--json"),
        )
        for name in ("controller", *DEVICES):
            shutil.copy(planet, HOME / name / "planet")
        created = self._zt(
            *("controller", "--home", str(HOME / "controller"), "network", "create"),
            *("--name", "demo", "--pool", POOL, "--rfc4193", "--json"),
        )
        self._nwid = created["id"]
        self._progress.step(
            f"Starting a root at {endpoint} and a controller for network {self._nwid}"
        )
        self._start_service("root", ["root", "--home", str(HOME / "root")])
        self._start_service(
            "controller", ["controller", "--home", str(HOME / "controller"), "run"]
        )

    def _start_service(self, name: str, words: list[str]) -> None:
        options = ["--bind", self._lab.address(name), "--port", str(PORT), "--json"]
        argv = [sys.executable, "-m", "zt.cli", *words, *options]
        self._lab.start(name, argv).wait("ready")

    def _start_devices(self) -> None:
        self._progress.step(
            f"Starting {len(DEVICES)} MicroPython devices, which make their identities"
        )
        for name in DEVICES:
            self._devices[name] = self._start_device(name, name)
        up = {name: device.wait("up", START_SECONDS) for name, device in self._devices.items()}
        addresses = {name: up[name]["address"] for name in DEVICES}
        for name in DEVICES:
            self._progress.done(f"{name} is {addresses[name]}, after {up[name]['ms']} ms")
        self._progress.step(
            "Joining; the network is private, so the administrator authorises them"
        )
        for name in DEVICES:
            self._zt(
                *("controller", "--home", str(HOME / "controller"), "member", "authorize"),
                *(self._nwid, addresses[name], "--json"),
            )
        requests = {
            name: device.request("ready", nwid=self._nwid, seconds=JOIN_SECONDS)
            for name, device in self._devices.items()
        }
        joined = []
        for name, device in self._devices.items():
            answer = device.answer(requests[name], JOIN_SECONDS + 5)
            self._ips[name] = answer["addresses"][0]
            joined.append(
                {"name": name, "address": addresses[name], "identity_ms": up[name]["ms"]}
            )
            joined[-1] |= {"join_ms": answer["ms"], "addresses": answer["addresses"]}
            self._progress.done(f"{name} has {self._ips[name]} after {answer['ms']} ms")
        self._summary["network"] = self._nwid
        self._summary["devices"] = joined

    def _start_device(self, name: str, log: str) -> Process:
        argv = [str(INTERPRETER), str(DEVICE), str(HOME / name), self._lab.address(name)]
        return self._lab.start(name, [*argv, str(PORT)], name=log)

    def _talk(self, source: str, target: str) -> None:
        """Ping, fetch a page and move 4 MB from one device to the other."""
        one, other = self._devices[source], self._devices[target]
        ip = self._ips[target]
        result: dict[str, Any] = {"from": source, "to": target}
        self._progress.step(f"{source} pings {target}")
        one.ask("ping", 20, ip=ip, count=3, seconds=2)  # paths and addresses are found meanwhile
        ping = one.ask("ping", 20, ip=ip, count=20)
        if ping["lost"]:
            raise Failure(f"{ping['lost']} of 20 pings from {source} to {target} were lost")
        result["ping_ms"] = round(sorted(ping["ms"])[len(ping["ms"]) // 2], 2)
        self._progress.done(f"round trip {result['ping_ms']} ms (median of 20)")
        self._progress.step(f"{source} fetches a page that {target} serves")
        serving = other.request("http_serve", ip=ip)
        other.wait("listening")
        page = one.ask("http_get", 20, ip=ip)
        served = other.answer(serving, 20)
        if (
            "200" not in page["status"]
            or target_address(self._summary, target) not in page["body"]
        ):
            raise Failure(f"{target} did not serve its page to {source}: {page['status']}")
        result["http_ms"] = page["ms"]
        self._progress.done(f"{page['status']} in {page['ms']} ms, asked by {served['peer']}")
        self._progress.step(f"{source} sends {TRANSFER // 1_000_000} MB to {target} over TCP")
        receiving = other.request("tcp_receive", port=5001, size=TRANSFER)
        other.wait("listening")
        sent = one.ask("tcp_send", STEP_SECONDS, ip=ip, port=5001, size=TRANSFER)
        received = other.answer(receiving, STEP_SECONDS)
        if received["sha256"] != sent["sha256"] or received["received"] != TRANSFER:
            raise Failure(f"the transfer from {source} to {target} arrived damaged")
        result["tcp_bytes"] = TRANSFER
        result["tcp_sha256"] = received["sha256"]
        result["tcp_mbit_s"] = round(TRANSFER * 8 / received["ms"] / 1000, 1)
        self._progress.done(f"{result['tcp_mbit_s']} Mbit/s, SHA-256 equal")
        self._summary["directions"].append(result)

    def _measure(self) -> None:
        for row in self._summary["devices"]:
            device = self._devices[row["name"]]
            memory = device.ask("memory")
            row["heap_bytes"] = memory["heap"]
            row["resident_kib"] = memory["resident"]
            peers = {p["address"]: p for p in device.ask("peers")["peers"]}
            others = [d["address"] for d in self._summary["devices"] if d is not row]
            row["direct"] = all(peers[other]["direct"] for other in others)

    def _switch_off_and_on(self, name: str, other: str) -> None:
        """From power-on to the first answered ping is what a user waits for."""
        self._progress.step(f"{name} is switched off and on again, and pings {other}")
        self._devices[name].kill()
        time.sleep(POWER_OFF)
        begun = time.monotonic()
        device = self._devices[name] = self._start_device(name, f"{name}_again")
        device.wait("up", START_SECONDS)
        device.ask("ready", JOIN_SECONDS + 5, nwid=self._nwid, seconds=JOIN_SECONDS)
        while device.ask("ping", ip=self._ips[other], count=1, seconds=FIRST_PING)["lost"]:
            if time.monotonic() > begun + JOIN_SECONDS:
                raise Failure(f"{name} does not reach {other} after its power came back")
        taken = round((time.monotonic() - begun) * 1000)
        next(d for d in self._summary["devices"] if d["name"] == name)["power_on_ms"] = taken
        self._progress.done(f"the first answer came {taken} ms after power-on")


def target_address(summary: dict[str, Any], name: str) -> str:
    """The ZeroTier address of a device of the summary."""
    found: str = next(d["address"] for d in summary["devices"] if d["name"] == name)
    return found


def print_summary(summary: dict[str, Any]) -> None:
    """The closing table."""
    print(
        f"\nNetwork {summary['network']}, underlay {summary['underlay']}, {summary['seconds']} s in all\n"
    )
    titles = f"{'identity':>11}{'join':>10}{'power-on':>11}{'heap':>10}{'resident':>11}"
    print(f"  {'device':8}{'address':12}{'IP':16}{titles}  path")
    for row in summary["devices"]:
        print(
            f"  {row['name']:8}{row['address']:12}{row['addresses'][0]:16}"
            f"{row['identity_ms']:>8} ms{row['join_ms']:>7} ms{row['power_on_ms']:>8} ms"
            f"{row['heap_bytes'] // 1024:>6} KiB{row['resident_kib']:>7} KiB"
            f"  {'direct' if row['direct'] else 'relayed'}"
        )
    print(
        "\n  identity: to make one, at the very first start; join: from asking until it has its IP;"
        "\n  power-on: from switching it on again to the first answered ping"
    )
    print(f"\n  {'direction':20}{'round trip':>12}{'HTTP GET':>11}{'TCP, 4 MB':>15}")
    for row in summary["directions"]:
        direction = f"{row['from']} to {row['to']}"
        print(
            f"  {direction:20}{row['ping_ms']:>9} ms{row['http_ms']:>8} ms{row['tcp_mbit_s']:>8} Mbit/s"
        )
    print(f"\nAll of it happened. The figures are in {SUMMARY.relative_to(PROJECT)}.")
