#!/usr/bin/env python3
"""Counts the instructions of a packet on a 32-bit RISC-V core, in the emulator, and the bytes of its tables.

Owns how bench.c is built (the flags of firmware/cmodule/micropython.mk) and run, and what the figures must reach.
Never needs MicroPython. Debian's tools: `tools/environment.py emulator`.

    python host_tests/bench/rv32/run.py [--json]
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "build" / "bench" / "rv32"
CMODULE = ROOT / "firmware" / "cmodule"
BOARD = ROOT / "boards" / "VIRT_RV32" / "include"
LWIP = Path(os.environ.get("LWIP_DIR", ROOT / "build" / "sources" / "lwip-2.2.1")) / "src"

# A newer ISA specification would make this compiler choose the libraries for 64 bits.
TARGET = ["-march=rv32imac", "-misa-spec=2.2", "-mabi=ilp32", "--specs=picolibc.specs"]
COMMON = [
    *TARGET,
    "-std=gnu11",
    "-ffunction-sections",
    "-fdata-sections",
    "-DZT_SMALL=1",
    f"-I{ROOT}",
    f"-I{BOARD}",
    f"-I{LWIP / 'include'}",
]
OWN = ["-Wall", "-Wextra", "-Werror"]

CORE = [
    "armor",
    "copy",
    "datapath",
    "hosts",
    "inbound",
    "judge",
    "outbound",
    "poly1305",
    "reassembly",
    "records",
    "ring",
    "rules",
    "rules_compile",
    "rules_frame",
    "salsa20",
    "tables",
]
GLUE = ["glue", "netif", "aliases", "routes", "tap"]
BENCH = ["bench", "rules_case"]
STACK = [
    *(
        "core/def.c",
        "core/inet_chksum.c",
        "core/init.c",
        "core/ip.c",
        "core/mem.c",
        "core/memp.c",
        "core/netif.c",
    ),
    *(
        "core/pbuf.c",
        "core/raw.c",
        "core/stats.c",
        "core/tcp.c",
        "core/tcp_in.c",
        "core/tcp_out.c",
        "core/timeouts.c",
    ),
    *(
        "core/udp.c",
        "core/dns.c",
        "core/ipv4/etharp.c",
        "core/ipv4/icmp.c",
        "core/ipv4/igmp.c",
        "core/ipv4/ip4.c",
    ),
    *(
        "core/ipv4/ip4_addr.c",
        "core/ipv4/ip4_frag.c",
        "core/ipv6/ethip6.c",
        "core/ipv6/icmp6.c",
        "core/ipv6/inet6.c",
    ),
    *(
        "core/ipv6/ip6.c",
        "core/ipv6/ip6_addr.c",
        "core/ipv6/ip6_frag.c",
        "core/ipv6/mld6.c",
        "core/ipv6/nd6.c",
    ),
    "netif/ethernet.c",
]

# Memory of the emulated machine: code and constants, then data.
MEMORY = {
    "__flash": 0x80000000,
    "__flash_size": 0x200000,
    "__ram": 0x80200000,
    "__ram_size": 0x400000,
}
EMULATOR = [
    *(
        "qemu-system-riscv32",
        "-M",
        "virt",
        "-bios",
        "none",
        "-display",
        "none",
        "-serial",
        "none",
        "-monitor",
        "none",
    ),
    *("-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel"),
]
TIMEOUT = 60  # s

# Figure -> the most instructions that it may take; None: for information.
TARGETS = {
    "armor 1400": 42000,
    "dearmor 1400": 42000,
    "armor 60": None,
    "dearmor 60": None,
    "armor 1400 misplaced": None,
    "dearmor 1400 misplaced": None,
    "datagram to input 1400": 48000,
    "datagram to input 60": 6500,
    "datagrams to input 2814": None,
    "linkoutput to datagram 1400": 48000,
    "linkoutput to datagram 60": 6500,
    "linkoutput to datagrams 2814": None,
    "memory of the stack that all these took at most": None,
    "rules 1, instructions per frame": None,
    "rules 16, instructions per frame": None,
    "rules 64, instructions per frame": None,
    "memory of 1 rule": None,
    "memory of 16 rules": None,
    "memory of 64 rules": None,
    "memory of a peer on up to 4 networks": None,
    "memory of a network with up to 64 peers": None,
}
MEMORY_FIGURE = "memory of "


def run(*command: str | Path) -> str:
    """What a command prints; ends the program with it if the command fails."""
    result = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
    )
    if result.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{result.stdout}")
    return result.stdout


def compile_all() -> Path:
    """Builds the program. What core/fast.txt lists is for speed, all else for size, as in micropython.mk."""
    OUT.mkdir(parents=True, exist_ok=True)
    fast = (CMODULE / "core" / "fast.txt").read_text().splitlines()
    sources = [
        (CMODULE / "core" / f"{name}.c", ["-O2" if f"{name}.c" in fast else "-Os", *OWN])
        for name in CORE
    ]
    sources += [(CMODULE / "lwip" / f"{name}.c", ["-Os", *OWN]) for name in GLUE]
    sources += [(LWIP / name, ["-Os", "-w"]) for name in STACK]
    sources += [(Path(__file__).parent / f"{name}.c", ["-O2", *OWN]) for name in BENCH]
    objects = []
    for source, flags in sources:
        objects.append(OUT / f"{source.parent.name}_{source.stem}.o")
        run("riscv64-unknown-elf-gcc", *COMMON, *flags, "-c", source, "-o", objects[-1])
    program = OUT / "bench.elf"
    memory = [f"-Wl,--defsym={name}={value:#x}" for name, value in MEMORY.items()]
    libraries = ["--crt0=semihost", "--oslib=semihost", "-Wl,--gc-sections", *memory]
    run("riscv64-unknown-elf-gcc", *TARGET, *objects, *libraries, "-o", program)
    return program


def figures() -> list[dict]:
    """Builds and runs; one entry for each figure, in the form of build/bench/results.json."""
    measured = [json.loads(line) for line in run(*EMULATOR, compile_all()).splitlines()]
    results = []
    for entry in measured:
        target = TARGETS[entry["figure"]]
        results.append(
            {
                "figure": f"rv32: {entry['figure']}",
                "value": entry["value"],
                "unit": "bytes" if entry["figure"].startswith(MEMORY_FIGURE) else "instructions",
                "target": None if target is None else f"<= {target}",
                "met": None if target is None else entry["value"] <= target,
            }
        )
    if len(results) != len(TARGETS):
        sys.exit("the program ended too early")
    return results


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="instructions per packet on a 32-bit RISC-V core")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON list instead of a table"
    )
    arguments = parser.parse_args()
    results = figures()
    if arguments.json:
        print(json.dumps(results, indent=1))
        return
    for entry in results:
        verdict = {None: "", True: "met", False: "MISSED"}[entry["met"]]
        print(f"{entry['figure']:40} {entry['value']:7} {entry['target'] or '':10} {verdict}")


if __name__ == "__main__":
    main()
