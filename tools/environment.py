#!/usr/bin/env python3
"""Prepares the machine for a build: Debian's tools where they are missing, and build/venv.

Owns: which tools must be installed, and the Python environment that the build and the tests run in.
Never: fetches sources (tools/sources.py) or compiles firmware (Makefile); touches the network when
nothing is missing.

    python3 tools/environment.py system      the compiler, Python's headers and other Debian packages
    python3 tools/environment.py emulator    the cross compiler and the emulator of the boards
    python3 tools/environment.py fuzzer      clang and its sanitizers
    python3 tools/environment.py router      what the tests with home routers run in them
    python3 tools/environment.py venv        build/venv with tools/requirements.txt
    python3 tools/environment.py project     this project installed into build/venv, editable
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "build" / "venv"
MINIMUM_PYTHON = (3, 10)

# Debian package -> the command that shows that it is there.
COMMANDS = {"gcc": "gcc", "make": "make", "xz-utils": "xz", "iproute2": "ip"}

# What only the emulated boards need. The C libraries come without a command.
EMULATOR = {
    "gcc-riscv64-unknown-elf": "riscv64-unknown-elf-gcc",
    "picolibc-riscv64-unknown-elf": "",
    "gcc-xtensa-lx106": "xtensa-lx106-elf-gcc",
    "picolibc-xtensa-lx106-elf": "",
    "qemu-system-misc": "qemu-system-riscv32",
}
PICOLIBC = {
    "picolibc-riscv64-unknown-elf": "/usr/lib/picolibc/riscv64-unknown-elf/include/stdio.h",
    "picolibc-xtensa-lx106-elf": "/usr/lib/xtensa-lx106-elf/include/stdio.h",
}

# What only fuzzing needs. The sanitizers' libraries come without a command.
FUZZER = {"clang": "clang", "libclang-rt-14-dev": ""}
SANITIZERS = "lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a"  # under any /usr/lib/llvm-*

# What only the tests with home routers and firewalls need: NAT, a daemon that forwards ports, ping.
ROUTER = {"nftables": "nft", "miniupnpd-nftables": "miniupnpd", "iputils-ping": "ping"}


def is_missing(package: str) -> bool:
    """Whether what the Debian package brings is not on this machine, however it got there."""
    if package == "python3-dev":
        return not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists()
    if package == "python3-venv":
        return find_spec("ensurepip") is None
    if package in PICOLIBC:
        return not Path(PICOLIBC[package]).exists()
    if package == "libclang-rt-14-dev":
        return not any(Path("/usr/lib").glob(f"llvm-*/{SANITIZERS}"))
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    commands = {**COMMANDS, **EMULATOR, **FUZZER, **ROUTER}
    return shutil.which(commands[package], path=path) is None


def run(command: list[str], log: str, **variables: str) -> None:
    """Runs a command with its output in build/<log>, of which a failure shows the end."""
    path = ROOT / "build" / log
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        code = subprocess.call(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
        )
    if code != 0:
        lines = path.read_text(errors="replace").splitlines()
        print("\n".join(lines[-20:]), file=sys.stderr)
        sys.exit(f"environment: {Path(command[0]).name} failed, the whole log is build/{log}")


def system() -> None:
    """What every build needs."""
    if sys.version_info < MINIMUM_PYTHON:
        sys.exit("environment: Python 3.10 or newer is needed")
    provide((*COMMANDS, "python3-dev", "python3-venv"))


def emulator() -> None:
    """What the emulated boards need besides: 250 MB to fetch, 1.8 GB on the disk."""
    provide(tuple(EMULATOR))


def fuzzer() -> None:
    """What fuzzing needs besides: clang and its sanitizers."""
    provide(tuple(FUZZER))


def router() -> None:
    """What the tests with home routers need besides."""
    provide(tuple(ROUTER))


def provide(packages: tuple[str, ...]) -> None:
    """Installs the Debian packages that are missing if that is possible, else names them."""
    missing = [name for name in packages if is_missing(name)]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(
            f"environment: install these packages first (names as in Debian): {' '.join(missing)}"
        )
    print(f"installing {' '.join(missing)}", flush=True)
    run(["apt-get", "update"], "apt.log")
    run(
        ["apt-get", "install", "--yes", "--no-install-recommends", *missing],
        "apt.log",
        DEBIAN_FRONTEND="noninteractive",
    )


def venv() -> None:
    """Makes build/venv, which sees nothing of the machine's own packages, and fills it."""
    python = VENV / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", "--clear", str(VENV)], "venv.log")
    requirements = str(ROOT / "tools" / "requirements.txt")
    run([str(python), "-m", "pip", "install", "--requirement", requirements], "venv.log")


def project() -> None:
    """Installs the project's own package, with the C module compiled for CPython, into build/venv."""
    # Without build isolation: what builds it is pinned in tools/requirements.txt, and nothing is fetched.
    run(
        [
            str(VENV / "bin" / "pip"),
            "install",
            "--no-build-isolation",
            "--no-deps",
            "--editable",
            ".",
        ],
        "project.log",
    )


STEPS = {
    "system": system,
    "emulator": emulator,
    "fuzzer": fuzzer,
    "router": router,
    "venv": venv,
    "project": project,
}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in STEPS:
        sys.exit(f"usage: environment.py {'|'.join(STEPS)}")
    STEPS[sys.argv[1]]()
